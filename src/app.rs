//! The composition root: builds every part, hands each what it needs, starts them in order and stops them in the reverse.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    api::{self, Detached, Edge, HealthReporter, ServingStatus, server},
    config::Config,
    service::Service,
    shutdown::Shutdown,
    task::supervisor::Supervisor,
};

/// Longest that a unary call may take, whatever its caller would wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Most changes under way at a time, those included whose caller has gone.
const CHANGES_MAX: usize = 16 * 1024;
/// How long changes without a caller, and then tasks, may take once nothing is served any more.
const LAST_CHANGES: Duration = Duration::from_secs(5);
const LAST_TASKS: Duration = Duration::from_secs(5);

/// A server that is bound to its address and ready to serve.
pub struct App {
    address: SocketAddr,
    listener: TcpListener,
    server: server::Server,
    health: HealthReporter,
    detached: Detached,
    supervisor: Supervisor,
    service: Arc<Service>,
    drain: CancellationToken,
    abort: CancellationToken,
    drain_timeout: Duration,
}

impl App {
    /// Builds everything and binds the address; nothing is answered before `run`.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        config.check()?;
        let mut supervisor = Supervisor::new();
        let service = open_service(&config, &mut supervisor).await?;

        let (drain, abort) = (CancellationToken::new(), CancellationToken::new());
        let detached = Detached::new(CHANGES_MAX);
        let routes = api::routes(Arc::clone(&service), detached.clone(), drain.clone());
        let (mut routes, health) = api::with_health(routes).await;
        if config.reflection {
            routes = api::with_reflection(routes).context("cannot build the reflection service")?;
        }
        let edge = Edge::new(routes, CALL_TIMEOUT, drain.clone());
        let server = server::Server::new(edge, server::Limits::default(), drain.clone(), abort.clone());

        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("cannot listen on {}; is another server there? give another --listen", config.listen)
        })?;
        let address = listener.local_addr().context("cannot tell the address that was bound")?;
        if !address.ip().to_canonical().is_loopback() {
            warn!(%address, "listening in public without TLS or authentication, as --insecure-public asks");
        }
        let drain_timeout = config.drain_timeout;
        Ok(Self { address, listener, server, health, detached, supervisor, service, drain, abort, drain_timeout })
    }

    /// Where it listens, with the port that was picked.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is asked to stop, then answers what it accepted and closes.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { listener, server, health, detached, supervisor, service, drain, abort, drain_timeout, .. } = self;
        api::report_health(&health, ServingStatus::Serving).await;
        let end = async {
            tokio::select! {
                () = shutdown.soft.cancelled() => {}
                () = shutdown.hard.cancelled() => {}
            }
            // Readiness goes first, so that whoever routes here looks elsewhere.
            api::report_health(&health, ServingStatus::NotServing).await;
            drain.cancel();
            tokio::select! {
                () = tokio::time::sleep(drain_timeout) => {
                    warn!(?drain_timeout, "not everything was answered in time, closing connections");
                }
                () = shutdown.hard.cancelled() => {}
            }
            abort.cancel();
        };
        let served = server.run(listener);
        tokio::pin!(end, served);
        tokio::select! {
            () = &mut served => {}
            () = &mut end => served.await,
        }

        let patience = |longest| if shutdown.hard.is_cancelled() { Duration::ZERO } else { longest };
        if tokio::time::timeout(patience(LAST_CHANGES), detached.finished()).await.is_err() {
            warn!(changes = detached.orphans(), "changes did not finish in time");
        }
        supervisor.stop(patience(LAST_TASKS)).await;
        // The ledger closes with the last that holds it.
        drop(service);
        info!("stopped");
        Ok(())
    }
}

/// SEAM: opens the ledger, loads the catalogs, and starts the tasks that belong to them.
#[expect(clippy::unused_async, reason = "the ledger is opened here")]
async fn open_service(_config: &Config, _supervisor: &mut Supervisor) -> anyhow::Result<Arc<Service>> {
    Ok(Arc::new(Service))
}
