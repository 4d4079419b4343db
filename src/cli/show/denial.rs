//! A refusal for business reasons.

use jiff::tz::TimeZone;

use super::{Scales, facts, time};
use crate::proto::v1;

/// What was refused, why, and until when.
pub fn denied(denial: &v1::Denial, scales: &Scales, zone: &TimeZone) -> String {
    let credits = |value: i64| scales.amount(&denial.pool, value);
    // A plan that lacks the pool, a suspended account: there is nothing to count.
    let counted = denial.required > 0;
    let number = |value: i64| if counted { credits(value) } else { String::new() };
    let rest = facts(&[
        ("reason", denial.reason().as_str_name().to_owned()),
        ("pool", denial.pool.clone()),
        ("budget", denial.budget.clone()),
        ("required", number(denial.required)),
        ("available", number(denial.available)),
        ("held", number(denial.held)),
        ("resets", time(denial.reset_time.as_ref(), zone)),
    ]);
    format!("Denied: {}\n\n{rest}", denial.message)
}
