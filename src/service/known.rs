//! Accounts as the service last saw them, to price requests without asking the ledger first. The ledger checks the
//! revision that each command was built from, so an entry that is out of date costs one more round, never a wrong answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Error, Reason, Service,
    profile::{Calendar, Profile, find_plan},
};
use crate::{
    catalog::{Catalog, Plan},
    clock::Millis,
    id::AccountId,
    ledger::{AccountRecord, Answer, Command, Refusal, Rejection, Verb},
};

/// Accounts in memory, in each of two generations.
const GENERATION: usize = 50_000;

/// One account with everything that prices and terms come from.
#[derive(Debug)]
pub struct Known {
    pub record: AccountRecord,
    pub profile: Profile,
    pub catalog: Arc<Catalog>,
    pub calendar: Calendar,
}

impl Known {
    /// The plan of the account; it was there when the account was put, and versions do not change.
    pub fn plan(&self) -> Result<&Plan, Error> {
        find_plan(&self.catalog, &self.profile.plan).ok_or_else(|| {
            Error::new(Reason::CatalogMissing, format!("plan {} is gone from the catalog", self.profile.plan))
                .with("account", &self.record.id)
        })
    }
}

#[derive(Default)]
struct Generations {
    young: HashMap<AccountId, Arc<Known>>,
    old: HashMap<AccountId, Arc<Known>>,
}

/// The bounded set of known accounts.
#[derive(Default)]
pub struct KnownAccounts(Mutex<Generations>);

impl KnownAccounts {
    fn get(&self, id: &AccountId) -> Option<Arc<Known>> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = generations.young.get(id) {
            return Some(Arc::clone(known));
        }
        let known = generations.old.remove(id)?;
        generations.put(id.clone(), Arc::clone(&known));
        Some(known)
    }

    fn put(&self, known: Arc<Known>) {
        let id = known.record.id.clone();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(id, known);
    }

    pub fn forget(&self, id: &AccountId) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.remove(id);
        generations.old.remove(id);
    }
}

impl Generations {
    fn put(&mut self, id: AccountId, known: Arc<Known>) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, known);
    }
}

impl Service {
    /// The account as last seen, or as the ledger has it.
    pub(super) async fn known(&self, id: &AccountId) -> Result<Arc<Known>, Error> {
        match self.accounts.get(id) {
            Some(known) => Ok(known),
            None => self.fetch(id).await?.ok_or_else(|| account_not_found(id)),
        }
    }

    /// The account as the ledger has it now; `None` where there is none.
    pub(super) async fn fetch(&self, id: &AccountId) -> Result<Option<Arc<Known>>, Error> {
        let command = Command { account: id.clone(), revision: None, verb: Verb::GetAccount };
        let reply = self.ledger.apply(command).await?;
        match reply.outcome {
            Ok(Answer::Account(record)) => self.learn(record).map(Some),
            Err(Refusal::Rejected { rejection: Rejection::AccountNotFound, .. }) => {
                self.accounts.forget(id);
                Ok(None)
            }
            other => Err(super::outcome::unexpected(id, &other)),
        }
    }

    /// Takes note of an account record that the ledger answered.
    pub(super) fn learn(&self, record: AccountRecord) -> Result<Arc<Known>, Error> {
        let profile = Profile::from_bytes(&record.profile).ok_or_else(|| {
            Error::new(Reason::RecordDamaged, "the profile of the account cannot be read").with("account", &record.id)
        })?;
        let catalogs = self.catalogs.snapshot();
        let catalog = catalogs.get(&profile.catalog, &profile.version).ok_or_else(|| {
            let message = format!(
                "version {} of catalog {}, which the account stays on, is not loaded; serve it beside the newer one",
                profile.version, profile.catalog
            );
            Error::new(Reason::CatalogMissing, message).with("account", &record.id).with("catalog", &profile.catalog)
        })?;
        let calendar = Calendar::of(&profile);
        let known = Arc::new(Known { record, profile, catalog, calendar });
        self.accounts.put(Arc::clone(&known));
        Ok(known)
    }

    /// The account's time as far as it is known without asking; a test clock may have moved on since.
    pub(super) fn time_of(&self, known: &Known) -> Millis {
        if known.record.test_clock { known.record.now } else { self.now() }
    }
}

pub fn account_not_found(id: &AccountId) -> Error {
    Error::new(Reason::AccountNotFound, format!("account {id} does not exist")).with("account", id)
}
