//! Rule 19: committed credits go back to where they came from.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_19_a_refund_gives_everything_back() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    let refund = a.refund("f1", "c1").reason("wrong answer").done().await;
    assert_eq!(refund.refunded, [5]);
    assert_eq!((refund.balances[0].consumed, refund.balances[0].available), (0, 10));
    let entry = a.activity("refund", 1).await.remove(0);
    assert_eq!((entry.reservation_id.as_str(), entry.credits), ("c1", 5));
    assert!(said(&entry, "wrong answer"), "{entry:?}");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_credits_go_back_to_the_grants_that_they_came_from() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    a.refund("f1", "c1").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.purchased, balance.remaining, balance.consumed), (5, 15, 0));
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_refund_does_not_take_from_what_others_spent() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.charge("c2", [item("reply", 3)]).granted().await;
    a.refund("f1", "c2").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.purchased, balance.consumed), (5, 10));
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_credits_are_given_back_item_by_item() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 5), item("call_minute", 8)]).granted().await;
    assert_eq!(a.refund("f1", "c1").credits(&[0, 3]).done().await.refunded, [0, 3]);
    assert_eq!(a.balance("minutes").await.consumed, 5);
    assert_eq!(a.refund("f2", "c1").done().await.refunded, [5, 5], "all that is left of the charge");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_at_most_what_was_charged_is_given_back() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    a.refund("f1", "c1").credits(&[6]).failed().await.is(Code::FailedPrecondition, "REFUND_TOO_LARGE");
    a.refund("f1", "c1").credits(&[4]).done().await;
    a.refund("f2", "c1").credits(&[2]).failed().await.is(Code::FailedPrecondition, "REFUND_TOO_LARGE");
    assert_eq!(a.refund("f2", "c1").credits(&[1]).done().await.refunded, [1]);
    assert_eq!(a.balance("credits").await.consumed, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_what_was_uncovered_is_not_given_back() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    a.commit("r1").quantities(&[15]).done().await;
    assert_eq!(a.refund("f1", "r1").done().await.refunded, [10]);
    assert_eq!(a.balance("credits").await.available, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_overage_is_given_back_too() {
    let a = open("soft").await;
    a.charge("c1", [item("reply", 15)]).granted().await;
    assert_eq!(a.refund("f1", "c1").done().await.refunded, [15]);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (0, 0, 10));
    assert_eq!(balance.state(), Level::Ok);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_what_was_not_charged_is_not_refunded() {
    let a = open("hard").await;
    a.reserve("open", [item("reply", 2)]).granted().await;
    a.refund("f1", "open").failed().await.is(Code::FailedPrecondition, "NOTHING_CHARGED");
    a.reserve("released", [item("reply", 2)]).granted().await;
    a.release("released").done().await;
    a.refund("f2", "released").failed().await.is(Code::FailedPrecondition, "NOTHING_CHARGED");
    a.refund("f3", "nothing").failed().await.is(Code::NotFound, "RESERVATION_NOT_FOUND");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_wrong_number_of_credits_is_refused() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    assert_eq!(a.refund("f1", "c1").credits(&[1, 1]).failed().await.code, Code::InvalidArgument);
    a.refund("f1", "c1").credits(&[-1]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_refund_unmarks_a_unique_charge_if_asked() {
    let a = open("hard").await;
    let lead = || item("lead", 1).subject("ann");
    a.charge("c1", [lead()]).granted().await;
    a.refund("f1", "c1").done().await;
    assert!(a.charge("c2", [lead()]).granted().await.charges[0].duplicate, "not asked");
    a.charge("c3", [item("lead", 1).subject("bob")]).granted().await;
    a.refund("f3", "c3").unmark(true).done().await;
    let charge = a.charge("c4", [item("lead", 1).subject("bob")]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (1, false));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_refund_resumes_an_exhausted_pool() {
    let a = open("watched").await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    a.refund("f1", "c1").credits(&[4]).done().await;
    a.activity("resumed", 1).await;
    a.charge("c2", [item("reply", 4)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_refund_after_the_reset_returns_top_ups_and_leaves_the_new_allowance() {
    let a = open("hard").clock("2025-01-31T23:00:00Z").anchor("2025-01-01T00:00:00Z").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    a.advance("2025-02-01T01:00:00Z").done().await;
    a.refund("f1", "c1").done().await;
    let balance = a.balance("credits").await;
    assert_eq!(balance.purchased, 5);
    // chosen: the allowance that the other 10 came from is over, as the rest of it is.
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 10);
    assert_eq!((balance.available, balance.consumed), (15, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_late_commit_can_be_refunded() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("reply", 4)]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    a.commit("r1").done().await;
    assert_eq!(a.refund("f1", "r1").done().await.refunded, [4]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_once_per_refund_id() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    for _ in 0..3 {
        assert_eq!(a.refund("f1", "c1").credits(&[2]).done().await.refunded, [2]);
    }
    assert_eq!(a.balance("credits").await.consumed, 3);
    a.charge("c2", [item("reply", 5)]).granted().await;
    a.refund("f1", "c2").credits(&[2]).failed().await.is(Code::AlreadyExists, "REFUND_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_19_a_refund_does_not_bring_back_a_top_up_that_was_revoked() {
    let a = open("hard").await;
    a.grant("credits", "top", 5).done().await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    a.charge("c2", [item("reply", 4)]).granted().await;
    a.revoke("credits", "top").done().await;
    assert_eq!(a.balance("credits").await.available, 0);
    a.refund("f1", "c2").done().await;
    let balance = a.balance("credits").await;
    // Two of the four came from the allowance, which is still there.
    assert_eq!((balance.available, balance.purchased), (2, 0));
    assert_eq!(a.remaining_in("credits", "top").await, 0);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_19_racing_refunds_never_give_back_more_than_was_charged() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 7)]).granted().await;
    let answers = race((0..16).map(|n| a.refund(&format!("f{n}"), "c1").credits(&[2]).lane(n).send())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    for failure in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        failure.is(Code::FailedPrecondition, "REFUND_TOO_LARGE");
    }
    assert_eq!(a.balance("credits").await.consumed, 1);
    a.check_conservation().await;
}
