//! Credits given, taken back and refunded.

use super::{
    Error, Reason, Service, fingerprint,
    hold::new_id,
    known::Known,
    outcome,
    request::{Balance, GrantCredits, Granted, Refund, Refunded, RevokeGrant, Revoked},
};
use crate::{
    id::{AccountId, GrantId, RefundId},
    ledger::{self, Answer, GrantKind, Reply, Verb},
};

/// Draw order of grants that do not say: rollover 10, allowance 20, promotions, then top-ups (rule 4).
const fn default_priority(kind: GrantKind) -> u16 {
    match kind {
        GrantKind::Rollover => 10,
        GrantKind::Allowance => 20,
        GrantKind::Promo => 30,
        GrantKind::TopUp => 40,
    }
}

impl Service {
    /// Gives credits to a pool.
    pub async fn grant_credits(&self, request: GrantCredits) -> Result<Granted, Error> {
        let print = fingerprint::grant(&request);
        let id = request.id.clone();
        let id = id.unwrap_or_else(|| GrantId::parse(&new_id()).expect("a UUID has the form of an id"));
        let build = |known: &Known, _| {
            known.check_pool(&request.pool)?;
            Ok(Verb::Grant(ledger::GrantCredits {
                pool: request.pool.clone(),
                id: id.clone(),
                fingerprint: print,
                kind: request.kind,
                amount: request.amount,
                priority: request.priority.unwrap_or_else(|| default_priority(request.kind)),
                expires: request.expires,
                note: request.note.clone(),
            }))
        };
        let (known, reply) = self.ask(&request.account, build).await.map_err(|error| error.with("grant_id", &id))?;
        match reply.outcome {
            Ok(Answer::Grant(grant)) => {
                Ok(Granted { grant, balance: one_balance(&request.account, &known, reply.balances)? })
            }
            _ => Err(unexpected(&request.account, &reply)),
        }
    }

    /// Takes back what is unspent of a grant.
    pub async fn revoke_grant(&self, request: RevokeGrant) -> Result<Revoked, Error> {
        let build = |known: &Known, _| {
            known.check_pool(&request.pool)?;
            let (pool, id, reason) = (request.pool.clone(), request.id.clone(), request.reason.clone());
            Ok(Verb::Revoke { pool, id, reason })
        };
        let asked = self.ask(&request.account, build).await;
        let (known, reply) = asked.map_err(|error| error.with("grant_id", &request.id))?;
        match reply.outcome {
            Ok(Answer::Revoked { grant, revoked }) => {
                Ok(Revoked { grant, revoked, balance: one_balance(&request.account, &known, reply.balances)? })
            }
            _ => Err(unexpected(&request.account, &reply)),
        }
    }

    /// Gives committed credits back.
    pub async fn refund(&self, request: Refund) -> Result<Refunded, Error> {
        let print = fingerprint::refund(&request);
        let new_refund_id = || RefundId::parse(&new_id()).expect("a UUID has the form of an id");
        let verb = Verb::Refund(ledger::Refund {
            id: request.id.unwrap_or_else(new_refund_id),
            fingerprint: print,
            reservation: request.reservation.clone(),
            credits: request.credits,
            unmark: request.unmark,
            reason: request.reason,
        });
        let asked = self.ask(&request.account, |_, _| Ok(verb.clone())).await;
        let (known, reply) = asked.map_err(|error| error.with("reservation_id", &request.reservation))?;
        match reply.outcome {
            Ok(Answer::Refunded(refunded)) => Ok(Refunded { refunded, balances: known.show(reply.balances) }),
            other => Err(outcome::unexpected(&request.account, &other)),
        }
    }
}

fn one_balance(account: &AccountId, known: &Known, balances: Vec<ledger::Balance>) -> Result<Balance, Error> {
    known
        .show(balances)
        .pop()
        .ok_or_else(|| Error::new(Reason::Internal, "the ledger answered without a balance").with("account", account))
}

fn unexpected(account: &AccountId, reply: &Reply) -> Error {
    outcome::unexpected(account, &reply.outcome)
}
