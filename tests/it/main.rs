//! Everything that Stipend promises, asked of the real binary through its public API: `scenarios` by the rules of the
//! ledger, `models` by the lines of five published credit models, `python` by a foreign client, `docs` by what the README and
//! the documentation show, `pages` by what the documentation says, `cli` by what people type, `config` by where settings
//! come from, `crash` by killing it under load, `maintenance` by an operator, `wire` by what travels, `demo` by what a first
//! visitor sees, `tidy` by how the source is laid out.

mod catalogs;
mod cli;
mod config;
mod crash;
mod demo;
mod docs;
mod harness;
mod maintenance;
mod models;
mod pages;
mod python;
mod scenarios;
mod tidy;
mod wire;
