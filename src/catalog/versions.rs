//! The catalogs that are loaded, several versions of each side by side, and the handle through which they are seen.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::id::{CatalogName, CatalogVersion};

use super::{
    Catalog,
    problem::{Problem, Problems, suggestion},
};

/// Most versions of all catalogs together.
pub const VERSIONS_MAX: usize = 1_024;

/// A set of loaded catalogs. Which version is the newest is told by the versions themselves, compared in natural order
/// (`v10` after `v9`, dates by date), not by when they were loaded: a restart must not change it.
#[derive(Debug, Clone, Default)]
pub struct Catalogs {
    /// Ascending versions, never empty.
    by_name: BTreeMap<CatalogName, Vec<Arc<Catalog>>>,
}

impl Catalogs {
    /// Adds a version. One that is there already must say the same, comments aside: accounts rely on it.
    pub fn insert(&mut self, catalog: Catalog) -> Result<(), Problems> {
        let total: usize = self.by_name.values().map(Vec::len).sum();
        let versions = self.by_name.entry(catalog.name.clone()).or_default();
        match versions.binary_search_by(|other| natural(other.version.as_str(), catalog.version.as_str())) {
            Ok(at) if versions[at].says_the_same(&catalog) => Ok(()),
            Ok(_) => Err(refused(format!(
                "version {} of {} is loaded already with other content; give the change a new version",
                catalog.version, catalog.name
            ))),
            Err(_) if total >= VERSIONS_MAX => {
                if versions.is_empty() {
                    self.by_name.remove(&catalog.name);
                }
                Err(refused(format!("{total} versions are loaded, that is the limit")))
            }
            Err(at) => {
                versions.insert(at, Arc::new(catalog));
                Ok(())
            }
        }
    }

    pub fn newest(&self, name: &CatalogName) -> Option<&Arc<Catalog>> {
        self.by_name.get(name)?.last()
    }

    pub fn get(&self, name: &CatalogName, version: &CatalogVersion) -> Option<Arc<Catalog>> {
        self.versions(name).iter().find(|catalog| catalog.version == *version).cloned()
    }

    /// All versions, oldest first.
    pub fn versions(&self, name: &CatalogName) -> &[Arc<Catalog>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The name of the catalog, when there is one only.
    pub fn only(&self) -> Option<&CatalogName> {
        let mut names = self.by_name.keys();
        names.next().filter(|_| names.next().is_none())
    }

    pub fn names(&self) -> impl Iterator<Item = &CatalogName> {
        self.by_name.keys()
    }

    /// Ends a sentence about a version that is not loaded: what was probably meant, or what there is.
    pub fn near(&self, name: &CatalogName, version: Option<&CatalogVersion>) -> String {
        let versions = self.versions(name);
        match version.filter(|_| !versions.is_empty()) {
            Some(version) => suggestion(version.as_str(), versions.iter().map(|catalog| catalog.version.as_str())),
            None => suggestion(name.as_str(), self.names().map(CatalogName::as_str).collect::<Vec<_>>()),
        }
    }
}

fn refused(message: String) -> Problems {
    Problem { line: 0, path: "version".into(), message }.into()
}

/// Where the current catalogs are found. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct CatalogHandle(Arc<RwLock<Arc<Catalogs>>>);

impl CatalogHandle {
    pub fn new(catalogs: Catalogs) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(catalogs))))
    }

    /// The catalogs as they are now; they stay as they are for whoever holds them.
    pub fn snapshot(&self) -> Arc<Catalogs> {
        // Nothing panics while it holds the lock, and a set is replaced whole: a poisoned one is as good as any.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another set in place.
    pub fn replace(&self, catalogs: Catalogs) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogs);
    }

    /// Adds versions to those that are loaded: all of them, or none when one is refused.
    pub fn publish(&self, catalogs: impl IntoIterator<Item = Catalog>) -> Result<(), Problems> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Catalogs::clone(&current);
        for catalog in catalogs {
            next.insert(catalog)?;
        }
        *current = Arc::new(next);
        Ok(())
    }
}

/// Compares texts with runs of digits as numbers. Total: texts that differ are never equal.
pub fn natural(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    // Each round takes at least a byte of both.
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (x, y) = (take_number(&mut a), take_number(&mut b));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            (a, b) = (&a[1..], &b[1..]);
            x.cmp(y)
        };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len()).then_with(|| left.cmp(right))
}

/// Takes the digits at the front, without leading zeros.
fn take_number<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at(digits);
    *bytes = rest;
    let zeros = number.iter().take_while(|byte| **byte == b'0').count();
    &number[zeros..]
}
