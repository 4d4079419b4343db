//! What an operator asks of the whole ledger while it serves: that it adds up, and all of it in lines. One of each at a
//! time: both read everything there is.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Reason, Service};
use crate::ledger::{audit, lines};

/// Who may read everything.
pub struct Turns {
    verify: Arc<Semaphore>,
    export: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { verify: Arc::new(Semaphore::new(1)), export: Arc::new(Semaphore::new(1)) }
    }
}

/// A check of everything that is kept.
pub struct Verifying {
    audit: audit::Audit,
    _turn: OwnedSemaphorePermit,
}

/// An export of everything that is kept.
pub struct Exporting {
    export: lines::Export,
    _turn: OwnedSemaphorePermit,
}

impl Service {
    /// Begins to check conservation (rule 22) over everything that is kept by now.
    pub async fn verify(&self) -> Result<Verifying, Error> {
        let turn = take(&self.maintenance.verify, "verify")?;
        Ok(Verifying { audit: audit::Audit::begin(&*self.ledger).await?, _turn: turn })
    }

    /// Begins to export everything that is kept by now.
    pub async fn export(&self) -> Result<Exporting, Error> {
        let turn = take(&self.maintenance.export, "export")?;
        Ok(Exporting { export: lines::Export::begin(&*self.ledger, self.now()).await?, _turn: turn })
    }
}

fn take(turns: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Error> {
    let turn = Arc::clone(turns).try_acquire_owned();
    turn.map_err(|_| Error::new(Reason::Overloaded, format!("another {what} is under way; wait for its end")))
}

impl Verifying {
    /// Reads on; false once everything has been read.
    pub async fn step(&mut self) -> Result<bool, Error> {
        Ok(self.audit.step().await?)
    }

    pub const fn progress(&self) -> &audit::Report {
        self.audit.progress()
    }

    pub fn finish(self) -> audit::Report {
        self.audit.finish()
    }
}

impl Exporting {
    /// The next lines; `None` after the last one.
    pub async fn step(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.export.step().await?)
    }

    pub const fn totals(&self) -> &lines::Totals {
        self.export.totals()
    }
}
