//! Rule 7: a hold ends once.

use std::time::Duration;

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_07_a_release_gives_everything_back() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    let released = a.release("r1").reason("handed over").done().await;
    assert_eq!(released.reservation.map(|reservation| reservation.state()), Some(State::Released));
    assert_eq!((released.balances[0].held, released.balances[0].available), (0, 10));
    let reservation = a.reservation("r1").await;
    assert_eq!(reservation.state(), State::Released);
    assert!(reservation.end_time.is_some() && reservation.charges.is_empty());
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_release_after_a_commit_fails() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    a.commit("r1").done().await;
    a.release("r1").failed().await.is(Code::FailedPrecondition, "RESERVATION_COMMITTED");
    assert_eq!(a.balance("credits").await.consumed, 4);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_commit_after_a_release_fails() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    a.release("r1").done().await;
    a.commit("r1").failed().await.is(Code::FailedPrecondition, "RESERVATION_RELEASED");
    assert_eq!(a.balance("credits").await.consumed, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_charge_cannot_be_released() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 4)]).granted().await;
    a.release("c1").failed().await.is(Code::FailedPrecondition, "RESERVATION_COMMITTED");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_hold_expires_at_its_time_and_not_before() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:00:59Z").done().await;
    assert_eq!(a.reservation("r1").await.state(), State::Active);
    assert_eq!(a.balance("credits").await.held, 4);
    a.advance("2025-01-01T00:01:00Z").done().await;
    let reservation = a.reservation("r1").await;
    assert_eq!((reservation.state(), reservation.end_time), (State::Expired, Some(at("2025-01-01T00:01:00Z"))));
    assert_eq!(a.balance("credits").await.held, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_release_after_expiry_fails() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    a.release("r1").failed().await.is(Code::FailedPrecondition, "RESERVATION_EXPIRED");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_commit_after_expiry_is_a_late_charge_of_what_is_available_then() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 10)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    let committed = a.commit("r1").done().await;
    assert!(committed.late);
    assert_eq!((committed.charges[0].credits, committed.charges[0].uncovered), (2, 8));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.uncovered, balance.remaining), (10, 8, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_commit_in_time_is_not_late() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 10)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:00:59Z").done().await;
    assert!(!a.commit("r1").done().await.late);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_late_commit_under_a_soft_cap_is_charged_whole() {
    let a = open("soft").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 10)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    let committed = a.commit("r1").done().await;
    assert!(committed.late);
    assert_eq!((committed.charges[0].credits, committed.charges[0].overage), (10, 8));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_late_commit_asked_again_charges_once_and_bars_a_release() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    let first = a.commit("r1").done().await;
    let again = a.commit("r1").done().await;
    assert_eq!((again.late, &again.charges), (true, &first.charges));
    assert_eq!(a.balance("credits").await.consumed, 4);
    assert_eq!(a.release("r1").failed().await.code, Code::FailedPrecondition);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_late_commit_falls_on_the_cycle_that_it_arrives_in() {
    let a = open("hard").clock("2025-01-31T23:58:00Z").anchor("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 10)]).ttl(60).granted().await;
    a.advance("2025-02-01T00:01:00Z").done().await;
    let committed = a.commit("r1").quantities(&[6]).done().await;
    assert!(committed.late);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.available), (6, 4), "a charge of what is available then");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_07_a_commit_after_a_second_of_real_time_is_late() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).ttl(1).granted().await;
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let committed = a.commit("r1").done().await;
    assert!(committed.late);
    assert_eq!(committed.charges[0].credits, 4);
    a.check_conservation().await;
}

type Ending = Job<(&'static str, Result<i64, Failure>)>;

/// Commits and releases of one hold, from 8 callers each.
fn endings_of(a: &Account, id: &str) -> Vec<Ending> {
    let mut jobs: Vec<Ending> = Vec::new();
    for n in 0..8 {
        let commit = a.commit(id).quantities(&[3]).lane(n);
        jobs.push(Box::pin(async move { ("commit", commit.send().await.map(|done| done.charges[0].credits)) }));
        let release = a.release(id).reason("stop").lane(n + 3);
        jobs.push(Box::pin(async move { ("release", release.send().await.map(|_| 0)) }));
    }
    jobs
}

/// The kind of ending that won: all of it succeeded, and all of the others failed.
fn winner(results: &[(&'static str, Result<i64, Failure>)]) -> &'static str {
    let of = |kind: &str| -> Vec<bool> {
        results.iter().filter(|(ending, _)| *ending == kind).map(|(_, result)| result.is_ok()).collect()
    };
    for (_, result) in results {
        if let Err(failure) = result {
            assert_eq!(failure.code, Code::FailedPrecondition, "{failure:?}");
        }
    }
    match (of("commit"), of("release")) {
        (commits, releases) if commits.iter().all(|ok| *ok) && !releases.contains(&true) => "commit",
        (commits, releases) if releases.iter().all(|ok| *ok) && !commits.contains(&true) => "release",
        both => panic!("the hold ended twice, or not at all: {both:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_07_commit_and_release_racing_end_a_hold_once() {
    let a = open("hundred").await;
    let mut expected = 0;
    for round in 0..20 {
        let id = format!("r{round}");
        a.reserve(&id, [item("reply", 4)]).granted().await;
        let state = match winner(&race(endings_of(&a, &id)).await) {
            "commit" => {
                expected += 3;
                State::Committed
            }
            _ => State::Released,
        };
        assert_eq!(a.reservation(&id).await.state(), state);
        assert_eq!(a.balance("credits").await.consumed, expected);
    }
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_07_commit_and_release_and_expiry_racing_end_a_hold_once() {
    for _ in 0..10 {
        let a = open("hard").clock("2025-01-01T00:00:00Z").await;
        a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
        let mut jobs = endings_of(&a, "r1");
        let advance = a.advance("2025-01-01T00:05:00Z").lane(5);
        jobs.push(Box::pin(async move { ("expiry", advance.send().await.map(|_| 0)) }));
        let results = race(jobs).await;
        assert!(results.iter().all(|(kind, result)| *kind != "expiry" || result.is_ok()), "{results:?}");
        let committed = results.iter().filter(|(kind, result)| *kind == "commit" && result.is_ok()).count();
        let released = results.iter().filter(|(kind, result)| *kind == "release" && result.is_ok()).count();
        // Whoever comes first, commits stay repeatable; after expiry they are late charges, and a release fails.
        let consumed = a.balance("credits").await.consumed;
        match (committed, released) {
            (8, 0) => assert_eq!(consumed, 3),
            (0, 8) => assert_eq!((consumed, a.reservation("r1").await.state()), (0, State::Released)),
            both => panic!("the hold ended twice, or not at all: {both:?} {results:?}"),
        }
        a.check_conservation().await;
    }
}
