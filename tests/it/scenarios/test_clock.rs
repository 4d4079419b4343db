//! Rule 21: an account on its own time.

use std::time::Duration;

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_21_a_test_clock_stands_still_until_it_is_moved() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    let account = a.get().await;
    assert_eq!((account.now, account.test_clock), (Some(at("2025-01-01T00:00:00Z")), Some(at("2025-01-01T00:00:00Z"))));
    a.reserve("r1", [item("reply", 2)]).ttl(1).granted().await;
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(a.reservation("r1").await.state(), State::Active);
    assert_eq!(a.get().await.now, Some(at("2025-01-01T00:00:00Z")));
    let moved = a.advance("2025-01-01T00:00:01Z").done().await;
    assert_eq!((moved.now, moved.test_clock), (Some(at("2025-01-01T00:00:01Z")), Some(at("2025-01-01T00:00:00Z"))));
    assert_eq!(a.reservation("r1").await.state(), State::Expired);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_21_its_anchor_is_its_own_moment_of_creation() {
    let a = open("hard").clock("2025-08-04T09:30:00Z").await;
    let account = a.get().await;
    assert_eq!(
        (account.anchor_time, account.create_time),
        (Some(at("2025-08-04T09:30:00Z")), Some(at("2025-08-04T09:30:00Z")))
    );
    assert_eq!(a.balance("credits").await.reset_time, Some(at("2025-09-04T09:30:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_21_everything_up_to_the_new_time_happens_in_its_order() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "promo", 5).kind(Kind::Promo).expires("2025-01-02T12:00:00Z").done().await;
    a.reserve("r1", [item("reply", 4)]).ttl(36 * 3600 + 60).granted().await;
    a.advance("2025-01-03T06:00:00Z").done().await;
    let types = ["reset", "grant_expired", "expire"];
    let mut log = Vec::new();
    for (kind, count) in types.into_iter().zip([2, 1, 1]) {
        log.extend(a.activity(kind, count).await);
    }
    log.sort_by(|x, y| x.id.len().cmp(&y.id.len()).then_with(|| x.id.cmp(&y.id)));
    let shown: Vec<_> = log.iter().map(|entry| (entry.r#type.as_str(), entry.time)).collect();
    assert_eq!(
        shown,
        [
            ("reset", Some(at("2025-01-02T00:00:00Z"))),
            ("grant_expired", Some(at("2025-01-02T12:00:00Z"))),
            ("expire", Some(at("2025-01-02T12:01:00Z"))),
            ("reset", Some(at("2025-01-03T00:00:00Z"))),
        ]
    );
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_21_a_clock_does_not_go_back() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-01-02T00:00:00Z").done().await;
    a.advance("2025-01-01T23:59:59Z").failed().await.is(Code::FailedPrecondition, "CLOCK_BACKWARDS");
    assert_eq!(a.get().await.now, Some(at("2025-01-02T00:00:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_21_an_account_on_real_time_has_no_clock_to_move_and_gets_none() {
    let a = open("hard").await;
    a.advance("2099-01-01T00:00:00Z").failed().await.is(Code::FailedPrecondition, "NO_TEST_CLOCK");
    let failure = a.put(|account| account.test_clock = Some(at("2025-01-01T00:00:00Z"))).await.expect_err("too late");
    failure.is(Code::FailedPrecondition, "IMMUTABLE");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_21_a_leap_of_years_settles_every_cycle() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.advance("2028-01-01T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.cycle_start), (10, Some(at("2028-01-01T00:00:00Z"))));
    a.activity("reset", 3 * 365).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_21_a_repeated_advance_changes_nothing_more() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
    for _ in 0..3 {
        a.advance("2025-01-02T00:00:00Z").done().await;
    }
    a.activity("reset", 1).await;
    a.activity("expire", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_21_racing_advances_pass_every_boundary_once() {
    let a = open("daily").clock("2025-01-01T00:00:00Z").await;
    let days = race((0..16).map(|n| {
        let advance = a.advance(&format!("2025-01-{:02}T00:00:00Z", n + 2)).lane(n);
        async move { advance.send().await }
    }))
    .await;
    for failure in days.iter().filter_map(|day| day.as_ref().err()) {
        failure.is(Code::FailedPrecondition, "CLOCK_BACKWARDS");
    }
    assert!(days[15].is_ok(), "the furthest is never behind");
    assert_eq!(a.get().await.now, Some(at("2025-01-17T00:00:00Z")));
    a.activity("reset", 16).await;
    a.check_conservation().await;
}
