//! Plans: what an account gets of each pool, how often, and what happens at the end of it.

use indexmap::IndexMap;

use crate::{
    amount::Amount,
    clock::Millis,
    id::PoolName,
    terms::{Cap, PoolKind, Rollover},
};

use super::{
    cycle::CycleSpec,
    field::{Field, Mapping},
    keys,
    load::Pools,
    problem::Found,
    span::read_moment,
};

/// Most alerts of one pool.
pub const ALERTS_MAX: usize = 16;
/// Highest alert, in percent.
pub const ALERT_MAX: u16 = 1_000;
/// Alerts of a pool that names none, in percent.
pub const ALERTS_DEFAULT: [u16; 2] = [80, 100];
/// Most cycles that rolled-over credits may live.
pub const ROLLOVER_CYCLES_MAX: u32 = 120;

/// What an account can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For people; its name when the catalog gives none.
    pub title: String,
    /// `None`: never resets.
    pub cycle: Option<CycleSpec>,
    pub pools: IndexMap<PoolName, PlanPool>,
}

/// The terms of one pool in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanPool {
    pub kind: PoolKind,
    /// Credits for each cycle; for a capacity pool how much can be held. Zero where `per_account`.
    pub allowance: Amount,
    /// The catalog leaves the allowance to each account's overrides; without one it is zero.
    pub per_account: bool,
    pub cap: Cap,
    /// Its own, else the plan's. `None`: never resets; always so for capacity.
    pub cycle: Option<CycleSpec>,
    /// Percentages, ascending, at most 16.
    pub alerts: Vec<u16>,
    pub rollover: Option<Rollover>,
    /// Soft caps only: most overage before refusal.
    pub overage_limit: Option<Amount>,
    /// Hard caps only: before it they only observe.
    pub enforce_from: Option<Millis>,
}

impl Plan {
    pub(super) fn read(name: &str, field: &Field, pools: &Pools, found: &mut Found) -> Option<Self> {
        let mapping = field.mapping(found, &keys::PLAN)?;
        let title = mapping.or("title", name.to_owned(), |field| field.title(found));
        let cycle = mapping.or("cycle", None, |field| CycleSpec::read(field, found));
        let entries = mapping.required(found, "pools").and_then(|field| field.entries(found, super::POOLS_MAX));
        let mut terms = IndexMap::new();
        for (name, field) in entries? {
            let Some((pool, kind)) = pools.named(name, &field, found) else { continue };
            // The pool itself may be wrong, and told so; its terms are then read as for credits.
            let kind = kind.unwrap_or(PoolKind::Credits);
            if let Some(read) = PlanPool::read(&field, kind, cycle.flatten(), found) {
                terms.insert(pool, read);
            }
        }
        Some(Self { title: title?, cycle: cycle?, pools: terms })
    }
}

impl PlanPool {
    fn read(field: &Field, kind: PoolKind, plan_cycle: Option<CycleSpec>, found: &mut Found) -> Option<Self> {
        let mapping = field.mapping(found, &keys::PLAN_POOL)?;
        let (amount_key, foreign): (_, &[_]) = match kind {
            PoolKind::Credits => ("allowance", &["limit"]),
            PoolKind::Capacity => ("limit", &["allowance", "cycle", "rollover"]),
        };
        for field in foreign.iter().filter_map(|key| mapping.get(key)) {
            field.problem(
                found,
                match kind {
                    PoolKind::Credits => "only a capacity pool has it, credits have an allowance",
                    PoolKind::Capacity => "a capacity pool has a limit and no cycles",
                },
            );
        }
        let allowance = mapping.required(found, amount_key).and_then(|field| read_allowance(field, found));
        let cap = mapping.or("cap", Cap::Hard, |field| read_cap(field, found));
        let inherited = match kind {
            PoolKind::Credits => plan_cycle,
            PoolKind::Capacity => None,
        };
        let cycle = mapping.or("cycle", inherited, |field| CycleSpec::read(field, found));
        let alerts = mapping.or("alerts", ALERTS_DEFAULT.to_vec(), |field| read_alerts(field, found));
        let rollover = mapping.or("rollover", None, |field| read_rollover(field, found));
        let overage_limit = mapping.or("overage_limit", None, |field| field.amount(found).map(Some));
        let enforce_from = mapping.or("enforce_from", None, |field| read_moment(field, found).map(Some));
        check_together(&mapping, cap, cycle, found);
        let (allowance, per_account) = allowance?;
        Some(Self {
            kind,
            allowance,
            per_account,
            cap: cap?,
            cycle: cycle?,
            alerts: alerts?,
            rollover: rollover?,
            overage_limit: overage_limit?,
            enforce_from: enforce_from?,
        })
    }
}

/// Keys that mean something only beside others.
#[expect(clippy::option_option, reason = "the outer says whether it could be read, the inner whether there is one")]
fn check_together(mapping: &Mapping, cap: Option<Cap>, cycle: Option<Option<CycleSpec>>, found: &mut Found) {
    match cap {
        Some(Cap::Hard) => {
            if let Some(field) = mapping.get("overage_limit") {
                field.problem(found, "a hard cap has no overage, say `cap: soft`");
            }
        }
        Some(Cap::Soft) => {
            if let Some(field) = mapping.get("enforce_from") {
                field.problem(found, "a soft cap refuses nothing that could be enforced later");
            }
        }
        None => {}
    }
    if let (Some(field), Some(None)) = (mapping.get("rollover"), cycle) {
        field.problem(found, "without a cycle nothing rolls over");
    }
}

pub(super) fn read_cap(field: &Field, found: &mut Found) -> Option<Cap> {
    field.choice(found, &[("hard", Cap::Hard), ("soft", Cap::Soft)])
}

/// A number, or `per_account`.
fn read_allowance(field: &Field, found: &mut Found) -> Option<(Amount, bool)> {
    match field.scalar() {
        Some("per_account") => Some((Amount::ZERO, true)),
        Some(word) if word.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            field.choice(found, &[("per_account", (Amount::ZERO, true))])
        }
        Some(_) | None => field.amount(found).map(|amount| (amount, false)),
    }
}

fn read_alerts(field: &Field, found: &mut Found) -> Option<Vec<u16>> {
    let mut alerts: Vec<u16> = Vec::new();
    for field in field.list(found, ALERTS_MAX)? {
        let alert = field.whole(found, 1, u64::from(ALERT_MAX)).and_then(|alert| u16::try_from(alert).ok())?;
        if alerts.last().is_some_and(|last| *last >= alert) {
            field.problem(found, "alerts must ascend");
        }
        alerts.push(alert);
    }
    Some(alerts)
}

/// `all`, `none` or `{max: 500, cycles: 1}`.
#[expect(clippy::option_option, reason = "the outer says whether it could be read, the inner whether there is one")]
fn read_rollover(field: &Field, found: &mut Found) -> Option<Option<Rollover>> {
    if !field.is_map() {
        return field.choice(
            found,
            &[("all", Some(Rollover { max: Amount::MAX, cycles: Rollover::FOR_EVER })), ("none", None)],
        );
    }
    let mapping = field.mapping(found, &keys::ROLLOVER)?;
    let max = mapping.or("max", Amount::MAX, |field| field.amount_above_zero(found));
    let cycles = mapping.or("cycles", 1, |field| {
        field.whole(found, 1, u64::from(ROLLOVER_CYCLES_MAX)).and_then(|cycles| u32::try_from(cycles).ok())
    });
    Some(Some(Rollover { max: max?, cycles: cycles? }))
}
