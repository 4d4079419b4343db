//! Stipend enforces credits and quotas for AI products. Start at `docs/concepts.md`; layers point one way:
//! `api`, `task` → `service` → `ledger`, `catalog`.

pub mod amount;
pub mod catalog;
pub mod clock;
pub mod id;
pub mod ledger;
pub mod proto;
pub mod service;
pub mod terms;
