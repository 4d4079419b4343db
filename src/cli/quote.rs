//! `stipend quote`: what items would cost.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    item::{self, Wanted},
    show::{self, Scales},
};
use crate::proto::v1;

/// Show what items would cost, and whether they would be granted; nothing is held
#[derive(Debug, Args)]
#[command(after_help = format!("{}\n\n{EXAMPLES}", item::HELP))]
pub struct Quote {
    #[command(flatten)]
    wanted: Wanted,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend quote acme website_sync=3
  stipend quote acme ai_reply=100 --json";

impl Quote {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { wanted, to } = self;
        to.talk(async |client: Client| {
            let account = wanted.account.clone();
            let request = v1::QuoteRequest { account: wanted.account, items: wanted.items, budgets: wanted.budgets };
            let answer = client.call(request).await?;
            let zone = client.zone(&account).await;
            let text = || {
                let scales = Scales::of(&answer.balances);
                let verdict = match &answer.denied {
                    Some(denial) => show::denied(denial, &scales, &zone),
                    None => "Would be granted.\n".to_owned(),
                };
                let items = show::reserved(&answer.items, &scales);
                format!("{verdict}\n{items}\n{}", show::balances(&answer.balances, &zone))
            };
            client.out().answer::<v1::QuoteRequest>(&answer, text)?;
            Ok(if answer.denied.is_some() { Exit::Denied } else { Exit::Done })
        })
    }
}
