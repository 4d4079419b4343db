//! The command line: one file a command.

mod demo;
pub mod progress;
mod serve;

use clap::{Parser, Subcommand};

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
    Demo(demo::Demo),
    Serve(serve::Serve),
}

impl Cli {
    /// Does what the arguments say, to its end.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Demo(demo) => demo.run(),
            Command::Serve(serve) => serve.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

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
