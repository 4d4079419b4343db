//! The words that catalog, ledger and service share: prices, caps, windows. Values only; rules are the ledger's.

use std::{collections::BTreeMap, time::Duration};

use crate::{amount::Amount, clock::Millis};

/// Small texts by key: dimensions, metadata, labels.
pub type Labels = BTreeMap<String, String>;

/// `credits` for every `per` units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    pub credits: Amount,
    /// Never zero.
    pub per: Amount,
    pub round: Round,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Round {
    #[default]
    Up,
    Down,
    /// Every started `per` counts in full: a call of 61 seconds at 10 credits a minute is 20, not 11.
    Started,
}

/// How often a subject is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Once {
    #[default]
    EveryTime,
    PerCycle,
    Per(Duration),
    Forever,
}

/// What happens to a hold that expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnExpiry {
    #[default]
    Release,
    ChargeUsed,
    ChargeHeld,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    Hard,
    Soft,
}

/// Unspent credits that go over into the next cycle: at most so many, and how many cycles they live there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollover {
    pub max: Amount,
    pub cycles: u32,
}

impl Rollover {
    /// What rolls over never expires (`rollover: all`).
    pub const FOR_EVER: u32 = u32::MAX;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    Credits,
    Capacity,
}

/// One cycle: half-open, `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Which one since the anchor, from 0.
    pub number: u64,
    pub start: Millis,
    /// `None`: it never ends.
    pub end: Option<Millis>,
}
