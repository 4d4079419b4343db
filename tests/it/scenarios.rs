//! The rules of the ledger, one file per subject; names begin with the rule that they hold the service to. Every
//! expectation comes from the contract (`docs/`, the comments of the proto); `chosen` marks where it leaves one open.

mod amounts_and_prices;
mod holds;
mod draw_order;
mod kept_promises;
mod commits;
mod endings;
mod retries;
mod restarts;
mod items;
mod unique;
mod cycles;
mod rollover;
mod alerts;
mod partial;
mod extend;
mod on_expiry;
mod capacity;
mod budgets;
mod plans;
mod enforcement;
mod refunds;
mod visibility;
mod test_clock;
mod conservation;
mod accounts;
mod quotes;
