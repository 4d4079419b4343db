//! Rule 18: a hard cap that is not enforced yet.

use crate::harness::prelude::*;

/// `enforce_from` is 1 March; the cycle goes from 10 February to 10 March.
async fn announced() -> Account {
    let a = open("announced").clock("2025-02-10T00:00:00Z").await;
    a.expect_overage();
    a
}

#[tokio::test]
async fn rule_18_before_its_date_what_a_hard_cap_would_refuse_is_granted_and_counted_as_overage() {
    let a = announced().await;
    let charge = a.charge("c1", [item("reply", 12)]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.overage, charge.uncovered), (12, 2, 0));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (12, 2, 0));
    let entry = a.activity("would_deny", 1).await.remove(0);
    assert_eq!(entry.pool, "credits");
    a.activity("denied", 0).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_a_hold_past_the_cap_is_granted_before_the_date_and_committed_after_it() {
    let a = announced().await;
    a.reserve("r1", [item("reply", 15)]).ttl(20 * 24 * 3600).granted().await;
    a.activity("would_deny", 1).await;
    a.advance("2025-03-01T00:00:00Z").done().await;
    let charge = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.uncovered), (15, 0), "a hold keeps its promise");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_what_is_covered_is_not_noted() {
    let a = announced().await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.activity("would_deny", 0).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_from_its_date_on_the_cap_is_enforced() {
    let a = announced().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    a.advance("2025-02-28T23:59:59.999Z").done().await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    a.advance("2025-03-01T00:00:00Z").done().await;
    let denial = a.charge("c3", [item("reply", 1)]).denied().await;
    assert_eq!((denial.reason(), denial.available), (Reason::InsufficientCredits, 0));
    a.advance("2025-03-10T00:00:00Z").done().await;
    a.charge("c3", [item("reply", 10)]).granted().await;
    a.charge("c4", [item("reply", 1)]).denied().await;
    assert_eq!(a.balance("credits").await.overage, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_a_repeated_charge_is_noted_once() {
    let a = announced().await;
    let first = a.charge("c1", [item("reply", 12)]).granted().await;
    assert_eq!(a.charge("c1", [item("reply", 12)]).granted().await, first);
    a.activity("would_deny", 1).await;
    assert_eq!(a.balance("credits").await.consumed, 12);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_a_pool_in_overage_is_exhausted_from_its_date_on_and_the_first_refusal_says_so() {
    let a = announced().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    a.advance("2025-02-28T23:59:59Z").done().await;
    assert_eq!(a.balance("credits").await.state(), Level::Overage);
    a.activity("exhausted", 0).await;
    a.advance("2025-03-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.state(), Level::Exhausted);
    for id in ["c2", "c3"] {
        a.charge(id, [item("reply", 1)]).denied().await;
        assert_eq!(a.activity("exhausted", 1).await[0].pool, "credits");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_an_extend_past_the_cap_is_granted_before_the_date_and_noted() {
    let a = announced().await;
    a.reserve("r1", [item("reply", 8)]).granted().await;
    a.activity("would_deny", 0).await;
    let extended = a.extend("r1", "e1").more(&[5]).granted().await;
    assert_eq!(extended.items[0].credits, 13);
    assert_eq!(a.activity("would_deny", 1).await[0].pool, "credits");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_18_what_costs_nothing_is_never_noted() {
    let a = announced().await;
    let signup = || item("signup", 1).subject("u1");
    a.charge("c1", [signup()]).granted().await;
    a.reserve("r1", [item("reply", 7)]).granted().await;
    a.activity("would_deny", 1).await;
    assert!(a.charge("c2", [signup()]).granted().await.charges[0].duplicate);
    a.charge("c3", [item("free", 3)]).granted().await;
    a.activity("would_deny", 1).await;
    a.reserve("r2", [item("reply", 2), item("free", 1), signup()]).granted().await;
    assert_eq!(a.activity("would_deny", 2).await[1].action, "reply");
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_18_before_its_date_racing_callers_are_all_granted_and_all_counted() {
    let a = announced().await;
    let answers = race((0..32).map(|n| a.charge(&format!("c{n}"), [item("reply", 1)]).lane(n).granted())).await;
    assert_eq!(answers.iter().map(|charged| charged.charges[0].overage).sum::<i64>(), 22);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage), (32, 22));
    a.check_conservation().await;
}
