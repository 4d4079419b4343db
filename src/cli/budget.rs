//! `stipend budget`: named sub-limits inside an account.

use clap::{Args, Subcommand, ValueEnum};

use super::{
    client::{Client, To},
    exit::Exit,
    show, value,
};
use crate::proto::v1;

/// Set, list and remove budgets: sub-limits inside an account
#[derive(Debug, Args)]
pub struct Budget {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Put(Put),
    List(List),
    Rm(Rm),
}

/// Create a budget, or change its limit, cap or cycle; what it has consumed stays
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend budget put acme agent:anna ai_credits 100 --cycle '1 day'\n\n\
                        The same command again changes nothing more.")]
struct Put {
    /// The account
    account: String,

    /// The budget's name, such as `agent:anna`
    name: String,

    /// The pool whose credits it counts
    pool: String,

    /// Most credits of a cycle
    #[arg(value_parser = value::amount)]
    limit: i64,

    /// What happens at the limit
    #[arg(long, value_enum, default_value_t = Cap::Hard)]
    cap: Cap,

    /// How often it starts afresh, such as `1 day` or `2 weeks`; without it, never
    #[arg(long, default_value = "", value_name = "CYCLE", hide_default_value = true)]
    cycle: String,

    #[command(flatten)]
    to: To,
}

/// How a limit behaves.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Cap {
    /// Refuse
    Hard,
    /// Count, and never refuse
    Soft,
}

impl From<Cap> for v1::Cap {
    fn from(cap: Cap) -> Self {
        match cap {
            Cap::Hard => Self::Hard,
            Cap::Soft => Self::Soft,
        }
    }
}

/// List the budgets of an account in the order of their names
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend budget list acme")]
struct List {
    /// The account
    account: String,

    /// Most rows
    #[arg(long, default_value_t = 1_000, value_name = "ROWS")]
    limit: usize,

    #[command(flatten)]
    to: To,
}

/// Remove a budget
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stipend budget rm acme agent:anna")]
struct Rm {
    /// The account
    account: String,

    /// The budget's name
    name: String,

    #[command(flatten)]
    to: To,
}

impl Budget {
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Put(put) => put.run(),
            Command::List(list) => list.run(),
            Command::Rm(rm) => rm.run(),
        }
    }
}

impl Put {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, name, pool, limit, cap, cycle, to } = self;
        to.talk(async |client: Client| {
            let budget =
                v1::Budget { name, pool, limit, cap: v1::Cap::from(cap).into(), cycle, ..v1::Budget::default() };
            let request = v1::PutBudgetRequest { account: account.clone(), budget: Some(budget) };
            let answer = client.call(request).await?;
            let zone = client.zone(&account).await;
            let text = || show::budgets(std::slice::from_ref(&answer), &zone);
            client.out().answer::<v1::PutBudgetRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}

impl List {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, limit, to } = self;
        to.talk(async |client: Client| {
            let request =
                |page_size, page_token| v1::ListBudgetsRequest { account: account.clone(), page_size, page_token };
            let rows = |answer: v1::ListBudgetsResponse| (answer.budgets, answer.next_page_token);
            let listed = client.list("listing budgets", limit, request, rows).await?;
            let zone = client.zone(&account).await;
            listed.tell_of_more();
            let answer = v1::ListBudgetsResponse { budgets: listed.rows, next_page_token: listed.next_page_token };
            client.out().answer::<v1::ListBudgetsRequest>(&answer, || show::budgets(&answer.budgets, &zone))?;
            Ok(Exit::Done)
        })
    }
}

impl Rm {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, name, to } = self;
        to.talk(async |client: Client| {
            let request = v1::DeleteBudgetRequest { account, name: name.clone() };
            let answer = client.call(request).await?;
            client.out().answer::<v1::DeleteBudgetRequest>(&answer, || format!("Removed: {name}"))?;
            Ok(Exit::Done)
        })
    }
}
