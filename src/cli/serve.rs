//! `stipend serve`: a server, until it is asked to stop.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use clap::{ArgAction, Args, builder::BoolishValueParser};

use super::config::ConfigFile;
use crate::{
    app::App,
    config::{CHECKPOINT_BYTES, Catalogs, Config, Durability, Store},
    shutdown::Shutdown,
    telemetry::{self, LogFormat},
};

/// Serve gRPC and JSON on one port
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    config_file: ConfigFile,

    /// Address to listen on; port 0 picks a free one. `listening on ADDR` on standard output says which
    #[arg(long, env = "STIPEND_LISTEN", default_value = "127.0.0.1:7300", value_name = "ADDR",
          value_parser = address)]
    listen: SocketAddr,

    /// Directory of the embedded store; made when it is not there
    #[arg(long, env = "STIPEND_DATA", default_value = "./stipend-data", value_name = "DIR")]
    data: PathBuf,

    /// Catalog file; may be given several times, or several separated by commas. Without one, a built-in catalog is
    /// served. Files are read again when they change, and on SIGHUP
    #[arg(long = "catalog", env = "STIPEND_CATALOG", value_delimiter = ',', value_name = "FILE")]
    catalogs: Vec<PathBuf>,

    /// Where the ledger is kept: `embedded`, or `redis://HOST:PORT` (not built yet)
    #[arg(long, env = "STIPEND_STORE", hide_env_values = true, default_value = "embedded", value_name = "STORE")]
    store: Store,

    /// File that holds what --store would say, for an address with a password in it
    #[arg(long, env = "STIPEND_STORE_FILE", value_name = "FILE")]
    store_file: Option<PathBuf>,

    /// What an answer of the embedded store promises
    #[arg(long, env = "STIPEND_DURABILITY", value_enum, default_value_t)]
    durability: Durability,

    /// Bytes of changes that begin a checkpoint of the embedded store: less memory and a faster start, more writing
    #[arg(long, env = "STIPEND_CHECKPOINT_BYTES", default_value_t = CHECKPOINT_BYTES as u64, value_name = "BYTES", hide = true,
          value_parser = clap::value_parser!(u64).range(65_536..=1024 * 1024 * 1024))]
    checkpoint_bytes: u64,

    /// Answer the gRPC reflection service, so that tools can list what is served
    #[arg(long, env = "STIPEND_REFLECTION", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", value_parser = BoolishValueParser::new(),
          action = ArgAction::Set, hide_possible_values = true)]
    reflection: bool,

    /// Listen on an address that is not loopback. DANGER: there is no TLS and no authentication; anybody who can reach
    /// the address can read every balance, spend credits and grant them
    #[arg(long, env = "STIPEND_INSECURE_PUBLIC", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", value_parser = BoolishValueParser::new(),
          action = ArgAction::Set, hide_possible_values = true)]
    insecure_public: bool,

    /// Seconds to wait, when stopping, for what was accepted to be answered
    #[arg(long, env = "STIPEND_DRAIN_TIMEOUT", default_value_t = 25, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(..=3_600))]
    drain_timeout: u64,

    /// How a line of the log, on standard error, looks
    #[arg(long, env = "STIPEND_LOG_FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,

    /// What is logged: a level, or levels by module, such as `stipend=debug,warn`
    #[arg(long, env = "STIPEND_LOG", default_value = "stipend=info,warn", value_name = "FILTER",
          value_parser = filter)]
    log: String,
}

impl Serve {
    pub fn config(&self) -> Config {
        Config {
            listen: self.listen,
            insecure_public: self.insecure_public,
            data: self.data.clone(),
            catalogs: if self.catalogs.is_empty() { Catalogs::Builtin } else { Catalogs::Files(self.catalogs.clone()) },
            store: self.store.clone(),
            durability: self.durability,
            checkpoint_bytes: usize::try_from(self.checkpoint_bytes).unwrap_or(usize::MAX),
            reflection: self.reflection,
            drain_timeout: Duration::from_secs(self.drain_timeout),
        }
    }

    pub fn run(self) -> anyhow::Result<()> {
        telemetry::start(self.log_format, &self.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start threads; is the machine out of them?")?;
        let config = self.config();
        runtime.block_on(async {
            let shutdown = Shutdown::new();
            let signals = shutdown.listen().context("cannot listen for signals")?;
            let app = App::build(config).await?;
            announce(app.address()).context("cannot write to standard output")?;
            tokio::select! {
                ended = app.run(shutdown) => ended,
                () = async { signals.await; std::future::pending().await } => Ok(()),
            }
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port such as 127.0.0.1:7300 or [::1]:7300".to_owned())
}

fn filter(text: &str) -> Result<String, telemetry::Error> {
    telemetry::check(text).map(|()| text.to_owned())
}

/// Says where it listens, for people and for programs that started it on port 0.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {address}")?;
    out.flush()
}
