//! A whole database, to be checked or exported: one at rest in a directory, or one that a service serves.

use std::{path::Path, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use clap::Args;
use tonic::transport::Channel;

use crate::{
    clock::SystemClock,
    ledger::embedded::{Engine, Options},
    proto::v1::maintenance_service_client::MaintenanceServiceClient,
};

/// Largest piece of an export over the wire: some hundred records, each within the store's bound for most of them.
const PIECE_MAX: usize = 256 << 20;

/// Which database
#[derive(Debug, Clone, Args)]
pub struct Database {
    /// Directory of an embedded store that nothing serves at the moment
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Address of a service, which goes on serving; not looked at when --data is given
    #[arg(long, env = "STIPEND_SERVER", default_value = "http://127.0.0.1:7300", value_name = "ADDR")]
    server: String,
}

/// A database that has been opened.
pub enum Opened {
    AtRest(Engine),
    Served(MaintenanceServiceClient<Channel>),
}

impl Database {
    pub async fn open(&self) -> anyhow::Result<Opened> {
        match &self.data {
            Some(dir) => Ok(Opened::AtRest(open_at_rest(dir).await?)),
            None => Ok(Opened::Served(self.connect().await?)),
        }
    }

    async fn connect(&self) -> anyhow::Result<MaintenanceServiceClient<Channel>> {
        let server = &self.server;
        let address = if server.contains("://") { server.clone() } else { format!("http://{server}") };
        let client = MaintenanceServiceClient::connect(address).await;
        let client = client.map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            anyhow::anyhow!("cannot reach {server}: {cause}; is `stipend serve` running? give --server, or --data")
        })?;
        Ok(client.max_decoding_message_size(PIECE_MAX))
    }
}

/// Opens the database in a directory where there is one, as a service would.
async fn open_at_rest(dir: &Path) -> anyhow::Result<Engine> {
    if !Engine::exists(dir) {
        bail!("there is no database in {}", dir.display());
    }
    open(dir).await
}

/// Opens the database in a directory, or makes it.
pub async fn open(dir: &Path) -> anyhow::Result<Engine> {
    let name = dir.display().to_string();
    let dir = dir.to_owned();
    let opening = move || Engine::open(&dir, Options::default(), Arc::new(SystemClock));
    let opened = tokio::task::spawn_blocking(opening).await.context("the opening of the store was cut off")?;
    opened.with_context(|| format!("cannot open the database in {name}"))
}

/// What a service says of a failure, with its reason where it has one.
pub fn said(status: &tonic::Status) -> anyhow::Error {
    anyhow::anyhow!("{}", status.message())
}
