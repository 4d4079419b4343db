//! Rule 15: things held, such as seats: occupied from commit to release.

use crate::harness::prelude::*;

fn seat() -> v1::Item {
    item("seat", 1)
}

#[tokio::test]
async fn rule_15_what_is_committed_stays_occupied_until_that_reservation_is_released() {
    let a = open("team").await;
    for id in ["ann", "bob"] {
        a.reserve(id, [seat()]).granted().await;
        a.commit(id).done().await;
    }
    let balance = a.balance("seats").await;
    assert_eq!((balance.allowance, balance.consumed, balance.available), (2, 2, 0));
    let denial = a.reserve("cleo", [seat()]).denied().await;
    assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::InsufficientCredits, "seats"));
    assert_eq!((denial.required, denial.available, denial.reset_time), (1, 0, None));
    let released = a.release("ann").done().await;
    assert_eq!(released.reservation.map(|reservation| reservation.state()), Some(State::Released));
    let balance = a.balance("seats").await;
    assert_eq!((balance.consumed, balance.available), (1, 1));
    a.reserve("cleo", [seat()]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_a_hold_counts_before_it_is_committed_and_a_charge_occupies_at_once() {
    let a = open("team").await;
    a.reserve("ann", [seat()]).granted().await;
    a.charge("bob", [seat()]).granted().await;
    let balance = a.balance("seats").await;
    assert_eq!((balance.held, balance.consumed, balance.available), (1, 1, 0));
    a.charge("cleo", [seat()]).denied().await;
    a.release("bob").done().await;
    a.charge("cleo", [seat()]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_a_capacity_pool_has_no_cycle_and_stays_occupied_for_months() {
    let a = open("team").clock("2025-01-01T00:00:00Z").await;
    a.charge("ann", [seat()]).granted().await;
    assert_eq!(a.balance("seats").await.reset_time, None);
    a.advance("2025-06-15T00:00:00Z").done().await;
    let balance = a.balance("seats").await;
    assert_eq!((balance.consumed, balance.available), (1, 1));
    a.release("ann").done().await;
    assert_eq!(a.balance("seats").await.available, 2, "long after ended reservations are forgotten");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_lowering_a_limit_refuses_new_ones_and_evicts_none() {
    let a = open("team").await;
    a.charge("ann", [seat()]).granted().await;
    a.charge("bob", [seat()]).granted().await;
    a.change_plan("small_team", "", v1::change_plan_request::When::Now).done().await;
    let balance = a.balance("seats").await;
    assert_eq!((balance.allowance, balance.consumed, balance.available), (1, 2, 0));
    a.charge("cleo", [seat()]).denied().await;
    a.release("ann").done().await;
    a.charge("cleo", [seat()]).denied().await;
    a.release("bob").done().await;
    a.charge("cleo", [seat()]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_a_limit_may_be_raised_for_one_account() {
    let a = open("team").overriding("seats", v1::PoolOverride { limit: Some(3), ..v1::PoolOverride::default() }).await;
    for id in ["ann", "bob", "cleo"] {
        a.charge(id, [seat()]).granted().await;
    }
    a.charge("dan", [seat()]).denied().await;
    assert_eq!(a.balance("seats").await.allowance, 3);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_a_repeated_release_frees_one_place_and_a_repeated_charge_takes_one() {
    let a = open("team").await;
    a.charge("ann", [seat()]).granted().await;
    a.charge("ann", [seat()]).granted().await;
    a.charge("bob", [seat()]).granted().await;
    assert_eq!(a.balance("seats").await.consumed, 2);
    a.release("ann").done().await;
    a.release("ann").done().await;
    assert_eq!(a.balance("seats").await.consumed, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_a_commit_after_the_release_of_a_place_fails() {
    let a = open("team").await;
    a.reserve("ann", [seat()]).granted().await;
    a.release("ann").done().await;
    a.commit("ann").failed().await.is(Code::FailedPrecondition, "RESERVATION_RELEASED");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_15_a_hold_that_expires_frees_its_place() {
    let a = open("team").clock("2025-01-01T00:00:00Z").await;
    a.reserve("ann", [seat()]).ttl(60).granted().await;
    a.advance("2025-01-01T00:01:00Z").done().await;
    assert_eq!(a.balance("seats").await.available, 2);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_15_of_32_callers_for_2_seats_exactly_2_sit() {
    let a = open("team").await;
    let answers = race((0..32).map(|n| a.charge(&format!("s{n}"), [seat()]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
    assert_eq!(a.balance("seats").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_15_of_16_releases_at_once_one_frees_the_place() {
    let a = open("team").await;
    a.charge("ann", [seat()]).granted().await;
    a.charge("bob", [seat()]).granted().await;
    for answer in duplicates(16, a.release("ann").reason("left")).await {
        answer.expect("a duplicate is answered");
    }
    assert_eq!(a.balance("seats").await.consumed, 1);
    a.check_conservation().await;
}
