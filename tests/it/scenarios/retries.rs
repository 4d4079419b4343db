//! Rule 8: the same id with the same request has one effect and one answer; with another request it fails.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_08_a_repeated_reserve_gets_the_same_answer_and_holds_once() {
    let a = open("hard").await;
    let ask = || {
        let items = [item("model_reply", 2).dimension("model", "large-1"), item("call_second", 61)];
        a.reserve("r1", items).ttl(300).metadata(&[("session", "s-1")])
    };
    let first = ask().granted().await;
    assert_eq!(ask().granted().await, first);
    assert_eq!(a.balance("credits").await.held, 6);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_reserve_gets_its_first_answer_even_after_the_hold_changed_and_ended() {
    let a = open("hard").await;
    let first = a.reserve("r1", [item("reply", 2)]).granted().await;
    a.extend("r1", "e1").more(&[3]).granted().await;
    assert_eq!(a.reserve("r1", [item("reply", 2)]).granted().await, first);
    a.commit("r1").done().await;
    assert_eq!(a.reserve("r1", [item("reply", 2)]).granted().await, first);
    assert_eq!(a.balance("credits").await.consumed, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_the_same_id_with_another_reserve_already_exists() {
    let a = open("hard").await;
    a.put_budget(budget("b1", "credits", 10)).done().await;
    let ask = || a.reserve("r1", [item("reply", 2)]).ttl(300);
    let first = ask().granted().await;
    let others = [
        a.reserve("r1", [item("reply", 3)]).ttl(300),
        a.reserve("r1", [item("free", 2)]).ttl(300),
        a.reserve("r1", [item("reply", 2), item("reply", 2)]).ttl(300),
        a.reserve("r1", [item("reply", 2).at_least(1)]).ttl(300),
        a.reserve("r1", [item("reply", 2).subject("s")]).ttl(300),
        a.reserve("r1", [item("reply", 2).dimension("model", "m")]).ttl(300),
        a.reserve("r1", [item("reply", 2)]).ttl(301),
        ask().budgets(&["b1"]),
        ask().metadata(&[("k", "v")]),
    ];
    for other in others {
        other.failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    }
    assert_eq!(ask().granted().await, first);
    assert_eq!(a.balance("credits").await.held, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_already_exists_names_the_ids_at_fault() {
    let a = open("hard").await;
    a.reserve("r-77", [item("reply", 2)]).granted().await;
    let failure = a.reserve("r-77", [item("reply", 3)]).failed().await;
    let ids: Vec<&str> = failure.metadata.values().map(String::as_str).collect();
    assert!(ids.contains(&"r-77") && ids.contains(&a.id.as_str()), "{failure:?}");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_reserve_and_charge_do_not_share_an_id() {
    let a = open("hard").await;
    a.reserve("x", [item("reply", 2)]).granted().await;
    a.charge("x", [item("reply", 2)]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.charge("y", [item("reply", 2)]).granted().await;
    a.reserve("y", [item("reply", 2)]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_ids_of_one_account_are_nothing_to_another() {
    let (a, b) = (open("hard").await, open("hard").await);
    a.reserve("r1", [item("reply", 2)]).granted().await;
    b.reserve("r1", [item("reply", 3)]).granted().await;
    a.grant("credits", "g1", 1).done().await;
    b.grant("credits", "g1", 2).done().await;
    assert_eq!((a.balance("credits").await.held, b.balance("credits").await.held), (2, 3));
    a.check_conservation().await;
    b.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_commit_gets_the_same_answer_and_charges_once() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 5)]).granted().await;
    let first = a.commit("r1").quantities(&[3]).done().await;
    let again = a.commit("r1").quantities(&[3]).done().await;
    assert_eq!((&again.reservation, &again.charges), (&first.reservation, &first.charges));
    assert_eq!(a.balance("credits").await.consumed, 3);
    a.commit("r1").quantities(&[4]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.commit("r1").failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_release_gets_the_same_answer() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 5)]).granted().await;
    let first = a.release("r1").reason("no answer").done().await;
    assert_eq!(a.release("r1").reason("no answer").done().await.reservation, first.reservation);
    a.release("r1").reason("another reason").failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.activity("release", 1).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_charge_gets_the_same_answer_and_charges_once() {
    let a = open("hard").await;
    let first = a.charge("c1", [item("reply", 3)]).granted().await;
    assert_eq!(first.reservation.as_ref().map(v1::Reservation::state), Some(State::Committed));
    assert_eq!(a.charge("c1", [item("reply", 3)]).granted().await, first);
    assert_eq!(a.balance("credits").await.consumed, 3);
    a.charge("c1", [item("reply", 4)]).failed().await.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_extend_gets_the_same_answer_and_adds_once() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 2)]).granted().await;
    let first = a.extend("r1", "e1").more(&[3]).granted().await;
    assert_eq!(a.extend("r1", "e1").more(&[3]).granted().await, first);
    assert_eq!(a.balance("credits").await.held, 5);
    a.extend("r1", "e1").more(&[4]).failed().await.is(Code::AlreadyExists, "EXTEND_EXISTS");
    a.extend("r1", "e2").more(&[1]).granted().await;
    assert_eq!(a.extend("r1", "e1").more(&[3]).granted().await, first, "also after another extend");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_grant_gets_the_same_answer_and_gives_once() {
    let a = open("hard").await;
    let first = a.grant("credits", "g1", 5).note("pack of 5").done().await;
    a.charge("c1", [item("reply", 12)]).granted().await;
    let again = a.grant("credits", "g1", 5).note("pack of 5").done().await;
    assert_eq!(again.grant, first.grant);
    assert_eq!(a.balance("credits").await.purchased, 3);
    a.grant("credits", "g1", 6).note("pack of 5").failed().await.is(Code::AlreadyExists, "GRANT_EXISTS");
    a.grant("credits", "g1", 5).kind(Kind::Promo).failed().await.is(Code::AlreadyExists, "GRANT_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_grant_that_was_spent_is_still_not_given_again() {
    let a = open("bare").await;
    a.grant("credits", "g1", 5).done().await;
    a.charge("c1", [item("reply", 5)]).granted().await;
    a.grant("credits", "g1", 5).done().await;
    assert_eq!(a.balance("credits").await.available, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_repeated_refund_gets_the_same_answer_and_gives_back_once() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 6)]).granted().await;
    let first = a.refund("f1", "c1").credits(&[2]).done().await;
    assert_eq!(a.refund("f1", "c1").credits(&[2]).done().await.refunded, first.refunded);
    assert_eq!(a.balance("credits").await.consumed, 4);
    a.refund("f1", "c1").credits(&[3]).failed().await.is(Code::AlreadyExists, "REFUND_EXISTS");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_refusal_is_not_remembered() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 11)]).denied().await;
    a.grant("credits", "g1", 1).done().await;
    a.reserve("r1", [item("reply", 11)]).granted().await;
    a.charge("c1", [item("reply", 1)]).denied().await;
    a.extend("r1", "e1").more(&[1]).denied().await;
    a.grant("credits", "g2", 1).done().await;
    a.extend("r1", "e1").more(&[1]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_refused_id_is_free_for_another_request() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 11)]).denied().await;
    a.reserve("r1", [item("reply", 10)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_within_a_day_of_its_own_time_a_retry_has_no_second_effect() {
    let a = open("hard").clock("2025-01-10T00:00:00Z").await;
    let charged = a.charge("c1", [item("reply", 3)]).granted().await;
    let granted = a.grant("credits", "g1", 5).done().await;
    a.advance("2025-01-10T23:59:00Z").done().await;
    assert_eq!(a.charge("c1", [item("reply", 3)]).granted().await, charged);
    assert_eq!(a.grant("credits", "g1", 5).done().await.grant, granted.grant);
    assert_eq!(a.balance("credits").await.consumed, 3);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_08_a_retry_after_the_reset_has_no_second_effect() {
    let a = open("hard").clock("2025-01-31T23:59:00Z").anchor("2025-01-01T00:00:00Z").await;
    let charged = a.charge("c1", [item("reply", 3)]).granted().await;
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.charge("c1", [item("reply", 3)]).granted().await, charged);
    assert_eq!(a.balance("credits").await.available, 10);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_reserves_at_once_one_holds() {
    let a = open("hard").await;
    let answers = duplicates(16, a.reserve("r1", [item("reply", 4)])).await;
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.expect("a duplicate is answered").outcome).collect();
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0] && outcome.is_some()), "{outcomes:?}");
    assert_eq!(a.balance("credits").await.held, 4);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_commits_at_once_one_charges() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    let answers = duplicates(16, a.commit("r1").quantities(&[3])).await;
    let charges: Vec<_> = answers.into_iter().map(|answer| answer.expect("a duplicate is answered").charges).collect();
    assert!(charges.iter().all(|charge| *charge == charges[0]), "{charges:?}");
    assert_eq!(a.balance("credits").await.consumed, 3);
    a.activity("commit", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_releases_at_once_one_releases() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 4)]).granted().await;
    for answer in duplicates(16, a.release("r1").reason("stop")).await {
        let reservation = answer.expect("a duplicate is answered").reservation;
        assert_eq!(reservation.map(|reservation| reservation.state()), Some(State::Released));
    }
    a.activity("release", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_charges_at_once_one_charges() {
    let a = open("hard").await;
    let answers = duplicates(16, a.charge("c1", [item("reply", 4)])).await;
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.expect("a duplicate is answered").outcome).collect();
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0] && outcome.is_some()), "{outcomes:?}");
    assert_eq!(a.balance("credits").await.consumed, 4);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_extends_at_once_one_adds() {
    let a = open("hard").await;
    a.reserve("r1", [item("reply", 2)]).granted().await;
    let answers = duplicates(16, a.extend("r1", "e1").more(&[3])).await;
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.expect("a duplicate is answered").outcome).collect();
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0] && outcome.is_some()), "{outcomes:?}");
    assert_eq!(a.balance("credits").await.held, 5);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_grants_at_once_one_gives() {
    let a = open("hard").await;
    let answers = duplicates(16, a.grant("credits", "g1", 5)).await;
    let grants: Vec<_> = answers.into_iter().map(|answer| answer.expect("a duplicate is answered").grant).collect();
    assert!(grants.iter().all(|grant| *grant == grants[0] && grant.is_some()), "{grants:?}");
    assert_eq!(a.balance("credits").await.purchased, 5);
    a.activity("grant", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_16_duplicate_refunds_at_once_one_gives_back() {
    let a = open("hard").await;
    a.charge("c1", [item("reply", 6)]).granted().await;
    for answer in duplicates(16, a.refund("f1", "c1").credits(&[2])).await {
        assert_eq!(answer.expect("a duplicate is answered").refunded, [2]);
    }
    assert_eq!(a.balance("credits").await.consumed, 4);
    a.activity("refund", 1).await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_08_of_different_requests_at_once_under_one_id_one_wins_and_the_others_exist_already() {
    let a = open("hundred").await;
    let calls = (0..16).map(|n| a.reserve("r1", [item("reply", i64::try_from(n).expect("small") + 1)]).lane(n).send());
    let answers = race(calls).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.is_ok()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for failure in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        failure.is(Code::AlreadyExists, "RESERVATION_EXISTS");
    }
    a.check_conservation().await;
}
