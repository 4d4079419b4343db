//! Catalogs: the versioned files that say what credits there are, what actions cost and what plans give. Text in, valid
//! values out: no files, no clock. Reading files is `task::reload`'s, what the values do is the ledger's.
//!
//! The format is taught by `examples/catalogs/` and told to editors by `docs/catalog.schema.json`.

mod action;
mod budget;
mod cycle;
mod field;
pub mod keys;
mod load;
mod pattern;
mod plan;
mod pool;
mod price;
mod problem;
mod span;
mod versions;
mod yaml;

use std::sync::Arc;

use indexmap::IndexMap;

pub use action::{Action, ONCE_MAX, TTL_MAX};
pub use budget::BudgetTemplate;
pub use cycle::{Anchor, CycleSpec, EVERY_MAX, InvalidCycle, Period, PeriodUnit, TIMES_MAX};
pub use pattern::Pattern;
pub use plan::{ALERT_MAX, ALERTS_DEFAULT, ALERTS_MAX, Plan, PlanPool};
pub use pool::{Pool, Seller};
pub use price::{DimensionPrice, PriceList};
pub use problem::{PROBLEMS_MAX, Problem, Problems, nearest, suggestion};
pub use span::display_duration;
pub use versions::{CatalogHandle, Catalogs, VERSIONS_MAX, natural};
pub use yaml::{DEPTH_MAX, NODES_MAX, TEXT_MAX};

use crate::id::{ActionName, BudgetName, CatalogName, CatalogVersion, PlanName, PoolName};

/// Most pools of a catalog.
pub const POOLS_MAX: usize = 256;
/// Most actions of a catalog.
pub const ACTIONS_MAX: usize = 1_024;
/// Most plans of a catalog.
pub const PLANS_MAX: usize = 256;
/// Most templates of budgets of a catalog.
pub const BUDGETS_MAX: usize = 256;

/// The catalog that is served when none is named: called `default`.
pub const BUILTIN: &str = include_str!("catalog/builtin.yaml");

/// One version of a catalog. Lists are in the order of the file.
#[derive(Debug, Clone)]
pub struct Catalog {
    pub name: CatalogName,
    pub version: CatalogVersion,
    pub pools: IndexMap<PoolName, Pool>,
    pub actions: IndexMap<ActionName, Action>,
    pub plans: IndexMap<PlanName, Plan>,
    /// The first whose pattern matches counts.
    pub budgets: Vec<BudgetTemplate>,
    source: Arc<str>,
}

impl Catalog {
    /// Reads a catalog of up to 1 MiB of YAML.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and path: syntax, unknown or missing keys, keys given twice,
    /// names that nothing has, values out of their bounds.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        load::load(text)
    }

    /// The catalog that is served when none is named.
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("a test reads the built-in catalog")
    }

    /// The text that it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What a budget of this name is created with on first use.
    pub fn budget_template(&self, name: &BudgetName) -> Option<&BudgetTemplate> {
        self.budgets.iter().find(|template| template.matches(name))
    }

    /// Says whether another text says the same; comments and layout may differ.
    fn says_the_same(&self, other: &Self) -> bool {
        let Self { name, version, pools, actions, plans, budgets, source: _ } = self;
        (name, version, budgets) == (&other.name, &other.version, &other.budgets)
            && pools == &other.pools
            && actions == &other.actions
            && plans == &other.plans
    }
}

#[cfg(test)]
mod tests;
