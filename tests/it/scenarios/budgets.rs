//! Rule 16: sub-limits inside an account.

use crate::harness::prelude::*;

async fn with_budgets(limits: &[(&str, i64)]) -> Account {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    for (name, limit) in limits {
        a.put_budget(budget(name, "credits", *limit)).done().await;
    }
    a
}

#[tokio::test]
async fn rule_16_a_budget_refuses_what_the_pool_would_grant_and_says_so() {
    let a = with_budgets(&[("team:red", 3)]).await;
    a.reserve("r1", [item("reply", 2)]).budgets(&["team:red"]).granted().await;
    let denial = a.reserve("r2", [item("reply", 2)]).budgets(&["team:red"]).denied().await;
    assert_eq!((denial.reason(), denial.budget.as_str()), (Reason::BudgetExceeded, "team:red"));
    assert_eq!((denial.required, denial.available, denial.held), (2, 1, 2));
    assert_eq!(a.balance("credits").await.held, 2);
    a.reserve("r2", [item("reply", 1)]).budgets(&["team:red"]).granted().await;
    a.reserve("r3", [item("reply", 50)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_all_budgets_of_a_request_must_have_room() {
    let a = with_budgets(&[("wide", 10), ("narrow", 3)]).await;
    let denial = a.reserve("r1", [item("reply", 4)]).budgets(&["wide", "narrow"]).denied().await;
    assert_eq!(denial.budget, "narrow", "the refusal says which one bound");
    for name in ["wide", "narrow"] {
        assert_eq!(a.budget_now(name).await.held, 0);
    }
    let held = a.reserve("r1", [item("reply", 3)]).budgets(&["wide", "narrow"]).granted().await;
    assert_eq!(held.budgets, ["wide", "narrow"]);
    assert_eq!((a.budget_now("wide").await.held, a.budget_now("narrow").await.held), (3, 3));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_budget_follows_its_holds_to_their_end() {
    let a = with_budgets(&[("b", 10)]).await;
    for id in ["r1", "r2", "r3"] {
        a.reserve(id, [item("reply", 3)]).ttl(60).budgets(&["b"]).granted().await;
    }
    a.commit("r1").quantities(&[2]).done().await;
    a.release("r2").done().await;
    let budget = a.budget_now("b").await;
    assert_eq!((budget.consumed, budget.held), (2, 3));
    a.advance("2025-01-01T00:01:00Z").done().await;
    let budget = a.budget_now("b").await;
    assert_eq!((budget.consumed, budget.held), (2, 0));
    a.charge("c1", [item("reply", 8)]).budgets(&["b"]).granted().await;
    a.charge("c2", [item("reply", 1)]).budgets(&["b"]).denied().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_an_extend_needs_room_in_the_budgets_of_its_hold() {
    let a = with_budgets(&[("b", 5)]).await;
    a.reserve("r1", [item("reply", 3)]).budgets(&["b"]).granted().await;
    let denial = a.extend("r1", "e1").more(&[3]).denied().await;
    assert_eq!((denial.reason(), denial.budget.as_str()), (Reason::BudgetExceeded, "b"));
    a.extend("r1", "e1").more(&[2]).granted().await;
    assert_eq!(a.budget_now("b").await.held, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_budget_counts_only_its_own_pool() {
    let a = with_budgets(&[("b", 3)]).await;
    a.charge("c1", [item("reply", 2), item("call_minute", 30)]).budgets(&["b"]).granted().await;
    assert_eq!(a.budget_now("b").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_budget_starts_afresh_in_its_own_cycle() {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    let budget = v1::Budget { cycle: "1 day".into(), ..budget("daily", "credits", 3) };
    let put = a.put_budget(budget).done().await;
    assert_eq!(put.reset_time, Some(at("2025-01-02T00:00:00Z")));
    a.charge("c1", [item("reply", 3)]).budgets(&["daily"]).granted().await;
    let denial = a.charge("c2", [item("reply", 1)]).budgets(&["daily"]).denied().await;
    assert_eq!(denial.reset_time, Some(at("2025-01-02T00:00:00Z")));
    a.advance("2025-01-02T00:00:00Z").done().await;
    assert_eq!(a.budget_now("daily").await.consumed, 0);
    a.charge("c2", [item("reply", 3)]).budgets(&["daily"]).granted().await;
    assert_eq!(a.balance("credits").await.consumed, 6, "the pool's cycle is another");
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_budget_without_a_cycle_never_starts_afresh() {
    let a = with_budgets(&[("b", 3)]).await;
    assert_eq!(a.budget_now("b").await.reset_time, None);
    a.charge("c1", [item("reply", 3)]).budgets(&["b"]).granted().await;
    a.advance("2025-05-01T00:00:00Z").done().await;
    a.charge("c2", [item("reply", 1)]).budgets(&["b"]).denied().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_soft_budget_counts_and_never_refuses() {
    let a = open("hundred").await;
    let mut budget = budget("soft", "credits", 3);
    budget.set_cap(v1::Cap::Soft);
    a.put_budget(budget).done().await;
    a.charge("c1", [item("reply", 8)]).budgets(&["soft"]).granted().await;
    assert_eq!(a.budget_now("soft").await.consumed, 8);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_template_of_the_catalog_makes_a_budget_on_first_use() {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    a.charge("c1", [item("reply", 2)]).budgets(&["agent:7"]).granted().await;
    let budget = a.budget_now("agent:7").await;
    assert_eq!((budget.pool.as_str(), budget.limit, budget.consumed), ("credits", 3, 2));
    assert_eq!((budget.cap(), budget.reset_time), (v1::Cap::Hard, Some(at("2025-01-02T00:00:00Z"))));
    a.charge("c2", [item("reply", 2)]).budgets(&["agent:7"]).denied().await;
    a.charge("c2", [item("reply", 2)]).budgets(&["agent:8"]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_budget_that_nobody_made_is_not_found() {
    let a = open("hundred").await;
    let failure = a.reserve("r1", [item("reply", 1)]).budgets(&["nobody"]).failed().await;
    failure.is(Code::NotFound, "BUDGET_NOT_FOUND");
    assert_eq!(a.balance("credits").await.held, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_changed_budget_keeps_what_it_has_consumed() {
    let a = with_budgets(&[("b", 5)]).await;
    a.charge("c1", [item("reply", 4)]).budgets(&["b"]).granted().await;
    let put = a.put_budget(budget("b", "credits", 8)).done().await;
    assert_eq!((put.limit, put.consumed), (8, 4));
    a.charge("c2", [item("reply", 4)]).budgets(&["b"]).granted().await;
    a.put_budget(budget("b", "credits", 2)).done().await;
    let denial = a.charge("c3", [item("reply", 1)]).budgets(&["b"]).denied().await;
    assert_eq!(denial.available, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_budgets_are_listed_by_name_and_can_be_deleted() {
    let a = with_budgets(&[("b", 1), ("a", 2), ("c", 3)]).await;
    let names = |budgets: Vec<v1::Budget>| budgets.into_iter().map(|budget| budget.name).collect::<Vec<_>>();
    assert_eq!(names(a.budgets().await), ["a", "b", "c"]);
    a.delete_budget("b").done().await;
    assert_eq!(names(a.budgets().await), ["a", "c"]);
    a.delete_budget("b").failed().await.is(Code::NotFound, "BUDGET_NOT_FOUND");
    let page = v1::ListBudgetsRequest { account: a.id.clone(), page_size: 1, page_token: String::new() };
    let first = a.stipend.call(page.clone()).done().await;
    assert_eq!(names(first.budgets), ["a"]);
    let rest = a.stipend.call(v1::ListBudgetsRequest { page_token: first.next_page_token, ..page }).done().await;
    assert_eq!((names(rest.budgets), rest.next_page_token.as_str()), (vec!["c".to_owned()], ""));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_hold_outlives_the_budget_that_it_counted_against() {
    let a = with_budgets(&[("b", 5)]).await;
    a.reserve("r1", [item("reply", 4)]).budgets(&["b"]).granted().await;
    a.delete_budget("b").done().await;
    assert_eq!(a.commit("r1").done().await.charges[0].credits, 4);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_repeated_charge_counts_once_against_its_budget() {
    let a = with_budgets(&[("b", 5)]).await;
    for _ in 0..3 {
        a.charge("c1", [item("reply", 2)]).budgets(&["b"]).granted().await;
    }
    assert_eq!(a.budget_now("b").await.consumed, 2);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_denied_request_leaves_every_budget_as_it_was() {
    let a = with_budgets(&[("b", 500)]).await;
    let denial = a.charge("c1", [item("reply", 101)]).budgets(&["b"]).denied().await;
    assert_eq!(denial.reason(), Reason::InsufficientCredits);
    let budget = a.budget_now("b").await;
    assert_eq!((budget.consumed, budget.held), (0, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_16_a_hold_is_counted_by_a_budget_whose_cycle_changed_meanwhile() {
    let a = open("hundred").clock("2025-01-01T00:00:00Z").await;
    let every = |cycle: &str| v1::Budget { cycle: cycle.into(), ..budget("b", "credits", 5) };
    a.put_budget(every("1 day")).done().await;
    a.advance("2025-01-04T12:00:00Z").done().await;
    a.reserve("r1", [item("reply", 4)]).budgets(&["b"]).granted().await;
    a.put_budget(every("1 month")).done().await;
    assert_eq!(a.budget_now("b").await.held, 4);
    a.commit("r1").quantities(&[3]).done().await;
    let budget = a.budget_now("b").await;
    assert_eq!((budget.consumed, budget.held), (3, 0));
    a.advance("2025-02-01T00:00:00Z").done().await;
    assert_eq!(a.budget_now("b").await.consumed, 0);
    a.charge("c1", [item("reply", 5)]).budgets(&["b"]).granted().await;
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_16_of_64_callers_under_a_budget_of_5_exactly_5_are_granted() {
    let a = with_budgets(&[("b", 5)]).await;
    let answers =
        race((0..64).map(|n| a.reserve(&format!("r{n}"), [item("reply", 1)]).budgets(&["b"]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert_eq!(a.budget_now("b").await.held, 5);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_16_callers_racing_to_use_a_template_first_share_one_budget() {
    let a = open("hundred").await;
    let answers =
        race((0..32).map(|n| a.charge(&format!("c{n}"), [item("reply", 1)]).budgets(&["agent:9"]).lane(n).decided()))
            .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(a.budget_now("agent:9").await.consumed, 3);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_16_racing_callers_with_crossing_budgets_never_pass_either() {
    let a = with_budgets(&[("x", 7), ("y", 9)]).await;
    let answers = race((0..48).map(|n| {
        let budgets: &[&str] = match n % 3 {
            0 => &["x"],
            1 => &["y"],
            _ => &["y", "x"],
        };
        a.charge(&format!("c{n}"), [item("reply", 1)]).budgets(budgets).lane(n).decided()
    }))
    .await;
    let granted = |rest: &[usize]| -> i64 {
        let count = answers.iter().enumerate().filter(|(n, answer)| rest.contains(&(n % 3)) && answer.is_ok()).count();
        i64::try_from(count).expect("small")
    };
    assert_eq!((a.budget_now("x").await.consumed, granted(&[0, 2])), (7, 7));
    assert_eq!((a.budget_now("y").await.consumed, granted(&[1, 2])), (9, 9));
    a.check_conservation().await;
}
