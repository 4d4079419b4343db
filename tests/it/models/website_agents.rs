//! Model 2, `website-agents`: one pool for chat and voice, and purchased credits.

use super::{charged, told};
use crate::harness::{prelude::*, world::Opening};

const START: &str = "2025-01-10T00:00:00Z";

fn package() -> Opening {
    model("website-agents", "package").clock(START)
}

fn message(model: &str) -> v1::Item {
    item("chat_message", 1).dimension("model", model)
}

fn call(seconds: i64) -> v1::Item {
    item("call_second", seconds)
}

#[tokio::test]
async fn model_2_each_ai_chat_message_costs_a_little_and_each_minute_of_an_ai_call_costs_more() {
    let a = package().await;
    let (little, _) = charged(a.charge("m", [message("small-1")])).await;
    let (more, _) = charged(a.charge("c", [call(60)])).await;
    assert_eq!((little, more), (1, 10));
    assert_eq!(charged(a.charge("ten", [call(600)])).await.0, 100, "each minute");
    let balances = a.balances().await;
    assert_eq!(balances.len(), 1, "chat and voice draw on one pool");
    assert_eq!(balances[0].consumed, 111);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_a_started_minute_counts_as_a_minute() {
    let a = package().await;
    for (seconds, credits) in [(1, 10), (59, 10), (60, 10), (61, 20), (120, 20), (121, 30)] {
        assert_eq!(charged(a.charge(&format!("c{seconds}"), [call(seconds)])).await.0, credits, "{seconds} s");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_a_call_is_held_extended_while_it_lasts_and_charged_for_what_was_spoken() {
    let a = package().await;
    a.reserve("call", [call(60)]).granted().await;
    for minute in ["1", "2", "3"] {
        a.advance(&format!("2025-01-10T00:0{minute}:00Z")).done().await;
        a.extend("call", minute).more(&[60]).ttl(120).granted().await;
    }
    assert_eq!(a.balance("ai_credits").await.held, 40);
    let charge = a.commit("call").quantities(&[185]).done().await.charges.remove(0);
    assert_eq!(charge.credits, 40, "three minutes and a started fourth");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_handed_to_a_person_at_once_the_hold_is_released_and_costs_0() {
    let a = package().await;
    a.reserve("handed-over", [message("small-1"), call(60)]).granted().await;
    assert_eq!(a.balance("ai_credits").await.held, 11);
    a.release("handed-over").reason("handed to a person").done().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.consumed, balance.held, balance.available), (0, 0, 1000));
    let released = a.activity("release", 2).await;
    assert!(released.iter().all(|entry| said(entry, "handed to a person")), "{released:?}");
    // The AI responds: now it costs.
    a.reserve("answered", [message("small-1")]).granted().await;
    assert_eq!(a.commit("answered").done().await.charges[0].credits, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_plan_credits_come_each_billing_cycle() {
    let a = package().await;
    a.charge("c", [call(60 * 60)]).granted().await;
    a.advance("2025-02-09T23:59:59Z").done().await;
    assert_eq!(a.balance("ai_credits").await.available, 400);
    for month in ["2025-02-10", "2025-03-10", "2025-04-10"] {
        a.advance(&format!("{month}T00:00:00Z")).done().await;
        let balance = a.balance("ai_credits").await;
        assert_eq!((balance.allowance, balance.consumed, balance.available), (1000, 0, 1000), "{month}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_purchased_credits_are_added_at_once_on_top_and_shown_apart() {
    let a = package().await;
    a.charge("c", [call(60 * 20)]).granted().await;
    let bought = a.grant("ai_credits", "order-1", 500).note("500 credits").done().await;
    let shown = bought.balance.expect("a grant shows the balance");
    assert_eq!((shown.available, shown.purchased), (1300, 500), "at once");
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.remaining, balance.purchased), (1000, 200, 1300, 500));
    a.advance("2025-02-10T00:00:00Z").done().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.allowance, balance.available, balance.purchased), (1000, 1500, 500), "on top of the next, too");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_shows_in_real_time_package_credits_consumed_remaining_purchased_and_percent_used() {
    let a = package().await;
    a.grant("ai_credits", "order-1", 250).done().await;
    for (consumed, percent) in [(250, 20.0), (500, 40.0), (750, 60.0)] {
        a.charge(&format!("c{consumed}"), [call(25 * 60)]).granted().await;
        let balance = a.balance("ai_credits").await;
        assert_eq!((balance.allowance, balance.consumed, balance.remaining), (1000, consumed, 1250 - consumed));
        assert_eq!((balance.purchased, balance.used_percent), (250, percent));
        assert_eq!(balance.reset_time, Some(at("2025-02-10T00:00:00Z")));
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_shows_a_breakdown_by_model() {
    let a = package().await;
    for n in 0..3 {
        a.charge(&format!("s{n}"), [message("small-1")]).granted().await;
        a.charge(&format!("l{n}"), [message("large-2")]).granted().await;
    }
    a.charge("call", [call(60).dimension("model", "voice-1")]).granted().await;
    let row = |model: &str, credits, count| (model.to_owned(), credits, count);
    let shown = a.breakdown("ai_credits", "dimension:model").await;
    assert_eq!(shown, [row("large-2", 6, 3), row("small-1", 3, 3), row("voice-1", 10, 1)]);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_shows_an_activity_log_with_time_type_credits_and_details() {
    let a = package().await;
    let chat = message("small-1").dimension("page", "/pricing");
    a.charge("chat-1", [chat]).metadata(&[("visitor", "v-7")]).granted().await;
    a.advance("2025-01-10T08:30:00Z").done().await;
    a.reserve("call-1", [call(120)]).granted().await;
    a.commit("call-1").quantities(&[75]).metadata(&[("number", "+1 555 0100")]).done().await;

    let log = a.log(None, None).await;
    let spent: Vec<_> = log.iter().filter(|entry| ["charge", "commit"].contains(&entry.r#type.as_str())).collect();
    assert_eq!(spent.len(), 2);
    let (voice, chat) = (spent[0], spent[1]);
    assert_eq!(chat.time, Some(at(START)));
    assert_eq!((chat.action.as_str(), chat.credits, chat.quantity), ("chat_message", 1, 1));
    assert_eq!((chat.dimensions["page"].as_str(), chat.metadata["visitor"].as_str()), ("/pricing", "v-7"));
    assert_eq!(voice.time, Some(at("2025-01-10T08:30:00Z")));
    assert_eq!((voice.action.as_str(), voice.credits, voice.quantity), ("call_second", 20, 75));
    assert_eq!((voice.metadata["number"].as_str(), voice.balance_after), ("+1 555 0100", 979));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_the_log_is_filtered_by_7_30_90_days_and_all() {
    let a = package().await;
    let days = ["2025-01-10", "2025-03-01", "2025-04-20", "2025-05-08"];
    for day in days {
        a.advance(&format!("{day}T12:00:00Z")).done().await;
        a.charge(day, [message("small-1")]).granted().await;
    }
    let now: jiff::Timestamp = "2025-05-10T12:00:00Z".parse().expect("a moment");
    a.advance(&now.to_string()).done().await;
    let cases = [(Some(7), &days[3..]), (Some(30), &days[2..]), (Some(90), &days[1..]), (None, &days[..])];
    for (days, expected) in cases {
        let start = days.map(|days: i64| (now - jiff::SignedDuration::from_hours(24 * days)).to_string());
        let log = a.log(start.as_deref(), None).await;
        let mut shown: Vec<_> = log.into_iter().filter(|entry| entry.r#type == "charge").collect();
        shown.reverse();
        let shown: Vec<_> = shown.into_iter().map(|entry| entry.reservation_id).collect();
        assert_eq!(shown, expected, "{days:?} days");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_at_zero_with_nothing_purchased_the_agents_stop_and_go_on_at_once_after_a_purchase() {
    let a = package().await;
    a.charge("c", [call(100 * 60 - 3000), call(3000)]).granted().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.remaining, balance.purchased, balance.state()), (0, 0, Level::Exhausted));
    assert_eq!(told(&a, "exhausted", "ai_credits").await, 1);
    for (id, item) in [("m1", message("small-1")), ("c1", call(1))] {
        let denial = a.reserve(id, [item]).denied().await;
        assert_eq!((denial.reason(), denial.available), (Reason::InsufficientCredits, 0));
        assert_eq!(denial.reset_time, Some(at("2025-02-10T00:00:00Z")));
    }
    a.grant("ai_credits", "order-1", 100).done().await;
    assert_eq!(told(&a, "resumed", "ai_credits").await, 1);
    for (id, item) in [("m1", message("small-1")), ("c1", call(1))] {
        a.reserve(id, [item]).granted().await;
        a.commit(id).done().await;
    }
    assert_eq!(a.balance("ai_credits").await.purchased, 89);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_with_credits_purchased_the_agents_go_on_past_the_package() {
    let a = package().await;
    a.grant("ai_credits", "order-1", 50).done().await;
    a.charge("c", [call(3600), call(2400)]).granted().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.consumed, balance.remaining, balance.purchased), (1000, 50, 50));
    a.charge("m", [message("small-1")]).granted().await;
    assert_eq!(a.balance("ai_credits").await.purchased, 49);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_2_64_agents_at_once_stop_dead_at_zero_and_go_on_at_once_after_a_purchase() {
    let a = package().await;
    a.charge("c", [call(3600), call(2340)]).granted().await;
    assert_eq!(a.balance("ai_credits").await.available, 10);
    let round = |name: &'static str| (0..64).map(move |n| (n, format!("{name}-{n}")));
    let first = race(round("a").map(|(n, id)| a.charge(&id, [message("small-1")]).lane(n).decided())).await;
    assert_eq!(first.iter().filter(|answer| answer.is_ok()).count(), 10);
    assert_eq!(a.balance("ai_credits").await.available, 0);
    a.grant("ai_credits", "order-1", 20).done().await;
    let second = race(round("b").map(|(n, id)| a.charge(&id, [message("small-1")]).lane(n).decided())).await;
    assert_eq!(second.iter().filter(|answer| answer.is_ok()).count(), 20);
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.consumed, balance.remaining, balance.overage), (1020, 0, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_a_call_has_a_maximum_length() {
    let a = package().await;
    a.reserve("too-long", [call(3601)]).failed().await.is(Code::InvalidArgument, "QUANTITY_TOO_LARGE");
    a.reserve("call", [call(3540)]).granted().await;
    a.extend("call", "1").more(&[60]).granted().await;
    a.extend("call", "2").more(&[1]).failed().await.is(Code::InvalidArgument, "QUANTITY_TOO_LARGE");
    assert_eq!(a.commit("call").done().await.charges[0].credits, 600);
    // A gateway that takes what it can get is told that there is no more.
    a.grant("ai_credits", "order-1", 1000).done().await;
    let held = a.reserve("open-ended", [call(7200).at_least(60)]).granted().await;
    assert_eq!((held.items[0].quantity, held.final_unit), (3600, true));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_2_a_spike_can_be_traced_to_the_page_rule_or_trigger_that_caused_it() {
    let a = package().await;
    for n in 0..40 {
        let (rule, trigger) = if n % 8 == 0 { ("welcome", "time-on-page") } else { ("pricing-popup", "exit-intent") };
        let item = message("small-1").dimension("rule", rule).dimension("trigger", trigger);
        a.charge(&format!("m{n}"), [item]).granted().await;
    }
    let row = |name: &str, credits| (name.to_owned(), credits, credits);
    assert_eq!(a.breakdown("ai_credits", "dimension:rule").await, [row("pricing-popup", 35), row("welcome", 5)]);
    assert_eq!(a.breakdown("ai_credits", "dimension:trigger").await, [row("exit-intent", 35), row("time-on-page", 5)]);
    a.check_conservation().await;
}
