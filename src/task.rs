//! What the service does by itself, beside answering: each task is a future that its owner names, runs and joins.

pub mod reload;
