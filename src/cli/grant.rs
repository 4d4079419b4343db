//! `stipend grant`: gives credits to a pool.

use clap::{Args, ValueEnum};

use super::{
    client::{Client, To},
    exit::Exit,
    show,
    value::{self, Id},
};
use crate::proto::v1;

/// Give credits to a pool of an account: a top-up or a promotion
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Grant {
    /// The account
    account: String,

    /// The pool, one of its plan
    pool: String,

    /// Credits, such as `1000` or `1_000`; in the pool's own units where it has a scale
    #[arg(value_parser = value::amount)]
    amount: i64,

    /// Id of the grant, such as that of the payment; without one, a new one is made and printed. The same command again
    /// with the same id gives nothing more, however long after
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// What it is
    #[arg(long, value_enum, default_value_t = Kind::TopUp)]
    kind: Kind,

    /// Lower is drawn first, 1 to 1000; without it, as its kind: promotions 30, top-ups 40
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    priority: Option<i32>,

    /// When what is left of it lapses; without it, never
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    expires: Option<prost_types::Timestamp>,

    /// A note for the activity log
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    note: String,

    #[command(flatten)]
    to: To,
}

/// Kinds of grants that people give.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Bought on top of the plan
    TopUp,
    /// Given away
    Promo,
}

const EXAMPLES: &str = "\
Examples:
  stipend grant acme ai_credits 500 --id payment-1234
  stipend grant acme ai_credits 50 --kind promo --expires 2027-01-01 --note 'new year'";

impl Grant {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, pool, amount, id, kind, priority, expires, note, to } = self;
        to.talk(async |client: Client| {
            let id = Id::or_made(id);
            let kind = match kind {
                Kind::TopUp => v1::grant::Kind::TopUp,
                Kind::Promo => v1::grant::Kind::Promo,
            };
            let request = v1::GrantCreditsRequest {
                account: account.clone(),
                pool,
                grant_id: id.to_string(),
                kind: kind.into(),
                amount,
                priority: priority.unwrap_or_default(),
                expire_time: expires,
                note,
            };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&account).await;
            let text = || {
                let balances: Vec<_> = answer.balance.iter().cloned().collect();
                let scale = answer.balance.as_ref().map_or(1, |balance| balance.scale);
                let given = answer.grant.as_ref().map_or(0, |grant| grant.amount);
                format!("Granted {}: {id}\n\n{}", show::amount(given, scale), show::balances(&balances, &zone))
            };
            client.out().answer::<v1::GrantCreditsRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
