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
mod outcome;
mod profile;
pub mod request;
mod usage;

use std::sync::Arc;

pub use error::{Error, Reason};

use self::known::KnownAccounts;
use crate::{
    catalog::{Catalog, CatalogHandle, Catalogs},
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
}

impl Service {
    pub fn new(ledger: Arc<dyn Ledger>, catalogs: CatalogHandle, clock: Arc<dyn Clock>) -> Self {
        Self { ledger, catalogs, clock, accounts: KnownAccounts::default() }
    }

    /// The time of accounts that do not live on a test clock.
    fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A catalog version (by default the newest of the only catalog) and all versions of that catalog, oldest first.
    pub fn catalog(
        &self,
        name: Option<CatalogName>,
        version: Option<CatalogVersion>,
    ) -> Result<(Arc<Catalog>, Vec<CatalogVersion>), Error> {
        let catalogs = self.catalogs.snapshot();
        let name = match name {
            Some(name) => name,
            None => only_catalog(&catalogs)?,
        };
        let found = match &version {
            Some(version) => catalogs.get(&name, version),
            None => catalogs.newest(&name).cloned(),
        };
        let catalog = found.ok_or_else(|| {
            let wanted = version.map_or_else(String::new, |version| format!(" version {version}"));
            Error::new(Reason::CatalogNotFound, format!("catalog {name}{wanted} is not loaded")).with("catalog", &name)
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

/// Publishes catalogs together with the versions that the ledger kept from earlier, and keeps theirs there.
///
/// # Errors
/// A version that the ledger knows with other content, or a ledger that cannot be read or written.
pub async fn publish_catalogs(
    ledger: &dyn Ledger,
    handle: &CatalogHandle,
    catalogs: Vec<Catalog>,
) -> Result<(), Error> {
    let kept = ledger.documents(CATALOG_DOCUMENTS.to_owned()).await.map_err(Error::from)?;
    let mut all = Vec::with_capacity(kept.len() + catalogs.len());
    for (name, text) in kept {
        let text = String::from_utf8_lossy(&text);
        match Catalog::parse(&text) {
            Ok(catalog) => all.push(catalog),
            Err(problems) => tracing::warn!(document = %name, %problems, "a kept catalog cannot be read any more"),
        }
    }
    let documents: Vec<(String, Vec<u8>)> =
        catalogs.iter().map(|catalog| (document_name(catalog), catalog.source().as_bytes().to_vec())).collect();
    all.extend(catalogs);
    handle.publish(all).map_err(|problems| Error::new(Reason::UnknownCatalog, problems.to_string()))?;
    for (name, text) in documents {
        ledger.put_document(name, text).await.map_err(Error::from)?;
    }
    Ok(())
}

fn document_name(catalog: &Catalog) -> String {
    format!("{CATALOG_DOCUMENTS}{}/{}", catalog.name, catalog.version)
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
