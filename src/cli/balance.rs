//! `stipend balance`: what an account has.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show,
};
use crate::proto::v1;

/// Show what an account has, exact at this moment
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Balance {
    /// The account
    account: String,

    /// Pools of its plan; without one, all
    pools: Vec<String>,

    /// Show the grants behind it, in draw order
    #[arg(long)]
    grants: bool,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend balance acme
  stipend balance acme ai_credits --grants
  stipend balance acme --json | jq -r '.balances[] | [.pool, .available] | @tsv'";

impl Balance {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, pools, grants, to } = self;
        to.talk(async |client: Client| {
            let answer = client.call(v1::GetBalanceRequest { account: account.clone(), pools }).await?;
            let zone = client.zone(&account).await;
            let text = || {
                let mut text = show::balances(&answer.balances, &zone);
                if grants {
                    text.push('\n');
                    text.push_str(&show::grants(&answer.balances, &zone));
                }
                text
            };
            client.out().answer::<v1::GetBalanceRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
