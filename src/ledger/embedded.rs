//! The ledger in one process: the rulebook, its records, and the store below them.

pub mod store;
