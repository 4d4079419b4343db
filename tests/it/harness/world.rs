//! One server for all tests of the binary, a fresh account for each; and a server of its own for the test that needs one.

use std::{
    collections::HashMap,
    future::{Future, IntoFuture},
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::LazyLock,
};

use stipend::proto::v1;
use tempfile::TempDir;

use super::{
    account::Account,
    client::{Stipend, at},
    server::{Backend, Launch, Server},
};

/// Where the test catalogs lie.
fn catalog(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "it", "catalogs", file].iter().collect()
}

/// Where a catalog that is shown as an example lies.
pub fn example(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "examples", "catalogs", &format!("{name}.yaml")].iter().collect()
}

const EXAMPLES: [&str; 5] = ["buyer-engagement", "website-agents", "outbound-sales", "ai-employee", "enrichment-api"];

fn launch(home: &Path, catalogs: Vec<PathBuf>) -> Launch {
    Launch { backend: Backend::from_env(), data: home.join("data"), catalogs, more: Vec::new() }
}

fn of_the_suite() -> Vec<PathBuf> {
    ["rules.yaml", "prices-1.yaml", "prices-2.yaml"].map(catalog).into()
}

fn guarded(catalogs: Vec<PathBuf>) -> Server {
    let home = TempDir::new().expect("a temporary directory can be made").keep();
    Server::start_guarded(launch(&home, catalogs), &home)
}

static SHARED: LazyLock<Server> = LazyLock::new(|| guarded(of_the_suite()));
static MODELS: LazyLock<Server> = LazyLock::new(|| guarded(EXAMPLES.map(example).into()));

/// The server that all tests share.
pub fn shared() -> Stipend {
    Stipend::at(SHARED.addr())
}

/// The server that serves all example catalogs.
pub fn models() -> Stipend {
    Stipend::at(MODELS.addr())
}

/// Where that server is, for tests that reach it by other means than a client of theirs.
pub fn models_addr() -> SocketAddr {
    MODELS.addr()
}

/// A server that one test has for itself, to stop and start as it likes.
pub struct Own {
    pub server: Server,
    home: TempDir,
}

impl Own {
    /// A client of it. Ask again after a restart: the port is another.
    pub fn stipend(&self) -> Stipend {
        Stipend::at(self.server.addr())
    }

    /// The directory that goes away with it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Stops it with SIGTERM and starts it again on the same data.
    pub async fn restart(&mut self) -> Stipend {
        let status = self.server.terminate().await;
        assert!(status.success(), "the server ended with {status} on SIGTERM");
        self.server.start_again();
        self.stipend()
    }

    /// Kills it outright and starts it again on the same data.
    pub fn crash(&mut self) -> Stipend {
        self.server.kill();
        self.server.start_again();
        self.stipend()
    }
}

/// Starts a server for one test.
pub fn own() -> Own {
    own_of(of_the_suite())
}

/// Starts a server of other catalogs for one test.
pub fn own_of(catalogs: Vec<PathBuf>) -> Own {
    let home = TempDir::new().expect("a temporary directory can be made");
    Own { server: Server::start(launch(home.path(), catalogs)), home }
}

/// An account that nobody has had before, about to be made; `.await` makes it.
#[must_use]
pub struct Opening {
    stipend: Stipend,
    account: v1::Account,
}

/// Opens a fresh account of a plan of the catalog `rules` on the shared server.
pub fn open(plan: &str) -> Opening {
    shared().open(plan)
}

/// Opens a fresh account of a plan of an example catalog.
pub fn model(catalog: &str, plan: &str) -> Opening {
    models().open(plan).catalog(catalog, "")
}

impl Stipend {
    /// Opens a fresh account of a plan of the catalog `rules`.
    pub fn open(&self, plan: &str) -> Opening {
        let account = v1::Account {
            id: format!("t-{:016x}", rand::random::<u64>()),
            catalog: "rules".into(),
            plan: plan.into(),
            ..v1::Account::default()
        };
        Opening { stipend: self.clone(), account }
    }
}

impl Opening {
    /// Lives on its own time from there.
    pub fn clock(mut self, start: &str) -> Self {
        self.account.test_clock = Some(at(start));
        self
    }

    pub fn anchor(mut self, anchor: &str) -> Self {
        self.account.anchor_time = Some(at(anchor));
        self
    }

    pub fn zone(mut self, zone: &str) -> Self {
        self.account.time_zone = zone.into();
        self
    }

    /// Of another catalog; an empty version is the newest.
    pub fn catalog(mut self, catalog: &str, version: &str) -> Self {
        self.account.catalog = catalog.into();
        self.account.catalog_version = version.into();
        self
    }

    /// Tells these addresses of its events.
    pub fn notifying(mut self, addresses: &[&str]) -> Self {
        self.account.notify = addresses.iter().map(|address| (*address).to_owned()).collect();
        self
    }

    pub fn overriding(mut self, pool: &str, terms: v1::PoolOverride) -> Self {
        self.account.overrides = HashMap::from([(pool.to_owned(), terms)]);
        self
    }
}

impl IntoFuture for Opening {
    type Output = Account;
    type IntoFuture = Pin<Box<dyn Future<Output = Account> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { stipend, account } = self;
            let account = Account::new(stipend, account.id.clone(), account);
            account.put(|_| {}).await.expect("the account can be made");
            account
        })
    }
}
