//! `stipend commit`: ends a hold by charging what was used.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show::{self, Scales},
    value::{self, Id},
};
use crate::proto::v1;

/// Charge what was really used of a hold; the rest returns
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Commit {
    /// The account
    account: String,

    /// The reservation's id
    reservation: String,

    /// Quantities used, one per item in order, separated by commas; without it, all as reserved
    #[arg(long, value_name = "QUANTITY,…", value_delimiter = ',', value_parser = value::amount)]
    used: Vec<i64>,

    /// Something to add to the activity of the commit; may be given several times
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = value::pair)]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend commit acme reply-17
  stipend commit acme reply-17 --used 1,0     # the first item once, the second not at all

The same command again charges nothing more and gets the same answer.";

impl Commit {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, reservation, used, metadata, to } = self;
        to.talk(async |client: Client| {
            let id = Id::given(&reservation);
            let request = v1::CommitRequest {
                account: account.clone(),
                reservation_id: reservation,
                quantities: used,
                metadata: metadata.into_iter().collect(),
            };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&account).await;
            let text = || {
                let scales = Scales::of(&answer.balances);
                let late = if answer.late { ", late: the hold had expired" } else { "" };
                let charges = show::charges(&answer.charges, &scales);
                format!("Committed: {id}{late}\n\n{charges}\n{}", show::balances(&answer.balances, &zone))
            };
            client.out().answer::<v1::CommitRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
