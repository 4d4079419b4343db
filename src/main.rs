//! From arguments to composition to exit code.

use std::{env, process::ExitCode};

use stipend::cli::{Cli, exit};

/// A fifth of the writer's time went to the system's allocator: Lua makes and drops small tables by the dozen.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Arguments that make no sense end here, with exit code 2.
    let cli = Cli::read(env::args_os()).unwrap_or_else(|error| error.exit());
    cli.run().unwrap_or_else(|error| exit::report(&error)).into()
}
