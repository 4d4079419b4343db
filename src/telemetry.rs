//! Logs: to standard error, for people or as JSON, a line an event.

use std::io::{self, IsTerminal as _};

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the log filter {filter:?} cannot be read: {reason}; write for example warn or stipend=debug,warn")]
    Filter { filter: String, reason: String },
    #[error("logs are set up already")]
    Twice,
}

/// Says whether a filter can be read.
pub fn check(filter: &str) -> Result<(), Error> {
    parse(filter).map(|_| ())
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(filter).map_err(|error| Error::Filter { filter: filter.to_owned(), reason: error.to_string() })
}

/// Sends the events of this process to standard error. `filter` is what tracing calls a directive, such as `info`.
pub fn start(format: LogFormat, filter: &str) -> Result<(), Error> {
    let registry = tracing_subscriber::registry().with(parse(filter)?);
    let set = match format {
        LogFormat::Text => {
            let colours = io::stderr().is_terminal();
            registry.with(fmt::layer().with_writer(io::stderr).with_ansi(colours).with_target(false)).try_init()
        }
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init(),
    };
    set.map_err(|_| Error::Twice)
}
