//! Rule 5: a hold outlives the cycle that it was made in and the grants that it was made on.

use crate::harness::prelude::*;

const DAY: i64 = 24 * 3600;

/// An allowance of 100 that resets with the month, a minute before midnight of the last day.
async fn before_the_reset() -> Account {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-01-31T23:59:00Z").done().await;
    a
}

#[tokio::test]
async fn rule_05_what_was_held_before_the_reset_is_committed_in_full_after_it() {
    let a = before_the_reset().await;
    a.reserve("r1", [item("reply", 100)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 100, "the hold does not press on the new allowance");
    a.advance("2025-02-01T00:01:00Z").done().await;
    let committed = a.commit("r1").quantities(&[60]).done().await;
    assert_eq!((committed.charges[0].credits, committed.charges[0].uncovered, committed.late), (60, 0, false));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.held), (0, 0), "60 count for the old cycle");
    assert_eq!((balance.remaining, balance.available), (100, 100), "40 lapse with the old cycle");
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 100, "the new allowance is untouched");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_across_the_reset_stays_in_held_until_it_ends() {
    let a = before_the_reset().await;
    a.reserve("r1", [item("reply", 100)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.held, 100, "held is the sum of the open holds (rule 22)");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_across_the_reset_that_is_released_leaves_the_new_cycle_as_it_was() {
    let a = before_the_reset().await;
    a.reserve("r1", [item("reply", 100)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:01:00Z").done().await;
    a.reserve("r2", [item("reply", 100)]).granted().await;
    a.release("r1").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.held, balance.available, balance.remaining), (100, 0, 100));
    a.reserve("r3", [item("reply", 1)]).denied().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_across_the_reset_that_expires_leaves_the_new_cycle_as_it_was() {
    let a = before_the_reset().await;
    a.reserve("r1", [item("reply", 100)]).ttl(120).granted().await;
    a.advance("2025-02-01T00:02:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.held, balance.available, balance.remaining, balance.consumed), (0, 100, 100, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_over_allowance_and_top_up_takes_its_old_allowance_first_after_the_reset() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "top", 5).done().await;
    a.advance("2025-01-31T23:59:00Z").done().await;
    a.reserve("r1", [item("reply", 12)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:01:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 13, "a new allowance of 10, and 3 of the top-up");
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 12);
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.purchased), (13, 3));
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_top_up_held_across_the_reset_returns_whole_on_release() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "top", 5).done().await;
    a.advance("2025-01-31T23:59:00Z").done().await;
    a.reserve("r1", [item("reply", 15)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:01:00Z").done().await;
    a.release("r1").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.purchased, balance.held), (15, 5, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_on_a_grant_that_expired_since_is_committed_in_full() {
    let a = open("bare").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "promo", 50).kind(Kind::Promo).expires("2025-01-02T00:00:00Z").done().await;
    a.reserve("r1", [item("reply", 30)]).ttl(3 * DAY).granted().await;
    a.advance("2025-01-03T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 0);
    a.reserve("r2", [item("reply", 1)]).denied().await;
    let committed = a.commit("r1").done().await;
    assert_eq!((committed.charges[0].credits, committed.charges[0].uncovered), (30, 0));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.remaining, balance.lapsed), (30, 0, 20));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_what_a_commit_leaves_of_an_expired_grant_lapses() {
    let a = open("bare").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "promo", 50).kind(Kind::Promo).expires("2025-01-02T00:00:00Z").done().await;
    a.reserve("r1", [item("reply", 50)]).ttl(3 * DAY).granted().await;
    a.advance("2025-01-03T00:00:00Z").done().await;
    a.commit("r1").quantities(&[30]).done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.remaining, balance.available, balance.lapsed), (30, 0, 0, 20));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_on_a_revoked_grant_is_committed_in_full() {
    let a = open("bare").await;
    a.grant("credits", "top", 50).done().await;
    a.reserve("r1", [item("reply", 30)]).granted().await;
    assert_eq!(a.revoke("credits", "top").done().await.revoked, 20, "what open holds were promised stays");
    assert_eq!(a.balance("credits").await.available, 0);
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 30);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.remaining, balance.lapsed), (30, 0, 20));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_hold_survives_two_resets() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 10)]).ttl(5 * DAY).granted().await;
    a.advance("2025-01-02T06:00:00Z").done().await;
    a.reserve("r2", [item("reply", 10)]).ttl(5 * DAY).granted().await;
    a.advance("2025-01-03T06:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 10);
    for id in ["r2", "r1"] {
        let charge = &a.commit(id).done().await.charges[0];
        assert_eq!((charge.credits, charge.uncovered), (10, 0), "{id}");
    }
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.consumed), (10, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_soft_hold_across_the_reset_goes_over_in_the_old_cycle() {
    let a = open("soft").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-01-31T23:59:00Z").done().await;
    a.reserve("r1", [item("reply", 15)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:01:00Z").done().await;
    let charge = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.overage), (15, 5));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.available), (0, 0, 10));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_a_commit_after_the_reset_asked_again_charges_the_old_cycle_once() {
    let a = before_the_reset().await;
    a.reserve("r1", [item("reply", 100)]).ttl(DAY).granted().await;
    a.advance("2025-02-01T00:01:00Z").done().await;
    let first = a.commit("r1").quantities(&[60]).done().await;
    assert_eq!(a.commit("r1").quantities(&[60]).done().await.charges, first.charges);
    a.commit("r1").quantities(&[61]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    assert_eq!(a.balance("credits").await.available, 100);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_05_commits_racing_the_reset_never_touch_the_new_allowance() {
    let a = before_the_reset().await;
    for n in 0..20 {
        a.reserve(&format!("r{n}"), [item("reply", 5)]).ttl(DAY).granted().await;
    }
    let mut jobs: Vec<Job<i64>> = Vec::new();
    for n in 0..20 {
        let commit = a.commit(&format!("r{n}")).lane(n);
        jobs.push(Box::pin(async move { commit.done().await.charges[0].credits }));
    }
    let advance = a.advance("2025-02-01T00:00:00Z").lane(7);
    jobs.push(Box::pin(async move { advance.done().await.anchor_time.map_or(0, |_| 0) }));
    assert_eq!(race(jobs).await.iter().sum::<i64>(), 100, "every hold is charged in full");
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.consumed, balance.held), (100, 0, 0));
    a.check_conservation().await;
}
