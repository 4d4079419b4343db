//! Everything that Stipend promises, asked of the real binary through its public API: `scenarios` by the rules of the
//! ledger, `models` by the lines of five published credit models, `wire` by what travels, `tidy` by how the source is laid out.

mod catalogs;
mod harness;
mod models;
mod scenarios;
mod tidy;
mod wire;
