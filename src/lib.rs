//! Stipend enforces credits and quotas for AI products. Start at `docs/concepts.md`; layers point one way:
//! `api`, `task` → `service` → `ledger`, `catalog`.

pub mod amount;
pub mod api;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod id;
pub mod ledger;
pub mod proto;
pub mod service;
pub mod shutdown;
pub mod task;
pub mod telemetry;
pub mod terms;
