//! The verbs of Stipend: each is priced from the catalog, bounded, sent to the ledger, and repeated once the account is
//! brought up to date. Wires are `api`'s; rules are the ledger's.

mod account;
mod balance;
mod budget;
mod catch_up;
mod credit;
pub mod error;
mod fingerprint;
mod hold;
mod known;
mod maintenance;
mod outcome;
mod profile;
pub mod request;
mod usage;

use std::sync::Arc;

pub use error::{Error, Reason};
pub use maintenance::{Exporting, Verifying};

use self::known::KnownAccounts;
use crate::{
    catalog::{Catalog, CatalogHandle, Catalogs, Problems},
    clock::{Clock, Millis},
    id::{CatalogName, CatalogVersion},
    ledger::{self, Ledger},
};

/// Where catalog versions are kept in the ledger, so that accounts can stay on one whose file is gone.
const CATALOG_DOCUMENTS: &str = "catalog/";

/// The service: the ledger under the catalogs.
pub struct Service {
    ledger: Arc<dyn Ledger>,
    catalogs: CatalogHandle,
    clock: Arc<dyn Clock>,
    accounts: KnownAccounts,
    maintenance: maintenance::Turns,
}

impl Service {
    /// The time of accounts that do not live on a test clock.
    fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A catalog version (by default the newest of the only catalog) and all versions of that catalog, oldest first.
    pub fn catalog(
        &self,
        name: Option<CatalogName>,
        version: Option<&CatalogVersion>,
    ) -> Result<(Arc<Catalog>, Vec<CatalogVersion>), Error> {
        let catalogs = self.catalogs.snapshot();
        let name = match name {
            Some(name) => name,
            None => only_catalog(&catalogs)?,
        };
        let found = match version {
            Some(version) => catalogs.get(&name, version),
            None => catalogs.newest(&name).cloned(),
        };
        let catalog = found.ok_or_else(|| {
            let wanted = version.map_or_else(String::new, |version| format!(" version {version}"));
            let near = catalogs.near(&name, version);
            Error::new(Reason::CatalogNotFound, format!("catalog {name}{wanted} is not loaded{near}"))
                .with("catalog", &name)
        })?;
        let versions = catalogs.versions(&name).iter().map(|catalog| catalog.version.clone()).collect();
        Ok((catalog, versions))
    }
}

/// The catalog that is meant when none is named.
fn only_catalog(catalogs: &Catalogs) -> Result<CatalogName, Error> {
    catalogs.only().cloned().ok_or_else(|| {
        let names: Vec<&str> = catalogs.names().map(CatalogName::as_str).collect();
        Error::invalid("catalog", format_args!("must be one of {}", names.join(", ")))
    })
}

impl Service {
    /// Starts the service with catalogs and with the versions that the ledger kept from earlier.
    ///
    /// # Errors
    /// As `publish`.
    pub async fn start(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>, catalogs: Vec<Catalog>) -> Result<Self, Error> {
        let service = Self {
            ledger,
            catalogs: CatalogHandle::default(),
            clock,
            accounts: KnownAccounts::default(),
            maintenance: maintenance::Turns::default(),
        };
        let kept = service.ledger.documents(CATALOG_DOCUMENTS.to_owned()).await?;
        let mut all = Vec::with_capacity(kept.len());
        for (name, text) in kept {
            match Catalog::parse(&String::from_utf8_lossy(&text)) {
                Ok(catalog) => all.push(catalog),
                Err(problems) => tracing::warn!(document = %name, %problems, "a kept catalog cannot be read any more"),
            }
        }
        service.catalogs.publish(all).map_err(refused)?;
        service.publish(catalogs).await?;
        Ok(service)
    }

    /// Takes catalogs, all or none, and keeps them in the ledger, so that accounts can stay on a version whose file is
    /// gone.
    ///
    /// # Errors
    /// A version that is known with other content, or a ledger that cannot be written.
    pub async fn publish(&self, catalogs: Vec<Catalog>) -> Result<(), Error> {
        let known = self.catalogs.snapshot();
        let is_new = |catalog: &&Catalog| known.get(&catalog.name, &catalog.version).is_none();
        let document = |catalog: &Catalog| {
            let name = format!("{CATALOG_DOCUMENTS}{}/{}", catalog.name, catalog.version);
            (name, catalog.source().as_bytes().to_vec())
        };
        let documents: Vec<_> = catalogs.iter().filter(is_new).map(document).collect();
        // Kept before they serve: an account must not be put on a version that a restart would not know.
        let mut checked = Catalogs::clone(&known);
        catalogs.iter().cloned().try_for_each(|catalog| checked.insert(catalog)).map_err(refused)?;
        for (name, text) in documents {
            self.ledger.put_document(name, text).await?;
        }
        self.catalogs.publish(catalogs).map_err(refused)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn refused(problems: Problems) -> Error {
    Error::new(Reason::CatalogRefused, problems.to_string())
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        let reason = match &error {
            ledger::Error::Unavailable { .. } => Reason::StoreUnavailable,
            ledger::Error::Overloaded => Reason::Overloaded,
            ledger::Error::ShuttingDown => Reason::ShuttingDown,
            ledger::Error::Damaged { .. } => Reason::RecordDamaged,
            ledger::Error::Rulebook { .. } => Reason::Internal,
        };
        if reason == Reason::Internal {
            tracing::error!(%error, "the rulebook failed");
            return Self::new(reason, "an internal error; the log of the service has its cause");
        }
        Self::new(reason, error.to_string())
    }
}
