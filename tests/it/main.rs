//! Everything that Stipend promises, asked of the real binary through its public API: `scenarios` by the rules of the
//! ledger, `wire` by what travels, `tidy` by how the source is laid out.

mod catalogs;
mod harness;
mod scenarios;
mod tidy;
mod wire;
