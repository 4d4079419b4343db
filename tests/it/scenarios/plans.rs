//! Rule 17: another plan, another version of the catalog, terms of one's own.

use stipend::proto::v1::change_plan_request::When;

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_17_now_replaces_the_allowance_and_keeps_what_was_consumed_and_bought() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    let account = a.change_plan("hundred", "", When::Now).done().await;
    assert_eq!((account.plan.as_str(), account.pending_plan), ("hundred", None));
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.purchased), (100, 4, 5));
    assert_eq!((balance.remaining, balance.available), (101, 101));
    a.activity("plan_changed", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_smaller_plan_keeps_what_was_consumed_and_pauses() {
    let a = open("hundred").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 30)]).granted().await;
    a.change_plan("hard", "", When::Now).done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.overage), (10, 30, 0));
    assert_eq!((balance.purchased, balance.available), (5, 5), "top-ups stay");
    a.charge("c2", [item("reply", 6)]).denied().await;
    a.charge("c2", [item("reply", 5)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_hold_keeps_its_promise_over_a_smaller_plan() {
    let a = open("hundred").await;
    a.reserve("r1", [item("reply", 30)]).granted().await;
    a.change_plan("hard", "", When::Now).done().await;
    let charge = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.uncovered), (30, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_at_reset_waits_for_the_next_cycle_and_shows_until_then() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    let account = a.change_plan("hundred", "", When::AtReset).done().await;
    let pending = account.pending_plan.expect("the change waits");
    assert_eq!((account.plan.as_str(), pending.plan.as_str()), ("hard", "hundred"));
    assert_eq!(pending.effective_time, Some(at("2025-02-01T00:00:00Z")));
    assert_eq!(a.balance("credits").await.available, 6);
    a.advance("2025-01-31T23:59:59Z").done().await;
    assert_eq!(a.balance("credits").await.allowance, 10);
    a.advance("2025-02-01T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.available), (100, 0, 100));
    let account = a.get().await;
    assert_eq!((account.plan.as_str(), account.pending_plan), ("hundred", None));
    a.activity("plan_changed", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_later_change_takes_the_place_of_one_that_waits() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.change_plan("hundred", "", When::AtReset).done().await;
    let account = a.change_plan("bare", "", When::AtReset).done().await;
    assert_eq!(account.pending_plan.map(|pending| pending.plan).as_deref(), Some("bare"));
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.allowance, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_an_idle_account_changes_plan_at_the_reset_that_it_missed() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.change_plan("roll_all", "", When::AtReset).done().await;
    a.advance("2025-03-15T00:00:00Z").done().await;
    // `roll_all` began on 1 February: what it left of February rolled over on 1 March.
    assert_eq!(a.balance("credits").await.available, 20);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_pool_that_the_new_plan_lacks_is_not_in_the_plan_any_more() {
    let a = open("hard").await;
    a.change_plan("voice_only", "", When::Now).done().await;
    assert_eq!(a.charge("c1", [item("reply", 1)]).denied().await.reason(), Reason::NotInPlan);
    a.charge("c2", [item("call_minute", 1)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_top_up_comes_back_with_its_pool() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.change_plan("voice_only", "", When::Now).done().await;
    a.change_plan("hard", "", When::Now).done().await;
    assert_eq!(a.balance("credits").await.purchased, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_old_prices_hold_for_old_accounts_until_they_are_moved() {
    let old = open("basic").catalog("prices", "2025-01-01").await;
    let new = open("basic").catalog("prices", "").await;
    assert_eq!(old.charge("c1", [item("reply", 2)]).granted().await.charges[0].credits, 2);
    assert_eq!(new.charge("c1", [item("reply", 2)]).granted().await.charges[0].credits, 4);
    assert_eq!(
        (old.get().await.catalog_version, new.get().await.catalog_version),
        ("2025-01-01".into(), "2025-06-01".into())
    );
    assert_eq!((old.balance("credits").await.allowance, new.balance("credits").await.allowance), (10, 20));
    old.change_plan("", "", When::Now).done().await;
    assert_eq!(old.get().await.catalog_version, "2025-06-01");
    assert_eq!(old.charge("c2", [item("reply", 2)]).granted().await.charges[0].credits, 4);
    let balance = old.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed), (20, 6));
    old.check_conservation().await;
    new.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_move_to_a_newer_version_at_the_reset_keeps_the_old_prices_until_then() {
    let a = open("basic").catalog("prices", "2025-01-01").clock("2025-01-01T00:00:00Z").await;
    a.change_plan("", "2025-06-01", When::AtReset).done().await;
    assert_eq!(a.charge("c1", [item("reply", 2)]).granted().await.charges[0].credits, 2);
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.charge("c2", [item("reply", 2)]).granted().await.charges[0].credits, 4);
    assert_eq!(a.balance("credits").await.allowance, 20);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_an_account_stays_on_its_version_over_its_resets() {
    let a = open("basic").catalog("prices", "2025-01-01").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-09-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.allowance, 10);
    assert_eq!(a.charge("c1", [item("reply", 2)]).granted().await.charges[0].credits, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_an_unknown_plan_or_version_is_refused() {
    let a = open("hard").await;
    a.change_plan("no_such_plan", "", When::Now).failed().await.is(Code::InvalidArgument, "UNKNOWN_PLAN");
    assert_eq!(a.change_plan("hundred", "1999-01-01", When::Now).failed().await.code, Code::InvalidArgument);
    assert_eq!(a.get().await.plan, "hard");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_putting_an_account_with_another_plan_changes_it_now() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    let account = a.put(|account| account.plan = "hundred".into()).await.expect("a plan can be put");
    assert_eq!(account.plan, "hundred");
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.available), (100, 4, 96));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_overrides_are_terms_of_one_account_and_apply_at_once() {
    let terms = v1::PoolOverride { allowance: Some(20), ..v1::PoolOverride::default() };
    let a = open("hard").overriding("credits", terms).await;
    assert_eq!(a.balance("credits").await.allowance, 20);
    a.charge("c1", [item("reply", 15)]).granted().await;
    let soft = v1::PoolOverride { allowance: Some(16), cap: v1::Cap::Soft.into(), limit: None };
    a.put(|account| account.overrides = [("credits".to_owned(), soft)].into()).await.expect("terms can change");
    a.charge("c2", [item("reply", 5)]).granted().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.overage, balance.cap()), (16, 20, 4, v1::Cap::Soft));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_repeated_plan_change_changes_nothing_more() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    for _ in 0..3 {
        a.change_plan("hundred", "", When::Now).done().await;
        assert_eq!(a.balance("credits").await.available, 96);
    }
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_17_charges_racing_plan_changes_are_all_counted() {
    let a = open("hundred").await;
    let mut jobs: Vec<Job<i64>> = Vec::new();
    for n in 0..32 {
        let charge = a.charge(&format!("c{n}"), [item("reply", 1)]).lane(n);
        jobs.push(Box::pin(async move { i64::from(charge.decided().await.is_ok()) }));
    }
    for n in 0..8 {
        let change = a.change_plan(if n % 2 == 0 { "hard" } else { "hundred" }, "", When::Now).lane(n);
        jobs.push(Box::pin(async move { i64::from(change.done().await.id.is_empty()) }));
    }
    let charged: i64 = race(jobs).await.into_iter().sum();
    a.change_plan("hundred", "", When::Now).done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.available), (charged, 100 - charged));
    a.check_conservation().await;
}
