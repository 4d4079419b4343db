//! `stipend extend`: more quantity or more time for a live hold.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show::{self, Scales},
    value::{self, Id},
};
use crate::proto::v1::{self, extend_response::Outcome};

/// Ask for more quantity, more time, or both, on a live hold; refused, it stays as it was
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Extend {
    /// The account
    account: String,

    /// The reservation's id
    reservation: String,

    /// Quantities to add, one per item in order, separated by commas
    #[arg(long, value_name = "QUANTITY,…", value_delimiter = ',', value_parser = value::amount)]
    add: Vec<i64>,

    /// Total quantities used so far, one per item in order; charged on expiry where the action says so
    #[arg(long, value_name = "QUANTITY,…", value_delimiter = ',', value_parser = value::amount)]
    used: Vec<i64>,

    /// The hold is to live this long from now, such as `5m`
    #[arg(long, value_name = "DURATION", value_parser = value::wire_duration)]
    ttl: Option<prost_types::Duration>,

    /// Id of this extension; without one, a new one is made. The same command again with the same id adds nothing more
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend extend acme call-7 --add 300 --ttl 10m --id call-7-minute-5
  stipend extend acme call-7 --used 280";

impl Extend {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, reservation, add, used, ttl, id, to } = self;
        to.talk(async |client: Client| {
            let id = Id::or_made(id);
            let request = v1::ExtendRequest {
                account: account.clone(),
                reservation_id: reservation,
                extend_id: id.to_string(),
                quantities: add,
                used,
                ttl,
            };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&account).await;
            let text = || {
                let scales = Scales::of(&answer.balances);
                let outcome = match &answer.outcome {
                    Some(Outcome::Granted(held)) => show::granted("Extended", held, &scales, &zone),
                    Some(Outcome::Denied(denial)) => show::denied(denial, &scales, &zone),
                    None => String::new(),
                };
                format!("{outcome}\n{}", show::balances(&answer.balances, &zone))
            };
            client.out().answer::<v1::ExtendRequest>(&answer, text)?;
            Ok(match answer.outcome {
                Some(Outcome::Granted(_)) | None => Exit::Done,
                Some(Outcome::Denied(_)) => Exit::Denied,
            })
        })
    }
}
