//! Rule 10: a subject is charged once in its window.

use crate::harness::prelude::*;

fn lead(subject: &str) -> v1::Item {
    item("lead", 1).subject(subject)
}

fn lookup(subject: &str) -> v1::Item {
    item("lookup", 1).subject(subject)
}

#[tokio::test]
async fn rule_10_a_subject_is_charged_once_and_later_items_are_granted_at_0_and_marked() {
    let a = open("hard").await;
    let first = a.charge("c1", [lead("ann")]).granted().await;
    assert_eq!((first.charges[0].credits, first.charges[0].duplicate), (1, false));
    let again = a.charge("c2", [lead("ann")]).granted().await;
    assert_eq!((again.charges[0].credits, again.charges[0].duplicate), (0, true));
    let held = a.reserve("r1", [lead("ann")]).granted().await;
    assert_eq!((held.items[0].credits, held.items[0].duplicate, held.items[0].subject.as_str()), (0, true, "ann"));
    let charge = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (0, true));
    assert_eq!(a.balance("leads").await.consumed, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_every_subject_is_charged_for_itself() {
    let a = open("hard").await;
    for subject in ["ann", "bob", "Ann", "ann ", "änn"] {
        assert_eq!(a.charge("", [lead(subject)]).granted().await.charges[0].credits, 1, "{subject:?}");
    }
    assert_eq!(a.balance("leads").await.consumed, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_unique_action_needs_a_subject() {
    let a = open("hard").await;
    let failure = a.reserve("r1", [item("lead", 1)]).failed().await;
    failure.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    assert!(failure.metadata["field"].contains("subject"), "{failure:?}");
    a.charge("c1", [item("lead", 1)]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_per_cycle_a_subject_counts_again_in_the_next_cycle() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [lead("ann")]).granted().await;
    a.advance("2025-01-31T23:59:59Z").done().await;
    assert!(a.charge("c2", [lead("ann")]).granted().await.charges[0].duplicate);
    a.advance("2025-02-01T00:00:00Z").done().await;
    let charge = a.charge("c3", [lead("ann")]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (1, false));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_per_24_hours_the_window_begins_with_the_charge_and_a_duplicate_does_not_move_it() {
    let a = open("hundred").clock("2025-01-01T12:00:00Z").await;
    assert_eq!(a.charge("c1", [lookup("1.2.3.4")]).granted().await.charges[0].credits, 20);
    a.advance("2025-01-02T10:00:00Z").done().await;
    assert!(a.charge("c2", [lookup("1.2.3.4")]).granted().await.charges[0].duplicate);
    a.advance("2025-01-02T11:59:59Z").done().await;
    assert!(a.charge("c3", [lookup("1.2.3.4")]).granted().await.charges[0].duplicate);
    a.advance("2025-01-02T12:00:00Z").done().await;
    // chosen: a window is half-open, as cycles are.
    let charge = a.charge("c4", [lookup("1.2.3.4")]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (20, false));
    assert_eq!(a.balance("credits").await.consumed, 40);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_per_24_hours_the_window_goes_on_over_a_reset() {
    let a = open("hundred").clock("2025-01-31T12:00:00Z").anchor("2025-01-01T00:00:00Z").await;
    a.charge("c1", [lookup("1.2.3.4")]).granted().await;
    a.advance("2025-02-01T06:00:00Z").done().await;
    assert!(a.charge("c2", [lookup("1.2.3.4")]).granted().await.charges[0].duplicate);
    assert_eq!(a.balance("credits").await.consumed, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_forever_a_subject_is_charged_once_for_all_cycles() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    let signup = || item("signup", 1).subject("u1");
    assert_eq!(a.charge("c1", [signup()]).granted().await.charges[0].credits, 5);
    a.advance("2027-01-01T00:00:00Z").done().await;
    assert!(a.charge("c2", [signup()]).granted().await.charges[0].duplicate);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_actions_do_not_share_their_subjects() {
    let a = open("hundred").await;
    assert_eq!(a.charge("c1", [lead("x")]).granted().await.charges[0].credits, 1);
    assert_eq!(a.charge("c2", [lookup("x")]).granted().await.charges[0].credits, 20);
    assert_eq!(a.charge("c3", [item("signup", 1).subject("x")]).granted().await.charges[0].credits, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_accounts_do_not_share_their_subjects() {
    let (a, b) = (open("hard").await, open("hard").await);
    a.charge("c1", [lead("ann")]).granted().await;
    assert_eq!(b.charge("c1", [lead("ann")]).granted().await.charges[0].credits, 1);
    a.check_conservation().await;
    b.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_subject_on_an_action_that_is_not_unique_is_charged_every_time() {
    let a = open("hard").await;
    for _ in 0..3 {
        let charge = a.charge("", [item("reply", 1).subject("ann")]).granted().await.charges.remove(0);
        assert_eq!((charge.credits, charge.duplicate), (1, false));
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_two_holds_for_one_subject_both_hold_and_the_first_commit_charges() {
    let a = open("hard").await;
    let first = a.reserve("r1", [lead("ann")]).granted().await;
    let second = a.reserve("r2", [lead("ann")]).granted().await;
    assert_eq!((first.items[0].credits, second.items[0].credits), (1, 1));
    assert!(!first.items[0].duplicate && !second.items[0].duplicate);
    assert_eq!(a.balance("leads").await.held, 2);
    assert_eq!(a.commit("r2").done().await.charges[0].credits, 1);
    let late = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((late.credits, late.duplicate), (0, true));
    let balance = a.balance("leads").await;
    assert_eq!((balance.consumed, balance.held, balance.available), (1, 0, 19));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_release_leaves_no_mark() {
    let a = open("hard").await;
    a.reserve("r1", [lead("ann")]).granted().await;
    a.release("r1").done().await;
    assert_eq!(a.charge("c1", [lead("ann")]).granted().await.charges[0].credits, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_commit_of_0_leaves_no_mark() {
    let a = open("hard").await;
    a.reserve("r1", [lead("ann")]).granted().await;
    let charge = a.commit("r1").quantities(&[0]).done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (0, false));
    assert_eq!(a.charge("c1", [lead("ann")]).granted().await.charges[0].credits, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_an_expiry_leaves_no_mark() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [lead("ann")]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    assert_eq!(a.charge("c1", [lead("ann")]).granted().await.charges[0].credits, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_duplicate_is_granted_with_no_credits_left() {
    let a = open("hard").await;
    a.charge("c1", [lead("ann")]).granted().await;
    a.charge("", (0..19).map(|n| lead(&format!("s{n}"))).collect::<Vec<_>>()).granted().await;
    assert_eq!(a.balance("leads").await.available, 0);
    a.charge("c2", [lead("new")]).denied().await;
    assert!(a.charge("c3", [lead("ann")]).granted().await.charges[0].duplicate);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_subject_twice_in_one_charge_is_charged_once() {
    let a = open("hard").await;
    let charges = a.charge("c1", [lead("ann"), lead("bob"), lead("ann")]).granted().await.charges;
    let credits: Vec<_> = charges.iter().map(|charge| (charge.credits, charge.duplicate)).collect();
    assert_eq!(credits, [(1, false), (1, false), (0, true)]);
    assert_eq!(a.balance("leads").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_repeated_unique_charge_is_a_retry_and_not_a_duplicate() {
    let a = open("hard").await;
    let first = a.charge("c1", [lead("ann")]).granted().await;
    let again = a.charge("c1", [lead("ann")]).granted().await;
    assert_eq!(again, first);
    assert!(!again.charges[0].duplicate);
    a.charge("c1", [lead("bob")]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_the_second_hold_of_a_cycle_is_a_duplicate_although_it_is_committed_in_the_next() {
    let a = open("hard").clock("2025-01-31T23:00:00Z").anchor("2025-01-01T00:00:00Z").await;
    for id in ["r1", "r2"] {
        a.reserve(id, [lead("ann")]).ttl(7200).granted().await;
    }
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 1);
    a.advance("2025-02-01T00:00:01Z").done().await;
    let charge = a.commit("r2").done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (0, true));
    let charge = a.charge("c1", [lead("ann")]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (1, false), "the next cycle is another window");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_late_commit_marks_its_subject_in_the_cycle_that_it_is_charged_to() {
    let a = open("hard").clock("2025-01-31T23:00:00Z").anchor("2025-01-01T00:00:00Z").await;
    a.reserve("r1", [lead("ann")]).ttl(60).granted().await;
    a.advance("2025-02-01T01:00:00Z").done().await;
    let late = a.commit("r1").done().await;
    assert!(late.late);
    assert_eq!((late.charges[0].credits, late.charges[0].duplicate), (1, false));
    assert_eq!(a.balance("leads").await.consumed, 1);
    let charge = a.charge("c1", [lead("ann")]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (0, true));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_commit_that_is_all_uncovered_leaves_no_mark() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    let signup = || item("signup", 1).subject("u1");
    a.reserve("r1", [signup()]).ttl(60).granted().await;
    a.advance("2025-01-01T00:02:00Z").done().await;
    a.charge("c1", [item("reply", 10)]).granted().await;
    let late = a.commit("r1").done().await.charges.remove(0);
    assert_eq!((late.credits, late.uncovered, late.duplicate), (0, 5, false));
    a.grant("credits", "top", 5).done().await;
    let charge = a.charge("c2", [signup()]).granted().await.charges.remove(0);
    assert_eq!((charge.credits, charge.duplicate), (5, false));
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_10_of_16_commits_for_one_subject_at_once_one_is_charged() {
    let a = open("hard").await;
    for n in 0..16 {
        a.reserve(&format!("r{n}"), [lead("ann")]).granted().await;
    }
    let answers = race((0..16).map(|n| a.commit(&format!("r{n}")).lane(n).done())).await;
    let charges: Vec<_> = answers.iter().map(|answer| &answer.charges[0]).collect();
    assert_eq!(charges.iter().map(|charge| charge.credits).sum::<i64>(), 1);
    assert_eq!(charges.iter().filter(|charge| charge.duplicate).count(), 15);
    assert_eq!(a.balance("leads").await.consumed, 1);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_10_of_32_charges_for_one_subject_at_once_one_is_charged_and_none_denied() {
    let a = open("hundred").await;
    a.charge("c0", [item("reply", 80)]).granted().await;
    let answers = race((0..32).map(|n| a.charge(&format!("c-{n}"), [lookup("1.2.3.4")]).lane(n).granted())).await;
    assert_eq!(answers.iter().map(|charged| charged.charges[0].credits).sum::<i64>(), 20);
    assert_eq!(a.balance("credits").await.available, 0);
    a.check_conservation().await;
}
