//! A catalog: what there is to spend credits on, and what it costs.

use jiff::tz::TimeZone;

use super::{Grid, amount, facts, time, word};
use crate::proto::v1;

/// Actions with their prices, and what each plan gives.
pub fn catalog(catalog: &v1::Catalog) -> String {
    let mut actions = Grid::new(&["action", "price", "pool", "once per", "on expiry", "title"]);
    for action in &catalog.actions {
        let mut prices: Vec<String> = action.price.iter().map(price).collect();
        prices.extend(action.dimension_prices.iter().map(|own| {
            let own_price = own.price.as_ref().map(price).unwrap_or_default();
            format!("{own_price} if {}={}", own.dimension, own.pattern)
        }));
        let expiry = if action.on_expiry == "release" { String::new() } else { action.on_expiry.clone() };
        let cells = [&action.action, &prices.join(", "), &action.pool, &action.once, &expiry, &action.title];
        actions.row(cells.map(Clone::clone));
    }
    actions.without_empty(&["once per", "on expiry", "title"]);

    let mut plans = Grid::new(&["plan", "pool", ">allowance", "cap", "cycle", "enforced from"]);
    for plan in &catalog.plans {
        for pool in &plan.pools {
            let of = catalog.pools.iter().find(|of| of.pool == pool.pool);
            let (scale, capacity) = of.map_or((1, false), |of| (of.scale, of.capacity));
            let given = if capacity { pool.limit } else { pool.allowance };
            let given = if pool.per_account { "per account".to_owned() } else { amount(given, scale) };
            plans.row([
                plan.plan.clone(),
                pool.pool.clone(),
                given,
                word(pool.cap().as_str_name()),
                pool.cycle.clone(),
                time(pool.enforce_from.as_ref(), &TimeZone::UTC),
            ]);
        }
    }
    plans.without_empty(&["cycle", "enforced from"]);
    let head = facts(&[
        ("catalog", catalog.catalog.clone()),
        ("version", catalog.version.clone()),
        ("loaded", catalog.versions.join(", ")),
    ]);
    format!("{head}\n{}\n{}", actions.text(), plans.text())
}

/// `1`, `1 per 60`
fn price(price: &v1::Price) -> String {
    match price.per {
        0 | 1 => amount(price.credits, 1),
        per => format!("{} per {}", amount(price.credits, 1), amount(per, 1)),
    }
}
