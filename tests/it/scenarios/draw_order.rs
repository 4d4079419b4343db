//! Rule 4: which grant a charge comes from.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_04_the_example_draws_5_from_the_allowance_and_leaves_the_top_up_whole() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.reserve("first", [item("reply", 10)]).granted().await;
    a.reserve("second", [item("reply", 5)]).granted().await;
    a.release("first").done().await;
    a.commit("second").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.purchased, balance.consumed, balance.remaining), (5, 5, 10));
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_by_default_rollover_goes_before_allowance_before_promo_before_top_up() {
    let a = open("roll_all").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    a.grant("credits", "top", 10).done().await;
    a.grant("credits", "promo", 10).kind(Kind::Promo).done().await;
    let kinds = [Kind::Rollover, Kind::Allowance, Kind::Promo, Kind::TopUp];
    let listed: Vec<(Kind, i32)> =
        a.balance("credits").await.grants.iter().map(|grant| (grant.kind(), grant.priority)).collect();
    assert_eq!(listed, [(kinds[0], 10), (kinds[1], 20), (kinds[2], 30), (kinds[3], 40)], "in draw order");
    let mut left = [10, 10, 10, 10];
    for (step, kind) in kinds.iter().enumerate() {
        a.charge(&format!("half{step}"), [item("reply", 4)]).granted().await;
        left[step] = 6;
        for (kind, left) in kinds.iter().zip(left) {
            assert_eq!(a.remaining_of("credits", *kind).await, left, "{kind:?} in step {step}");
        }
        a.charge(&format!("rest{step}"), [item("reply", 6)]).granted().await;
        left[step] = 0;
        assert_eq!(a.remaining_of("credits", *kind).await, 0);
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_a_charge_goes_over_from_one_grant_to_the_next() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.purchased, balance.remaining, balance.consumed), (3, 3, 12));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_an_explicit_priority_goes_before_the_kind() {
    let a = open("hard").await;
    a.grant("credits", "last", 5).kind(Kind::Promo).priority(1000).done().await;
    a.grant("credits", "first", 5).priority(1).done().await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    assert_eq!(a.remaining_in("credits", "first").await, 0);
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 10);
    a.charge("c2", [item("reply", 11)]).granted().await;
    assert_eq!(a.remaining_in("credits", "last").await, 4);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_within_a_priority_the_earliest_expiry_goes_first_and_never_goes_last() {
    let a = open("bare").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "never", 5).done().await;
    a.grant("credits", "late", 5).expires("2026-01-01T00:00:00Z").done().await;
    a.grant("credits", "soon", 5).expires("2025-06-01T00:00:00Z").done().await;
    a.charge("c1", [item("reply", 6)]).granted().await;
    assert_eq!(a.remaining_in("credits", "soon").await, 0);
    assert_eq!(a.remaining_in("credits", "late").await, 4);
    a.charge("c2", [item("reply", 5)]).granted().await;
    assert_eq!(a.remaining_in("credits", "late").await, 0);
    assert_eq!(a.remaining_in("credits", "never").await, 4);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_within_an_expiry_the_oldest_goes_first() {
    let a = open("bare").clock("2025-01-01T00:00:00Z").await;
    // The names are in the opposite order of the ages.
    a.grant("credits", "z", 5).done().await;
    a.advance("2025-01-02T00:00:00Z").done().await;
    a.grant("credits", "m", 5).done().await;
    a.advance("2025-01-03T00:00:00Z").done().await;
    a.grant("credits", "a", 5).done().await;
    a.charge("c1", [item("reply", 7)]).granted().await;
    assert_eq!(a.remaining_in("credits", "z").await, 0);
    assert_eq!(a.remaining_in("credits", "m").await, 3);
    assert_eq!(a.remaining_in("credits", "a").await, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_the_order_is_that_of_the_commit_and_not_of_the_reserve() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 5)]).granted().await;
    a.grant("credits", "newer", 5).kind(Kind::Promo).priority(1).done().await;
    a.commit("r1").done().await;
    assert_eq!(a.remaining_in("credits", "newer").await, 0);
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_a_repeated_commit_draws_once() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.reserve("r1", [item("reply", 12)]).granted().await;
    let first = a.commit("r1").done().await;
    let again = a.commit("r1").done().await;
    assert_eq!(again.charges, first.charges);
    assert_eq!(a.balance("credits").await.purchased, 3);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_racing_commits_empty_the_allowance_before_they_touch_the_top_up() {
    let a = open("hard").await;
    a.grant("credits", "top", 20).done().await;
    for n in 0..16 {
        a.reserve(&format!("r{n}"), [item("reply", 1)]).granted().await;
    }
    race((0..16).map(|n| a.commit(&format!("r{n}")).lane(n).done())).await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.purchased), (16, 14));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_04_what_is_unspent_of_a_grant_can_be_taken_back() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    let revoked = a.revoke("credits", "top").done().await;
    assert_eq!(revoked.revoked, 3);
    let balance = a.balance("credits").await;
    assert_eq!((balance.remaining, balance.purchased, balance.lapsed, balance.consumed), (0, 0, 3, 12));
    a.revoke("credits", "nothing").failed().await.is(Code::NotFound, "GRANT_NOT_FOUND");
    a.activity("revoke", 1).await;
    a.check_conservation().await;
}
