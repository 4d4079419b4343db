//! Rule 9: several items are all or nothing, and are charged one by one.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_09_items_across_pools_are_held_together() {
    let a = open("hard").await;
    let held = a.reserve("r1", [item("reply", 4), item("call_second", 61)]).granted().await;
    let items: Vec<_> = held.items.iter().map(|item| (item.pool.as_str(), item.credits)).collect();
    assert_eq!(items, [("credits", 4), ("minutes", 2)]);
    assert_eq!((a.balance("credits").await.held, a.balance("minutes").await.held), (4, 2));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_09_one_item_without_credits_refuses_them_all() {
    let a = open("hard").await;
    let denial = a.reserve("r1", [item("reply", 4), item("call_minute", 61)]).denied().await;
    assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::InsufficientCredits, "minutes"));
    assert_eq!((denial.required, denial.available), (61, 60));
    a.charge("c1", [item("call_minute", 1), item("reply", 11)]).denied().await;
    for balance in a.balances().await {
        assert_eq!((balance.held, balance.consumed), (0, 0), "{}", balance.pool);
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_09_items_of_one_pool_are_summed() {
    let a = open("hard").await;
    let denial = a.reserve("r1", [item("reply", 6), item("reply", 6)]).denied().await;
    assert_eq!((denial.required, denial.available), (12, 10));
    a.reserve("r1", [item("reply", 6), item("reply", 4)]).granted().await;
    assert_eq!(a.balance("credits").await.held, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_09_contact_found_and_company_not_found_commit_as_1_and_0() {
    let a = open("hard").await;
    a.reserve("r1", [item("lead", 1).subject("contact:7"), item("lead", 1).subject("company:7")]).granted().await;
    let charges = a.commit("r1").quantities(&[1, 0]).done().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [1, 0]);
    let balance = a.balance("leads").await;
    assert_eq!((balance.consumed, balance.held), (1, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_09_a_charge_of_several_items_is_charged_item_by_item() {
    let a = open("hard").await;
    let charges = a.charge("c1", [item("reply", 4), item("call_second", 61), item("free", 9)]).granted().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [4, 2, 0]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_09_a_pool_out_of_the_plan_refuses_every_item() {
    let a = open("voice_only").await;
    let denial = a.reserve("r1", [item("call_minute", 1), item("reply", 1)]).denied().await;
    assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::NotInPlan, "credits"));
    assert_eq!(a.balance("minutes").await.held, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_09_several_items_asked_again_are_held_once_and_their_order_counts() {
    let a = open("hard").await;
    let items = [item("reply", 4), item("call_minute", 2)];
    let first = a.reserve("r1", items.clone()).granted().await;
    assert_eq!(a.reserve("r1", items.clone()).granted().await, first);
    let [x, y] = items;
    a.reserve("r1", [y, x]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_09_racing_holds_over_two_pools_never_hold_one_without_the_other() {
    let a = open("hard").await;
    let answers = race((0..32).map(|n| {
        let (x, y) = (item("reply", 1), item("call_minute", 1));
        let items = if n % 2 == 0 { [x, y] } else { [y, x] };
        a.reserve(&format!("r{n}"), items).lane(n).decided()
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
    assert_eq!((a.balance("credits").await.held, a.balance("minutes").await.held), (10, 10));
    a.check_conservation().await;
}
