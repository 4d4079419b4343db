//! What the service knows of an account: its plan, anchor, zone, labels. The ledger keeps it as opaque bytes; here it is
//! read, written, and turned into the terms of pools for a moment in time.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::request::{PendingPlan, PoolOverride};
use crate::{
    amount::Amount,
    catalog::{Anchor, Catalog, CycleSpec, Plan, PlanPool},
    clock::Millis,
    id::{CatalogName, CatalogVersion, PlanName, PoolName},
    ledger::{Cap, PoolKind, PoolTerms, Window},
    terms::Rollover,
};

/// An account as the service keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub catalog: CatalogName,
    pub version: CatalogVersion,
    pub plan: PlanName,
    pub anchor: Millis,
    pub created: Millis,
    pub time_zone: String,
    pub labels: BTreeMap<String, String>,
    pub notify: Vec<String>,
    pub overrides: BTreeMap<PoolName, PoolOverride>,
    pub test_clock: Option<Millis>,
    pub pending: Option<PendingPlan>,
}

/// The stored form. Fields are only ever added, so that older profiles can be read.
#[derive(Serialize, Deserialize)]
struct Stored {
    catalog: String,
    version: String,
    plan: String,
    anchor: u64,
    created: u64,
    zone: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notify: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    overrides: BTreeMap<String, StoredOverride>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test_clock: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<StoredPending>,
}

#[derive(Serialize, Deserialize)]
struct StoredOverride {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowance: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soft: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct StoredPending {
    plan: String,
    version: String,
    at: u64,
}

impl Profile {
    pub fn to_bytes(&self) -> Vec<u8> {
        let overrides = self.overrides.iter().map(|(pool, change)| {
            let stored = StoredOverride {
                allowance: change.allowance.map(Amount::get),
                limit: change.limit.map(Amount::get),
                soft: change.cap.map(|cap| cap == Cap::Soft),
            };
            (pool.to_string(), stored)
        });
        let stored = Stored {
            catalog: self.catalog.to_string(),
            version: self.version.to_string(),
            plan: self.plan.to_string(),
            anchor: self.anchor.get(),
            created: self.created.get(),
            zone: self.time_zone.clone(),
            labels: self.labels.clone(),
            notify: self.notify.clone(),
            overrides: overrides.collect(),
            test_clock: self.test_clock.map(Millis::get),
            pending: self.pending.as_ref().map(|pending| StoredPending {
                plan: pending.plan.to_string(),
                version: pending.version.to_string(),
                at: pending.at.get(),
            }),
        };
        serde_json::to_vec(&stored).expect("texts and numbers are always JSON")
    }

    /// Reads the stored form; `None` when it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        let amount = |value: Option<u64>| value.map(Amount::new).transpose().ok();
        let mut overrides = BTreeMap::new();
        for (pool, change) in &stored.overrides {
            let cap = change.soft.map(|soft| if soft { Cap::Soft } else { Cap::Hard });
            let change = PoolOverride { allowance: amount(change.allowance)?, limit: amount(change.limit)?, cap };
            overrides.insert(PoolName::parse(pool).ok()?, change);
        }
        let pending = match &stored.pending {
            None => None,
            Some(pending) => Some(PendingPlan {
                plan: PlanName::parse(&pending.plan).ok()?,
                version: CatalogVersion::parse(&pending.version).ok()?,
                at: Millis::new(pending.at)?,
            }),
        };
        Some(Self {
            catalog: CatalogName::parse(&stored.catalog).ok()?,
            version: CatalogVersion::parse(&stored.version).ok()?,
            plan: PlanName::parse(&stored.plan).ok()?,
            anchor: Millis::new(stored.anchor)?,
            created: Millis::new(stored.created)?,
            time_zone: stored.zone,
            labels: stored.labels,
            notify: stored.notify,
            overrides,
            test_clock: match stored.test_clock {
                None => None,
                Some(ms) => Some(Millis::new(ms)?),
            },
            pending,
        })
    }
}

/// Where the cycles of an account lie: its anchor in its zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub anchor: Anchor,
    pub zone: TimeZone,
}

impl Calendar {
    pub fn of(profile: &Profile) -> Self {
        let since = profile.created.min(profile.anchor);
        // Checked when the account was put; a zone that the database has lost since counts as UTC.
        let zone = TimeZone::get(&profile.time_zone).unwrap_or(TimeZone::UTC);
        Self { anchor: Anchor { at: profile.anchor, since }, zone }
    }

    /// The window of a cycle that contains a moment; without a cycle one that never ends.
    pub fn window_at(&self, cycle: Option<&CycleSpec>, moment: Millis) -> Window {
        match cycle {
            Some(cycle) => cycle.window_at(self.anchor, &self.zone, moment),
            None => Window { number: 0, start: self.anchor.since, end: None },
        }
    }

    /// When credits that roll over into a window expire, after as many cycles as they may live.
    pub fn rollover_end(
        &self,
        cycle: Option<&CycleSpec>,
        rollover: Option<Rollover>,
        window: Window,
    ) -> Option<Millis> {
        let rollover = rollover.filter(|rollover| rollover.cycles != Rollover::FOR_EVER)?;
        let cycles = u64::from(rollover.cycles.max(1));
        let last = window.number.saturating_add(cycles - 1);
        cycle?.window(self.anchor, &self.zone, last).end
    }
}

/// The terms of one pool of a plan within a window, with what the account has instead.
pub fn pool_terms(pool: &PoolName, plan: &PlanPool, change: Option<&PoolOverride>, window: Window) -> PoolTerms {
    let times = plan.cycle.as_ref().and_then(|cycle| cycle.times);
    // A trial that is over gives nothing more.
    let over = times.is_some_and(|times| window.number >= u64::from(times.get()));
    let own = change.cloned().unwrap_or_default();
    let given = match plan.kind {
        PoolKind::Credits => own.allowance.unwrap_or(plan.allowance),
        PoolKind::Capacity => own.limit.or(own.allowance).unwrap_or(plan.allowance),
    };
    let cap = own.cap.unwrap_or(plan.cap);
    PoolTerms {
        pool: pool.clone(),
        kind: plan.kind,
        cap,
        allowance: if over { Amount::ZERO } else { given },
        overage_limit: plan.overage_limit.filter(|_| cap == Cap::Soft),
        enforce_from: plan.enforce_from.filter(|_| cap == Cap::Hard),
        alerts: plan.alerts.clone(),
        rollover: plan.rollover.filter(|_| !over),
        window,
    }
}

/// The terms of every pool of a plan at a moment.
pub fn plan_terms(profile: &Profile, plan: &Plan, calendar: &Calendar, moment: Millis) -> Vec<PoolTerms> {
    let terms = |(pool, terms): (&PoolName, &PlanPool)| {
        let window = calendar.window_at(terms.cycle.as_ref(), moment);
        pool_terms(pool, terms, profile.overrides.get(pool), window)
    };
    plan.pools.iter().map(terms).collect()
}

/// The plan of a catalog by name.
pub fn find_plan<'a>(catalog: &'a Catalog, plan: &PlanName) -> Option<&'a Plan> {
    catalog.plans.get(plan)
}
