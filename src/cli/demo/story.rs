//! The stories of the day: who is in them, and what each found when it added up what its callers were told and what the
//! service says.

mod agents;
mod anniversary;
mod importer;
mod overage;
mod runaway;
mod rush;
mod voice;

use std::fmt::Display;

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::stage::Stage;
use crate::proto::v1;

/// One customer: an account and the pool that its story is about.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub account: &'static str,
    pub pool: &'static str,
    catalog: &'static str,
    plan: &'static str,
    /// Something happens to it that is worth a line.
    pub eventful: bool,
}

/// In the order that they are shown.
pub const CAST: [Part; 7] =
    [agents::PART, voice::PART, importer::PART, runaway::PART, overage::PART, anniversary::PART, rush::PART];

/// Titles, in the order of the cast.
pub const TITLES: [&str; 7] = ["agents", "voice", "importer", "runaway", "overage", "anniversary", "rush hour"];

/// What came of a story.
#[derive(Debug)]
pub struct Told {
    pub title: &'static str,
    /// One sentence with its numbers.
    pub line: String,
    /// What does not agree; empty when all does.
    pub problems: Vec<String>,
}

impl Told {
    fn new(title: &'static str, line: String, sums: Sums) -> Self {
        Self { title, line, problems: sums.problems }
    }
}

/// Compares what must be equal.
#[derive(Debug, Default)]
struct Sums {
    problems: Vec<String>,
}

impl Sums {
    fn equal<T: Copy + PartialEq + Display>(&mut self, what: &str, told: T, expected: T) {
        if told != expected {
            self.problems.push(format!("{what}: {told}, and should be {expected}"));
        }
    }

    /// Counters of a balance that must hold at the end of any story.
    fn balance(&mut self, balance: &v1::Balance, consumed: i64) {
        self.equal("consumed, as the balance says", balance.consumed, consumed);
        self.equal("held when all is over", balance.held, 0);
        let granted: i64 = balance.grants.iter().map(|grant| grant.amount).sum();
        let whole = balance.remaining + balance.consumed - balance.overage;
        self.equal("remaining + consumed - overage", whole, granted);
    }
}

/// Makes the accounts of all stories.
pub async fn open_accounts(stage: &Stage) -> anyhow::Result<()> {
    for part in CAST {
        let mut account = v1::Account {
            id: stage.id(part.account),
            catalog: part.catalog.to_owned(),
            plan: part.plan.to_owned(),
            ..v1::Account::default()
        };
        match part.account {
            name if name == overage::PART.account => overage::prepare(&mut account),
            name if name == anniversary::PART.account => anniversary::prepare(&mut account)?,
            name if name == rush::PART.account => rush::prepare(&mut account),
            _ => {}
        }
        let request = v1::PutAccountRequest { account: Some(account) };
        stage.accounts().put_account(request).await.with_context(|| format!("cannot make {}", part.account))?;
    }
    Ok(())
}

/// Starts all stories; each result is what came of one.
pub fn start(stage: &Stage) -> JoinSet<anyhow::Result<Told>> {
    let mut stories = JoinSet::new();
    stories.spawn(agents::play(stage.clone()));
    stories.spawn(voice::play(stage.clone()));
    stories.spawn(importer::play(stage.clone()));
    stories.spawn(runaway::play(stage.clone()));
    stories.spawn(overage::play(stage.clone()));
    stories.spawn(anniversary::play(stage.clone()));
    stories.spawn(rush::play(stage.clone()));
    stories
}

/// Those of `count` things that fall to one of `callers`.
fn share(caller: u32, callers: u32, count: u32) -> impl Iterator<Item = u32> {
    (caller..count).step_by(callers as usize)
}

/// Credits that items were charged.
fn credits(charges: &[v1::ItemCharge]) -> i64 {
    charges.iter().map(|charge| charge.credits).sum()
}
