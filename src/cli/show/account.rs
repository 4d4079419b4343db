//! Accounts and their budgets.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{Grid, amount, facts, time, word};
use crate::proto::v1;

/// One account with all that is known of it, in its own zone.
pub fn account(account: &v1::Account) -> String {
    let zone = &TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC);
    let mut labels: Vec<String> = account.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.sort();
    let overrides: BTreeMap<_, _> = account.overrides.iter().collect();
    let overrides: Vec<String> = overrides.into_iter().map(|(pool, terms)| own_terms(pool, terms)).collect();
    let pending = account.pending_plan.as_ref().map_or_else(String::new, |pending| {
        format!("{} ({}) on {}", pending.plan, pending.catalog_version, time(pending.effective_time.as_ref(), zone))
    });
    let clock = account.test_clock.as_ref().map(|_| time(account.now.as_ref(), zone));
    facts(&[
        ("account", account.id.clone()),
        ("plan", account.plan.clone()),
        ("catalog", format!("{} {}", account.catalog, account.catalog_version)),
        ("status", word(account.status().as_str_name())),
        ("zone", account.time_zone.clone()),
        ("anchor", time(account.anchor_time.as_ref(), zone)),
        ("made", time(account.create_time.as_ref(), zone)),
        ("next plan", pending),
        ("test clock", clock.unwrap_or_default()),
        ("labels", labels.join(", ")),
        ("notify", account.notify.join(", ")),
        ("overrides", overrides.join("; ")),
    ])
}

/// `ai_credits: allowance 500, cap soft`
fn own_terms(pool: &str, terms: &v1::PoolOverride) -> String {
    let mut own = Vec::new();
    if let Some(allowance) = terms.allowance {
        own.push(format!("allowance {}", amount(allowance, 1)));
    }
    if terms.cap() != v1::Cap::Unspecified {
        own.push(format!("cap {}", word(terms.cap().as_str_name())));
    }
    if let Some(limit) = terms.limit {
        own.push(format!("limit {}", amount(limit, 1)));
    }
    format!("{pool}: {}", own.join(", "))
}

/// One line an account.
pub fn accounts(list: &[v1::Account]) -> String {
    let mut grid = Grid::new(&["account", "plan", "catalog", "status", "zone", "made"]);
    for account in list {
        let zone = &TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC);
        grid.row([
            account.id.clone(),
            account.plan.clone(),
            format!("{} {}", account.catalog, account.catalog_version),
            word(account.status().as_str_name()),
            account.time_zone.clone(),
            time(account.create_time.as_ref(), zone),
        ]);
    }
    grid.text()
}

/// One line a budget.
pub fn budgets(list: &[v1::Budget], zone: &TimeZone) -> String {
    let mut grid = Grid::new(&["budget", "pool", ">left", ">held", ">consumed", ">limit", "cap", "cycle", "resets"]);
    for budget in list {
        let left = budget.limit.saturating_sub(budget.consumed).saturating_sub(budget.held);
        grid.row([
            budget.name.clone(),
            budget.pool.clone(),
            amount(left.max(0), 1),
            amount(budget.held, 1),
            amount(budget.consumed, 1),
            amount(budget.limit, 1),
            word(budget.cap().as_str_name()),
            budget.cycle.clone(),
            time(budget.reset_time.as_ref(), zone),
        ]);
    }
    grid.without_empty(&["cycle", "resets"]);
    grid.text()
}
