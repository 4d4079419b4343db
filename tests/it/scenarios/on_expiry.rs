//! Rule 14: what an action does with a hold that expires.

use crate::harness::prelude::*;

async fn expired(action: &str, used: Option<i64>) -> Account {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item(action, 300)]).ttl(60).granted().await;
    if let Some(used) = used {
        a.extend("r1", "e1").used(&[used]).granted().await;
    }
    a.advance("2025-01-01T00:05:00Z").done().await;
    a
}

#[tokio::test]
async fn rule_14_by_default_an_expired_hold_is_released() {
    let a = expired("call_second", Some(61)).await;
    let reservation = a.reservation("r1").await;
    assert_eq!(reservation.state(), State::Expired);
    assert_eq!(reservation.charges.iter().map(|charge| charge.credits).sum::<i64>(), 0);
    assert_eq!(a.balance("minutes").await.available, 60);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_charge_used_charges_the_totals_reported_so_far() {
    let a = expired("metered_call", Some(61)).await;
    let reservation = a.reservation("r1").await;
    assert_eq!(reservation.state(), State::Expired);
    assert_eq!((reservation.charges[0].quantity, reservation.charges[0].credits), (61, 2));
    let balance = a.balance("minutes").await;
    assert_eq!((balance.consumed, balance.held, balance.available), (2, 0, 58));
    let entry = a.activity("expire", 1).await.remove(0);
    assert_eq!((entry.reservation_id.as_str(), entry.credits), ("r1", 2));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_charge_used_with_nothing_reported_charges_nothing() {
    let a = expired("metered_call", None).await;
    assert_eq!(a.balance("minutes").await.consumed, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_charge_used_counts_the_last_totals_and_not_their_sum() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("metered_call", 300)]).ttl(60).granted().await;
    a.extend("r1", "e1").used(&[60]).granted().await;
    a.extend("r1", "e2").used(&[120]).ttl(60).granted().await;
    a.advance("2025-01-01T00:05:00Z").done().await;
    assert_eq!(a.balance("minutes").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_charge_held_charges_all_that_was_held() {
    let a = expired("booked_call", None).await;
    let reservation = a.reservation("r1").await;
    assert_eq!((reservation.state(), reservation.charges[0].credits), (State::Expired, 5));
    assert_eq!(a.balance("minutes").await.consumed, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_each_item_expires_as_its_own_action_says() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    let items = [item("call_second", 300), item("metered_call", 300), item("booked_call", 300), item("reply", 2)];
    a.reserve("r1", items).ttl(60).granted().await;
    a.extend("r1", "e1").used(&[60, 60, 60, 1]).granted().await;
    a.advance("2025-01-01T00:05:00Z").done().await;
    assert_eq!(a.balance("minutes").await.consumed, 6);
    assert_eq!(a.balance("credits").await.consumed, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_an_expiry_that_charges_falls_on_the_cycle_of_the_hold() {
    let a = open("hard").clock("2025-01-31T23:59:00Z").anchor("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("booked_call", 300)]).ttl(120).granted().await;
    a.advance("2025-02-01T00:05:00Z").done().await;
    let balance = a.balance("minutes").await;
    assert_eq!((balance.consumed, balance.available), (0, 60));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_14_an_expiry_is_settled_once_however_often_it_is_seen() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [item("booked_call", 300)]).ttl(60).granted().await;
    race((0..16).map(|lane| a.advance("2025-01-01T00:05:00Z").lane(lane).done())).await;
    assert_eq!(a.balance("minutes").await.consumed, 5);
    a.activity("expire", 1).await;
    a.check_conservation().await;
}
