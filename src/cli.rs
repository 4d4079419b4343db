//! The command line: one file a command. Commands that ask a service reach it through `client`, and show its answers
//! through `show`.

mod account;
mod activity;
mod balance;
mod budget;
mod catalog;
mod charge;
mod check_catalog;
pub mod client;
mod clock;
mod commit;
mod completions;
mod config;
mod database;
mod demo;
pub mod exit;
mod export;
mod extend;
mod grant;
mod import;
mod item;
pub mod progress;
mod quote;
mod refund;
mod release;
mod reservation;
mod reserve;
mod revoke;
mod serve;
pub mod show;
mod usage;
mod value;
mod verify;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use exit::Exit;

/// Stipend says whether an account may spend credits: it holds them while work runs, charges what was used, and gives
/// the rest back.
#[derive(Debug, Parser)]
#[command(name = "stipend", version, after_help = EXITS)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXITS: &str = "\
Exit codes: 0 done, 1 failed, 2 not as it must be, 3 denied, 4 not found, 5 conflict, 6 unavailable (repeat it with the
same id). Commands that ask a service take --server ADDR (or STIPEND_SERVER) and --json.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Config(config::Config),
    CheckCatalog(check_catalog::CheckCatalog),
    Catalog(catalog::Catalog),
    Account(account::Account),
    Balance(balance::Balance),
    Reserve(reserve::Reserve),
    Commit(commit::Commit),
    Release(release::Release),
    Extend(extend::Extend),
    Charge(charge::Charge),
    Quote(quote::Quote),
    Reservation(reservation::Reservation),
    Grant(grant::Grant),
    Revoke(revoke::Revoke),
    Refund(refund::Refund),
    Budget(budget::Budget),
    Activity(activity::Activity),
    Usage(usage::Usage),
    Clock(clock::Clock),
    Completions(completions::Completions),
    Export(export::Export),
    Import(import::Import),
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
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Serve(serve) => serve.run().map(|()| Exit::Done),
            Command::Demo(demo) => demo.run().map(|()| Exit::Done),
            Command::Config(config) => config.run().map(|()| Exit::Done),
            Command::CheckCatalog(check) => check.run(),
            Command::Catalog(catalog) => catalog.run(),
            Command::Account(account) => account.run(),
            Command::Balance(balance) => balance.run(),
            Command::Reserve(reserve) => reserve.run(),
            Command::Commit(commit) => commit.run(),
            Command::Release(release) => release.run(),
            Command::Extend(extend) => extend.run(),
            Command::Charge(charge) => charge.run(),
            Command::Quote(quote) => quote.run(),
            Command::Reservation(reservation) => reservation.run(),
            Command::Grant(grant) => grant.run(),
            Command::Revoke(revoke) => revoke.run(),
            Command::Refund(refund) => refund.run(),
            Command::Budget(budget) => budget.run(),
            Command::Activity(activity) => activity.run(),
            Command::Usage(usage) => usage.run(),
            Command::Clock(clock) => clock.run(),
            Command::Completions(completions) => completions.run(),
            Command::Export(export) => export.run().map(|()| Exit::Done),
            Command::Import(import) => import.run().map(|()| Exit::Done),
            Command::Verify(verify) => verify.run().map(|()| Exit::Done),
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
