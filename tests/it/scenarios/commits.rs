//! Rule 6: a commit of less, of more, and of nothing.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_06_less_than_held_returns_the_rest() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 8)]).granted().await;
    let committed = a.commit("r1").quantities(&[3]).done().await;
    let charge = &committed.charges[0];
    assert_eq!((charge.action.as_str(), charge.pool.as_str()), ("reply", "credits"));
    assert_eq!((charge.quantity, charge.credits, charge.uncovered, charge.overage), (3, 3, 0, 0));
    let reservation = committed.reservation.expect("a commit answers with its reservation");
    assert_eq!(reservation.state(), State::Committed);
    assert_eq!(reservation.charges, committed.charges);
    let balance = &committed.balances[0];
    assert_eq!((balance.consumed, balance.held, balance.available), (3, 0, 7));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_no_quantities_mean_all_as_reserved() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4), item("call_second", 90)]).granted().await;
    let charges = a.commit("r1").done().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.quantity).collect::<Vec<_>>(), [4, 90]);
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [4, 2]);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_a_quantity_of_zero_charges_nothing_for_its_item() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4), item("call_minute", 5)]).granted().await;
    let charges = a.commit("r1").quantities(&[0, 2]).done().await.charges;
    assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(a.reservation("r1").await.state(), State::Committed);
    assert_eq!(a.balance("credits").await.available, 10);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_more_under_a_hard_cap_takes_what_is_available_and_reports_the_rest_uncovered() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    a.reserve("other", [item("reply", 3)]).granted().await;
    let charge = a.commit("r1").quantities(&[9]).done().await.charges.remove(0);
    assert_eq!((charge.quantity, charge.credits, charge.uncovered, charge.overage), (9, 7, 2, 0));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.uncovered, balance.remaining), (7, 2, 3));
    assert_eq!((balance.held, balance.available, balance.overage), (3, 0, 0));
    let other = a.commit("other").done().await.charges.remove(0);
    assert_eq!((other.credits, other.uncovered), (3, 0), "what others hold is not taken");
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.state()), (10, Level::Exhausted));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_more_under_a_hard_cap_is_charged_whole_where_there_is_room() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    let charge = a.commit("r1").quantities(&[9]).done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.uncovered), (9, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_what_is_uncovered_is_never_charged_later() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    a.commit("r1").quantities(&[15]).done().await;
    assert_eq!(a.balance("credits").await.uncovered, 5);
    a.grant("credits", "top", 5).done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.available, balance.consumed), (5, 10));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_more_under_a_soft_cap_is_overage() {
    let a = open("soft").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    let charge = a.commit("r1").quantities(&[15]).done().await.charges.remove(0);
    assert_eq!((charge.quantity, charge.credits, charge.overage, charge.uncovered), (15, 15, 5, 0));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (15, 5, 0));
    assert_eq!((balance.state(), balance.used_percent), (Level::Overage, 150.0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_more_under_a_soft_cap_does_not_take_what_others_hold() {
    let a = open("soft").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    a.reserve("other", [item("reply", 6)]).granted().await;
    let charge = a.commit("r1").quantities(&[8]).done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.overage), (8, 4));
    let other = a.commit("other").done().await.charges.remove(0);
    assert_eq!((other.credits, other.overage), (6, 0));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (14, 4, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_a_wrong_number_of_quantities_is_refused_and_changes_nothing() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4), item("call_minute", 5)]).granted().await;
    for quantities in [&[1][..], &[1, 2, 3]] {
        assert_eq!(a.commit("r1").quantities(quantities).failed().await.code, Code::InvalidArgument);
    }
    assert_eq!(a.reservation("r1").await.state(), State::Active);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_a_commit_of_what_was_never_reserved_is_not_found() {
    let a = open("hard").await;
    a.commit("nothing").failed().await.is(Code::NotFound, "RESERVATION_NOT_FOUND");
    a.release("nothing").failed().await.is(Code::NotFound, "RESERVATION_NOT_FOUND");
    a.extend("nothing", "e1").more(&[1]).failed().await.is(Code::NotFound, "RESERVATION_NOT_FOUND");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_a_commit_of_more_asked_again_is_charged_once() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    let first = a.commit("r1").quantities(&[15]).done().await;
    a.grant("credits", "top", 5).done().await;
    let again = a.commit("r1").quantities(&[15]).done().await;
    assert_eq!(again.charges, first.charges, "a retry does not take what came since");
    assert_eq!(a.balance("credits").await.available, 5);
    a.commit("r1").quantities(&[14]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_racing_commits_of_more_never_pass_a_hard_cap() {
    let a = open("hundred").await;
    a.charge("c0", [item("reply", 80)]).granted().await;
    for n in 0..16 {
        a.reserve(&format!("r{n}"), [item("reply", 1)]).granted().await;
    }
    let answers = race((0..16).map(|n| a.commit(&format!("r{n}")).quantities(&[5]).lane(n).done())).await;
    let charges: Vec<_> = answers.iter().map(|answer| &answer.charges[0]).collect();
    assert!(charges.iter().all(|charge| charge.credits >= 1 && charge.credits + charge.uncovered == 5), "{charges:?}");
    assert_eq!(charges.iter().map(|charge| charge.credits).sum::<i64>(), 20);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.uncovered, balance.remaining), (100, 60, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_racing_commits_of_more_under_a_soft_cap_count_every_credit() {
    let a = open("soft").await;
    for n in 0..16 {
        a.reserve(&format!("r{n}"), [item("reply", 1)]).granted().await;
    }
    race((0..16).map(|n| a.commit(&format!("r{n}")).quantities(&[3]).lane(n).done())).await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (48, 38, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_06_an_item_over_its_hold_takes_what_another_item_of_the_commit_left() {
    for quantities in [[7, 3], [3, 7]] {
        let a = open("hard").await;
        a.reserve("r1", [item("reply", 5), item("reply", 5)]).granted().await;
        let charges = a.commit("r1").quantities(&quantities).done().await.charges;
        assert_eq!(charges.iter().map(|charge| charge.credits).collect::<Vec<_>>(), quantities);
        assert_eq!(charges.iter().map(|charge| charge.uncovered).collect::<Vec<_>>(), [0, 0]);
        let balance = a.balance("credits").await;
        assert_eq!((balance.consumed, balance.uncovered, balance.held), (10, 0, 0));
        a.check_conservation().await;
    }
}
