//! `stipend clock`: the time of accounts that live on their own.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use prost_types::Timestamp as Moment;

use super::{
    client::{Client, Failure, To},
    exit::Exit,
    show, value,
};
use crate::proto::v1;

/// Move the time of an account that was made with `--test-clock`
#[derive(Debug, Args)]
pub struct Clock {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Advance(Advance),
}

/// Move an account's time on; resets, expiries and windows up to then happen as they would
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Advance {
    /// The account
    account: String,

    /// Its new time
    #[arg(long, value_name = "TIME", value_parser = value::moment, required_unless_present = "by")]
    to: Option<Moment>,

    /// How far, from the time it has; not repeatable: twice moves it twice
    #[arg(long, value_name = "DURATION", value_parser = value::duration, conflicts_with = "to")]
    by: Option<Duration>,

    #[command(flatten)]
    server: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend clock advance acme-test --to 2026-02-01
  stipend clock advance acme-test --by 24h";

impl Clock {
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.command {
            Command::Advance(advance) => advance.run(),
        }
    }
}

impl Advance {
    fn run(self) -> anyhow::Result<Exit> {
        let Self { account, to, by, server } = self;
        server.talk(async |client: Client| {
            let to = match by {
                None => to,
                Some(by) => {
                    let present = client.call(v1::GetAccountRequest { account: account.clone() }).await?;
                    Some(later(present.now.unwrap_or_default(), by)?)
                }
            };
            let answer = client.call(v1::AdvanceTestClockRequest { account, to }).await?;
            client.out().answer::<v1::AdvanceTestClockRequest>(&answer, || show::account(&answer))?;
            Ok(Exit::Done)
        })
    }
}

fn later(now: Moment, by: Duration) -> Result<Moment, Failure> {
    let too_far = || Failure::new(Exit::Usage, "--by leads past the end of time, which is the year 9999");
    let now = Timestamp::new(now.seconds, now.nanos).map_err(|_| too_far())?;
    now.checked_add(by).map(value::wire).map_err(|_| too_far())
}
