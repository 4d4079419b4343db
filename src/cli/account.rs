//! `stipend account`: the customers whose credits are spent.

mod put;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    client::{Client, Failure, To},
    exit::Exit,
    show,
};
use crate::proto::v1;

/// Create, change, show and remove accounts
#[derive(Debug, Args)]
pub struct Account {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Put(Box<put::Put>),
    Get(Get),
    List(List),
    ChangePlan(ChangePlan),
    Rm(Rm),
}

/// Show an account
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend account get acme\n  stipend account get acme --json > acme.json")]
struct Get {
    /// The account
    account: String,

    #[command(flatten)]
    to: To,
}

/// List accounts in the order of their ids
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend account list --limit 20")]
struct List {
    /// Most rows
    #[arg(long, default_value_t = 1_000, value_name = "ROWS")]
    limit: usize,

    #[command(flatten)]
    to: To,
}

/// Move an account to another plan, or to another catalog version of its plan
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend account change-plan acme professional\n  \
                        stipend account change-plan acme starter --when at-reset\n\n\
                        The same command again changes nothing more.")]
struct ChangePlan {
    /// The account
    account: String,

    /// The plan; without one, the plan that it has
    #[arg(default_value = "", hide_default_value = true)]
    plan: String,

    /// The catalog version; without one, the newest
    #[arg(long, default_value = "", value_name = "VERSION", hide_default_value = true)]
    catalog_version: String,

    /// When it is to happen
    #[arg(long, value_enum, default_value_t = When::Now)]
    when: When,

    #[command(flatten)]
    to: To,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    /// The allowance is replaced, what was consumed stays consumed, top-ups stay
    Now,
    /// At the end of the plan's current cycle
    AtReset,
}

/// Remove an account with everything that it has: balances, holds, grants, budgets. It cannot be undone
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend account rm acme --yes")]
struct Rm {
    /// The account
    account: String,

    /// Yes, remove it
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    to: To,
}

impl Account {
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Put(put) => put.run(),
            Command::Get(get) => get.run(),
            Command::List(list) => list.run(),
            Command::ChangePlan(change) => change.run(),
            Command::Rm(rm) => rm.run(),
        }
    }
}

impl Get {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, to } = self;
        to.talk(async |client: Client| {
            let answer = client.call(v1::GetAccountRequest { account }).await?;
            client.out().answer::<v1::GetAccountRequest>(&answer, || show::account(&answer))?;
            Ok(Exit::Done)
        })
    }
}

impl List {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { limit, to } = self;
        to.talk(async |client: Client| {
            let request = |page_size, page_token| v1::ListAccountsRequest { page_size, page_token };
            let rows = |answer: v1::ListAccountsResponse| (answer.accounts, answer.next_page_token);
            let listed = client.list("listing accounts", limit, request, rows).await?;
            listed.tell_of_more();
            let answer = v1::ListAccountsResponse { accounts: listed.rows, next_page_token: listed.next_page_token };
            client.out().answer::<v1::ListAccountsRequest>(&answer, || show::accounts(&answer.accounts))?;
            Ok(Exit::Done)
        })
    }
}

impl ChangePlan {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, plan, catalog_version, when, to } = self;
        to.talk(async |client: Client| {
            let when = match when {
                When::Now => v1::change_plan_request::When::Now,
                When::AtReset => v1::change_plan_request::When::AtReset,
            };
            let request = v1::ChangePlanRequest { account, plan, catalog_version, when: when.into() };
            let answer = client.call(request).await?;
            client.out().answer::<v1::ChangePlanRequest>(&answer, || show::account(&answer))?;
            Ok(Exit::Done)
        })
    }
}

impl Rm {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, yes, to } = self;
        if !yes {
            let message =
                format!("{account} would be removed with its balances and history; say --yes if that is meant");
            return Err(Failure { json: to.json, ..Failure::new(Exit::Usage, message) }.into());
        }
        to.talk(async |client: Client| {
            let answer = client.call(v1::DeleteAccountRequest { account: account.clone() }).await?;
            client.out().answer::<v1::DeleteAccountRequest>(&answer, || format!("Removed: {account}"))?;
            Ok(Exit::Done)
        })
    }
}
