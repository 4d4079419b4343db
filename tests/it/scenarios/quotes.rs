//! What there is to buy, and what it would cost: `GetCatalog` and Quote.

use crate::harness::prelude::*;

#[tokio::test]
async fn rule_02_a_quote_says_the_price_and_holds_nothing() {
    let a = open("hard").await;
    let quote = a.quote([item("call_second", 61), item("model_reply", 2).dimension("model", "large-1")]).done().await;
    assert_eq!(quote.items.iter().map(|item| item.credits).collect::<Vec<_>>(), [2, 6]);
    assert_eq!(quote.denied, None);
    assert_eq!(quote.balances.len(), 2);
    assert_eq!((a.balance("credits").await.held, a.balance("minutes").await.held), (0, 0));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_03_a_quote_says_what_a_reserve_would_be_denied_for() {
    let a = open("hard").await;
    let denial = a.quote([item("reply", 11)]).done().await.denied.expect("a reserve of it would be denied");
    assert_eq!((denial.reason(), denial.required, denial.available), (Reason::InsufficientCredits, 11, 10));
    a.activity("denied", 0).await;
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_10_a_quote_of_a_subject_that_was_charged_is_free() {
    let a = open("hard").await;
    a.charge("c1", [item("lead", 1).subject("ann")]).granted().await;
    let quote = a.quote([item("lead", 1).subject("ann")]).done().await;
    assert_eq!((quote.items[0].credits, quote.items[0].duplicate), (0, true));
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_17_a_quote_uses_the_prices_of_the_accounts_version() {
    let a = open("basic").catalog("prices", "2025-01-01").await;
    assert_eq!(a.quote([item("reply", 3)]).done().await.items[0].credits, 3);
    a.check_conservation().await;
}

#[tokio::test]
async fn a_catalog_shows_its_pools_and_prices_and_plans_in_the_order_of_the_file() {
    let stipend = crate::harness::world::shared();
    let request = v1::GetCatalogRequest { catalog: "rules".into(), version: String::new() };
    let catalog = stipend.call(request).done().await;
    let pools: Vec<_> = catalog.pools.iter().map(|pool| pool.pool.as_str()).collect();
    assert_eq!(pools, ["credits", "minutes", "leads", "fine", "seats"]);
    assert!(catalog.pools[4].capacity && !catalog.pools[0].capacity);
    assert_eq!(catalog.pools[3].scale, 1000);
    let action = |name: &str| catalog.actions.iter().find(|action| action.action == name).expect("it is in the file");
    assert_eq!(action("free").price.as_ref().map(|price| price.credits), Some(0), "free ones are in it");
    assert_eq!(action("call_second").price.as_ref().map(|price| (price.credits, price.per)), Some((1, 60)));
    assert_eq!((action("lookup").once.as_str(), action("lead").once.as_str()), ("24h", "cycle"));
    assert_eq!((action("signup").once.as_str(), action("reply").once.as_str()), ("forever", ""));
    assert_eq!(action("metered_call").on_expiry, "charge_used");
    assert_eq!(action("brief").ttl, Some(span(30)));
    let by_model: Vec<_> = action("model_reply").dimension_prices.iter().map(|by| by.pattern.as_str()).collect();
    assert_eq!(by_model, ["large-*", "tiny"]);
    let plan = |name: &str| catalog.plans.iter().find(|plan| plan.plan == name).expect("it is in the file");
    assert_eq!((plan("hard").pools[0].allowance, plan("hard").pools[0].cycle.as_str()), (10, "1 month"));
    assert_eq!(plan("team").pools[1].limit, 2);
    assert_eq!(plan("soft_limited").pools[0].overage_limit, Some(5));
    assert_eq!(plan("roll_some").pools[0].rollover, Some(4));
    assert_eq!((plan("trial").pools[0].cycle.as_str(), plan("trial").pools[0].times), ("14 days", 1));
    assert_eq!(plan("watched").pools[0].alerts, [50, 80, 100]);
    assert_eq!(plan("announced").pools[0].enforce_from, Some(at("2025-03-01T00:00:00Z")));
}

#[tokio::test]
async fn a_catalog_of_several_versions_lists_them_and_shows_the_newest() {
    let stipend = crate::harness::world::shared();
    let newest = v1::GetCatalogRequest { catalog: "prices".into(), version: String::new() };
    let catalog = stipend.call(newest).done().await;
    assert_eq!(
        (catalog.version.as_str(), catalog.versions.as_slice()),
        ("2025-06-01", &["2025-01-01".to_owned(), "2025-06-01".to_owned()][..])
    );
    let old = v1::GetCatalogRequest { catalog: "prices".into(), version: "2025-01-01".into() };
    let price = stipend.call(old).done().await.actions.remove(0).price;
    assert_eq!(price.map(|price| price.credits), Some(1));
    let none = v1::GetCatalogRequest { catalog: "prices".into(), version: "1999".into() };
    stipend.call(none).failed().await.is(Code::NotFound, "CATALOG_NOT_FOUND");
}
