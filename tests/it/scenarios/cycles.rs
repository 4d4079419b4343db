//! Rule 11: cycles tile time, and each starts afresh.

use std::time::Duration;

use stipend::clock::{Clock as _, SystemClock};

use crate::harness::prelude::*;

/// Requires the cycle that the account lives in.
async fn expect_cycle(a: &Account, start: &str, end: &str) {
    let balance = a.balance("credits").await;
    assert_eq!((balance.cycle_start, balance.reset_time), (Some(at(start)), Some(at(end))));
}

#[tokio::test]
async fn rule_11_a_month_from_31_january_ends_on_28_february_and_then_on_31_march() {
    let a = open("hard").clock("2025-01-31T00:00:00Z").await;
    expect_cycle(&a, "2025-01-31T00:00:00Z", "2025-02-28T00:00:00Z").await;
    a.advance("2025-02-28T00:00:00Z").done().await;
    expect_cycle(&a, "2025-02-28T00:00:00Z", "2025-03-31T00:00:00Z").await;
    a.advance("2025-03-31T00:00:00Z").done().await;
    expect_cycle(&a, "2025-03-31T00:00:00Z", "2025-04-30T00:00:00Z").await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_in_a_leap_year_the_month_from_31_january_ends_on_29_february() {
    let a = open("hard").clock("2024-01-31T00:00:00Z").await;
    expect_cycle(&a, "2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z").await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_cycles_are_counted_from_an_anchor_in_the_past() {
    let a = open("hard").clock("2025-09-20T10:00:00Z").anchor("2025-08-04T00:00:00Z").await;
    expect_cycle(&a, "2025-09-04T00:00:00Z", "2025-10-04T00:00:00Z").await;
    assert_eq!(a.balance("credits").await.available, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_days_follow_the_clocks_of_the_accounts_zone() {
    let a = open("daily").clock("2025-03-08T05:00:00Z").zone("America/New_York").await;
    expect_cycle(&a, "2025-03-08T05:00:00Z", "2025-03-09T05:00:00Z").await;
    // Summer time begins at 2 o'clock: this day has 23 hours.
    a.advance("2025-03-09T05:00:00Z").done().await;
    expect_cycle(&a, "2025-03-09T05:00:00Z", "2025-03-10T04:00:00Z").await;
    a.advance("2025-11-02T12:00:00Z").done().await;
    // And ends: this one has 25.
    expect_cycle(&a, "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z").await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_months_in_a_zone_begin_at_its_own_midnight() {
    let a = open("hard").clock("2025-01-14T15:00:00Z").zone("Asia/Tokyo").await;
    expect_cycle(&a, "2025-01-14T15:00:00Z", "2025-02-14T15:00:00Z").await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_weeks_and_years_have_their_lengths() {
    let a = open("weekly").clock("2025-01-01T00:00:00Z").await;
    expect_cycle(&a, "2025-01-01T00:00:00Z", "2025-01-08T00:00:00Z").await;
    let b = open("yearly").clock("2024-02-29T00:00:00Z").await;
    assert_eq!(b.balance("minutes").await.reset_time, Some(at("2025-02-28T00:00:00Z")));
    b.advance("2027-06-01T00:00:00Z").done().await;
    assert_eq!(b.balance("minutes").await.reset_time, Some(at("2028-02-29T00:00:00Z")));
    a.check_conservation().await;
    b.check_conservation().await;
}

#[tokio::test]
async fn rule_11_a_cycle_is_half_open_to_the_millisecond() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.advance("2025-01-31T23:59:59.999Z").done().await;
    a.charge("c2", [item("reply", 1)]).denied().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    a.charge("c2", [item("reply", 10)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_allowance_and_counters_start_afresh_and_top_ups_stay() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "top", 5).done().await;
    a.grant("credits", "promo", 3).kind(Kind::Promo).done().await;
    a.reserve("r1", [item("reply", 2)]).granted().await;
    assert_eq!(a.commit("r1").quantities(&[25]).done().await.charges[0].uncovered, 7);
    a.grant("credits", "late", 4).done().await;
    a.advance("2025-01-02T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.uncovered, balance.lapsed), (10, 0, 0, 0));
    assert_eq!((balance.remaining, balance.available, balance.purchased), (14, 14, 4));
    assert_eq!((balance.state(), balance.used_percent), (Level::Ok, 0.0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_unspent_allowance_lapses_and_an_unspent_top_up_stays() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    a.advance("2025-01-02T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.purchased, balance.consumed), (15, 5, 0));
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 10);
    let reset = a.activity("reset", 1).await.remove(0);
    assert_eq!((reset.pool.as_str(), reset.time), ("credits", Some(at("2025-01-02T00:00:00Z"))));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_overage_starts_afresh() {
    let a = open("soft").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 25)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining, balance.state()), (0, 0, 10, Level::Ok));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_an_idle_account_gets_every_cycle_that_it_missed() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.advance("2025-01-06T12:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.cycle_start), (10, Some(at("2025-01-06T00:00:00Z"))));
    let resets = a.activity("reset", 5).await;
    let times: Vec<_> = resets.iter().map(|entry| entry.time).collect();
    let days = ["02", "03", "04", "05", "06"].map(|day| Some(at(&format!("2025-01-{day}T00:00:00Z"))));
    assert_eq!(times, days);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_a_pool_may_have_a_cycle_of_its_own() {
    let a = open("yearly").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 10), item("call_minute", 60)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    let (monthly, yearly) = (a.balance("credits").await, a.balance("minutes").await);
    assert_eq!((monthly.available, monthly.reset_time), (10, Some(at("2025-03-01T00:00:00Z"))));
    assert_eq!((yearly.available, yearly.reset_time), (0, Some(at("2026-01-01T00:00:00Z"))));
    a.advance("2026-01-01T00:00:00Z").done().await;
    assert_eq!(a.balance("minutes").await.available, 60);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_a_trial_ends_and_does_not_begin_again() {
    let a = open("trial").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    a.advance("2025-01-14T23:59:59Z").done().await;
    a.charge("c2", [item("reply", 1)]).granted().await;
    a.advance("2025-01-15T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 0);
    let denial = a.charge("c3", [item("reply", 1)]).denied().await;
    assert_eq!((denial.reason(), denial.reset_time), (Reason::InsufficientCredits, None));
    a.advance("2026-01-15T00:00:00Z").done().await;
    a.charge("c3", [item("reply", 1)]).denied().await;
    a.grant("credits", "top", 2).done().await;
    a.charge("c3", [item("reply", 1)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_a_denial_says_when_the_pool_starts_afresh() {
    let a = open("hard").clock("2025-01-15T00:00:00Z").anchor("2025-01-01T00:00:00Z").await;
    assert_eq!(a.charge("c1", [item("reply", 11)]).denied().await.reset_time, Some(at("2025-02-01T00:00:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_advancing_again_to_the_same_moment_resets_once() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 6);
    a.check_conservation().await;
}

/// An anchor such that a cycle of a day ends that long from now.
fn a_day_that_ends_in(wait: Duration) -> String {
    let end = SystemClock.now().plus(wait).get();
    let yesterday = end.checked_sub(24 * 3600 * 1000).expect("after 1970");
    stipend::clock::Millis::new(yesterday).expect("a moment").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_11_callers_racing_over_a_boundary_in_real_time_find_one_new_allowance() {
    let wait = Duration::from_secs(2);
    let a = open("daily").anchor(&a_day_that_ends_in(wait)).await;
    a.charge("c0", [item("reply", 10)]).granted().await;
    tokio::time::sleep(wait + Duration::from_millis(200)).await;
    let answers = race((0..64).map(|n| a.charge(&format!("c-{n}"), [item("reply", 1)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
    assert_eq!(a.balance("credits").await.consumed, 10);
    a.activity("reset", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_11_callers_racing_the_boundary_itself_are_charged_to_one_cycle_or_the_other() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    let mut jobs: Vec<Job<bool>> = Vec::new();
    for n in 0..32 {
        let charge = a.charge(&format!("c{n}"), [item("reply", 1)]).lane(n);
        jobs.push(Box::pin(async move { charge.decided().await.is_ok() }));
    }
    for lane in 0..4 {
        let advance = a.advance("2025-01-02T00:00:00Z").lane(lane);
        jobs.push(Box::pin(async move { advance.done().await.id.is_empty() }));
    }
    let granted = race(jobs).await.into_iter().filter(|granted| *granted).count();
    assert!((10..=20).contains(&granted), "two allowances of 10, and 32 callers: {granted}");
    assert!(a.balance("credits").await.consumed <= 10);
    a.activity("reset", 1).await;
    a.check_conservation().await;
}
