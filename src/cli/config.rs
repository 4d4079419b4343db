//! `stipend config`: the settings that a server would start with, and where each comes from. How they are put together is
//! `layers`', what the settings are is `serve`'s.

mod file;
mod layers;
mod secret;
mod setting;

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use comfy_table::{Table, presets};
use serde_json::json;

pub use layers::{ConfigFile, read};
use setting::Setting;

use super::serve::Serve;

/// Print the settings that are in force and where each comes from
///
/// Takes the same flags as `serve`, and fails where `serve` would refuse to start with them. Secrets are not printed.
#[derive(Debug, Args)]
pub struct Config {
    #[command(flatten)]
    serve: Serve,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    /// What `layers` found.
    #[arg(skip)]
    pub settings: Vec<Setting>,
}

impl Config {
    pub fn run(self) -> anyhow::Result<()> {
        let text = if self.json { as_json(&self.settings) } else { as_table(&self.settings) };
        writeln!(io::stdout().lock(), "{text}").context("cannot write to standard output")?;
        self.serve.config().check()?;
        Ok(())
    }
}

fn as_table(settings: &[Setting]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["setting", "value", "source"]);
    for setting in settings {
        table.add_row([setting.key.clone(), setting.shown(), setting.source.to_string()]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn as_json(settings: &[Setting]) -> String {
    let one = |setting: &Setting| json!({ "setting": setting.key, "value": setting.value(), "source": setting.source.to_string() });
    let all = json!({ "settings": settings.iter().map(one).collect::<Vec<_>>() });
    format!("{all:#}")
}
