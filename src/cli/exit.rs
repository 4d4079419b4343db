//! How a command ended, as the shell sees it. The numbers are stable: scripts branch on them (`docs/cli.md`).

use std::{io, process::ExitCode};

use super::client::Failure;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; asked for credits: granted.
    Done = 0,
    /// It failed, and nothing below says why. A check found differences; a catalog is not valid.
    Failed = 1,
    /// The command or the request is not as it must be: an unknown flag, an unknown action. Do not repeat it.
    Usage = 2,
    /// Refused for business reasons: no credits, a budget is full, the account is suspended. Nothing was held or charged.
    Denied = 3,
    /// The account, reservation, grant, budget or catalog does not exist.
    NotFound = 4,
    /// The state does not allow it, or the id was used for another request.
    Conflict = 5,
    /// The service cannot be reached, is too busy, or did not answer in time. Repeat it with the same id.
    Unavailable = 6,
}

impl Exit {
    pub const ALL: [Self; 7] =
        [Self::Done, Self::Failed, Self::Usage, Self::Denied, Self::NotFound, Self::Conflict, Self::Unavailable];

    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Says on standard error why a command failed, and gives its exit code.
pub fn report(error: &anyhow::Error) -> Exit {
    use io::Write as _;

    let failure = error.downcast_ref::<Failure>();
    let text = match failure {
        Some(failure) => failure.report(),
        None => format!("error: {error:#}"),
    };
    // Nobody may be listening any more.
    let _ = writeln!(io::stderr().lock(), "{text}");
    failure.map_or(Exit::Failed, |failure| failure.exit)
}
