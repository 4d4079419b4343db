//! Kinds of credit: what they are called, how they are shown, who may sell more of them.

use std::fmt;

use crate::terms::PoolKind;

use super::{field::Field, keys, problem::Found};

/// Largest scale.
pub const SCALE_MAX: u64 = 1_000_000_000;

/// One kind of credit, or of thing that is held (`capacity`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// For people; its name when the catalog gives none.
    pub title: String,
    /// What one is called: `credits`, `minutes`.
    pub unit: String,
    pub kind: PoolKind,
    /// Units of the pool to one credit as people see it.
    pub scale: u64,
    /// Who may sell more of it, without repetition; empty: nobody.
    pub top_up: Vec<Seller>,
}

/// Who may sell a top-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seller {
    /// The customer helps themselves.
    Customer,
    /// Only people of the vendor.
    Support,
}

impl Seller {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Support => "support",
        }
    }
}

impl fmt::Display for Seller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const SELLERS: [(&str, Seller); 2] = [("customer", Seller::Customer), ("support", Seller::Support)];

impl Pool {
    pub(super) fn read(name: &str, field: &Field, found: &mut Found) -> Option<Self> {
        let mapping = field.mapping(found, &keys::POOL)?;
        let kinds = [("credits", PoolKind::Credits), ("capacity", PoolKind::Capacity)];
        let title = mapping.or("title", name.to_owned(), |field| field.title(found));
        let kind = mapping.or("kind", PoolKind::Credits, |field| field.choice(found, &kinds));
        let unit = match kind {
            Some(PoolKind::Credits) | None => "credits",
            Some(PoolKind::Capacity) => "units",
        };
        let unit = mapping.or("unit", unit.to_owned(), |field| field.title(found));
        let scale = mapping.or("scale", 1, |field| field.whole(found, 1, SCALE_MAX));
        let top_up = mapping.or("top_up", Vec::new(), |field| read_sellers(field, found));
        Some(Self { title: title?, unit: unit?, kind: kind?, scale: scale?, top_up: top_up? })
    }
}

/// One word or a list of them.
fn read_sellers(field: &Field, found: &mut Found) -> Option<Vec<Seller>> {
    if field.scalar().is_some() {
        return Some(vec![field.choice(found, &SELLERS)?]);
    }
    let mut sellers = Vec::new();
    for field in field.list(found, SELLERS.len())? {
        let seller = field.choice(found, &SELLERS)?;
        if sellers.contains(&seller) {
            field.problem(found, format!("{seller} is there already"));
        }
        sellers.push(seller);
    }
    Some(sellers)
}
