//! Rule 14: more quantity, more time or both on a live hold.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_14_quantities_are_additions_and_the_answer_has_the_new_totals() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 2), item("call_minute", 10)]).granted().await;
    let extended = a.extend("r1", "e1").more(&[3, 0]).granted().await;
    let totals: Vec<_> = extended.items.iter().map(|item| (item.quantity, item.credits)).collect();
    assert_eq!(totals, [(5, 5), (10, 10)]);
    assert_eq!((a.balance("credits").await.held, a.balance("minutes").await.held), (5, 10));
    assert_eq!(a.reservation("r1").await.items, extended.items);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_the_hold_is_priced_for_its_total_quantity() {
    let a = open("hard").await;
    a.reserve("r1", [item("call_second", 30)]).granted().await;
    let totals = [("e1", 30, 60, 1), ("e2", 1, 61, 2), ("e3", 59, 120, 2), ("e4", 60, 180, 3)];
    for (id, more, quantity, credits) in totals {
        let extended = a.extend("r1", id).more(&[more]).granted().await;
        assert_eq!((extended.items[0].quantity, extended.items[0].credits), (quantity, credits));
    }
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 3);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_more_time_counts_from_now_and_leaves_the_quantity() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 2)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:00:30Z").done().await;
    let extended = a.extend("r1", "e1").ttl(60).granted().await;
    assert_eq!(extended.expire_time, Some(at("2025-01-01T00:01:30Z")));
    assert_eq!(extended.items[0].quantity, 2);
    a.advance("2025-01-01T00:01:29Z").done().await;
    assert_eq!(a.reservation("r1").await.state(), State::Active);
    a.advance("2025-01-01T00:01:30Z").done().await;
    assert_eq!(a.reservation("r1").await.state(), State::Expired);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_an_extend_never_brings_the_expiry_nearer() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 2)]).ttl(600).granted().await;
    let extended = a.extend("r1", "e1").ttl(60).granted().await;
    assert_eq!(extended.expire_time, Some(at("2025-01-01T00:10:00Z")));
    let unset = a.extend("r1", "e2").more(&[1]).granted().await;
    assert_eq!(unset.expire_time, Some(at("2025-01-01T00:10:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_quantity_and_time_and_use_may_come_together() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("metered_call", 60)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:00:50Z").done().await;
    let extended = a.extend("r1", "e1").more(&[60]).used(&[50]).ttl(70).granted().await;
    assert_eq!((extended.items[0].quantity, extended.items[0].credits), (120, 2));
    assert_eq!(extended.expire_time, Some(at("2025-01-01T00:02:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_a_refused_extend_leaves_the_hold_as_it_was() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 2), item("call_minute", 10)]).ttl(60).granted().await;
    let before = a.reservation("r1").await;
    let denial = a.extend("r1", "e1").more(&[9, 1]).ttl(600).denied().await;
    assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::InsufficientCredits, "credits"));
    assert_eq!(a.reservation("r1").await, before);
    assert_eq!((a.balance("credits").await.held, a.balance("minutes").await.held), (2, 10));
    a.extend("r1", "e1").more(&[8, 1]).ttl(600).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_only_a_live_hold_is_extended() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    for id in ["committed", "released", "expired"] {
        a.reserve(id, [item("reply", 2)]).ttl(60).granted().await;
    }
    a.commit("committed").done().await;
    a.release("released").done().await;
    a.advance("2025-01-01T00:01:00Z").done().await;
    a.extend("committed", "e1").ttl(60).failed().await.is(Code::FailedPrecondition, "RESERVATION_COMMITTED");
    a.extend("released", "e1").ttl(60).failed().await.is(Code::FailedPrecondition, "RESERVATION_RELEASED");
    a.extend("expired", "e1").ttl(60).failed().await.is(Code::FailedPrecondition, "RESERVATION_EXPIRED");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_a_wrong_number_of_quantities_is_refused() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 2), item("call_minute", 10)]).granted().await;
    assert_eq!(a.extend("r1", "e1").more(&[1]).failed().await.code, Code::InvalidArgument);
    assert_eq!(a.extend("r1", "e1").used(&[1, 2, 3]).failed().await.code, Code::InvalidArgument);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_a_voice_call_extends_until_its_minutes_are_gone() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.charge("before", [item("call_minute", 55)]).granted().await;
    a.reserve("call", [item("call_second", 60)]).ttl(90).granted().await;
    for minute in 1..5 {
        a.advance(&format!("2025-01-01T00:0{minute}:00Z")).done().await;
        a.extend("call", &format!("e{minute}")).more(&[60]).ttl(90).granted().await;
    }
    a.advance("2025-01-01T00:05:00Z").done().await;
    a.extend("call", "e5").more(&[60]).ttl(90).denied().await;
    let charge = a.commit("call").quantities(&[290]).done().await.charges.remove(0);
    assert_eq!((charge.quantity, charge.credits, charge.uncovered), (290, 5, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_a_repeated_extend_does_not_add_again_nor_move_the_expiry() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 2)]).ttl(60).granted().await;
    let first = a.extend("r1", "e1").more(&[1]).ttl(100).granted().await;
    a.advance("2025-01-01T00:00:30Z").done().await;
    assert_eq!(a.extend("r1", "e1").more(&[1]).ttl(100).granted().await, first);
    let now = a.reservation("r1").await;
    assert_eq!((now.items[0].quantity, now.expire_time), (3, Some(at("2025-01-01T00:01:40Z"))));
    a.extend("r1", "e1").more(&[1]).ttl(101).failed().await.is(Code::AlreadyExists, "EXTEND_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_an_extend_id_belongs_to_its_reservation() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 1)]).granted().await;
    a.reserve("r2", [item("reply", 1)]).granted().await;
    a.extend("r1", "e1").more(&[1]).granted().await;
    a.extend("r2", "e1").more(&[2]).granted().await;
    assert_eq!(a.balance("credits").await.held, 5);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_14_of_32_extends_at_once_as_many_are_granted_as_there_are_credits() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 1)]).granted().await;
    let answers = race((0..32).map(|n| a.extend("r1", &format!("e{n}")).more(&[1]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 9);
    assert_eq!(a.reservation("r1").await.items[0].quantity, 10);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_14_extends_racing_a_commit_are_in_the_charge_or_fail() {
    let a = open("hundred").await;
    a.reserve("r1", [item("reply", 1)]).granted().await;
    let mut jobs: Vec<Job<Result<i64, Failure>>> = Vec::new();
    for n in 0..24 {
        let extend = a.extend("r1", &format!("e{n}")).more(&[1]).lane(n);
        jobs.push(Box::pin(async move { extend.send().await.map(|_| 1) }));
    }
    let commit = a.commit("r1").lane(3);
    jobs.insert(12, Box::pin(async move { commit.send().await.map(|done| -done.charges[0].credits) }));
    let results = race(jobs).await;
    let charged = -*results[12].as_ref().expect("the commit is answered");
    let extended = results.iter().filter(|result| matches!(result, Ok(1))).count();
    assert_eq!(charged, 1 + i64::try_from(extended).expect("small"));
    for failure in results.iter().filter_map(|result| result.as_ref().err()) {
        failure.is(Code::FailedPrecondition, "RESERVATION_COMMITTED");
    }
    assert_eq!(a.balance("credits").await.consumed, charged);
    a.check_conservation().await;
}
