//! From the tree of a text to a catalog: the top level, and references to pools.

use indexmap::IndexMap;

use crate::{
    id::{ActionName, CatalogName, CatalogVersion, InvalidId, PlanName, PoolName},
    terms::PoolKind,
};

use super::{
    ACTIONS_MAX, BUDGETS_MAX, Catalog, PLANS_MAX, POOLS_MAX,
    action::Action,
    budget::BudgetTemplate,
    field::Field,
    keys,
    plan::Plan,
    pool::Pool,
    problem::{Found, Problems, suggestion},
    yaml,
};

/// Reads a catalog; all that is wrong is told at once.
pub(super) fn load(text: &str) -> Result<Catalog, Problems> {
    let mut found = Found::default();
    let catalog = yaml::read(text, &mut found).and_then(|node| read(text, &Field::top(&node), &mut found));
    found.verdict(catalog)
}

fn read(text: &str, field: &Field, found: &mut Found) -> Option<Catalog> {
    let mapping = field.mapping(found, &keys::CATALOG)?;
    let name = mapping.required(found, "catalog").and_then(|field| id(field, found, CatalogName::parse));
    let version = mapping.required(found, "version").and_then(|field| id(field, found, CatalogVersion::parse));

    let pools = mapping.required(found, "pools").and_then(|field| {
        named(field, found, POOLS_MAX, PoolName::parse, |name, field, found| Some(Pool::read(name, field, found)))
    });
    let pools = Pools { declared: pools.unwrap_or_default() };
    let actions = mapping.required(found, "actions").and_then(|field| {
        named(field, found, ACTIONS_MAX, ActionName::parse, |name, field, found| {
            Action::read(name, field, &pools, found)
        })
    });
    let plans = mapping.required(found, "plans").and_then(|field| {
        named(field, found, PLANS_MAX, PlanName::parse, |name, field, found| Plan::read(name, field, &pools, found))
    });
    let budgets = mapping.or("budgets", Vec::new(), |field| {
        let entries = field.entries(found, BUDGETS_MAX)?;
        Some(entries.iter().filter_map(|(name, field)| BudgetTemplate::read(name, field, &pools, found)).collect())
    });

    Some(Catalog {
        name: name?,
        version: version?,
        pools: pools.declared.into_iter().filter_map(|(name, pool)| Some((name, pool?))).collect(),
        actions: actions?,
        plans: plans?,
        budgets: budgets?,
        source: text.into(),
    })
}

/// Reads a mapping of names to things.
fn named<N: Eq + std::hash::Hash, T>(
    field: &Field,
    found: &mut Found,
    max: usize,
    parse: fn(&str) -> Result<N, InvalidId>,
    mut read: impl FnMut(&str, &Field, &mut Found) -> Option<T>,
) -> Option<IndexMap<N, T>> {
    let mut things = IndexMap::new();
    for (name, field) in field.entries(found, max)? {
        let value = read(name, &field, found);
        match parse(name) {
            Ok(name) => things.extend(value.map(|value| (name, value))),
            Err(error) => field.problem(found, format!("the name {error}")),
        }
    }
    Some(things)
}

fn id<T>(field: &Field, found: &mut Found, parse: fn(&str) -> Result<T, InvalidId>) -> Option<T> {
    let Some(text) = field.scalar() else { return field.wrong(found, "a name") };
    parse(text).map_err(|error| field.problem(found, error.to_string())).ok()
}

/// The pools that a catalog declares, those that are wrong too (`None`), so that a reference to them is not a second
/// problem.
pub(super) struct Pools {
    declared: IndexMap<PoolName, Option<Pool>>,
}

impl Pools {
    pub fn kind(&self, pool: &PoolName) -> Option<PoolKind> {
        self.declared.get(pool)?.as_ref().map(|pool| pool.kind)
    }

    /// Reads a value that names a pool.
    pub fn reference(&self, field: &Field, found: &mut Found) -> Option<PoolName> {
        let Some(name) = field.scalar() else { return field.wrong(found, "the name of a pool") };
        if !self.declared.contains_key(name) {
            field.problem(found, format!("unknown pool `{}`{}", super::field::shortened(name), self.near(name)));
        }
        self.declared.get_key_value(name).map(|(name, _)| name.clone())
    }

    /// Finds the pool that a key names.
    pub fn named(&self, name: &str, field: &Field, found: &mut Found) -> Option<(PoolName, Option<PoolKind>)> {
        if !self.declared.contains_key(name) {
            field.problem(found, format!("unknown pool{}", self.near(name)));
        }
        self.declared.get_key_value(name).map(|(name, pool)| (name.clone(), pool.as_ref().map(|pool| pool.kind)))
    }

    fn near(&self, name: &str) -> String {
        suggestion(name, self.declared.keys().map(PoolName::as_str))
    }
}
