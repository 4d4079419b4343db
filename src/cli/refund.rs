//! `stipend refund`: gives committed credits back.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show::{self, Scales},
    value::{self, Id},
};
use crate::proto::v1;

/// Give committed credits back to the grants that they came from
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Refund {
    /// The account
    account: String,

    /// The id of a committed reservation or a charge
    reservation: String,

    /// Credits to give back, one per item in order, separated by commas; without it, all that is left of the charge
    #[arg(long, value_name = "CREDITS,…", value_delimiter = ',', value_parser = value::amount)]
    credits: Vec<i64>,

    /// Id of the refund; without one, a new one is made and printed. The same command again with the same id gives
    /// nothing more back
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Also forget that the items' subjects were charged
    #[arg(long)]
    unmark: bool,

    /// Why, for the activity log
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    reason: String,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend refund acme reply-17 --id ticket-812 --reason 'bad answer'
  stipend refund acme sync-2026-03-04 --credits 10";

impl Refund {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, reservation, credits, id, unmark, reason, to } = self;
        to.talk(async |client: Client| {
            let id = Id::or_made(id);
            let request = v1::RefundRequest {
                account: account.clone(),
                refund_id: id.to_string(),
                reservation_id: reservation,
                credits,
                unmark,
                reason,
            };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&account).await;
            let text = || {
                // One pool: then its scale is that of every item.
                let scales = Scales::of(&answer.balances);
                let pool = answer.balances.first().filter(|_| answer.balances.len() == 1);
                let pool = pool.map_or("", |balance| balance.pool.as_str());
                let refunded: Vec<String> =
                    answer.refunded.iter().map(|credits| scales.amount(pool, *credits)).collect();
                format!("Refunded {}: {id}\n\n{}", refunded.join(", "), show::balances(&answer.balances, &zone))
            };
            client.out().answer::<v1::RefundRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
