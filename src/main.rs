//! From arguments to composition to exit code.

use std::process::ExitCode;

use clap::Parser as _;
use stipend::cli::Cli;

fn main() -> ExitCode {
    // Arguments that make no sense end here, with exit code 2.
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
