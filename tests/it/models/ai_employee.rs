//! Model 4, `ai-employee`: the allowance first, and top-ups that never expire.

use super::{actions_of, catalog_of, charged, told};
use crate::harness::{prelude::*, world::Opening};

const START: &str = "2025-02-10T00:00:00Z";
const RESET: &str = "2025-03-10T00:00:00Z";

fn plan(plan: &str) -> Opening {
    model("ai-employee", plan).clock(START)
}

#[tokio::test]
async fn model_4_one_pool_for_the_whole_account_not_per_channel_or_contact() {
    let a = plan("starter").await;
    for (n, (channel, contact)) in [("sms", "ann"), ("e-mail", "bob"), ("webchat", "ann")].into_iter().enumerate() {
        let reply = item("ai_reply", 1).subject(contact).dimension("channel", channel);
        assert_eq!(charged(a.charge(&format!("r{n}"), [reply])).await, (1, false), "{channel}");
    }
    let balances = a.balances().await;
    assert_eq!(balances.len(), 1);
    assert_eq!((balances[0].pool.as_str(), balances[0].consumed), ("ai_credits", 3));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_a_reply_drafted_or_sent_or_a_command_is_1() {
    let a = plan("starter").await;
    for outcome in ["drafted", "sent"] {
        a.reserve(outcome, [item("ai_reply", 1)]).granted().await;
        let commit = a.commit(outcome).metadata(&[("outcome", outcome)]).done().await;
        assert_eq!(commit.charges[0].credits, 1, "{outcome}");
    }
    assert_eq!(charged(a.charge("command", [item("ai_command", 1)])).await.0, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_a_website_knowledge_sync_is_25() {
    let a = plan("starter").await;
    assert_eq!(charged(a.charge("sync", [item("website_sync", 1)])).await.0, 25);
    assert_eq!(a.balance("ai_credits").await.consumed, 25);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_calls_and_texts_are_billed_elsewhere_and_not_in_the_catalog() {
    assert_eq!(actions_of(&catalog_of("ai-employee").await), ["ai_command", "ai_reply", "website_sync"]);
    let a = plan("starter").await;
    for elsewhere in ["call", "text"] {
        let failure = a.charge(elsewhere, [item(elsewhere, 1)]).failed().await;
        failure.is(Code::InvalidArgument, "UNKNOWN_ACTION");
    }
    assert_eq!(a.balance("ai_credits").await.consumed, 0);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_it_is_on_every_plan() {
    for name in ["starter", "professional", "scale", "trial"] {
        let a = plan(name).await;
        let before = a.balance("ai_credits").await;
        assert!(before.allowance > 0, "{name}");
        for (id, action, price) in [("r", "ai_reply", 1), ("c", "ai_command", 1), ("s", "website_sync", 25)] {
            assert_eq!(charged(a.charge(id, [item(action, 1)])).await.0, price, "{name} {action}");
        }
        assert_eq!(a.balance("ai_credits").await.available, before.allowance - 27, "{name}");
        a.check_conservation().await;
    }
}

#[tokio::test]
async fn model_4_enterprise_has_amounts_per_customer() {
    let amount = |credits| v1::PoolOverride { allowance: Some(credits), ..v1::PoolOverride::default() };
    for credits in [75_000, 250_000] {
        let a = plan("enterprise").overriding("ai_credits", amount(credits)).await;
        assert_eq!(a.balance("ai_credits").await.allowance, credits);
        assert_eq!(charged(a.charge("all", [item("ai_reply", credits)])).await.0, credits);
        a.charge("more", [item("ai_reply", 1)]).denied().await;
        a.advance(RESET).done().await;
        assert_eq!(a.balance("ai_credits").await.available, credits, "each cycle");
        a.check_conservation().await;
    }
    let catalog = catalog_of("ai-employee").await;
    let enterprise = catalog.plans.iter().find(|plan| plan.plan == "enterprise").expect("the plan");
    assert!(enterprise.pools[0].per_account, "and the catalog says so");
}

#[tokio::test]
async fn model_4_the_trial_lasts_14_days_and_gives_nothing_after() {
    let a = plan("trial").await;
    let allowance = a.balance("ai_credits").await.allowance;
    a.charge("1", [item("ai_reply", 1)]).granted().await;
    a.advance("2025-02-23T23:59:59.999Z").done().await;
    a.charge("2", [item("ai_reply", 1)]).granted().await;
    assert_eq!(a.balance("ai_credits").await.available, allowance - 2);
    for after in ["2025-02-24T00:00:00Z", RESET, "2025-12-24T00:00:00Z"] {
        a.advance(after).done().await;
        assert_eq!(a.balance("ai_credits").await.available, 0, "{after}");
        a.charge("3", [item("ai_reply", 1)]).denied().await;
    }
    // Who stays takes a plan, and has credits at once.
    a.change_plan("starter", "", v1::change_plan_request::When::Now).done().await;
    a.charge("3", [item("ai_reply", 1)]).granted().await;
    assert_eq!(a.balance("ai_credits").await.available, 499);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_a_fresh_allowance_each_cycle() {
    let a = plan("starter").await;
    for (month, next) in [("1", RESET), ("2", "2025-04-10T00:00:00Z"), ("3", "2025-05-10T00:00:00Z")] {
        assert_eq!(a.balance("ai_credits").await.available, 500);
        a.charge(month, [item("ai_reply", 123)]).granted().await;
        a.advance(next).done().await;
    }
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.allowance, balance.available, balance.consumed), (500, 500, 0), "nothing rolls over");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_top_up_packs_of_several_sizes_are_bought_at_any_time_without_a_plan_change() {
    let a = plan("starter").await;
    let days = [("2025-02-10", 100), ("2025-02-27", 500), ("2025-03-10", 2_000), ("2025-06-01", 100)];
    let mut bought = 0;
    for (day, size) in days {
        a.advance(&format!("{day}T00:00:00Z")).done().await;
        let grant = a.grant("ai_credits", &format!("pack-{day}"), size).done().await.grant.expect("a grant");
        assert_eq!((grant.amount, grant.kind(), grant.expire_time), (size, Kind::TopUp, None));
        bought += size;
        let balance = a.balance("ai_credits").await;
        assert_eq!((balance.purchased, balance.available), (bought, 500 + bought), "{day}");
        assert_eq!(a.get().await.plan, "starter");
    }
    a.activity("plan_changed", 0).await;
    let catalog = catalog_of("ai-employee").await;
    assert_eq!(catalog.pools[0].top_up, ["customer"]);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_a_top_up_pack_is_one_time() {
    let a = plan("starter").await;
    for _ in 0..3 {
        a.grant("ai_credits", "pack-1", 100).done().await;
    }
    assert_eq!(a.balance("ai_credits").await.purchased, 100, "told thrice of one payment");
    a.charge("all", [item("ai_reply", 600)]).granted().await;
    a.advance(RESET).done().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.available, balance.purchased), (500, 0), "it does not come again");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_top_ups_never_expire() {
    let a = plan("starter").await;
    a.grant("ai_credits", "pack-1", 100).done().await;
    a.charge("some", [item("ai_reply", 540)]).granted().await;
    a.advance("2035-02-09T00:00:00Z").done().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.purchased, balance.available), (60, 560), "ten years later");
    a.charge("later", [item("ai_reply", 560)]).granted().await;
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_the_allowance_is_used_first_and_top_ups_only_after_it_is_gone() {
    let a = plan("starter").await;
    a.grant("ai_credits", "pack-1", 100).done().await;
    for (id, replies, allowance, purchased) in [("1", 499, 1, 100), ("2", 1, 0, 100), ("3", 1, 0, 99), ("4", 99, 0, 0)]
    {
        a.charge(id, [item("ai_reply", replies)]).granted().await;
        let left = (a.remaining_of("ai_credits", Kind::Allowance).await, a.balance("ai_credits").await.purchased);
        assert_eq!(left, (allowance, purchased), "after {id}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_both_gone_replies_and_syncs_pause_until_the_reset() {
    let a = plan("starter").await;
    a.grant("ai_credits", "pack-1", 100).done().await;
    a.charge("all", [item("ai_reply", 600)]).granted().await;
    assert_eq!(told(&a, "exhausted", "ai_credits").await, 1);
    for action in ["ai_reply", "ai_command", "website_sync"] {
        let denial = a.reserve(action, [item(action, 1)]).denied().await;
        assert_eq!((denial.reason(), denial.reset_time), (Reason::InsufficientCredits, Some(at(RESET))), "{action}");
    }
    a.advance("2025-03-09T23:59:59.999Z").done().await;
    a.reserve("ai_reply", [item("ai_reply", 1)]).denied().await;
    a.advance(RESET).done().await;
    for action in ["ai_reply", "ai_command", "website_sync"] {
        a.reserve(action, [item(action, 1)]).granted().await;
    }
    assert_eq!(told(&a, "resumed", "ai_credits").await, 1);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_both_gone_replies_and_syncs_pause_until_a_top_up() {
    let a = plan("starter").await;
    a.charge("all", [item("ai_reply", 500)]).granted().await;
    for action in ["ai_reply", "website_sync"] {
        a.reserve(action, [item(action, 1)]).denied().await;
    }
    a.grant("ai_credits", "pack-1", 26).done().await;
    for action in ["ai_reply", "website_sync"] {
        a.charge(action, [item(action, 1)]).granted().await;
    }
    a.reserve("more", [item("ai_reply", 1)]).denied().await;
    assert_eq!((told(&a, "exhausted", "ai_credits").await, told(&a, "resumed", "ai_credits").await), (2, 1));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_both_gone_everything_else_goes_on() {
    let a = plan("starter").await;
    // What is under way is finished: its credits are held.
    a.reserve("under-way", [item("website_sync", 1)]).granted().await;
    a.charge("rest", [item("ai_reply", 475)]).granted().await;
    a.charge("more", [item("ai_reply", 1)]).denied().await;
    assert_eq!(a.commit("under-way").done().await.charges[0].credits, 25);
    // The account is as active as before, nothing of it is locked, and no other account is touched.
    assert_eq!(a.get().await.status(), v1::account::Status::Active);
    assert_eq!(a.entries("charge").await.len(), 1);
    a.put(|account| {
        account.labels.insert("crm".into(), "contacts can still be edited".into());
    })
    .await
    .expect("the account can be changed");
    let other = plan("starter").await;
    other.charge("r", [item("ai_reply", 1)]).granted().await;
    a.check_conservation().await;
    other.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_4_of_32_replies_and_syncs_at_once_no_more_are_made_than_allowance_and_top_up_cover() {
    let a = plan("starter").await;
    a.grant("ai_credits", "pack-1", 40).done().await;
    a.charge("most", [item("ai_reply", 490)]).granted().await;
    let jobs = (0..32).map(|n| {
        let action = if n % 4 == 0 { "website_sync" } else { "ai_reply" };
        a.charge(&format!("j{n}"), [item(action, 1)]).lane(n).decided()
    });
    let answers = race(jobs).await;
    let made: i64 = answers.iter().flatten().map(|charged| charged.charges[0].credits).sum();
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.consumed, balance.remaining), (490 + made, 50 - made));
    assert!(made >= 24 && answers.iter().any(Result::is_err), "50 are too few for 8 syncs and 24 replies: {made}");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_4_shows_current_balance_and_remaining_monthly_allowance() {
    let a = plan("starter").await;
    a.grant("ai_credits", "pack-1", 100).done().await;
    a.charge("some", [item("ai_reply", 120), item("website_sync", 1)]).granted().await;
    let balance = a.balance("ai_credits").await;
    assert_eq!((balance.available, balance.allowance, balance.purchased), (455, 500, 100));
    assert_eq!(a.remaining_of("ai_credits", Kind::Allowance).await, 355);
    assert_eq!(balance.reset_time, Some(at(RESET)));
    a.check_conservation().await;
}
