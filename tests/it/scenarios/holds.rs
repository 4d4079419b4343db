//! Rule 3: what is available, and who is granted it.

use std::time::Duration;

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_03_a_hard_cap_grants_up_to_what_is_available_and_no_more() {
    let a = open("hard").clock("2025-01-10T00:00:00Z").await;
    a.reserve("r1", [item("reply", 7)]).granted().await;
    a.reserve("r2", [item("reply", 3)]).granted().await;
    let denial = a.reserve("r3", [item("reply", 1)]).denied().await;
    assert_eq!(denial.reason(), Reason::InsufficientCredits);
    assert_eq!((denial.pool.as_str(), denial.budget.as_str()), ("credits", ""));
    assert_eq!((denial.required, denial.available, denial.held), (1, 0, 10));
    assert_eq!(denial.reset_time, Some(at("2025-02-10T00:00:00Z")));
    assert!(!denial.message.is_empty());
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_available_is_what_remains_less_what_is_held() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 2)]).granted().await;
    a.reserve("r1", [item("reply", 3)]).granted().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.remaining), (10, 2, 8));
    assert_eq!((balance.held, balance.available), (3, 5));
    let denial = a.reserve("r2", [item("reply", 6)]).denied().await;
    assert_eq!((denial.required, denial.available, denial.held), (6, 5, 3));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_an_answer_carries_the_balances_of_the_pools_touched() {
    let a = open("hard").await;
    let answer = a.reserve("r1", [item("reply", 4)]).done().await;
    let [balance] = answer.balances.as_slice() else { panic!("one pool was touched: {answer:?}") };
    assert_eq!((balance.pool.as_str(), balance.held, balance.available), ("credits", 4, 6));
    let answer = a.reserve("r2", [item("reply", 7)]).done().await;
    let [balance] = answer.balances.as_slice() else { panic!("a refusal shows the pool too: {answer:?}") };
    assert_eq!((balance.held, balance.available), (4, 6));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_an_expired_grant_is_not_available() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.grant("credits", "g1", 5).kind(Kind::Promo).expires("2025-01-02T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 15);
    a.advance("2025-01-01T23:59:59Z").done().await;
    assert_eq!(a.balance("credits").await.available, 15);
    a.advance("2025-01-02T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.remaining, balance.lapsed), (10, 10, 5));
    a.reserve("r1", [item("reply", 11)]).denied().await;
    a.activity("grant_expired", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_soft_cap_always_grants() {
    let a = open("soft").await;
    a.reserve("r1", [item("reply", 10)]).granted().await;
    a.reserve("r2", [item("reply", 1_000_000)]).granted().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.held, balance.available, balance.overage), (1_000_010, 0, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_soft_cap_with_an_overage_limit_grants_up_to_it() {
    let a = open("soft_limited").await;
    let denial = a.reserve("r1", [item("reply", 16)]).denied().await;
    assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::OverageLimit, "credits"));
    a.reserve("r1", [item("reply", 12)]).granted().await;
    a.reserve("r2", [item("reply", 3)]).granted().await;
    assert_eq!(a.reserve("r3", [item("reply", 1)]).denied().await.reason(), Reason::OverageLimit);
    a.commit("r1").done().await;
    a.commit("r2").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.state()), (15, 5, Level::Overage));
    assert_eq!(a.charge("c1", [item("reply", 1)]).denied().await.reason(), Reason::OverageLimit);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_of_64_callers_for_1_of_10_credits_exactly_10_are_granted() {
    let a = open("hard").await;
    let answers = race((0..64).map(|n| a.reserve(&format!("r{n}"), [item("reply", 1)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
    for denial in answers.into_iter().filter_map(Result::err) {
        assert_eq!((denial.reason(), denial.available, denial.held), (Reason::InsufficientCredits, 0, 10));
    }
    assert_eq!(a.balance("credits").await.held, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_of_64_charges_of_3_of_10_credits_exactly_3_are_granted() {
    let a = open("hard").await;
    let answers = race((0..64).map(|n| a.charge(&format!("c{n}"), [item("reply", 3)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(a.balance("credits").await.consumed, 9);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_callers_racing_into_an_overage_limit_stop_exactly_at_it() {
    let a = open("soft_limited").await;
    let answers = race((0..64).map(|n| a.reserve(&format!("r{n}"), [item("reply", 1)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 15);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_dry_run_decides_as_if_for_real_and_holds_nothing() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 10)]).dry_run(true).granted().await;
    a.charge("c1", [item("reply", 10)]).dry_run(true).granted().await;
    let denial = a.reserve("r1", [item("reply", 11)]).dry_run(true).denied().await;
    assert_eq!((denial.reason(), denial.required), (Reason::InsufficientCredits, 11));
    let balance = a.balance("credits").await;
    assert_eq!((balance.held, balance.consumed, balance.available), (0, 0, 10));
    a.commit("r1").failed().await.is(Code::NotFound, "RESERVATION_NOT_FOUND");
    a.reserve("r1", [item("reply", 9)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_hold_without_an_id_gets_one_and_a_repetition_is_another_hold() {
    let a = open("hard").await;
    let first = a.reserve("", [item("reply", 1)]).granted().await;
    let second = a.reserve("", [item("reply", 1)]).granted().await;
    assert!(!first.id.is_empty() && first.id != second.id);
    assert_eq!(a.balance("credits").await.held, 2);
    a.release(&first.id).done().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_hold_lives_as_long_as_the_request_or_the_action_or_ten_minutes() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    let asked = a.reserve("r1", [item("brief", 1)]).ttl(90).granted().await;
    assert_eq!(asked.expire_time, Some(at("2025-01-01T00:01:30Z")));
    let brief = a.reserve("r2", [item("brief", 1)]).granted().await;
    assert_eq!(brief.expire_time, Some(at("2025-01-01T00:00:30Z")));
    let plain = a.reserve("r3", [item("reply", 1)]).granted().await;
    assert_eq!(plain.create_time, Some(at("2025-01-01T00:00:00Z")));
    assert_eq!(plain.expire_time, Some(at("2025-01-01T00:10:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_what_an_expired_hold_kept_is_available_again_in_real_time() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 10)]).ttl(1).granted().await;
    a.reserve("r2", [item("reply", 10)]).denied().await;
    tokio::time::sleep(Duration::from_millis(1300)).await;
    a.reserve("r2", [item("reply", 10)]).granted().await;
    assert_eq!(a.reservation("r1").await.state(), State::Expired);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_pool_that_the_plan_does_not_list_is_not_in_the_plan() {
    let a = open("voice_only").await;
    let denial = a.reserve("r1", [item("reply", 1)]).denied().await;
    assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::NotInPlan, "credits"));
    assert_eq!(a.charge("c1", [item("reply", 1)]).denied().await.reason(), Reason::NotInPlan);
    a.charge("c1", [item("call_minute", 1)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_suspended_account_is_denied_and_can_still_end_its_holds() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 2)]).granted().await;
    a.reserve("r2", [item("reply", 2)]).granted().await;
    a.put(|account| account.set_status(v1::account::Status::Suspended)).await.expect("an account can be suspended");
    assert_eq!(a.reserve("r3", [item("reply", 1)]).denied().await.reason(), Reason::AccountSuspended);
    assert_eq!(a.charge("c1", [item("reply", 1)]).denied().await.reason(), Reason::AccountSuspended);
    assert_eq!(a.extend("r1", "e1").more(&[1]).denied().await.reason(), Reason::AccountSuspended);
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 2);
    a.release("r2").done().await;
    a.put(|_| {}).await.expect("an account can be taken up again");
    a.reserve("r3", [item("reply", 1)]).granted().await;
    a.check_conservation().await;
}
