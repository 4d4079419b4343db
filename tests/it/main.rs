//! Everything that Stipend promises, asked of the real binary through its public API: `scenarios` by the rules of the
//! ledger, `wire` by what travels, `demo` by what a first visitor sees, `tidy` by how the source is laid out.

mod catalogs;
mod demo;
mod harness;
mod scenarios;
mod tidy;
mod wire;
