//! What the keys of a catalog become.

use std::time::Duration;

use crate::{
    amount::Amount,
    catalog::*,
    id::{BudgetName, PoolName},
    terms::{Cap, Labels, OnExpiry, Once, PoolKind, Price, Rollover, Round},
};

/// A catalog that uses every key.
pub const FULL: &str = r#"
catalog: full
version: 2025-08-07
pools:
  ai_credits: {title: AI Credits, unit: credits, scale: 1000, top_up: [customer, support]}
  minutes: {unit: minutes, top_up: support}
  seats: {title: Seats, kind: capacity}
actions:
  ai_reply:
    title: Reply
    pool: ai_credits
    price:
      credits: 1
      by:
        model: {"large-*": 3, "huge-*": {credits: 10, per: 2, round: down}, "*-free": free}
        source: {batch: {credits: 0}}
  call_second: {pool: minutes, price: {credits: 1, per: 60, round: up}, on_expiry: charge_used, ttl: 1h, max_quantity: 3600}
  lookup: {pool: ai_credits, price: 20, once: {per: 24h}}
  connection: {pool: ai_credits, price: 1, once: {per: cycle}, on_expiry: charge_held}
  setup: {pool: ai_credits, price: free, once: {per: forever}, on_expiry: release}
  seat: {pool: seats, price: 1}
plans:
  pro:
    title: Pro
    cycle: {every: 1 year}
    pools:
      ai_credits:
        allowance: 5000
        cap: soft
        cycle: 1 month
        alerts: [50, 80, 100, 150]
        rollover: {max: 500, cycles: 2}
        overage_limit: 0
      minutes: {allowance: 0, cap: hard, enforce_from: 2025-08-07, rollover: all}
      seats: {limit: 5, enforce_from: "2025-08-07T09:00:00+02:00"}
  trial:
    cycle: {every: 14 days, times: 1}
    pools:
      ai_credits: {allowance: per_account, alerts: []}
      minutes: {allowance: 60, cycle: never}
budgets:
  "agent:*": {pool: ai_credits, limit: 500, cap: soft, cycle: 1 day}
  "*": {pool: minutes, limit: 0}
"#;

fn full() -> Catalog {
    Catalog::parse(FULL).unwrap()
}

fn amount(number: u64) -> Amount {
    Amount::new(number).unwrap()
}

fn price(credits: u64, per: u64, round: Round) -> Price {
    Price { credits: amount(credits), per: amount(per), round }
}

#[test]
fn the_head_is_text_as_written() {
    let catalog = full();
    assert_eq!((catalog.name.as_str(), catalog.version.as_str()), ("full", "2025-08-07"));
    assert_eq!(catalog.source(), FULL);
    let decimal = Catalog::parse(&FULL.replace("2025-08-07\npools", "1.10\npools")).unwrap();
    assert_eq!(decimal.version.as_str(), "1.10");
}

#[test]
fn pools_have_titles_units_kinds_scales_and_sellers() {
    let catalog = full();
    let credits = &catalog.pools["ai_credits"];
    assert_eq!((credits.title.as_str(), credits.unit.as_str(), credits.scale), ("AI Credits", "credits", 1000));
    assert_eq!(credits.top_up, [Seller::Customer, Seller::Support]);
    let minutes = &catalog.pools["minutes"];
    assert_eq!((minutes.title.as_str(), minutes.unit.as_str(), minutes.scale), ("minutes", "minutes", 1));
    assert_eq!((minutes.top_up.as_slice(), minutes.kind), ([Seller::Support].as_slice(), PoolKind::Credits));
    let seats = &catalog.pools["seats"];
    assert_eq!(
        (seats.kind, seats.top_up.as_slice(), seats.unit.as_str()),
        (PoolKind::Capacity, [].as_slice(), "units")
    );
    let order: Vec<&str> = catalog.pools.keys().map(PoolName::as_str).collect();
    assert_eq!(order, ["ai_credits", "minutes", "seats"]);
}

#[test]
fn prices_differ_by_dimension_and_the_first_match_wins() {
    let catalog = full();
    let list = &catalog.actions["ai_reply"].price;
    let priced = |pairs: &[(&str, &str)]| {
        let labels: Labels = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        list.for_dimensions(&labels)
    };
    assert_eq!(priced(&[]), price(1, 1, Round::Up));
    assert_eq!(priced(&[("model", "small")]), price(1, 1, Round::Up));
    assert_eq!(priced(&[("model", "large-2")]), price(3, 1, Round::Up));
    assert_eq!(priced(&[("model", "huge-2")]), price(10, 2, Round::Down));
    assert_eq!(priced(&[("model", "x-free")]), price(0, 1, Round::Up));
    assert_eq!(priced(&[("model", "large-free")]), price(3, 1, Round::Up), "the earlier pattern wins");
    assert_eq!(
        priced(&[("model", "large-2"), ("source", "batch")]),
        price(3, 1, Round::Up),
        "the earlier dimension wins"
    );
    assert_eq!(priced(&[("source", "batch")]), price(0, 1, Round::Up));
}

#[test]
fn a_dimension_price_keeps_per_and_round_of_the_base() {
    let text =
        FULL.replace("price: 20", "price: {credits: 2, per: 60, round: down, by: {model: {a: 5, b: {credits: 6}}}}");
    let catalog = Catalog::parse(&text).unwrap();
    let list = &catalog.actions["lookup"].price;
    let model = |model: &str| list.for_dimensions(&Labels::from([("model".into(), model.into())]));
    assert_eq!(model("a"), price(5, 60, Round::Down));
    assert_eq!(model("b"), price(6, 60, Round::Down));
}

#[test]
fn actions_say_how_holds_and_subjects_are_treated() {
    let catalog = full();
    let call = &catalog.actions["call_second"];
    assert_eq!(call.price.base, price(1, 60, Round::Up));
    assert_eq!((call.on_expiry, call.ttl), (OnExpiry::ChargeUsed, Some(Duration::from_secs(3600))));
    assert_eq!(call.max_quantity, Some(amount(3600)));
    assert_eq!((call.pool.as_str(), call.title.as_str()), ("minutes", "call_second"));
    let once = |name: &str| (catalog.actions[name].once, catalog.actions[name].once_text());
    assert_eq!(once("lookup"), (Once::Per(Duration::from_secs(86_400)), "24h".into()));
    assert_eq!(once("connection"), (Once::PerCycle, "cycle".into()));
    assert_eq!(once("setup"), (Once::Forever, "forever".into()));
    assert_eq!(once("ai_reply"), (Once::EveryTime, String::new()));
    assert_eq!(catalog.actions["connection"].on_expiry, OnExpiry::ChargeHeld);
    assert_eq!(catalog.actions["setup"].price.base.credits, Amount::ZERO);
    assert_eq!(catalog.actions["ai_reply"].title, "Reply");
}

#[test]
fn plan_pools_have_terms_of_their_own_or_the_plans() {
    let catalog = full();
    let pro = &catalog.plans["pro"];
    assert_eq!(pro.title, "Pro");
    assert_eq!(pro.cycle, CycleSpec::parse_short("1 year").ok());
    let credits = &pro.pools["ai_credits"];
    assert_eq!((credits.allowance, credits.cap, credits.kind), (amount(5000), Cap::Soft, PoolKind::Credits));
    assert_eq!(credits.cycle, CycleSpec::parse_short("1 month").ok());
    assert_eq!(credits.alerts, [50, 80, 100, 150]);
    assert_eq!(credits.rollover, Some(Rollover { max: amount(500), cycles: 2 }));
    assert_eq!((credits.overage_limit, credits.enforce_from), (Some(Amount::ZERO), None));
    let minutes = &pro.pools["minutes"];
    assert_eq!((minutes.allowance, minutes.cap, minutes.cycle), (Amount::ZERO, Cap::Hard, pro.cycle));
    assert_eq!(minutes.rollover, Some(Rollover { max: Amount::MAX, cycles: Rollover::FOR_EVER }));
    assert_eq!(minutes.enforce_from.map(crate::clock::Millis::get), Some(1_754_524_800_000));
    assert_eq!(minutes.alerts, ALERTS_DEFAULT);
    let seats = &pro.pools["seats"];
    assert_eq!((seats.allowance, seats.kind, seats.cycle), (amount(5), PoolKind::Capacity, None));
    assert_eq!(seats.enforce_from.map(crate::clock::Millis::get), Some(1_754_550_000_000));
}

#[test]
fn a_trial_ends_and_an_allowance_may_be_left_to_the_account() {
    let catalog = full();
    let trial = &catalog.plans["trial"];
    assert_eq!(trial.cycle.and_then(|cycle| cycle.times).map(std::num::NonZeroU32::get), Some(1));
    let credits = &trial.pools["ai_credits"];
    assert_eq!((credits.per_account, credits.allowance, credits.cycle), (true, Amount::ZERO, trial.cycle));
    assert!(credits.alerts.is_empty());
    assert_eq!(trial.pools["minutes"].cycle, None, "never overrides the plan's cycle");
}

#[test]
fn a_budget_is_made_by_the_first_template_that_matches() {
    let catalog = full();
    let template = |name: &str| catalog.budget_template(&BudgetName::parse(name).unwrap()).unwrap();
    let agent = template("agent:anna");
    assert_eq!((agent.pool.as_str(), agent.limit, agent.cap), ("ai_credits", amount(500), Cap::Soft));
    assert_eq!(agent.cycle, CycleSpec::parse_short("1 day").ok());
    let other = template("team");
    assert_eq!((other.pool.as_str(), other.limit, other.cap, other.cycle), ("minutes", Amount::ZERO, Cap::Hard, None));
    let none = Catalog::parse(&FULL.replace("\"*\":", "\"x*\":")).unwrap();
    assert_eq!(none.budget_template(&BudgetName::parse("team").unwrap()), None);
}

#[test]
fn aliases_repeat_terms_within_their_bounds() {
    let text = FULL.replace("{allowance: 60, cycle: never}", "&terms {allowance: 60}");
    let text = text
        .replace("{allowance: per_account, alerts: []}", "&terms {allowance: 7}")
        .replace("      minutes: &terms {allowance: 60}", "      minutes: *terms");
    assert_eq!(Catalog::parse(&text).unwrap().plans["trial"].pools["minutes"].allowance, amount(7));
}

#[test]
fn the_builtin_catalog_is_called_default() {
    let catalog = Catalog::builtin();
    assert_eq!(catalog.name.as_str(), "default");
}
