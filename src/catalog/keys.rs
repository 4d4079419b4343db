//! Every key that a catalog may have, once: the parser refuses all others and the JSON Schema is tested against them.

/// The keys of one sort of mapping. `name` is that of its definition in `docs/catalog.schema.json`.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    pub name: &'static str,
    pub keys: &'static [&'static str],
}

pub const CATALOG: Shape =
    Shape { name: "catalog", keys: &["catalog", "version", "pools", "actions", "plans", "budgets"] };
pub const POOL: Shape = Shape { name: "pool", keys: &["title", "unit", "kind", "scale", "top_up"] };
pub const ACTION: Shape =
    Shape { name: "action", keys: &["title", "pool", "price", "once", "on_expiry", "ttl", "max_quantity"] };
pub const PRICE: Shape = Shape { name: "price", keys: &["credits", "per", "round", "by"] };
pub const DIMENSION_PRICE: Shape = Shape { name: "dimension_price", keys: &["credits", "per", "round"] };
pub const ONCE: Shape = Shape { name: "once", keys: &["per"] };
pub const PLAN: Shape = Shape { name: "plan", keys: &["title", "cycle", "pools"] };
pub const PLAN_POOL: Shape = Shape {
    name: "plan_pool",
    keys: &["allowance", "limit", "cap", "cycle", "alerts", "rollover", "overage_limit", "enforce_from"],
};
pub const ROLLOVER: Shape = Shape { name: "rollover", keys: &["max", "cycles"] };
pub const CYCLE: Shape = Shape { name: "cycle", keys: &["every", "times"] };
pub const BUDGET: Shape = Shape { name: "budget", keys: &["pool", "limit", "cap", "cycle"] };

/// All of them.
pub const ALL: &[&Shape] =
    &[&CATALOG, &POOL, &ACTION, &PRICE, &DIMENSION_PRICE, &ONCE, &PLAN, &PLAN_POOL, &ROLLOVER, &CYCLE, &BUDGET];
