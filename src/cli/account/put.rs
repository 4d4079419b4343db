//! `stipend account put`: makes an account, or changes what the flags name and leaves the rest.
//!
//! The API's `PutAccount` replaces labels, addresses and overrides as a whole. Here the account is read first and the flags
//! laid over it; between two people who change the same account at once, the later one wins.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use prost_types::Timestamp as Moment;

use super::super::{
    client::{Client, Failure, To},
    exit::Exit,
    show, value,
};
use crate::proto::v1::{self, account::Status as Wire};

/// Largest file that is read; a request has less.
const FILE_MAX: u64 = 1 << 20;

/// Create an account, or change what is named of it; what is not named stays
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Put {
    /// The account's id
    account: String,

    /// Its plan; a new account needs one. Another plan applies at once
    #[arg(long)]
    plan: Option<String>,

    /// The catalog of its plan; not needed when one is loaded
    #[arg(long)]
    catalog: Option<String>,

    /// The version of the catalog that it stays on; without one, a new account gets the newest
    #[arg(long, value_name = "VERSION")]
    catalog_version: Option<String>,

    /// The IANA zone that its cycles live in, such as `Europe/Berlin`; set when it is made
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,

    /// When its cycles are counted from: the billing day; set when it is made
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    anchor: Option<Moment>,

    /// Whether it may spend
    #[arg(long, value_enum)]
    status: Option<Status>,

    /// A label to set; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = value::pair)]
    labels: Vec<(String, String)>,

    /// A label to take away; may be given several times
    #[arg(long = "no-label", value_name = "KEY")]
    no_labels: Vec<String>,

    /// An e-mail address that is to hear of its events; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    notify: Vec<String>,

    /// An address that is to hear no more; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    no_notify: Vec<String>,

    /// Terms of its own for a pool, `POOL,allowance=N`, `POOL,cap=soft` or `POOL,limit=N`; may be given several times
    #[arg(long = "override", value_name = "POOL,KEY=VALUE…", value_parser = terms)]
    overrides: Vec<(String, v1::PoolOverride)>,

    /// A pool that is to have the plan's terms again; may be given several times
    #[arg(long = "no-override", value_name = "POOL")]
    no_overrides: Vec<String>,

    /// Let it live on its own time, which starts here and stands still until `stipend clock advance`; set when it is made
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    test_clock: Option<Moment>,

    /// Take the account as it is to be from a file in JSON, as `account get --json` prints it (`-` is standard input);
    /// flags go over it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    to: To,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Active,
    /// Spending is denied; open holds can still be ended
    Suspended,
}

const EXAMPLES: &str = "\
Examples:
  stipend account put acme --plan starter --zone Europe/Berlin --anchor 2026-01-31
  stipend account put acme --label tier=gold --override ai_credits,allowance=800
  stipend account put acme --status suspended
  stipend account put acme-test --plan starter --test-clock 2026-01-01

The same command again changes nothing more.";

impl Put {
    pub fn run(self) -> anyhow::Result<Exit> {
        let given = self.file.as_deref().map(read).transpose()?;
        self.to.talk(async |client: Client| {
            let base = match given {
                Some(account) => account,
                None => present(&client, &self.account).await?,
            };
            let answer = client.call(v1::PutAccountRequest { account: Some(self.over(base)) }).await?;
            client.out().answer::<v1::PutAccountRequest>(&answer, || show::account(&answer))?;
            Ok(Exit::Done)
        })
    }

    /// The account with the flags laid over it.
    fn over(&self, mut account: v1::Account) -> v1::Account {
        let set = |field: &mut String, flag: &Option<String>| {
            if let Some(text) = flag {
                field.clone_from(text);
            }
        };
        account.id.clone_from(&self.account);
        set(&mut account.plan, &self.plan);
        set(&mut account.catalog, &self.catalog);
        set(&mut account.catalog_version, &self.catalog_version);
        set(&mut account.time_zone, &self.zone);
        account.anchor_time = self.anchor.or(account.anchor_time);
        account.test_clock = self.test_clock.or(account.test_clock);
        match self.status {
            None => {}
            Some(Status::Active) => account.set_status(Wire::Active),
            Some(Status::Suspended) => account.set_status(Wire::Suspended),
        }
        account.labels.retain(|key, _| !self.no_labels.contains(key));
        account.labels.extend(self.labels.iter().cloned());
        account.notify.retain(|address| !self.no_notify.contains(address));
        for address in &self.notify {
            if !account.notify.contains(address) {
                account.notify.push(address.clone());
            }
        }
        account.overrides.retain(|pool, _| !self.no_overrides.contains(pool));
        for (pool, terms) in &self.overrides {
            let own = account.overrides.entry(pool.clone()).or_default();
            own.allowance = terms.allowance.or(own.allowance);
            own.limit = terms.limit.or(own.limit);
            if terms.cap() != v1::Cap::Unspecified {
                own.cap = terms.cap;
            }
        }
        account
    }
}

/// What of an account would be replaced as a whole, as it is; nothing where it is new.
async fn present(client: &Client, id: &str) -> Result<v1::Account, Failure> {
    match client.ask(v1::GetAccountRequest { account: id.to_owned() }).await {
        // What is left empty stays as it is; a version that is repeated would bind another plan to it.
        Ok(v1::Account { labels, notify, overrides, status, .. }) => {
            Ok(v1::Account { labels, notify, overrides, status, ..v1::Account::default() })
        }
        Err(failure) if failure.exit == Exit::NotFound => Ok(v1::Account::default()),
        Err(failure) => Err(failure),
    }
}

/// Reads an account in proto3 JSON.
fn read(path: &Path) -> Result<v1::Account, Failure> {
    let named = path.display();
    let wrong = |problem: String| Failure::new(Exit::Usage, format!("{named}: {problem}"));
    let file: io::Result<Box<dyn io::Read>> = match path.to_str() {
        Some("-") => Ok(Box::new(io::stdin())),
        _ => File::open(path).map(|file| Box::new(file) as Box<dyn io::Read>),
    };
    let mut text = String::new();
    let read = file.and_then(|file| file.take(FILE_MAX).read_to_string(&mut text));
    read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let pool = DescriptorPool::decode(crate::proto::DESCRIPTORS).expect("the build wrote them");
    let form = pool.get_message_by_name("stipend.v1.Account").expect("the proto has it");
    let mut json = serde_json::Deserializer::from_str(&text);
    let message = DynamicMessage::deserialize(form, &mut json).and_then(|message| json.end().map(|()| message));
    let message = message.map_err(|problem| wrong(format!("is no account in JSON: {problem}")))?;
    v1::Account::decode(message.encode_to_vec().as_slice()).map_err(|problem| wrong(problem.to_string()))
}

/// Reads `POOL,allowance=N,cap=soft,limit=N`.
fn terms(text: &str) -> Result<(String, v1::PoolOverride), String> {
    let mut parts = text.split(',');
    let pool = parts.next().unwrap_or_default().to_owned();
    let mut terms = v1::PoolOverride::default();
    for part in parts {
        match value::pair(part).map_err(|problem| format!("`{part}` {problem}"))? {
            (key, number) if key == "allowance" => terms.allowance = Some(value::amount(&number)?),
            (key, number) if key == "limit" => terms.limit = Some(value::amount(&number)?),
            (key, cap) if key == "cap" => match cap.as_str() {
                "hard" => terms.set_cap(v1::Cap::Hard),
                "soft" => terms.set_cap(v1::Cap::Soft),
                _ => return Err("cap must be hard or soft".to_owned()),
            },
            (key, _) => return Err(format!("`{key}` must be allowance, cap or limit")),
        }
    }
    if pool.is_empty() || terms == v1::PoolOverride::default() {
        return Err("must be POOL,KEY=VALUE, as in ai_credits,allowance=800".to_owned());
    }
    Ok((pool, terms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_of_a_pool_are_read() {
        let (pool, own) = terms("ai_credits,allowance=1_000,cap=soft").expect("terms");
        assert_eq!(
            (pool.as_str(), own.allowance, own.cap(), own.limit),
            ("ai_credits", Some(1_000), v1::Cap::Soft, None)
        );
        for bad in ["", "ai_credits", ",limit=1", "a,limit", "a,limit=-1", "a,cap=none", "a,price=1"] {
            assert!(terms(bad).is_err(), "{bad}");
        }
    }
}
