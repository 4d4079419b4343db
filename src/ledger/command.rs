//! What the ledger can be told to do. Values are valid and priced; whether it is done is the rulebook's to say.

use std::time::Duration;

use super::{Cap, Labels, OnExpiry, Once, PoolKind, Price, Rollover, Window};
use crate::{
    amount::Amount,
    clock::Millis,
    id::{AccountId, ActionName, BudgetName, ExtendId, GrantId, PoolName, RefundId, ReservationId, Subject},
};

/// One command to one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub account: AccountId,
    /// The revision of the account that prices and plans were taken from; another one in the ledger makes the answer
    /// `Refusal::Stale`. `None`: the command does not depend on it.
    pub revision: Option<u64>,
    pub verb: Verb,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    Reserve(Reserve),
    /// Reserve and commit in one step.
    Charge(Reserve),
    Commit(Commit),
    Release(Release),
    Extend(Extend),
    GetBalance {
        pools: Vec<PoolName>,
    },
    GetReservation {
        id: ReservationId,
    },
    PutAccount(PutAccount),
    GetAccount,
    DeleteAccount,
    /// Puts new terms on the pools of an account: a plan change or changed overrides.
    Retarget(Retarget),
    /// Starts the cycles that are due.
    Roll(Roll),
    AdvanceClock {
        to: Millis,
    },
    Grant(GrantCredits),
    Revoke {
        pool: PoolName,
        id: GrantId,
        reason: String,
    },
    Refund(Refund),
    PutBudget(BudgetTerms),
    GetBudget {
        name: BudgetName,
    },
    DeleteBudget {
        name: BudgetName,
    },
}

/// A hash of what a request says, to tell a retry from another request under the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint(pub u128);

#[derive(Debug, Clone, PartialEq)]
pub struct Reserve {
    pub id: ReservationId,
    pub fingerprint: Fingerprint,
    pub ttl: Duration,
    pub items: Vec<Item>,
    /// Each with the terms to create it by, where a template of the catalog matches its name.
    pub budgets: Vec<BudgetUse>,
    pub metadata: Labels,
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub action: ActionName,
    pub pool: PoolName,
    /// The plan lists the pool.
    pub in_plan: bool,
    pub quantity: Amount,
    /// Zero: all or nothing.
    pub min_quantity: Amount,
    pub price: Price,
    pub once: Once,
    pub subject: Option<Subject>,
    pub on_expiry: OnExpiry,
    /// Most of it in one reservation, extensions included.
    pub max_quantity: Option<Amount>,
    pub dimensions: Labels,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BudgetUse {
    pub name: BudgetName,
    pub template: Option<BudgetTerms>,
}

/// What a budget is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct BudgetTerms {
    pub name: BudgetName,
    pub pool: PoolName,
    pub limit: Amount,
    pub cap: Cap,
    /// As the catalog writes it (`1 month`); empty: never starts afresh.
    pub cycle: String,
    pub window: Window,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub id: ReservationId,
    pub fingerprint: Fingerprint,
    /// One per item, or none for all as reserved.
    pub quantities: Vec<Amount>,
    pub metadata: Labels,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    pub id: ReservationId,
    pub fingerprint: Fingerprint,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Extend {
    pub id: ReservationId,
    pub extend_id: ExtendId,
    pub fingerprint: Fingerprint,
    /// Additions, one per item, or none.
    pub quantities: Vec<Amount>,
    /// Totals used so far, one per item, or none.
    pub used: Vec<Amount>,
    pub ttl: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PutAccount {
    pub status: Status,
    /// Set at creation only: the account lives on its own time.
    pub test_clock: Option<Millis>,
    /// What the service knows of the account; the engine keeps it as it is.
    pub profile: Vec<u8>,
    /// The moment a waiting plan change is due.
    pub pending_at: Option<Millis>,
    /// The pools of its plan; used at creation only.
    pub pools: Vec<PoolTerms>,
    /// The account must exist (`Some(revision)` of it) or must not (`None`), else `Refusal::Stale`.
    pub expected: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    #[default]
    Active,
    Suspended,
}

/// The terms of one pool for one cycle, frozen in its record.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolTerms {
    pub pool: PoolName,
    pub kind: PoolKind,
    pub cap: Cap,
    /// The allowance; for a capacity pool its limit.
    pub allowance: Amount,
    /// Soft caps: most overage before refusal.
    pub overage_limit: Option<Amount>,
    /// Before it, what a hard cap would refuse is granted and only noted.
    pub enforce_from: Option<Millis>,
    /// Percentages, ascending, at most 16.
    pub alerts: Vec<u16>,
    /// Most unspent credits that go over into the next cycle, and for how many cycles they live there.
    pub rollover: Option<Rollover>,
    pub window: Window,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Retarget {
    pub status: Status,
    pub profile: Vec<u8>,
    pub pending_at: Option<Millis>,
    /// When it takes effect: now, or a past moment for a change that waited.
    pub at: Option<Millis>,
    /// Every pool of the new plan. Pools that it does not list leave the plan; their top-ups stay.
    pub pools: Vec<PoolTerms>,
    /// Pools of the plan before that the new one does not list.
    pub dropped: Vec<PoolName>,
    /// For the activity log.
    pub plan: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Roll {
    /// In the order of time; a step whose cycle has been started already is passed over.
    pub steps: Vec<RollStep>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RollStep {
    Pool {
        /// The cycle that ends; its end is where the next begins.
        ends: u64,
        terms: PoolTerms,
        /// When what rolls over into this cycle expires. `None`: never.
        rollover_expires: Option<Millis>,
    },
    Budget {
        ends: u64,
        name: BudgetName,
        window: Window,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct GrantCredits {
    pub pool: PoolName,
    pub id: GrantId,
    pub fingerprint: Fingerprint,
    pub kind: GrantKind,
    pub amount: Amount,
    pub priority: u16,
    pub expires: Option<Millis>,
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    Allowance,
    Rollover,
    Promo,
    TopUp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Refund {
    pub id: RefundId,
    pub fingerprint: Fingerprint,
    pub reservation: ReservationId,
    /// One per item, or none for all that is left.
    pub credits: Vec<Amount>,
    pub unmark: bool,
    pub reason: String,
}
