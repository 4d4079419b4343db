//! Everything that Stipend promises, asked of the real binary through its public API: `scenarios` by the rules of the
//! ledger, `models` by the lines of five published credit models, `python` by a foreign client, `docs` by what the README and
//! the documentation show, `cli` by what people type, `wire` by what travels, `demo` by what a first visitor sees, `tidy` by
//! how the source is laid out.

mod catalogs;
mod cli;
mod demo;
mod docs;
mod harness;
mod models;
mod python;
mod scenarios;
mod tidy;
mod wire;
