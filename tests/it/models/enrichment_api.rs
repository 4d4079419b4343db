//! Model 5, `enrichment-api`: a fixed price per endpoint, and windows in which a subject is charged once.

use std::{collections::HashMap, fs};

use super::{catalog_of, charged};
use crate::harness::{
    prelude::*,
    world::{Opening, example, own_of},
};

const START: &str = "2025-05-01T00:00:00Z";

/// The published table: action, credits, whether a subject is charged once in a window.
const TABLE: [(&str, i64, &str); 9] = [
    ("pageview", 1, ""),
    ("email_open", 0, ""),
    ("email_click", 0, ""),
    ("form_submit", 0, ""),
    ("ip_lookup", 20, "24h"),
    ("pixel_identify", 20, "24h"),
    ("domain_lookup", 10, ""),
    ("pixel_company", 10, "cycle"),
    ("contact_enrichment", 50, ""),
];

fn standard() -> Opening {
    model("enrichment-api", "standard").clock(START)
}

fn lookup(ip: &str) -> v1::Item {
    item("ip_lookup", 1).subject(ip)
}

/// A visitor as the tracking pixel sees them.
fn identify(user: &str, ip: &str) -> v1::Item {
    item("pixel_identify", 1).subject(&format!("{user}|{ip}"))
}

#[tokio::test]
async fn model_5_each_action_has_the_credits_of_the_table() {
    let a = standard().await;
    let mut consumed = 0;
    for (action, credits, once) in TABLE {
        let request = if once.is_empty() { item(action, 1) } else { item(action, 1).subject("first") };
        assert_eq!(charged(a.charge(action, [request])).await, (credits, false), "{action}");
        consumed += credits;
        assert_eq!(a.balance("credits").await.consumed, consumed, "{action}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_the_cost_is_known_before_and_the_same_whatever_the_result_its_size_or_depth() {
    let a = standard().await;
    let request = || item("contact_enrichment", 1);
    let quoted = a.quote([request()]).done().await;
    assert_eq!((quoted.items[0].credits, quoted.denied), (50, None));
    for result in ["not found", "3 fields", "120 fields with the whole history"] {
        a.reserve(result.split(' ').next().unwrap_or(result), [request()]).granted().await;
        let commit = a.commit(result.split(' ').next().unwrap_or(result)).metadata(&[("result", result)]).done().await;
        assert_eq!(commit.charges[0].credits, 50, "{result}");
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_a_pageview_is_charged_every_time() {
    let a = standard().await;
    for n in 0..5 {
        assert_eq!(charged(a.charge(&format!("p{n}"), [item("pageview", 1).subject("203.0.113.9")])).await, (1, false));
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_email_opens_clicks_and_form_submits_are_0_with_company_enrichment_included() {
    let a = standard().await;
    // Spent to the last credit: what is free goes on.
    a.charge("all", [item("contact_enrichment", 2_000)]).granted().await;
    a.charge("pageview", [item("pageview", 1)]).denied().await;
    for action in ["email_open", "email_click", "form_submit"] {
        let charge = a.charge(action, [item(action, 1)]).metadata(&[("company", "acme.example")]);
        assert_eq!(charged(charge).await, (0, false), "{action}");
    }
    let log = a.entries("charge").await;
    let free: Vec<_> =
        log[1..].iter().map(|entry| (entry.action.as_str(), entry.metadata["company"].as_str())).collect();
    assert_eq!(
        free,
        [("email_open", "acme.example"), ("email_click", "acme.example"), ("form_submit", "acme.example")]
    );
    assert_eq!(a.balance("credits").await.consumed, 100_000);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_validation_failures_cost_nothing() {
    let a = standard().await;
    a.charge("1", [item("ip_lookup", 1)]).failed().await.is(Code::InvalidArgument, "INVALID_ARGUMENT");
    a.charge("2", [item("ip_lookups", 1).subject("203.0.113.9")])
        .failed()
        .await
        .is(Code::InvalidArgument, "UNKNOWN_ACTION");
    // The request was taken and its input turns out to be no domain.
    a.reserve("3", [item("domain_lookup", 1)]).granted().await;
    a.release("3").reason("validation failed").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.held), (0, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_authentication_failures_and_rate_limited_and_blocked_requests_cost_nothing() {
    let a = standard().await;
    for reason in ["authentication failed", "rate limited", "blocked"] {
        let id = reason.replace(' ', "-");
        a.reserve(&id, [lookup("203.0.113.9")]).granted().await;
        a.release(&id).reason(reason).done().await;
    }
    a.put_budget(budget("key:blocked", "credits", 0)).done().await;
    a.charge("blocked-key", [lookup("203.0.113.9")]).budgets(&["key:blocked"]).denied().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.held), (0, 0));
    // And none of them used up the window.
    assert_eq!(charged(a.charge("processed", [lookup("203.0.113.9")])).await, (20, false));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_ip_to_company_is_20_once_per_ip_per_24_hours() {
    let a = standard().await;
    assert_eq!(charged(a.charge("1", [lookup("203.0.113.9")])).await, (20, false));
    assert_eq!(charged(a.charge("2", [lookup("203.0.113.10")])).await, (20, false), "another IP");
    a.advance("2025-05-01T23:59:59.999Z").done().await;
    assert_eq!(charged(a.charge("3", [lookup("203.0.113.9")])).await, (0, true));
    a.advance("2025-05-02T00:00:00Z").done().await;
    assert_eq!(charged(a.charge("4", [lookup("203.0.113.9")])).await, (20, false), "24 hours later");
    assert_eq!(a.balance("credits").await.consumed, 60);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_a_pixels_identification_is_20_once_per_user_id_and_ip_per_24_hours() {
    let a = standard().await;
    assert_eq!(charged(a.charge("1", [identify("u-1", "203.0.113.9")])).await, (20, false));
    assert_eq!(charged(a.charge("2", [identify("u-1", "203.0.113.9")])).await, (0, true));
    assert_eq!(charged(a.charge("3", [identify("u-2", "203.0.113.9")])).await, (20, false), "another user, same IP");
    assert_eq!(charged(a.charge("4", [identify("u-1", "203.0.113.10")])).await, (20, false), "same user, another IP");
    assert_eq!(charged(a.charge("5", [lookup("203.0.113.9")])).await, (20, false), "the API counts for itself");
    a.advance("2025-05-02T00:00:00Z").done().await;
    assert_eq!(charged(a.charge("6", [identify("u-1", "203.0.113.9")])).await, (20, false), "24 hours later");
    assert_eq!(a.balance("credits").await.consumed, 100);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_5_50_pages_that_identify_the_same_visitor_at_once_are_charged_once() {
    let a = standard().await;
    let pages = (0..50).map(|n| a.charge(&format!("page-{n}"), [identify("u-1", "203.0.113.9")]).lane(n).granted());
    let charges: Vec<_> = race(pages).await.into_iter().map(|charged| charged.charges[0].clone()).collect();
    assert_eq!(charges.iter().map(|charge| charge.credits).sum::<i64>(), 20);
    assert_eq!(charges.iter().filter(|charge| charge.duplicate).count(), 49);
    assert_eq!(a.balance("credits").await.consumed, 20);
    a.check_conservation().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn model_5_50_lookups_of_one_ip_that_hold_first_are_charged_once() {
    let a = standard().await;
    let pages = (0..50).map(|n| {
        let (id, n) = (format!("page-{n}"), n);
        let (reserve, commit) = (a.reserve(&id, [lookup("203.0.113.9")]).lane(n), a.commit(&id).lane(n));
        async move {
            reserve.granted().await;
            commit.done().await.charges.remove(0).credits
        }
    });
    assert_eq!(race(pages).await.into_iter().sum::<i64>(), 20);
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.held), (20, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_company_enrichment_over_the_api_is_10_every_time() {
    let a = standard().await;
    for id in ["1", "2"] {
        assert_eq!(charged(a.charge(id, [item("domain_lookup", 1).subject("acme.example")])).await, (10, false));
    }
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_a_pixels_company_enrichment_is_10_once_per_domain_and_cycle() {
    let a = standard().await;
    let company = |domain: &str| item("pixel_company", 1).subject(domain);
    assert_eq!(charged(a.charge("1", [company("acme.example")])).await, (10, false));
    assert_eq!(charged(a.charge("2", [company("other.example")])).await, (10, false));
    a.advance("2025-05-31T23:59:59.999Z").done().await;
    assert_eq!(charged(a.charge("3", [company("acme.example")])).await, (0, true), "30 days later");
    a.advance("2025-06-01T00:00:00Z").done().await;
    assert_eq!(charged(a.charge("4", [company("acme.example")])).await, (10, false), "the next cycle");
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_contact_enrichment_is_50() {
    let a = standard().await;
    assert_eq!(charged(a.charge("3-contacts", [item("contact_enrichment", 3)])).await.0, 150);
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_the_price_list_can_be_read_with_free_endpoints_in_it() {
    let catalog = catalog_of("enrichment-api").await;
    let list: Vec<_> = catalog
        .actions
        .iter()
        .map(|action| {
            let price = action.price.clone().expect("an action has a price");
            assert_eq!((price.per, action.pool.as_str()), (1, "credits"));
            (action.action.as_str(), price.credits, action.once.as_str())
        })
        .collect();
    assert_eq!(list, TABLE);
    assert_eq!(list.iter().filter(|(_, credits, _)| *credits == 0).count(), 3);
}

#[tokio::test]
async fn model_5_shows_credits_consumed_over_time_remaining_and_limits() {
    let a = standard().await;
    for (day, contacts) in [("2025-05-03", 2_i64), ("2025-05-20", 5), ("2025-06-02", 1)] {
        a.advance(&format!("{day}T09:00:00Z")).done().await;
        a.charge(day, [item("contact_enrichment", contacts)]).granted().await;
    }
    let months = a.months("credits").await;
    assert_eq!(months, [("2025-05-01".to_owned(), 350), ("2025-06-01".to_owned(), 50)]);
    let balance = a.balance("credits").await;
    assert_eq!((balance.allowance, balance.consumed, balance.remaining), (100_000, 50, 99_950));
    assert_eq!(balance.reset_time, Some(at("2025-07-01T00:00:00Z")));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_what_is_shown_equals_the_requests_processed() {
    let a = standard().await;
    let mut processed: HashMap<String, (i64, i64)> = HashMap::new();
    for n in 0..60_usize {
        let (action, price, once) = TABLE[n % TABLE.len()];
        let request = if once.is_empty() { item(action, 1) } else { item(action, 1).subject(&format!("s{n}")) };
        if n % 7 == 3 {
            // Rate limited: taken, not processed.
            a.reserve(&format!("r{n}"), [request]).granted().await;
            a.release(&format!("r{n}")).reason("rate limited").done().await;
            continue;
        }
        a.charge(&format!("r{n}"), [request]).granted().await;
        let sum = processed.entry(action.into()).or_default();
        *sum = (sum.0 + price, sum.1 + 1);
    }
    let shown = a.breakdown("credits", "action").await;
    let shown: HashMap<_, _> = shown.into_iter().map(|(action, credits, count)| (action, (credits, count))).collect();
    assert_eq!(shown, processed);
    let total: i64 = processed.values().map(|(credits, _)| credits).sum();
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.remaining), (total, 100_000 - total));
    a.check_conservation().await;
}

#[tokio::test]
async fn model_5_prices_change_with_a_new_version_and_accounts_on_the_old_one_keep_its_prices_until_moved() {
    let mut own = own_of(vec![example("enrichment-api")]);
    let open = |stipend: &Stipend| stipend.open("standard").catalog("enrichment-api", "").clock(START);
    let old = open(&own.stipend()).await;
    assert_eq!(charged(old.charge("1", [item("contact_enrichment", 1)])).await.0, 50);

    // The notice: another version of the file, loaded beside the one that is there.
    let text = fs::read_to_string(example("enrichment-api")).expect("the example can be read");
    let changed = text.replacen("version: 2025-01-01", "version: 2025-06-01", 1).replacen(
        "title: Contact enrichment, pool: credits, price: 50",
        "title: Contact enrichment, pool: credits, price: 60",
        1,
    );
    assert_eq!(changed.matches("2025-06-01").count() + changed.matches("price: 60").count(), 2, "both were replaced");
    let file = own.home().join("enrichment-api-2.yaml");
    fs::write(&file, changed).expect("a catalog can be written");
    own.server.load(file);
    let stipend = own.restart().await;

    let request = v1::GetCatalogRequest { catalog: "enrichment-api".into(), version: String::new() };
    let newest = stipend.call(request).done().await;
    assert_eq!(
        (newest.version.as_str(), newest.versions),
        ("2025-06-01", vec!["2025-01-01".into(), "2025-06-01".into()])
    );

    let new = open(&stipend).await;
    assert_eq!(charged(new.charge("1", [item("contact_enrichment", 1)])).await.0, 60);
    let old = old.through(stipend.clone());
    assert_eq!(charged(old.charge("2", [item("contact_enrichment", 1)])).await.0, 50, "the old price holds");
    old.advance("2025-06-15T00:00:00Z").done().await;
    assert_eq!(charged(old.charge("3", [item("contact_enrichment", 1)])).await.0, 50, "and after a reset");
    assert_eq!(old.get().await.catalog_version, "2025-01-01");

    old.change_plan("", "2025-06-01", v1::change_plan_request::When::Now).done().await;
    assert_eq!(charged(old.charge("4", [item("contact_enrichment", 1)])).await.0, 60, "until it is moved");
    assert_eq!(old.get().await.catalog_version, "2025-06-01");
    assert_eq!(old.balance("credits").await.consumed, 110, "what was consumed stays");
    old.check_conservation().await;
    new.check_conservation().await;
}
