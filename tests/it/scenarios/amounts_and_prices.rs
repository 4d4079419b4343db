//! Rules 1 and 2: what an amount is, and what a quantity costs.

use crate::harness::prelude::*;

/// 2^53-1, the largest amount.
const MOST: i64 = 9_007_199_254_740_991;

#[tokio::test]
async fn rule_01_an_amount_may_be_two_to_the_53_minus_one_and_stays_exact() {
    let a = open("bare").await;
    assert_eq!(a.grant("credits", "g1", MOST).done().await.balance.map(|b| b.available), Some(MOST));
    let held = a.reserve("r1", [item("reply", MOST)]).granted().await;
    assert_eq!((held.items[0].quantity, held.items[0].credits), (MOST, MOST));
    assert_eq!(a.reserve("r2", [item("reply", 1)]).denied().await.available, 0);
    assert_eq!(a.commit("r1").quantities(&[MOST - 1]).done().await.charges[0].credits, MOST - 1);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.remaining, balance.available), (MOST - 1, 1, 1));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_negative_or_too_large_quantity_is_refused_and_names_the_field() {
    let a = open("hard").await;
    for quantity in [-1, i64::MIN, MOST + 1, i64::MAX] {
        let failure = a.reserve("r1", [item("reply", quantity)]).failed().await;
        failure.is(Code::InvalidArgument, "INVALID_ARGUMENT");
        assert!(failure.metadata["field"].contains("quantity"), "{failure:?}");
        a.charge("c1", [item("reply", quantity)]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    }
    a.reserve("r1", [item("reply", 2)]).granted().await;
    for quantity in [-1, MOST + 1] {
        a.commit("r1").quantities(&[quantity]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
        a.extend("r1", "e1").more(&[quantity]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
        a.grant("credits", "g1", quantity).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    }
    assert_eq!(a.reservation("r1").await.state(), State::Active, "a refused request changes nothing");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_grant_is_at_least_one_credit() {
    let a = open("hard").await;
    a.grant("credits", "g1", 0).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_quantity_of_zero_means_one() {
    let a = open("hard").await;
    let held = a.reserve("r1", [item("reply", 0)]).granted().await;
    assert_eq!((held.items[0].quantity, held.items[0].credits), (1, 1));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_price_that_passes_the_largest_amount_is_refused() {
    let a = open("hard").await;
    a.reserve("r1", [item("sync", MOST)]).failed().await.is(Code::InvalidArgument, "AMOUNT_OVERFLOW");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_balance_never_passes_the_largest_amount() {
    let a = open("hard").await;
    a.grant("credits", "g1", MOST).failed().await.is(Code::InvalidArgument, "AMOUNT_OVERFLOW");
    assert_eq!(a.balance("credits").await.remaining, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_soft_pool_does_not_count_past_the_largest_amount() {
    let a = open("soft").await;
    a.charge("c1", [item("reply", MOST - 5)]).granted().await;
    a.charge("c2", [item("reply", 6)]).failed().await.is(Code::InvalidArgument, "AMOUNT_OVERFLOW");
    a.charge("c3", [item("reply", 5)]).granted().await;
    assert_eq!(a.balance("credits").await.consumed, MOST);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_a_fraction_is_a_pool_of_a_smaller_unit_which_says_its_scale() {
    let a = open("hard").await;
    let charged = a.charge("c1", [item("token", 7)]).granted().await;
    assert_eq!(charged.charges[0].credits, 21);
    let balance = a.balance("fine").await;
    assert_eq!((balance.scale, balance.remaining), (1000, 4979));
    assert_eq!(a.balance("credits").await.scale, 1, "one unit is one credit unless the catalog says otherwise");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_01_callers_racing_for_the_last_credit_of_the_largest_amount_do_not_pass_it() {
    let a = open("bare").await;
    a.grant("credits", "g1", MOST).done().await;
    a.charge("c0", [item("reply", MOST - 1)]).granted().await;
    let answers = race((0..16).map(|n| a.charge(&format!("c{}", n + 1), [item("reply", 1)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(a.balance("credits").await.consumed, MOST);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_fifteen_minutes_cost_15_and_61_seconds_cost_2() {
    let a = open("hard").await;
    for (id, seconds, credits) in [("r1", 900, 15), ("r2", 61, 2), ("r3", 60, 1), ("r4", 1, 1), ("r5", 119, 2)] {
        let held = a.reserve(id, [item("call_second", seconds)]).granted().await;
        assert_eq!(held.items[0].credits, credits, "{seconds} s");
    }
    assert_eq!(a.balance("minutes").await.held, 21);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_a_price_that_says_so_is_rounded_down() {
    let a = open("hard").await;
    for (id, seconds, credits) in [("r1", 59, 0), ("r2", 60, 1), ("r3", 119, 1)] {
        let held = a.reserve(id, [item("call_floor", seconds)]).granted().await;
        assert_eq!(held.items[0].credits, credits, "{seconds} s");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_a_price_is_computed_without_losing_a_digit() {
    let a = open("bare").await;
    a.grant("credits", "g1", MOST).done().await;
    // 7 credits per 9 of 2^53-1: the product takes 56 bits and does not divide.
    let charged = a.charge("c1", [item("sevenths", MOST)]).granted().await;
    assert_eq!(charged.charges[0].credits, 7_005_599_420_354_105);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_a_price_may_depend_on_a_dimension() {
    let a = open("hundred").await;
    let cases = [("large-2", 4, 12), ("large-", 1, 3), ("tiny", 11, 2), ("small", 4, 4), ("xlarge-2", 4, 4)];
    for (model, quantity, credits) in cases {
        let charged = a.charge(model, [item("model_reply", quantity).dimension("model", model)]).granted().await;
        assert_eq!(charged.charges[0].credits, credits, "{model}");
    }
    let plain = a.charge("plain", [item("model_reply", 4)]).granted().await;
    assert_eq!(plain.charges[0].credits, 4, "without the dimension the price is the action's own");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_commit_prices_the_actual_quantity_with_the_price_of_the_reserve() {
    let a = open("hundred").await;
    a.reserve("r1", [item("model_reply", 4).dimension("model", "large-1")]).granted().await;
    assert_eq!(a.commit("r1").quantities(&[3]).done().await.charges[0].credits, 9);
    a.reserve("r2", [item("call_second", 900)]).granted().await;
    assert_eq!(a.commit("r2").quantities(&[61]).done().await.charges[0].credits, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_a_hold_keeps_its_price_when_the_plan_moves_to_a_dearer_catalog_version() {
    let a = open("basic").catalog("prices", "2025-01-01").await;
    a.reserve("r1", [item("reply", 3)]).granted().await;
    a.change_plan("basic", "2025-06-01", v1::change_plan_request::When::Now).done().await;
    assert_eq!(a.commit("r1").quantities(&[5]).done().await.charges[0].credits, 5);
    assert_eq!(a.charge("c1", [item("reply", 3)]).granted().await.charges[0].credits, 6);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_a_free_action_is_granted_with_no_credits_left() {
    let a = open("bare").await;
    let charged = a.charge("c1", [item("free", 1000)]).granted().await;
    assert_eq!((charged.charges[0].quantity, charged.charges[0].credits), (1000, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_the_same_hold_asked_again_costs_the_same_and_once() {
    let a = open("hard").await;
    let first = a.reserve("r1", [item("call_second", 61)]).granted().await;
    assert_eq!(a.reserve("r1", [item("call_second", 61)]).granted().await, first);
    a.reserve("r1", [item("call_second", 60)]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    assert_eq!(a.balance("minutes").await.held, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_02_an_unknown_action_is_an_error_that_names_it() {
    let a = open("hard").await;
    let failure = a.reserve("r1", [item("no_such_action", 1)]).failed().await;
    failure.is(Code::InvalidArgument, "UNKNOWN_ACTION");
    assert!(failure.metadata.values().any(|value| value.contains("no_such_action")), "{failure:?}");
    a.check_conservation().await;
}
