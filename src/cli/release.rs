//! `stipend release`: ends a hold without a charge.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show,
    value::Id,
};
use crate::proto::v1;

/// End a hold without a charge
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Release {
    /// The account
    account: String,

    /// The reservation's id
    reservation: String,

    /// Why, for the activity log
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    reason: String,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend release acme reply-17 --reason 'the customer hung up'

The same command again gets the same answer.";

impl Release {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, reservation, reason, to } = self;
        to.talk(async |client: Client| {
            let id = Id::given(&reservation);
            let request = v1::ReleaseRequest { account: account.clone(), reservation_id: reservation, reason };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&account).await;
            let text = || format!("Released: {id}\n\n{}", show::balances(&answer.balances, &zone));
            client.out().answer::<v1::ReleaseRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
