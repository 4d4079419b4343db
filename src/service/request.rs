//! What callers ask and hear, in valid values: `api` parses into these, the verbs of the service take and give them.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    amount::Amount,
    clock::Millis,
    id::{
        AccountId, ActionName, BudgetName, CatalogName, CatalogVersion, ExtendId, GrantId, PlanName, PoolName,
        RefundId, ReservationId, Subject,
    },
    ledger::{self, Cap, Denial, Grant, GrantKind, Labels, Reservation, ReservationState, Status},
};

/// One item of a Reserve, Charge or Quote.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub action: ActionName,
    /// Never zero: the edge reads 0 as 1.
    pub quantity: Amount,
    /// Zero: all or nothing. At most `quantity`.
    pub min_quantity: Amount,
    pub subject: Option<Subject>,
    pub dimensions: Labels,
}

/// Reserve, Charge (whose `ttl` is unused) and Quote (whose `id` and `metadata` are, too).
#[derive(Debug, Clone, PartialEq)]
pub struct Reserve {
    pub account: AccountId,
    /// `None`: the service makes one.
    pub id: Option<ReservationId>,
    /// 1 to 32.
    pub items: Vec<Item>,
    /// `None`: as the catalog says.
    pub ttl: Option<Duration>,
    /// At most 16, none twice.
    pub budgets: Vec<BudgetName>,
    pub metadata: Labels,
    pub dry_run: bool,
}

/// Yes with what was done, or no for business reasons.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<T> {
    Granted(T),
    Denied(Denial),
}

/// The answer to Reserve and Extend, and to Charge (`reservation` is committed then).
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub decision: Decision<Reservation>,
    pub balances: Vec<Balance>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub account: AccountId,
    pub id: ReservationId,
    pub quantities: Vec<Amount>,
    pub metadata: Labels,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    pub reservation: Reservation,
    pub balances: Vec<Balance>,
    pub late: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    pub account: AccountId,
    pub id: ReservationId,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Released {
    pub reservation: Reservation,
    pub balances: Vec<Balance>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Extend {
    pub account: AccountId,
    pub id: ReservationId,
    pub extend_id: Option<ExtendId>,
    pub quantities: Vec<Amount>,
    pub used: Vec<Amount>,
    pub ttl: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GetBalance {
    pub account: AccountId,
    /// Empty: all of the plan.
    pub pools: Vec<PoolName>,
}

/// A balance with what the catalog calls its pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    pub balance: ledger::Balance,
    pub title: String,
    pub unit: String,
    pub scale: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListReservations {
    pub account: AccountId,
    pub state: Option<ReservationState>,
    pub after: Option<ReservationId>,
    /// 1 to 1,000.
    pub limit: usize,
}

/// Part of a list; `next` is where the following part begins, `None` on the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, K> {
    pub rows: Vec<T>,
    pub next: Option<K>,
}

/// An account as a caller wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountDraft {
    pub id: AccountId,
    /// `None`: the only one loaded, or the one that the account has.
    pub catalog: Option<CatalogName>,
    /// `None`: the plan that the account has.
    pub plan: Option<PlanName>,
    /// `None`: the newest at creation, later the one that the account has.
    pub version: Option<CatalogVersion>,
    pub anchor: Option<Millis>,
    /// An IANA zone; `None`: UTC, or the one that the account has.
    pub time_zone: Option<String>,
    /// `None`: active.
    pub status: Option<Status>,
    pub labels: Labels,
    pub notify: Vec<String>,
    pub overrides: BTreeMap<PoolName, PoolOverride>,
    pub test_clock: Option<Millis>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoolOverride {
    pub allowance: Option<Amount>,
    pub cap: Option<Cap>,
    pub limit: Option<Amount>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub catalog: CatalogName,
    pub plan: PlanName,
    pub version: CatalogVersion,
    pub anchor: Millis,
    pub time_zone: String,
    pub status: Status,
    pub labels: Labels,
    pub notify: Vec<String>,
    pub overrides: BTreeMap<PoolName, PoolOverride>,
    /// Where the test clock started.
    pub test_clock: Option<Millis>,
    pub now: Millis,
    pub created: Millis,
    pub pending: Option<PendingPlan>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PendingPlan {
    pub plan: PlanName,
    pub version: CatalogVersion,
    pub at: Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Now,
    AtReset,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChangePlan {
    pub account: AccountId,
    pub plan: Option<PlanName>,
    pub version: Option<CatalogVersion>,
    pub when: When,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GrantCredits {
    pub account: AccountId,
    pub pool: PoolName,
    pub id: Option<GrantId>,
    /// `TopUp` or `Promo`.
    pub kind: GrantKind,
    /// Never zero.
    pub amount: Amount,
    /// 1 to 1,000; `None`: the default of the kind.
    pub priority: Option<u16>,
    pub expires: Option<Millis>,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    pub grant: Grant,
    pub balance: Balance,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RevokeGrant {
    pub account: AccountId,
    pub pool: PoolName,
    pub id: GrantId,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Revoked {
    pub grant: Grant,
    pub revoked: Amount,
    pub balance: Balance,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Refund {
    pub account: AccountId,
    pub id: Option<RefundId>,
    pub reservation: ReservationId,
    pub credits: Vec<Amount>,
    pub unmark: bool,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Refunded {
    pub refunded: Vec<Amount>,
    pub balances: Vec<Balance>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PutBudget {
    pub account: AccountId,
    pub name: BudgetName,
    pub pool: PoolName,
    pub limit: Amount,
    pub cap: Cap,
    /// As the catalog writes it; empty: never starts afresh. The service parses it.
    pub cycle: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    pub items: Vec<ledger::ReservedItem>,
    pub denied: Option<Denial>,
    pub balances: Vec<Balance>,
}

/// Filters of `ListActivity`; each one set must match.
#[derive(Debug, Clone, PartialEq)]
pub struct ListActivity {
    pub account: AccountId,
    pub pool: Option<PoolName>,
    pub action: Option<ActionName>,
    /// The name of an entry kind.
    pub kind: Option<ledger::EntryKind>,
    pub start: Option<Millis>,
    /// Exclusive.
    pub end: Option<Millis>,
    pub before: Option<u64>,
    pub limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    Hour,
    Day,
    Week,
    Month,
    Total,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupBy {
    Pool,
    Action,
    Dimension(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct QueryUsage {
    pub account: AccountId,
    pub pool: Option<PoolName>,
    pub start: Option<Millis>,
    /// Exclusive.
    pub end: Option<Millis>,
    pub interval: Interval,
    pub group_by: Vec<GroupBy>,
}

/// Net usage of one interval and group: charges less refunds.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRow {
    pub start: Millis,
    pub group: BTreeMap<String, String>,
    pub credits: i64,
    pub quantity: i64,
    pub count: i64,
}
