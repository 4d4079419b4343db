//! A refusal for business reasons, with its sentence for people.

use std::fmt::Write as _;

use super::timestamp;
use crate::{
    amount::Amount,
    ledger::{Denial, DenialReason},
    proto::v1,
};

/// The refusal of `what`: an action's name, or `the request`.
pub fn denial(denial: &Denial, what: &str) -> v1::Denial {
    let reason = match denial.reason {
        DenialReason::InsufficientCredits => v1::denial::Reason::InsufficientCredits,
        DenialReason::BudgetExceeded => v1::denial::Reason::BudgetExceeded,
        DenialReason::OverageLimit => v1::denial::Reason::OverageLimit,
        DenialReason::NotInPlan => v1::denial::Reason::NotInPlan,
        DenialReason::AccountSuspended => v1::denial::Reason::AccountSuspended,
    };
    v1::Denial {
        reason: reason.into(),
        pool: denial.pool.as_ref().map(ToString::to_string).unwrap_or_default(),
        budget: denial.budget.as_ref().map(ToString::to_string).unwrap_or_default(),
        required: denial.required.as_i64(),
        available: denial.available.as_i64(),
        held: denial.held.as_i64(),
        reset_time: denial.reset.map(timestamp),
        message: sentence(denial, what),
    }
}

fn sentence(denial: &Denial, what: &str) -> String {
    let pool = denial.pool.as_ref().map_or("its pool", |pool| pool.as_str());
    let budget = denial.budget.as_ref().map_or("its budget", |budget| budget.as_str());
    let required = credits(denial.required);
    let available = denial.available;
    let are = if available == Amount::ONE { "is" } else { "are" };
    let mut sentence = match denial.reason {
        DenialReason::InsufficientCredits => {
            format!("{what} needs {required} of {pool}, {available} {are} available")
        }
        DenialReason::BudgetExceeded => format!("{what} needs {required} of budget {budget}, {available} {are} left"),
        DenialReason::OverageLimit => {
            format!("{what} needs {required} of {pool}, {available} {are} left before its overage limit")
        }
        DenialReason::NotInPlan => return format!("{what} draws on {pool}, which the account's plan does not list"),
        DenialReason::AccountSuspended => return "the account is suspended".to_owned(),
    };
    if !denial.held.is_zero() {
        let are = if denial.held == Amount::ONE { "is" } else { "are" };
        let _ = write!(sentence, " and {} {are} held", denial.held);
    }
    match denial.reset {
        Some(reset) => {
            let _ = write!(sentence, "; next reset {reset}");
        }
        None => sentence.push_str("; it never resets"),
    }
    sentence
}

fn credits(amount: Amount) -> String {
    if amount == Amount::ONE { "1 credit".to_owned() } else { format!("{amount} credits") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Millis,
        id::{BudgetName, PoolName},
    };

    fn amount(value: u64) -> Amount {
        Amount::new(value).expect("valid")
    }

    fn no_credits() -> Denial {
        Denial {
            reason: DenialReason::InsufficientCredits,
            pool: Some(PoolName::parse("ai_credits").expect("valid")),
            budget: None,
            required: amount(5),
            available: amount(2),
            held: Amount::ZERO,
            reset: Millis::new(1_796_342_400_000),
        }
    }

    #[test]
    fn the_sentence_says_what_is_missing_and_until_when() {
        let message = denial(&no_credits(), "ai_reply").message;
        assert_eq!(message, "ai_reply needs 5 credits of ai_credits, 2 are available; next reset 2026-12-04T00:00:00Z");
    }

    #[test]
    fn one_is_one_credit_and_holds_are_told() {
        let one =
            Denial { required: Amount::ONE, available: Amount::ONE, held: amount(3), reset: None, ..no_credits() };
        let message = denial(&one, "the request").message;
        assert_eq!(message, "the request needs 1 credit of ai_credits, 1 is available and 3 are held; it never resets");
    }

    #[test]
    fn a_full_budget_is_named() {
        let full = Denial {
            reason: DenialReason::BudgetExceeded,
            budget: Some(BudgetName::parse("agent-7").expect("valid")),
            ..no_credits()
        };
        let wire = denial(&full, "ai_reply");
        assert_eq!(wire.budget, "agent-7");
        assert_eq!(wire.reason, i32::from(v1::denial::Reason::BudgetExceeded));
        assert!(
            wire.message.starts_with("ai_reply needs 5 credits of budget agent-7, 2 are left;"),
            "{}",
            wire.message
        );
    }
}
