//! Rule 12: what is told of a pool, once per threshold and cycle.

use crate::harness::prelude::*;

/// The thresholds that were reached, in order.
async fn thresholds(a: &Account, count: usize) -> Vec<&'static str> {
    a.activity("threshold_reached", count)
        .await
        .iter()
        .map(|entry| {
            assert_eq!(entry.pool, "credits");
            ["50", "80", "100"].into_iter().find(|percent| said(entry, percent)).expect("an entry says its threshold")
        })
        .collect()
}

/// `used_percent`, to a tenth.
async fn percent(a: &Account) -> String {
    format!("{:.1}", a.balance("credits").await.used_percent)
}

#[tokio::test]
async fn rule_12_an_alert_fires_when_a_commit_reaches_its_threshold() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    a.activity("threshold_reached", 0).await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    assert_eq!(percent(&a).await, "50.0");
    assert_eq!(thresholds(&a, 1).await, ["50"]);
    a.charge("c3", [item("reply", 3)]).granted().await;
    assert_eq!(thresholds(&a, 2).await, ["50", "80"]);
    a.charge("c4", [item("reply", 2)]).granted().await;
    assert_eq!(thresholds(&a, 3).await, ["50", "80", "100"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_an_alert_fires_once() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    a.charge("c3", [item("reply", 1)]).granted().await;
    assert_eq!(thresholds(&a, 1).await, ["50"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_charge_past_several_thresholds_fires_each() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    assert_eq!(thresholds(&a, 3).await, ["50", "80", "100"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_hold_fires_nothing_and_its_commit_does() {
    let a = open("watched").await;
    a.reserve("r1", [item("reply", 10)]).granted().await;
    a.activity("threshold_reached", 0).await;
    a.activity("exhausted", 0).await;
    a.commit("r1").quantities(&[5]).done().await;
    assert_eq!(thresholds(&a, 1).await, ["50"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_top_up_that_brings_it_back_below_re_arms_an_alert() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    assert_eq!(thresholds(&a, 2).await, ["50", "80"]);
    a.grant("credits", "top", 10).done().await;
    assert_eq!(percent(&a).await, "40.0");
    a.charge("c2", [item("reply", 2)]).granted().await;
    assert_eq!(thresholds(&a, 3).await, ["50", "80", "50"]);
    a.charge("c3", [item("reply", 6)]).granted().await;
    assert_eq!(thresholds(&a, 4).await, ["50", "80", "50", "80"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_top_up_that_leaves_it_above_re_arms_nothing() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    a.grant("credits", "top", 1).done().await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    // 8 of 11 is 72%, under 80: only that one is armed again, and 9 of 11 is 81%.
    assert_eq!(thresholds(&a, 3).await, ["50", "80", "80"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_reset_re_arms_every_alert() {
    let a = open("watched").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    a.charge("c2", [item("reply", 8)]).granted().await;
    assert_eq!(thresholds(&a, 4).await, ["50", "80", "50", "80"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_hard_pool_at_0_is_exhausted_and_other_pools_go_on() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 9)]).granted().await;
    assert_eq!(a.balance("credits").await.state(), Level::Ok);
    a.charge("c2", [item("reply", 1)]).granted().await;
    let exhausted = a.activity("exhausted", 1).await.remove(0);
    assert_eq!(exhausted.pool, "credits");
    assert_eq!(a.balance("credits").await.state(), Level::Exhausted);
    a.charge("c3", [item("reply", 1)]).denied().await;
    a.charge("c4", [item("call_minute", 1)]).granted().await;
    a.activity("exhausted", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_top_up_resumes_an_exhausted_pool_at_once() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.grant("credits", "top", 5).done().await;
    assert_eq!(a.activity("resumed", 1).await[0].pool, "credits");
    a.charge("c2", [item("reply", 5)]).granted().await;
    a.activity("exhausted", 2).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_reset_resumes_an_exhausted_pool() {
    let a = open("watched").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.activity("resumed", 0).await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    a.activity("resumed", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_pool_that_was_not_exhausted_does_not_resume() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 9)]).granted().await;
    a.grant("credits", "top", 5).done().await;
    a.activity("resumed", 0).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_soft_pool_says_once_that_overage_started_and_is_never_exhausted() {
    let a = open("watched_soft").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.activity("overage_started", 0).await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    a.charge("c3", [item("reply", 5)]).granted().await;
    assert_eq!(a.activity("overage_started", 1).await[0].pool, "credits");
    a.activity("exhausted", 0).await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.state(), balance.used_percent), (Level::Overage, 160.0));
    assert_eq!(thresholds(&a, 2).await, ["80", "100"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_overage_starts_again_in_the_next_cycle() {
    let a = open("watched_soft").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 11)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    a.charge("c2", [item("reply", 11)]).granted().await;
    a.activity("overage_started", 2).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_repeated_charge_fires_nothing_more() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    thresholds(&a, 3).await;
    a.activity("exhausted", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_12_a_promo_that_expires_and_leaves_nothing_exhausts_a_pool_and_the_next_grant_resumes_it() {
    let a = open("watched").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "promo", 5).kind(Kind::Promo).expires("2025-01-10T00:00:00Z").done().await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.advance("2025-01-09T23:59:59Z").done().await;
    assert_eq!(a.balance("credits").await.remaining, 5);
    a.activity("exhausted", 0).await;
    a.advance("2025-01-10T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.state(), Level::Exhausted);
    assert_eq!(a.activity("exhausted", 1).await[0].pool, "credits");
    a.activity("resumed", 0).await;
    a.grant("credits", "top", 3).done().await;
    assert_eq!(a.activity("resumed", 1).await[0].pool, "credits");
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_12_racing_charges_fire_every_alert_once() {
    let a = open("watched").await;
    race((0..32).map(|n| a.charge(&format!("c{n}"), [item("reply", 1)]).lane(n).decided())).await;
    assert_eq!(thresholds(&a, 3).await, ["50", "80", "100"]);
    a.activity("exhausted", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_12_racing_top_ups_resume_a_pool_once() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    race((0..16).map(|n| a.grant("credits", &format!("g{n}"), 1).lane(n).done())).await;
    a.activity("resumed", 1).await;
    assert_eq!(a.balance("credits").await.available, 16);
    a.check_conservation().await;
}
