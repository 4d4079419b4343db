//! The verbs of Stipend: each is priced from the catalog, bounded, sent to the ledger, and repeated once the account is
//! brought up to date. Wires are `api`'s; rules are the ledger's.

pub mod error;
pub mod request;

pub use error::{Error, Reason};
