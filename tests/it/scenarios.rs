//! The rules of the ledger, one file per subject; names begin with the rule that they hold the service to. Every
//! expectation comes from the contract (`docs/`, the comments of the proto); `chosen` marks where it leaves one open.

mod accounts;
mod alerts;
mod amounts_and_prices;
mod budgets;
mod capacity;
mod commits;
mod conservation;
mod cycles;
mod draw_order;
mod endings;
mod enforcement;
mod examples;
mod extend;
mod holds;
mod items;
mod kept_promises;
mod on_expiry;
mod partial;
mod plans;
mod quotes;
mod refunds;
mod restarts;
mod retries;
mod rollover;
mod test_clock;
mod unique;
mod visibility;
