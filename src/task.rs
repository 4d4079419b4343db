//! What the service does by itself, beside answering: each task is a future that the supervisor names, runs and joins.

pub mod reload;
pub mod supervisor;
