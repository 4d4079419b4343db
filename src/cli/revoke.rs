//! `stipend revoke`: takes back what is unspent of a grant.

use clap::Args;

use super::{
    client::{Client, To},
    exit::Exit,
    show,
    value::Id,
};
use crate::proto::v1;

/// Take back what is unspent of a grant; what open holds were promised stays
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Revoke {
    /// The account
    account: String,

    /// The pool
    pool: String,

    /// The grant's id
    grant: String,

    /// Why, for the activity log
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    reason: String,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend revoke acme ai_credits payment-1234 --reason 'charged back'";

impl Revoke {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, pool, grant, reason, to } = self;
        to.talk(async |client: Client| {
            let id = Id::given(&grant);
            let request = v1::RevokeGrantRequest { account: account.clone(), pool, grant_id: grant, reason };
            let answer = client.call(request).await.map_err(|failure| failure.repeatable(&id))?;
            let zone = client.zone(&account).await;
            let text = || {
                let balances: Vec<_> = answer.balance.iter().cloned().collect();
                let scale = answer.balance.as_ref().map_or(1, |balance| balance.scale);
                let taken = show::amount(answer.revoked, scale);
                format!("Revoked {taken} of {id}\n\n{}", show::balances(&balances, &zone))
            };
            client.out().answer::<v1::RevokeGrantRequest>(&answer, text)?;
            Ok(Exit::Done)
        })
    }
}
