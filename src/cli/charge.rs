//! `stipend charge`: reserves and commits in one step.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    item::{self, Wanted},
    show::{self, Scales},
    value::{self, Id},
};
use crate::proto::v1::{self, charge_response::Outcome};

/// Charge items in one step, for work whose cost is known
#[derive(Debug, Args)]
#[command(after_help = format!("{}\n\n{EXAMPLES}", item::HELP))]
pub struct Charge {
    #[command(flatten)]
    wanted: Wanted,

    /// Id of the charge; without one, a new one is made and printed. The same command again with the same id charges
    /// nothing more and gets the same answer
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Something to keep with the charge; may be given several times
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = value::pair)]
    metadata: Vec<(String, String)>,

    /// Decide as if for real, and charge nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend charge acme website_sync --id sync-2026-03-04
  stipend charge acme ip_lookup,subject=192.0.2.7";

impl Charge {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { wanted, id, metadata, dry_run, to } = self;
        to.talk(async |client: Client| {
            let id = Id::or_made(id);
            let request = v1::ChargeRequest {
                account: wanted.account.clone(),
                reservation_id: id.to_string(),
                items: wanted.items,
                budgets: wanted.budgets,
                metadata: metadata.into_iter().collect(),
                dry_run,
            };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&wanted.account).await;
            let text = || {
                let scales = Scales::of(&answer.balances);
                let outcome = match &answer.outcome {
                    Some(Outcome::Charged(charged)) => {
                        let done = if dry_run { "Would be charged" } else { "Charged" };
                        let id = charged.reservation.as_ref().map_or("", |charged| charged.id.as_str());
                        format!("{done}: {id}\n\n{}", show::charges(&charged.charges, &scales))
                    }
                    Some(Outcome::Denied(denial)) => show::denied(denial, &scales, &zone),
                    None => String::new(),
                };
                format!("{outcome}\n{}", show::balances(&answer.balances, &zone))
            };
            client.out().answer::<v1::ChargeRequest>(&answer, text)?;
            Ok(match answer.outcome {
                Some(Outcome::Charged(_)) | None => Exit::Done,
                Some(Outcome::Denied(_)) => Exit::Denied,
            })
        })
    }
}
