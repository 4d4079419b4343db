//! Rule 22 as far as it shows from outside: what must hold of an account's balances and open holds at every moment.

use std::collections::HashMap;

use stipend::proto::v1::{self, Cap, balance, reservation};

/// Checks every pool against the open holds. With `overage_expected` a hard cap may show overage: before its
/// enforcement date, or after a soft one became hard.
pub fn check(balances: &[v1::Balance], active: &[v1::Reservation], overage_expected: bool) {
    let mut held: HashMap<&str, i64> = HashMap::new();
    for reservation in active {
        assert_eq!(reservation.state(), reservation::State::Active, "{reservation:?}");
        for item in &reservation.items {
            *held.entry(item.pool.as_str()).or_default() += item.credits;
        }
    }
    for balance in balances {
        check_pool(balance, held.remove(balance.pool.as_str()).unwrap_or(0), overage_expected);
    }
    held.retain(|_, credits| *credits > 0);
    assert!(held.is_empty(), "open holds on pools without a balance: {held:?}");
}

fn check_pool(balance: &v1::Balance, held: i64, overage_expected: bool) {
    let numbers = [
        ("allowance", balance.allowance),
        ("consumed", balance.consumed),
        ("held", balance.held),
        ("available", balance.available),
        ("remaining", balance.remaining),
        ("purchased", balance.purchased),
        ("overage", balance.overage),
        ("uncovered", balance.uncovered),
        ("lapsed", balance.lapsed),
    ];
    for (name, number) in numbers {
        assert!((0..1 << 53).contains(&number), "{name} is {number}: {balance:#?}");
    }
    assert_eq!(balance.held, held, "held is the sum of the open holds: {balance:#?}");
    assert_eq!(balance.available, (balance.remaining - balance.held).max(0), "available: {balance:#?}");
    assert!(balance.overage <= balance.consumed, "overage is a part of consumed: {balance:#?}");

    let grants: i64 = balance.grants.iter().map(|grant| grant.remaining).sum();
    assert!(grants <= balance.remaining, "the grants hold {grants}: {balance:#?}");
    for grant in &balance.grants {
        assert!((0..=grant.amount).contains(&grant.remaining), "{grant:?}");
    }

    let expected = used_percent(balance);
    assert!((balance.used_percent - expected).abs() < 1e-6, "used_percent should be {expected}: {balance:#?}");

    if overage_expected {
        return;
    }
    match balance.cap() {
        Cap::Hard => {
            assert_eq!(balance.overage, 0, "a hard cap never goes over: {balance:#?}");
            let exhausted = balance.remaining == 0;
            assert_eq!(balance.state() == balance::State::Exhausted, exhausted, "exhausted: {balance:#?}");
        }
        Cap::Soft => {
            let over = balance.overage > 0;
            assert_eq!(balance.state() == balance::State::Overage, over, "in overage: {balance:#?}");
        }
        Cap::Unspecified => panic!("a balance has a cap: {balance:#?}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people, compared with a tolerance")]
fn used_percent(balance: &v1::Balance) -> f64 {
    let whole = balance.consumed - balance.overage + balance.remaining;
    match (balance.consumed, whole) {
        (0, _) => 0.0,
        (_, 0) => 100.0,
        (consumed, whole) => consumed as f64 * 100.0 / whole as f64,
    }
}
