//! Rule 13: less than asked, but at least what is of use.

use crate::harness::prelude::*;

/// An account with so many minutes left of its 60.
async fn with_minutes(left: i64) -> Account {
    let a = open("hard").await;
    a.charge("before", [item("call_minute", 60 - left)]).granted().await;
    a
}

#[tokio::test]
async fn rule_13_five_minutes_asked_and_two_left_grants_two_and_is_final() {
    let a = with_minutes(2).await;
    let held = a.reserve("r1", [item("call_minute", 5).at_least(1)]).granted().await;
    assert_eq!((held.items[0].quantity, held.items[0].credits), (2, 2));
    assert!(held.final_unit);
    assert_eq!(a.balance("minutes").await.available, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_as_much_as_the_credits_allow_is_counted_in_units_of_the_action() {
    let a = with_minutes(2).await;
    let held = a.reserve("r1", [item("call_second", 300).at_least(30)]).granted().await;
    assert_eq!((held.items[0].quantity, held.items[0].credits, held.final_unit), (120, 2, true));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_less_than_the_minimum_is_denied() {
    let a = with_minutes(2).await;
    let denial = a.reserve("r1", [item("call_minute", 5).at_least(3)]).denied().await;
    assert_eq!((denial.reason(), denial.available), (Reason::InsufficientCredits, 2));
    let held = a.reserve("r1", [item("call_minute", 5).at_least(2)]).granted().await;
    assert_eq!(held.items[0].quantity, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_with_credits_enough_all_is_granted_and_it_is_not_final() {
    let a = with_minutes(20).await;
    let held = a.reserve("r1", [item("call_minute", 5).at_least(1)]).granted().await;
    assert_eq!((held.items[0].quantity, held.final_unit), (5, false));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_without_a_minimum_it_is_all_or_nothing() {
    let a = with_minutes(2).await;
    a.reserve("r1", [item("call_minute", 5)]).denied().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_a_partial_hold_is_committed_like_any_other() {
    let a = with_minutes(2).await;
    a.reserve("r1", [item("call_second", 300).at_least(60)]).granted().await;
    let charge = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((charge.quantity, charge.credits), (120, 2));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_a_minimum_above_the_quantity_is_refused() {
    let a = open("hard").await;
    let failure = a.reserve("r1", [item("call_minute", 5).at_least(6)]).failed().await;
    failure.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    assert!(failure.metadata["field"].contains("min_quantity"), "{failure:?}");
    a.reserve("r1", [item("call_minute", 5).at_least(-1)]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_a_soft_cap_grants_all() {
    let a = open("soft").await;
    let held = a.reserve("r1", [item("reply", 50).at_least(1)]).granted().await;
    assert_eq!((held.items[0].quantity, held.final_unit), (50, false));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_an_item_that_can_be_had_whole_stays_whole_beside_a_partial_one() {
    let a = with_minutes(2).await;
    let held = a.reserve("r1", [item("reply", 3), item("call_minute", 5).at_least(1)]).granted().await;
    assert_eq!((held.items[0].quantity, held.items[1].quantity), (3, 2));
    a.reserve("r2", [item("reply", 8), item("call_minute", 5).at_least(1)]).denied().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_13_a_partial_grant_asked_again_gets_the_same_answer() {
    let a = with_minutes(2).await;
    let ask = || a.reserve("r1", [item("call_minute", 5).at_least(1)]);
    let first = ask().granted().await;
    a.grant("minutes", "top", 30).done().await;
    assert_eq!(ask().granted().await, first, "also when there is more by now");
    a.reserve("r1", [item("call_minute", 5).at_least(2)]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_13_racing_partial_grants_share_out_exactly_what_is_there() {
    let a = with_minutes(12).await;
    let answers =
        race((0..16).map(|n| a.reserve(&format!("r{n}"), [item("call_minute", 5).at_least(1)]).lane(n).decided()))
            .await;
    let mut granted: Vec<_> =
        answers.into_iter().filter_map(Result::ok).map(|held| (held.items[0].quantity, held.final_unit)).collect();
    granted.sort_unstable();
    assert_eq!(granted, [(2, true), (5, false), (5, false)]);
    a.check_conservation().await;
}
