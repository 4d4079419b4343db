//! `stipend reserve`: holds credits while work runs.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    item::{self, Wanted},
    show::{self, Scales},
    value::{self, Id},
};
use crate::proto::v1::{self, reserve_response::Outcome};

/// Hold credits for items, until they are committed, released or the hold expires
#[derive(Debug, Args)]
#[command(after_help = format!("{}\n\n{EXAMPLES}", item::HELP))]
pub struct Reserve {
    #[command(flatten)]
    wanted: Wanted,

    /// Id of the reservation; without one, a new one is made and printed. The same command again with the same id holds
    /// nothing more and gets the same answer
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// How long the hold lives, such as `5m`; without it, as the catalog says
    #[arg(long, value_name = "DURATION", value_parser = value::wire_duration)]
    ttl: Option<prost_types::Duration>,

    /// Something to keep with the reservation; may be given several times
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = value::pair)]
    metadata: Vec<(String, String)>,

    /// Decide as if for real, and hold nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend reserve acme ai_reply=2 --id reply-17
  stipend reserve acme call_second=300,min=60 --ttl 10m --budget agent:anna
  stipend reserve acme ai_reply ai_command || echo \"exit code $?: 3 is a refusal\"";

impl Reserve {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { wanted, id, ttl, metadata, dry_run, to } = self;
        to.talk(async |client: Client| {
            let id = Id::or_made(id);
            let request = v1::ReserveRequest {
                account: wanted.account.clone(),
                reservation_id: id.to_string(),
                items: wanted.items,
                ttl,
                budgets: wanted.budgets,
                metadata: metadata.into_iter().collect(),
                dry_run,
            };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&wanted.account).await;
            let text = || {
                let scales = Scales::of(&answer.balances);
                let outcome = match &answer.outcome {
                    Some(Outcome::Granted(held)) => {
                        let done = if dry_run { "Would be granted" } else { "Granted" };
                        show::granted(done, held, &scales, &zone)
                    }
                    Some(Outcome::Denied(denial)) => show::denied(denial, &scales, &zone),
                    None => String::new(),
                };
                format!("{outcome}\n{}", show::balances(&answer.balances, &zone))
            };
            client.out().answer::<v1::ReserveRequest>(&answer, text)?;
            Ok(match answer.outcome {
                Some(Outcome::Granted(_)) | None => Exit::Done,
                Some(Outcome::Denied(_)) => Exit::Denied,
            })
        })
    }
}
