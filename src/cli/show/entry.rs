//! What happened, and how much of it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{Grid, amount, time};
use crate::proto::v1;

/// One line an entry, newest first.
pub fn activity(entries: &[v1::ActivityEntry], zone: &TimeZone) -> String {
    let heads =
        ["time", "type", "pool", "action", ">quantity", ">credits", ">left", "reservation", "subject", "details"];
    let mut grid = Grid::new(&heads);
    for entry in entries {
        let mut details: Vec<String> = entry.details.iter().map(|(key, value)| format!("{key}={value}")).collect();
        details.sort();
        if entry.duplicate {
            details.insert(0, "duplicate".to_owned());
        }
        let counted = |value: i64| if entry.pool.is_empty() { String::new() } else { amount(value, 1) };
        let quantity = if entry.action.is_empty() { String::new() } else { amount(entry.quantity, 1) };
        grid.row([
            time(entry.time.as_ref(), zone),
            entry.r#type.clone(),
            entry.pool.clone(),
            entry.action.clone(),
            quantity,
            counted(entry.credits),
            counted(entry.balance_after),
            entry.reservation_id.clone(),
            entry.subject.clone(),
            details.join(" "),
        ]);
    }
    grid.without_empty(&["quantity", "reservation", "subject", "details"]);
    grid.text()
}

/// One line for each interval and group; `group_by` names the columns.
pub fn usage(rows: &[v1::UsageRow], group_by: &[String], zone: &TimeZone) -> String {
    let mut grid = Grid::new(&["from", "group", ">credits", ">quantity", ">charges"]);
    for row in rows {
        let group: BTreeMap<_, _> = row.group.iter().collect();
        let group: Vec<String> = group_by.iter().filter_map(|by| group.get(by)).map(|value| (*value).clone()).collect();
        grid.row([
            time(row.start_time.as_ref(), zone),
            group.join(" "),
            amount(row.credits, 1),
            amount(row.quantity, 1),
            amount(row.count, 1),
        ]);
    }
    grid.without_empty(&["group"]);
    grid.text()
}
