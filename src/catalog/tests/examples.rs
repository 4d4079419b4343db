//! The catalogs that come with the project are valid and have the names of the models that they show.

use crate::{
    amount::Amount,
    catalog::*,
    terms::{Cap, Once, PoolKind, Round},
};

/// The examples by name.
pub const EXAMPLES: [(&str, &str); 5] = [
    ("buyer-engagement", include_str!("../../../examples/catalogs/buyer-engagement.yaml")),
    ("website-agents", include_str!("../../../examples/catalogs/website-agents.yaml")),
    ("outbound-sales", include_str!("../../../examples/catalogs/outbound-sales.yaml")),
    ("ai-employee", include_str!("../../../examples/catalogs/ai-employee.yaml")),
    ("enrichment-api", include_str!("../../../examples/catalogs/enrichment-api.yaml")),
];

fn example(name: &str) -> Catalog {
    let (_, text) = EXAMPLES.into_iter().find(|(other, _)| *other == name).unwrap();
    let catalog = Catalog::parse(text).unwrap_or_else(|problems| panic!("{name}: {problems}"));
    assert_eq!(catalog.name.as_str(), name);
    catalog
}

fn words<K: std::fmt::Display, V>(map: &IndexMap<K, V>) -> Vec<String> {
    map.keys().map(ToString::to_string).collect()
}

/// The row of a name in the table of models: pools, actions, plans in any order.
fn has(name: &str, pools: &str, actions: &str, plans: &str) {
    let catalog = example(name);
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let wanted = |text: &str| sorted(text.split_whitespace().map(Into::into).collect());
    assert_eq!(sorted(words(&catalog.pools)), wanted(pools));
    assert_eq!(sorted(words(&catalog.actions)), wanted(actions));
    assert_eq!(sorted(words(&catalog.plans)), wanted(plans));
}

#[test]
fn the_examples_have_the_names_of_the_models() {
    has("buyer-engagement", "connections enrichment_credits", "connection enrich_contact enrich_company", "annual");
    has("website-agents", "ai_credits", "chat_message call_second", "package");
    has(
        "outbound-sales",
        "database email_verification mailboxes linkedin_accounts website_intel knowledge_pages voice_minutes ai_tasks",
        "save_contact verify_email connect_mailbox connect_linkedin resolve_company knowledge_page call_second ai_task",
        "basic scale unlimited",
    );
    has("ai-employee", "ai_credits", "ai_reply ai_command website_sync", "trial starter professional scale enterprise");
    has(
        "enrichment-api",
        "credits",
        "pageview email_open email_click form_submit ip_lookup pixel_identify domain_lookup pixel_company contact_enrichment",
        "standard",
    );
}

#[test]
fn outbound_sales_has_the_published_table() {
    let catalog = example("outbound-sales");
    let rows = [
        ("database", [2_000, 10_000, 25_000]),
        ("email_verification", [2_000, 10_000, 25_000]),
        ("mailboxes", [1, 5, 20]),
        ("linkedin_accounts", [0, 1, 5]),
        ("website_intel", [0, 1_000, 5_000]),
        ("knowledge_pages", [1_000, 10_000, 50_000]),
        ("voice_minutes", [0, 60, 180]),
        ("ai_tasks", [1_000, 5_000, 10_000]),
    ];
    for (pool, amounts) in rows {
        for (plan, amount) in ["basic", "scale", "unlimited"].into_iter().zip(amounts) {
            let terms = &catalog.plans[plan].pools[pool];
            assert_eq!(terms.allowance.get(), amount, "{plan} {pool}");
            assert_eq!((terms.cap, terms.rollover), (Cap::Hard, None));
            assert_eq!(terms.enforce_from.map(|from| from.to_string()).as_deref(), Some("2025-08-07T00:00:00Z"));
            let held = ["mailboxes", "linkedin_accounts", "knowledge_pages"].contains(&pool);
            assert_eq!(terms.kind, if held { PoolKind::Capacity } else { PoolKind::Credits });
            let cycle = (!held).then(|| CycleSpec::parse_short("1 month").unwrap());
            assert_eq!(terms.cycle, cycle);
        }
    }
}

#[test]
fn enrichment_api_has_the_published_prices() {
    let catalog = example("enrichment-api");
    let day = Once::Per(std::time::Duration::from_secs(86_400));
    for (action, credits, once) in [
        ("pageview", 1, Once::EveryTime),
        ("email_open", 0, Once::EveryTime),
        ("email_click", 0, Once::EveryTime),
        ("form_submit", 0, Once::EveryTime),
        ("ip_lookup", 20, day),
        ("pixel_identify", 20, day),
        ("domain_lookup", 10, Once::EveryTime),
        ("pixel_company", 10, Once::PerCycle),
        ("contact_enrichment", 50, Once::EveryTime),
    ] {
        let action = &catalog.actions[action];
        assert_eq!((action.price.base.credits.get(), action.once), (credits, once));
    }
}

#[test]
fn buyer_engagement_counts_once_a_year_under_soft_caps() {
    let catalog = example("buyer-engagement");
    assert!(catalog.actions.values().all(|action| action.once == Once::PerCycle));
    let terms: Vec<&PlanPool> = catalog.plans["annual"].pools.values().collect();
    assert!(terms.iter().all(|terms| terms.cap == Cap::Soft && terms.overage_limit.is_none()));
    assert!(terms.iter().all(|terms| terms.cycle == CycleSpec::parse_short("1 year").ok() && terms.rollover.is_none()));
}

#[test]
fn website_agents_charges_every_started_minute_in_full() {
    let catalog = example("website-agents");
    let call = catalog.actions["call_second"].price.base;
    assert_eq!(call.round, Round::Started);
    let cost = |seconds| call.cost(Amount::new(seconds).unwrap()).unwrap();
    assert_eq!(cost(61), cost(120));
    assert!(cost(1) > catalog.actions["chat_message"].price.base.credits);
    assert!(catalog.actions["call_second"].max_quantity.is_some());
}

#[test]
fn ai_employee_has_a_trial_that_ends_and_amounts_per_customer() {
    let catalog = example("ai-employee");
    let trial = catalog.plans["trial"].cycle.unwrap();
    assert_eq!((trial.to_string().as_str(), trial.times.map(std::num::NonZeroU32::get)), ("14 days", Some(1)));
    assert!(catalog.plans["enterprise"].pools["ai_credits"].per_account);
    let price = |action: &str| catalog.actions[action].price.base.credits.get();
    assert_eq!((price("ai_reply"), price("ai_command"), price("website_sync")), (1, 1, 25));
}
