//! Balances and the grants behind them.

use std::collections::HashMap;

use comfy_table::Color;
use jiff::tz::TimeZone;

use super::{Grid, amount, time, word};
use crate::proto::v1::{self, balance::State};

/// By how much the amounts of each pool are divided for people.
#[derive(Debug, Default)]
pub struct Scales(HashMap<String, i64>);

impl Scales {
    pub fn of(balances: &[v1::Balance]) -> Self {
        Self(balances.iter().map(|balance| (balance.pool.clone(), balance.scale)).collect())
    }

    /// An amount of a pool, as people see it.
    pub fn amount(&self, pool: &str, value: i64) -> String {
        amount(value, self.0.get(pool).copied().unwrap_or(1))
    }
}

/// One line a pool.
pub fn balances(balances: &[v1::Balance], zone: &TimeZone) -> String {
    let mut grid = Grid::new(&[
        "pool",
        ">available",
        ">held",
        ">consumed",
        ">allowance",
        ">top-ups",
        ">overage",
        ">uncovered",
        ">lapsed",
        ">used",
        "cap",
        "state",
        "resets",
    ]);
    for balance in balances {
        let credits = |value: i64| amount(value, balance.scale);
        grid.row([
            balance.pool.clone(),
            credits(balance.available),
            credits(balance.held),
            credits(balance.consumed),
            credits(balance.allowance),
            credits(balance.purchased),
            credits(balance.overage),
            credits(balance.uncovered),
            credits(balance.lapsed),
            format!("{:.1} %", balance.used_percent),
            word(balance.cap().as_str_name()),
            word(balance.state().as_str_name()),
            time(balance.reset_time.as_ref(), zone),
        ]);
        match balance.state() {
            State::Ok => grid.paint("state", Color::Green),
            State::Exhausted => grid.paint("state", Color::Red),
            State::Overage => grid.paint("state", Color::Yellow),
            State::Unspecified => {}
        }
    }
    grid.without_empty(&["top-ups", "overage", "uncovered", "lapsed", "resets"]);
    grid.text()
}

/// One line a grant, in draw order.
pub fn grants(balances: &[v1::Balance], zone: &TimeZone) -> String {
    let mut grid = Grid::new(&["pool", "grant", "kind", ">remaining", ">amount", ">priority", "expires", "note"]);
    for balance in balances {
        for grant in &balance.grants {
            grid.row([
                balance.pool.clone(),
                grant.id.clone(),
                word(grant.kind().as_str_name()),
                amount(grant.remaining, balance.scale),
                amount(grant.amount, balance.scale),
                grant.priority.to_string(),
                time(grant.expire_time.as_ref(), zone),
                grant.note.clone(),
            ]);
        }
    }
    grid.without_empty(&["expires", "note"]);
    grid.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_pool_is_shown_in_credits() {
        let balance = v1::Balance {
            pool: "tokens".into(),
            available: 1_234_500,
            allowance: 2_000_000,
            scale: 1_000,
            cap: v1::Cap::Hard.into(),
            state: State::Ok.into(),
            used_percent: 38.25,
            ..v1::Balance::default()
        };
        let shown = balances(&[balance], &TimeZone::UTC);
        let expected = "POOL    AVAILABLE  HELD  CONSUMED  ALLOWANCE    USED  CAP   STATE\n\
                        tokens    1,234.5     0         0      2,000  38.2 %  hard  ok\n";
        assert_eq!(shown, expected);
    }
}
