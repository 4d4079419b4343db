//! `stipend check-catalog`: whether catalog files can be served, before they are. Nothing is connected to.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::{
    exit::Exit,
    show::{self, Grid},
};
use crate::{
    catalog::{Catalog, Problem},
    task::reload,
};

/// Check catalog files; everything that is wrong is told at once
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckCatalog {
    /// Catalog files, checked alone and together
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  stipend check-catalog examples/catalogs/*.yaml
  stipend check-catalog my-catalog.yaml && kill -HUP \"$(pidof stipend)\"

Ends with 1 when something is wrong: line, path and problem of each, on standard output.";

impl CheckCatalog {
    pub fn run(&self) -> anyhow::Result<Exit> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.context("cannot start; is the machine out of memory or files?")?;
        match runtime.block_on(reload::load(&self.files)) {
            Ok(catalogs) => {
                let found = self.files.iter().zip(&catalogs);
                show::print(&if self.json {
                    let catalogs: Vec<Value> = found.map(|(file, catalog)| in_json(file, catalog)).collect();
                    format!("{:#}", json!({"valid": true, "catalogs": catalogs}))
                } else {
                    table(found)
                })?;
                Ok(Exit::Done)
            }
            Err(errors) => {
                show::print(&if self.json {
                    let problems: Vec<Value> = errors.iter().flat_map(problems).collect();
                    format!("{:#}", json!({"valid": false, "problems": problems}))
                } else {
                    errors.iter().map(ToString::to_string).flat_map(|error| [error, "\n".to_owned()]).collect()
                })?;
                Ok(Exit::Failed)
            }
        }
    }
}

fn table<'a>(found: impl Iterator<Item = (&'a PathBuf, &'a Catalog)>) -> String {
    let mut grid = Grid::new(&["file", "catalog", "version", ">pools", ">actions", ">plans"]);
    for (file, catalog) in found {
        grid.row([
            file.display().to_string(),
            catalog.name.to_string(),
            catalog.version.to_string(),
            catalog.pools.len().to_string(),
            catalog.actions.len().to_string(),
            catalog.plans.len().to_string(),
        ]);
    }
    grid.text()
}

fn in_json(file: &PathBuf, catalog: &Catalog) -> Value {
    json!({
        "file": file, "catalog": catalog.name.as_str(), "version": catalog.version.as_str(),
        "pools": catalog.pools.len(), "actions": catalog.actions.len(), "plans": catalog.plans.len(),
    })
}

fn problems(error: &reload::Error) -> Vec<Value> {
    let of = |file: Option<&PathBuf>, problem: &Problem| json!({"file": file, "line": problem.line, "path": problem.path, "message": problem.message});
    match error {
        reload::Error::Invalid { path, problems } => problems.iter().map(|problem| of(Some(path), problem)).collect(),
        reload::Error::Refused(problems) => problems.iter().map(|problem| of(None, problem)).collect(),
        reload::Error::Read { path, .. } | reload::Error::Encoding { path } => {
            vec![json!({"file": path, "line": 0, "path": "", "message": error.to_string()})]
        }
        reload::Error::TooMany { .. } | reload::Error::Unavailable(_) => {
            vec![json!({"file": null, "line": 0, "path": "", "message": error.to_string()})]
        }
    }
}
