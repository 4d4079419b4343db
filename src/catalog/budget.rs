//! Templates of budgets: a name that matches one makes a budget by it on first use.

use crate::{
    amount::Amount,
    id::{BudgetName, PoolName},
    terms::{Cap, PoolKind},
};

use super::{
    cycle::CycleSpec,
    field::Field,
    keys,
    load::Pools,
    pattern::{PATTERN_MAX, Pattern},
    plan::read_cap,
    problem::Found,
};

/// What a budget whose name matches is created with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetTemplate {
    /// Such as `agent:*`.
    pub pattern: Pattern,
    pub pool: PoolName,
    pub limit: Amount,
    pub cap: Cap,
    /// `None`: never starts afresh.
    pub cycle: Option<CycleSpec>,
}

impl BudgetTemplate {
    pub fn matches(&self, name: &BudgetName) -> bool {
        self.pattern.matches(name.as_str())
    }

    pub(super) fn read(pattern: &str, field: &Field, pools: &Pools, found: &mut Found) -> Option<Self> {
        // A pattern that no name could match would be dead weight that looks like a limit.
        let plausible = BudgetName::parse(&pattern.replace('*', "x")).ok().and_then(|_| Pattern::parse(pattern));
        if plausible.is_none() {
            field.problem(
                found,
                format!(
                    "a budget's pattern has 1 to {PATTERN_MAX} of the characters of ids and `*`, such as `agent:*`"
                ),
            );
        }
        let mapping = field.mapping(found, &keys::BUDGET)?;
        let pool = mapping.required(found, "pool").and_then(|field| pools.reference(field, found));
        let limit = mapping.required(found, "limit").and_then(|field| field.amount(found));
        let cap = mapping.or("cap", Cap::Hard, |field| read_cap(field, found));
        let cycle = mapping.or("cycle", None, |field| CycleSpec::read(field, found));
        if let (Some(field), Some(Some(cycle))) = (mapping.get("cycle"), cycle)
            && cycle.times.is_some()
        {
            field.problem(found, "a budget starts afresh for ever, `times` is for plans");
        }
        if let (Some(field), Some(pool)) = (mapping.get("cycle"), &pool)
            && pools.kind(pool) == Some(PoolKind::Capacity)
        {
            field.problem(found, "a capacity pool counts what is held, no cycle makes that afresh");
        }
        Some(Self { pattern: plausible?, pool: pool?, limit: limit?, cap: cap?, cycle: cycle? })
    }
}
