//! Rule 11: what rolls over into the next cycle.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_11_what_the_plan_says_rolls_over_becomes_a_rollover_grant() {
    let a = open("roll_all").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 3)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.allowance, balance.consumed, balance.lapsed), (17, 10, 0, 0));
    assert_eq!(a.remaining_of("credits", Kind::Rollover).await, 7);
    a.charge("c2", [item("reply", 8)]).granted().await;
    assert_eq!(a.remaining_of("credits", Kind::Rollover).await, 0, "rollover is drawn first");
    assert_eq!(a.remaining_of("credits", Kind::Allowance).await, 9);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_all_of_every_missed_cycle_rolls_over() {
    let a = open("roll_all").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-04-01T00:00:00Z").done().await;
    // chosen: `all` also keeps what had rolled over before.
    assert_eq!(a.balance("credits").await.available, 40);
    assert_eq!(a.remaining_of("credits", Kind::Rollover).await, 30);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_what_every_missed_cycle_left_lives_as_many_cycles_as_said() {
    let a = open("roll_long").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-04-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 40, "what January, February and March left");
    a.advance("2025-05-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 40, "January's is over, April's is there");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_at_most_the_maximum_rolls_over_and_lives_as_many_cycles_as_said() {
    let a = open("roll_some").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 3)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 14);
    let rollover: Vec<_> =
        a.balance("credits").await.grants.into_iter().filter(|grant| grant.kind() == Kind::Rollover).collect();
    assert_eq!(rollover.len(), 1);
    assert_eq!((rollover[0].remaining, rollover[0].expire_time), (4, Some(at("2025-03-01T00:00:00Z"))));
    a.advance("2025-03-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 14, "4 expired, 4 came");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_less_than_the_maximum_rolls_over_as_it_is() {
    let a = open("roll_some").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 8)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 12);
    a.charge("c2", [item("reply", 12)]).granted().await;
    a.advance("2025-03-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_a_plan_without_rollover_keeps_nothing() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 10);
    assert_eq!(a.remaining_of("credits", Kind::Rollover).await, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_what_an_open_hold_was_promised_does_not_roll_over_as_well() {
    let a = open("roll_all").clock("2025-01-01T00:00:00Z").await;
    a.advance("2025-01-31T23:59:00Z").done().await;
    a.reserve("r1", [item("reply", 6)]).ttl(3600).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 14, "10 new and the 4 that were free");
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 6);
    assert_eq!(a.balance("credits").await.available, 14);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_11_a_reset_seen_twice_rolls_over_once() {
    let a = open("roll_all").clock("2025-01-01T00:00:00Z").await;
    race((0..16).map(|lane| a.advance("2025-02-01T00:00:00Z").lane(lane).done())).await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.balance("credits").await.available, 20);
    a.check_conservation().await;
}
