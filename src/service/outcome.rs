//! Turns what the ledger refused into what a caller should hear.

use super::{Error, Reason};
use crate::{
    id::AccountId,
    ledger::{Answer, Refusal, Rejection},
};

/// The error for a command that contradicts the state.
pub fn rejected(account: &AccountId, rejection: Rejection, subject: &str) -> Error {
    let (reason, message) = match rejection {
        Rejection::AccountNotFound => (Reason::AccountNotFound, format!("account {account} does not exist")),
        Rejection::AccountExists => (Reason::Contended, format!("account {account} was created meanwhile")),
        Rejection::ReservationNotFound => (
            Reason::ReservationNotFound,
            "the reservation does not exist, or ended longer ago than answers are kept".into(),
        ),
        Rejection::ReservationExists => {
            (Reason::ReservationExists, "the reservation id was used for another request".into())
        }
        Rejection::ReservationCommitted => (Reason::ReservationCommitted, "the reservation was committed".into()),
        Rejection::ReservationReleased => (Reason::ReservationReleased, "the reservation was released".into()),
        Rejection::ReservationExpired => (Reason::ReservationExpired, "the reservation has expired".into()),
        Rejection::QuantityCount => {
            (Reason::QuantityCount, format!("give one quantity for each of the {subject} items, or none"))
        }
        Rejection::AmountOverflow => {
            (Reason::AmountOverflow, "a price or a balance would pass 2^53-1 (9007199254740991)".into())
        }
        Rejection::ExtendExists => (Reason::ExtendExists, "the extend id was used for another request".into()),
        Rejection::GrantExists => (Reason::GrantExists, "the grant id was used for another request".into()),
        Rejection::GrantNotFound => (Reason::GrantNotFound, "the pool has no such grant".into()),
        Rejection::TooManyGrants => {
            (Reason::TooManyGrants, format!("the pool holds {subject} grants, that is the limit"))
        }
        Rejection::GrantExpired => (Reason::GrantExpired, "expire_time: is in the account's past".into()),
        Rejection::RefundExists => (Reason::RefundExists, "the refund id was used for another request".into()),
        Rejection::RefundTooLarge => {
            (Reason::RefundTooLarge, format!("more than what {subject} was charged and not refunded yet"))
        }
        Rejection::NothingCharged => (Reason::NothingCharged, "the reservation was not charged".into()),
        Rejection::BudgetNotFound => (
            Reason::BudgetNotFound,
            format!("budget {subject} does not exist and no template of the catalog matches it"),
        ),
        Rejection::BudgetPool => (Reason::BudgetPool, format!("the budget counts {subject}; a budget keeps its pool")),
        Rejection::PoolNotInPlan => (Reason::PoolNotInPlan, "the account's plan does not list the pool".into()),
        Rejection::NoTestClock => (Reason::NoTestClock, "the account was not created with a test clock".into()),
        Rejection::ClockBackwards => (Reason::ClockBackwards, "to: is before the account's time".into()),
        Rejection::QuantityTooLarge => {
            (Reason::QuantityTooLarge, format!("the action allows {subject} in one reservation"))
        }
    };
    let error = Error::new(reason, message).with("account", account);
    if rejection == Rejection::BudgetNotFound { error.with("budget", subject) } else { error }
}

/// The error for an outcome that the verb cannot have: a defect.
pub fn unexpected(account: &AccountId, outcome: &Result<Answer, Refusal>) -> Error {
    match outcome {
        Err(Refusal::Rejected { rejection, subject }) => rejected(account, *rejection, subject),
        Ok(_) | Err(Refusal::Denied(_) | Refusal::Stale(_) | Refusal::Again) => {
            tracing::error!(%account, ?outcome, "the ledger answered what the verb cannot have");
            Error::new(Reason::Internal, "an internal error; the log of the service has its cause")
                .with("account", account)
        }
    }
}
