//! The rulebook's files, in the order in which they may require one another. Each engine brings the module `host`.

/// Module names and sources; the last is the entry.
pub const FILES: &[(&str, &str)] = &[
    ("arith", include_str!("rules/arith.lua")),
    ("records", include_str!("rules/records.lua")),
    ("unit", include_str!("rules/unit.lua")),
    ("activity", include_str!("rules/activity.lua")),
    ("grants", include_str!("rules/grants.lua")),
    ("alerts", include_str!("rules/alerts.lua")),
    ("unique", include_str!("rules/unique.lua")),
    ("budgets", include_str!("rules/budgets.lua")),
    ("reply", include_str!("rules/reply.lua")),
    ("command", include_str!("rules/command.lua")),
    ("decide", include_str!("rules/decide.lua")),
    ("holds", include_str!("rules/holds.lua")),
    ("expiry", include_str!("rules/expiry.lua")),
    ("cycles", include_str!("rules/cycles.lua")),
    ("reserve", include_str!("rules/reserve.lua")),
    ("finish", include_str!("rules/finish.lua")),
    ("credits", include_str!("rules/credits.lua")),
    ("accounts", include_str!("rules/accounts.lua")),
    ("main", include_str!("rules/main.lua")),
];

#[cfg(test)]
mod tests;
