//! The command line: one file a command.

mod config;
mod database;
mod demo;
mod export;
mod import;
pub mod progress;
mod serve;
mod verify;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Stipend says whether an account may spend credits: it holds them while work runs, charges what was used, and gives
/// the rest back.
#[derive(Debug, Parser)]
#[command(name = "stipend", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Config(config::Config),
    Demo(demo::Demo),
    Export(export::Export),
    Import(import::Import),
    Serve(serve::Serve),
    Verify(verify::Verify),
}

impl Cli {
    /// Reads the arguments, the environment and `stipend.toml`.
    ///
    /// # Errors
    /// What clap says, or everything that is wrong with the file; help and version are errors too.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let layered = config::read(&command, arguments)?;
        let mut cli = Self::from_arg_matches(&layered.matches).map_err(|error| error.format(&mut command))?;
        if let Command::Config(config) = &mut cli.command {
            config.settings = layered.settings;
        }
        Ok(cli)
    }

    /// Does what the arguments say, to its end.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Config(config) => config.run(),
            Command::Demo(demo) => demo.run(),
            Command::Export(export) => export.run(),
            Command::Import(import) => import.run(),
            Command::Serve(serve) => serve.run(),
            Command::Verify(verify) => verify.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Catalogs;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_bare_serve_listens_on_loopback() {
        let serve = |args: &[&str]| Cli::try_parse_from([&["stipend", "serve"], args].concat());
        let Command::Serve(bare) = serve(&[]).expect("valid").command else { panic!("another command") };
        assert!(bare.config().check().is_ok());
        assert!(serve(&["--store", "postgres://x"]).is_err());
        assert!(serve(&["--durability", "sometimes"]).is_err());
        let two = ["--catalog", "a.yaml", "--catalog", "b.yaml,c.yaml"];
        let Command::Serve(two) = serve(&two).expect("valid").command else { panic!("another command") };
        assert!(matches!(two.config().catalogs, Catalogs::Files(files) if files.len() == 3));
    }
}
