//! Model 3, `outbound-sales`: one pool per feature, hard caps, the billing anniversary.

use std::collections::HashMap;

use super::{catalog_of, charged, thresholds, told};
use crate::harness::{prelude::*, world::Opening};

/// Billed on the 4th; limits are enforced three days later.
const BILLED: &str = "2025-08-04T00:00:00Z";
/// A cycle in which limits are enforced from its start.
const LATER: &str = "2025-09-04T00:00:00Z";
const ENFORCED: &str = "2025-08-07T00:00:00Z";

const PLANS: [&str; 3] = ["basic", "scale", "unlimited"];

/// Each pool: its name, what people call it, its action, what the plans give.
const TABLE: [(&str, &str, &str, [i64; 3]); 8] = [
    ("database", "Database Credits", "save_contact", [2_000, 10_000, 25_000]),
    ("email_verification", "Email Verification", "verify_email", [2_000, 10_000, 25_000]),
    ("mailboxes", "User Brought Mailboxes", "connect_mailbox", [1, 5, 20]),
    ("linkedin_accounts", "LinkedIn Account Sync", "connect_linkedin", [0, 1, 5]),
    ("website_intel", "Website Intel Resolutions", "resolve_company", [0, 1_000, 5_000]),
    ("knowledge_pages", "Knowledge Center Pages", "knowledge_page", [1_000, 10_000, 50_000]),
    ("voice_minutes", "AI Voice Agent Minutes", "call_second", [0, 60, 180]),
    ("ai_tasks", "AI Task Credits", "ai_task", [1_000, 5_000, 10_000]),
];

const HELD: [&str; 3] = ["mailboxes", "linkedin_accounts", "knowledge_pages"];

fn plan(plan: &str, start: &str) -> Opening {
    model("outbound-sales", plan).clock(start)
}

/// The quantity of an action that costs so many credits.
fn quantity(action: &str, credits: i64) -> i64 {
    if action == "call_second" { credits * 60 } else { credits }
}

#[tokio::test]
async fn model_3_every_plan_gives_every_pool_of_the_table() {
    for (column, name) in PLANS.into_iter().enumerate() {
        let a = plan(name, LATER).await;
        let balances: HashMap<_, _> = a.balances().await.into_iter().map(|b| (b.pool.clone(), b)).collect();
        assert_eq!(balances.len(), TABLE.len());
        for (pool, title, _, amounts) in TABLE {
            let balance = &balances[pool];
            assert_eq!((balance.title.as_str(), balance.allowance), (title, amounts[column]), "{name} {pool}");
            assert_eq!((balance.available, balance.cap()), (amounts[column], v1::Cap::Hard), "{name} {pool}");
        }
        a.check_conservation().await;
    }
}

#[tokio::test]
async fn model_3_every_pool_of_every_plan_gives_out_its_limit_and_not_one_more() {
    for (column, name) in PLANS.into_iter().enumerate() {
        let a = plan(name, LATER).await;
        for (pool, _, action, amounts) in TABLE {
            let limit = amounts[column];
            if limit > 0 {
                assert_eq!(charged(a.charge(pool, [item(action, quantity(action, limit))])).await.0, limit);
            }
            let denial = a.charge(&format!("{pool}-more"), [item(action, 1)]).denied().await;
            assert_eq!((denial.reason(), denial.pool.as_str()), (Reason::InsufficientCredits, pool), "{name}");
            assert_eq!((denial.required, denial.available), (1, 0), "{name} {pool}");
        }
        a.check_conservation().await;
    }
}

#[tokio::test]
async fn model_3_limits_are_only_observed_before_7_august_2025_for_all_plans() {
    for (column, name) in PLANS.into_iter().enumerate() {
        let a = plan(name, BILLED).await;
        a.expect_overage();
        a.advance("2025-08-06T23:59:59.999Z").done().await;
        for (pool, _, action, amounts) in TABLE {
            a.charge(pool, [item(action, quantity(action, amounts[column] + 1))]).granted().await;
            assert_eq!(told(&a, "would_deny", pool).await, 1, "{name} {pool}");
            assert_eq!(a.balance(pool).await.consumed, amounts[column] + 1, "{name} {pool}");
        }
        assert!(a.entries("denied").await.is_empty(), "{name}");
        a.check_conservation().await;
    }
}

#[tokio::test]
async fn model_3_limits_are_enforced_from_7_august_2025_for_all_plans() {
    for (column, name) in PLANS.into_iter().enumerate() {
        let a = plan(name, BILLED).await;
        a.advance(ENFORCED).done().await;
        for (pool, _, action, amounts) in TABLE {
            let denial = a.charge(pool, [item(action, quantity(action, amounts[column] + 1))]).denied().await;
            assert_eq!((denial.pool.as_str(), denial.available), (pool, amounts[column]), "{name}");
            assert_eq!(told(&a, "denied", pool).await, 1, "{name} {pool}");
        }
        assert!(a.entries("would_deny").await.is_empty(), "{name}");
        a.check_conservation().await;
    }
}

#[tokio::test]
async fn model_3_what_went_over_while_it_was_observed_is_paused_from_7_august_and_fresh_at_the_reset() {
    let a = plan("scale", BILLED).await;
    a.expect_overage();
    a.charge("before", [item("ai_task", 5_010)]).granted().await;
    a.advance(ENFORCED).done().await;
    a.charge("after", [item("ai_task", 1)]).denied().await;
    a.advance(LATER).done().await;
    let balance = a.balance("ai_tasks").await;
    assert_eq!((balance.available, balance.consumed, balance.overage), (5_000, 0, 0));
    a.charge("after", [item("ai_task", 1)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_resets_monthly_on_the_billing_anniversary_not_the_calendar_month() {
    let a = plan("scale", BILLED).await;
    let anniversaries =
        ["2025-09-04", "2025-10-04", "2025-11-04", "2025-12-04", "2026-01-04", "2026-02-04", "2026-03-04"];
    for day in anniversaries {
        let reset = format!("{day}T00:00:00Z");
        a.charge(&format!("task-{day}"), [item("ai_task", 100)]).granted().await;
        assert_eq!(a.balance("ai_tasks").await.reset_time, Some(at(&reset)));
        // The first of the month passes without a reset, and so does the last moment before the 4th.
        let before = at(&reset).seconds - 1;
        a.advance(&jiff::Timestamp::from_second(before).expect("a moment").to_string()).done().await;
        assert_eq!(a.balance("ai_tasks").await.consumed, 100, "before {day}");
        a.advance(&reset).done().await;
        let balance = a.balance("ai_tasks").await;
        assert_eq!((balance.consumed, balance.available, balance.cycle_start), (0, 5_000, Some(at(&reset))));
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_unused_credits_expire_of_5000_with_3200_used_1800_expire_and_the_next_cycle_has_5000() {
    let a = plan("scale", LATER).await;
    a.charge("used", [item("ai_task", 3_200)]).granted().await;
    assert_eq!(a.balance("ai_tasks").await.remaining, 1_800);
    a.advance("2025-10-04T00:00:00Z").done().await;
    let reset = a.entries("reset").await.into_iter().find(|entry| entry.pool == "ai_tasks").expect("it was reset");
    assert_eq!((reset.details["consumed"].as_str(), reset.details["lapsed"].as_str()), ("3200", "1800"));
    let balance = a.balance("ai_tasks").await;
    assert_eq!((balance.allowance, balance.consumed, balance.available), (5_000, 0, 5_000));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_at_the_limit_that_one_feature_is_paused_and_the_others_go_on() {
    let a = plan("scale", LATER).await;
    a.charge("call", [item("call_second", 3_600)]).granted().await;
    let voice = a.balance("voice_minutes").await;
    assert_eq!((voice.consumed, voice.available, voice.state()), (60, 0, Level::Exhausted));
    a.reserve("another", [item("call_second", 60)]).denied().await;
    for (pool, _, action, _) in TABLE.into_iter().filter(|(pool, ..)| *pool != "voice_minutes") {
        a.charge(pool, [item(action, 1)]).granted().await;
        assert_eq!(a.balance(pool).await.consumed, 1, "{pool} goes on");
    }
    a.advance("2025-10-04T00:00:00Z").done().await;
    a.reserve("another", [item("call_second", 60)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_alerts_in_the_app_and_by_email_at_the_limit() {
    let a = plan("scale", LATER).notifying(&["owner@example.com", "ops@example.com"]).await;
    a.charge("1", [item("save_contact", 7_999)]).granted().await;
    assert!(thresholds(&a, "database").await.is_empty());
    a.charge("2", [item("save_contact", 1)]).granted().await;
    assert_eq!(thresholds(&a, "database").await, ["80"]);
    a.charge("3", [item("save_contact", 2_000)]).granted().await;
    assert_eq!(thresholds(&a, "database").await, ["80", "100"]);
    assert_eq!(told(&a, "exhausted", "database").await, 1);
    a.advance("2025-10-04T00:00:00Z").done().await;
    assert_eq!(told(&a, "resumed", "database").await, 1);
    // Who gets the e-mails.
    assert_eq!(a.get().await.notify, ["owner@example.com", "ops@example.com"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_there_is_no_overage_ever() {
    let a = plan("scale", LATER).await;
    a.charge("call-1", [item("call_second", 58 * 60)]).granted().await;
    a.reserve("call-2", [item("call_second", 120)]).granted().await;
    a.extend("call-2", "1").more(&[60]).denied().await;
    // The call went on all the same: what no credit covers is shown, and never charged.
    let charge = a.commit("call-2").quantities(&[300]).done().await.charges.remove(0);
    assert_eq!((charge.credits, charge.uncovered, charge.overage), (2, 3, 0));
    let balance = a.balance("voice_minutes").await;
    assert_eq!((balance.consumed, balance.overage, balance.uncovered), (60, 0, 3));
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_3_of_64_tasks_at_once_exactly_the_10_that_are_left_run() {
    let a = plan("scale", LATER).await;
    a.charge("before", [item("ai_task", 4_990)]).granted().await;
    let answers = race((0..64).map(|n| a.charge(&format!("t{n}"), [item("ai_task", 1)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10);
    let balance = a.balance("ai_tasks").await;
    assert_eq!((balance.consumed, balance.remaining, balance.overage), (5_000, 0, 0));
    assert_eq!(told(&a, "exhausted", "ai_tasks").await, 1, "said once");
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_3_of_16_mailboxes_connected_at_once_5_are() {
    let a = plan("scale", LATER).await;
    let answers =
        race((0..16).map(|n| a.charge(&format!("m{n}"), [item("connect_mailbox", 1)]).lane(n).decided())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert_eq!(a.balance("mailboxes").await.consumed, 5);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_the_catalog_says_which_pools_the_customer_tops_up_and_which_only_support() {
    let catalog = catalog_of("outbound-sales").await;
    let sellers: HashMap<_, _> = catalog.pools.iter().map(|pool| (pool.pool.as_str(), pool.top_up.join(" "))).collect();
    for pool in ["database", "email_verification", "voice_minutes", "ai_tasks"] {
        assert_eq!(sellers[pool], "customer support", "{pool}");
    }
    for pool in ["website_intel", "mailboxes", "linkedin_accounts", "knowledge_pages"] {
        assert_eq!(sellers[pool], "support", "{pool}");
    }
}

#[tokio::test]
async fn model_3_a_top_up_resumes_the_feature_at_once() {
    let a = plan("basic", LATER).await;
    let tops = [
        ("voice_minutes", "call_second", 30),
        ("website_intel", "resolve_company", 100),
        ("mailboxes", "connect_mailbox", 2),
    ];
    a.charge("first-mailbox", [item("connect_mailbox", 1)]).granted().await;
    for (pool, action, bought) in tops {
        a.charge(pool, [item(action, 1)]).denied().await;
        a.grant(pool, &format!("top-{pool}"), bought).done().await;
        a.charge(pool, [item(action, quantity(action, bought))]).granted().await;
        a.charge(&format!("{pool}-more"), [item(action, 1)]).denied().await;
        let balance = a.balance(pool).await;
        assert_eq!((balance.remaining, balance.purchased), (0, 0), "all that was bought is in use: {balance:?}");
    }
    a.release("mailboxes").done().await;
    assert_eq!(a.balance("mailboxes").await.purchased, 2, "and free again");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_mailboxes_linkedin_accounts_and_knowledge_pages_are_things_held() {
    let catalog = catalog_of("outbound-sales").await;
    for pool in &catalog.pools {
        assert_eq!(pool.capacity, HELD.contains(&pool.pool.as_str()), "{}", pool.pool);
    }
    let a = plan("scale", LATER).await;
    for (pool, action, limit) in [
        ("mailboxes", "connect_mailbox", 5),
        ("linkedin_accounts", "connect_linkedin", 1),
        ("knowledge_pages", "knowledge_page", 10_000),
    ] {
        a.charge(&format!("{pool}-first"), [item(action, 1)]).granted().await;
        if limit > 1 {
            a.charge(&format!("{pool}-rest"), [item(action, limit - 1)]).granted().await;
        }
        a.charge(&format!("{pool}-next"), [item(action, 1)]).denied().await;
    }
    // Months pass and they are still held.
    a.advance("2026-01-20T00:00:00Z").done().await;
    for (pool, action, limit) in [
        ("mailboxes", "connect_mailbox", 5),
        ("linkedin_accounts", "connect_linkedin", 1),
        ("knowledge_pages", "knowledge_page", 10_000),
    ] {
        let balance = a.balance(pool).await;
        assert_eq!((balance.consumed, balance.available, balance.reset_time), (limit, 0, None), "{pool}");
        a.release(&format!("{pool}-first")).reason("disconnected").done().await;
        a.charge(&format!("{pool}-next"), [item(action, 1)]).granted().await;
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_shows_per_feature_at_any_time_used_total_allowance_and_reset_date() {
    let a = plan("scale", LATER).await;
    for ((day, (pool, _, action, amounts)), used) in (5..).zip(TABLE).zip([1, 2, 3, 1, 5, 6, 7, 8]) {
        a.charge(pool, [item(action, quantity(action, used))]).granted().await;
        a.advance(&format!("2025-09-{day:02}T00:00:00Z")).done().await;
        let balance = a.balance(pool).await;
        assert_eq!((balance.consumed, balance.allowance), (used, amounts[1]), "{pool}");
        let reset = if HELD.contains(&pool) { None } else { Some(at("2025-10-04T00:00:00Z")) };
        assert_eq!(balance.reset_time, reset, "{pool}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_25_follow_up_emails_are_25_ai_task() {
    let a = plan("scale", LATER).await;
    for n in 0..25 {
        let email = item("ai_task", 1).dimension("task", "follow_up_email");
        a.charge(&format!("follow-up-{n}"), [email]).granted().await;
    }
    assert_eq!(a.balance("ai_tasks").await.consumed, 25);
    assert_eq!(a.breakdown("ai_tasks", "dimension:task").await, [("follow_up_email".to_owned(), 25, 25)]);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_300_verifications_are_300() {
    let a = plan("scale", LATER).await;
    assert_eq!(charged(a.charge("list", [item("verify_email", 300)])).await.0, 300);
    assert_eq!(a.balance("email_verification").await.consumed, 300);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_a_15_minute_call_is_15_minutes() {
    let a = plan("scale", LATER).await;
    a.reserve("call", [item("call_second", 20 * 60)]).granted().await;
    let charge = a.commit("call").quantities(&[15 * 60]).done().await.charges.remove(0);
    assert_eq!(charge.credits, 15);
    assert_eq!(a.balance("voice_minutes").await.available, 45);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_3_100_contacts_are_100_database() {
    let a = plan("scale", LATER).await;
    assert_eq!(charged(a.charge("list", [item("save_contact", 100)])).await.0, 100);
    assert_eq!(a.balance("database").await.consumed, 100);
    a.check_conservation().await;
}
