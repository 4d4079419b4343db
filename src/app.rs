//! The composition root: builds every part, hands each what it needs, starts them in order and stops them in the reverse.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    api::{self, Detached, Edge, HealthReporter, ServingStatus, server},
    catalog::{self, Catalog},
    clock::{Clock, SystemClock},
    config::{Catalogs, Config, Durability},
    ledger::embedded::{self, Engine, store},
    service::{self, Service, error::Kind},
    shutdown::Shutdown,
    task::{reload, supervisor::Supervisor},
};

/// Longest that a unary call may take, whatever its caller would wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Most changes under way at a time, those included whose caller has gone.
const CHANGES_MAX: usize = 16 * 1024;
/// How much of what `--durability interval` promises the power may take.
const SYNC_INTERVAL: Duration = Duration::from_millis(200);
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
    engine: Engine,
    drain: CancellationToken,
    abort: CancellationToken,
    drain_timeout: Duration,
}

impl App {
    /// Builds everything and binds the address; nothing is answered before `run`.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        Self::assemble(config, None).await
    }

    /// Builds everything around a listener that is bound already.
    pub async fn build_on(listener: TcpListener, config: Config) -> anyhow::Result<Self> {
        Self::assemble(config, Some(listener)).await
    }

    async fn assemble(config: Config, listener: Option<TcpListener>) -> anyhow::Result<Self> {
        config.check()?;
        let mut supervisor = Supervisor::new();
        let catalogs = load_catalogs(&config).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let engine = open_ledger(&config, Arc::clone(&clock)).await?;
        let service = Service::start(Arc::new(engine.clone()), clock, catalogs).await.context("cannot start")?;
        let service = Arc::new(service);
        keep_catalogs(&mut supervisor, config.catalogs, &service);

        let (drain, abort) = (CancellationToken::new(), CancellationToken::new());
        let detached = Detached::new(CHANGES_MAX);
        let routes = api::routes(Arc::clone(&service), detached.clone(), drain.clone());
        let (mut routes, health) = api::with_health(routes).await;
        if config.reflection {
            routes = api::with_reflection(routes).context("cannot build the reflection service")?;
        }
        let edge = Edge::new(routes, CALL_TIMEOUT, drain.clone());
        let server = server::Server::new(edge, server::Limits::default(), drain.clone(), abort.clone());

        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind(config.listen).await.with_context(|| {
                format!("cannot listen on {}; is another server there? give another --listen", config.listen)
            })?,
        };
        let address = listener.local_addr().context("cannot tell the address that was bound")?;
        if !address.ip().to_canonical().is_loopback() {
            warn!(%address, "listening in public without TLS or authentication, as --insecure-public asks");
        }
        let drain_timeout = config.drain_timeout;
        Ok(Self { address, listener, server, health, detached, supervisor, engine, drain, abort, drain_timeout })
    }

    /// Where it listens, with the port that was picked.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is asked to stop, then answers what it accepted and closes.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { listener, server, health, detached, supervisor, engine, drain, abort, drain_timeout, .. } = self;
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
        engine.close().await.context("the store did not close as it should")?;
        info!("stopped");
        Ok(())
    }
}

/// Opens the ledger in its directory, which is made where there is none.
async fn open_ledger(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Engine> {
    let options = embedded::Options {
        durability: match config.durability {
            Durability::Fsync => store::Durability::Fsync,
            Durability::Interval => store::Durability::Interval(SYNC_INTERVAL),
            Durability::None => store::Durability::None,
        },
        checkpoint_bytes: config.checkpoint_bytes,
        ..embedded::Options::default()
    };
    let dir = config.data.clone();
    // Blocks: what was written since the last checkpoint is read through.
    let opened = tokio::task::spawn_blocking(move || Engine::open(&dir, options, clock)).await;
    let opened = opened.context("the opening of the store was cut off")?;
    opened.with_context(|| format!("cannot open the data directory {} (--data)", config.data.display()))
}

/// Reads the catalogs that are named, or takes the built-in one.
async fn load_catalogs(config: &Config) -> anyhow::Result<Vec<Catalog>> {
    match &config.catalogs {
        Catalogs::Builtin => {
            info!("no --catalog is given, serving the built-in one");
            Ok(vec![Catalog::builtin()])
        }
        Catalogs::Texts(texts) => {
            let parsed: Result<_, _> = texts.iter().map(|text| Catalog::parse(text)).collect();
            parsed.context("the catalogs cannot be served")
        }
        Catalogs::Files(files) => reload::load(files).await.map_err(|problems| {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the catalogs cannot be served:\n{}", lines.join("\n"))
        }),
    }
}

/// Keeps the catalogs as their files are.
fn keep_catalogs(supervisor: &mut Supervisor, catalogs: Catalogs, service: &Arc<Service>) {
    let files = match catalogs {
        Catalogs::Files(files) => files,
        Catalogs::Builtin | Catalogs::Texts(_) => return,
    };
    let service = Arc::clone(service);
    supervisor.spawn("catalogs", move |stop| {
        let service = Arc::clone(&service);
        let publish = move |catalogs| {
            let service = Arc::clone(&service);
            async move { service.publish(catalogs).await.map_err(not_taken) }
        };
        let watched = reload::run(files.clone(), publish, stop);
        async move { Ok(watched.await?) }
    });
}

/// Whether the same files may be taken later.
fn not_taken(error: service::Error) -> reload::Error {
    match error.reason.kind() {
        Kind::Unavailable | Kind::ResourceExhausted => reload::Error::Unavailable(error.message),
        Kind::InvalidArgument
        | Kind::NotFound
        | Kind::AlreadyExists
        | Kind::FailedPrecondition
        | Kind::Internal
        | Kind::DataLoss
        | Kind::Unimplemented => {
            let problem = catalog::Problem { line: 0, path: "version".to_owned(), message: error.message };
            reload::Error::Refused(problem.into())
        }
    }
}
