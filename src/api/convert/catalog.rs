//! Messages of `CatalogService`; its Quote is made of the same parts as a Reserve and lives with it.

use prost_types::Duration;

use super::{field::Field, quota::cap, timestamp};
use crate::{
    amount::Amount,
    catalog::{Action, Catalog, Plan, PlanPool, Pool},
    id::{ActionName, CatalogName, CatalogVersion, PlanName, PoolName},
    proto::v1,
    service::Error,
    terms::{OnExpiry, PoolKind, Price, Round},
};

pub fn get_catalog(wire: &v1::GetCatalogRequest) -> Result<(Option<CatalogName>, Option<CatalogVersion>), Error> {
    Ok((
        Field::named("catalog").optional_id(&wire.catalog, CatalogName::parse)?,
        Field::named("version").optional_id(&wire.version, CatalogVersion::parse)?,
    ))
}

pub fn catalog(catalog: &Catalog, versions: &[CatalogVersion]) -> v1::Catalog {
    v1::Catalog {
        catalog: catalog.name.to_string(),
        version: catalog.version.to_string(),
        versions: versions.iter().map(ToString::to_string).collect(),
        pools: catalog.pools.iter().map(|(name, shown)| pool(name, shown)).collect(),
        actions: catalog.actions.iter().map(|(name, shown)| action(catalog, name, shown)).collect(),
        plans: catalog.plans.iter().map(|(name, shown)| plan(name, shown)).collect(),
    }
}

fn pool(name: &PoolName, pool: &Pool) -> v1::CatalogPool {
    v1::CatalogPool {
        pool: name.to_string(),
        title: pool.title.clone(),
        unit: pool.unit.clone(),
        capacity: pool.kind == PoolKind::Capacity,
        scale: i64::try_from(pool.scale).unwrap_or(i64::MAX),
        top_up: pool.top_up.iter().map(ToString::to_string).collect(),
    }
}

fn action(catalog: &Catalog, name: &ActionName, action: &Action) -> v1::CatalogAction {
    let usable = catalog.plans.iter().filter(|(_, plan)| plan.pools.contains_key(&action.pool));
    v1::CatalogAction {
        action: name.to_string(),
        pool: action.pool.to_string(),
        title: action.title.clone(),
        price: Some(price(action.price.base)),
        dimension_prices: action
            .price
            .by
            .iter()
            .map(|by| v1::DimensionPrice {
                dimension: by.dimension.clone(),
                pattern: by.pattern.to_string(),
                price: Some(price(by.price)),
            })
            .collect(),
        once: action.once_text(),
        on_expiry: match action.on_expiry {
            OnExpiry::Release => "release",
            OnExpiry::ChargeUsed => "charge_used",
            OnExpiry::ChargeHeld => "charge_held",
        }
        .to_owned(),
        ttl: action.ttl.map(|ttl| Duration {
            seconds: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(ttl.subsec_nanos()).unwrap_or_default(),
        }),
        plans: usable.map(|(plan, _)| plan.to_string()).collect(),
        max_quantity: action.max_quantity.map(Amount::as_i64),
    }
}

fn price(price: Price) -> v1::Price {
    v1::Price {
        credits: price.credits.as_i64(),
        per: price.per.as_i64(),
        round: match price.round {
            Round::Up => "up",
            Round::Down => "down",
            Round::Started => "started",
        }
        .to_owned(),
    }
}

fn plan(name: &PlanName, plan: &Plan) -> v1::CatalogPlan {
    v1::CatalogPlan {
        plan: name.to_string(),
        title: plan.title.clone(),
        pools: plan.pools.iter().map(|(name, terms)| plan_pool(name, terms)).collect(),
    }
}

fn plan_pool(name: &PoolName, terms: &PlanPool) -> v1::CatalogPlanPool {
    let (allowance, limit) = match terms.kind {
        PoolKind::Credits => (terms.allowance, Amount::ZERO),
        PoolKind::Capacity => (Amount::ZERO, terms.allowance),
    };
    v1::CatalogPlanPool {
        pool: name.to_string(),
        allowance: allowance.as_i64(),
        limit: limit.as_i64(),
        cap: cap(terms.cap).into(),
        cycle: terms.cycle.map(|cycle| cycle.every.to_string()).unwrap_or_default(),
        times: terms.cycle.and_then(|cycle| cycle.times).map_or(0, |times| times.get().into()),
        alerts: terms.alerts.iter().map(|percent| i32::from(*percent)).collect(),
        overage_limit: terms.overage_limit.map(Amount::as_i64),
        enforce_from: terms.enforce_from.map(timestamp),
        rollover: terms.rollover.map(|rollover| rollover.max.as_i64()),
        per_account: terms.per_account,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
catalog: shop
version: v2
pools:
  ai_credits: {title: AI Credits, scale: 1000, top_up: customer}
  seats: {kind: capacity}
actions:
  ai_reply: {pool: ai_credits, price: {credits: 1, by: {model: {"large-*": 3}}}, once: {per: 24h}, ttl: 90s}
  seat: {pool: seats, price: 1}
plans:
  team:
    cycle: {every: 1 month}
    pools:
      ai_credits: {allowance: 500, cap: hard, alerts: [80, 100]}
      seats: {limit: 5}
  trial:
    cycle: {every: 14 days, times: 1}
    pools:
      ai_credits: {allowance: 50, cap: soft, overage_limit: 10}
"#;

    fn shown() -> v1::Catalog {
        let parsed = Catalog::parse(TEXT).expect("a catalog");
        let versions = ["v1", "v2"].map(|version| CatalogVersion::parse(version).expect("valid"));
        catalog(&parsed, &versions)
    }

    #[test]
    fn prices_can_be_read_from_it() {
        let shown = shown();
        assert_eq!(shown.versions, ["v1", "v2"]);
        let reply = &shown.actions[0];
        assert_eq!(
            (reply.action.as_str(), reply.pool.as_str(), reply.once.as_str()),
            ("ai_reply", "ai_credits", "24h")
        );
        assert_eq!(reply.price, Some(v1::Price { credits: 1, per: 1, round: "up".into() }));
        assert_eq!(reply.dimension_prices[0].pattern, "large-*");
        assert_eq!(reply.dimension_prices[0].price.as_ref().map(|price| price.credits), Some(3));
        assert_eq!(reply.ttl, Some(Duration { seconds: 90, nanos: 0 }));
        assert_eq!(reply.plans, ["team", "trial"]);
        assert_eq!(shown.actions[1].plans, ["team"]);
    }

    #[test]
    fn terms_of_plans_can_be_read_from_it() {
        let shown = shown();
        let [credits, seats] = &shown.plans[0].pools[..] else { panic!("two pools: {:?}", shown.plans[0]) };
        assert_eq!((credits.allowance, credits.limit, credits.cycle.as_str()), (500, 0, "1 month"));
        assert_eq!((credits.cap(), credits.alerts.as_slice()), (v1::Cap::Hard, &[80, 100][..]));
        assert_eq!((seats.allowance, seats.limit, seats.cycle.as_str()), (0, 5, ""));
        let trial = &shown.plans[1].pools[0];
        assert_eq!((trial.cycle.as_str(), trial.times, trial.overage_limit), ("14 days", 1, Some(10)));
        assert!(shown.pools[1].capacity && shown.pools[0].scale == 1000 && shown.pools[0].top_up == ["customer"]);
    }
}
