//! Everything that Stipend promises, asked of the real binary through its public API: `scenarios` by the rules of the
//! ledger, `models` by the lines of five published credit models, `python` by a foreign client, `readme` by what the README
//! shows, `pages` by what the documents say, `config` by where settings come from, `wire` by what travels, `demo` by what
//! a first visitor sees, `tidy` by how the source is laid out.

mod catalogs;
mod config;
mod demo;
mod harness;
mod models;
mod pages;
mod python;
mod readme;
mod scenarios;
mod tidy;
mod wire;
