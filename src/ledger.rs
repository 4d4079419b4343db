//! The seam between the service and the engines that keep the ledger: commands in, answers out. The rules are the
//! rulebook's (`ledger/rules/*.lua`); prices, plans and calendars are the service's; where records live is the engine's.

pub mod embedded;
mod rules;
pub mod wire;

use std::{fmt, future::Future, pin::Pin, time::Duration};

use crate::{
    amount::Amount,
    clock::Millis,
    id::{AccountId, ActionName, BudgetName, ExtendId, GrantId, PoolName, RefundId, ReservationId, Subject},
};

pub use crate::terms::{Cap, Labels, OnExpiry, Once, PoolKind, Price, Rollover, Round, Window};

/// Most commands in one unit of work.
pub const UNIT_COMMANDS_MAX: usize = 512;

/// An engine that keeps accounts under the rulebook.
pub trait Ledger: Send + Sync + 'static {
    /// Applies one command atomically. The future may be dropped: a command that has been taken is applied all the same.
    fn apply(&self, command: Command) -> Pending<Reply>;

    /// Lists ids of accounts after `after`, in order, at most `limit`.
    fn accounts(&self, after: Option<AccountId>, limit: usize) -> Pending<Vec<AccountId>>;

    /// Lists ids of reservations of an account after `after`, in order, at most `limit`.
    fn reservations(
        &self,
        account: AccountId,
        after: Option<ReservationId>,
        limit: usize,
    ) -> Pending<Vec<ReservationId>>;

    /// Lists names of budgets of an account after `after`, in order, at most `limit`.
    fn budgets(&self, account: AccountId, after: Option<BudgetName>, limit: usize) -> Pending<Vec<BudgetName>>;

    /// Lists what happened to an account before `before` (a sequence), newest first, at most `limit`.
    fn activity(&self, account: AccountId, before: Option<u64>, limit: usize) -> Pending<Vec<Entry>>;

    /// Keeps a text under a name, such as a catalog version that accounts may stay on.
    fn put_document(&self, name: String, text: Vec<u8>) -> Pending<()>;

    /// Reads every document whose name begins with `prefix`, in order.
    fn documents(&self, prefix: String) -> Pending<Vec<(String, Vec<u8>)>>;
}

/// An answer that is on its way.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Why an engine could not answer. Not a refusal: the command may be repeated with the same ids.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("the store is unavailable: {reason}")]
    Unavailable { reason: String },
    /// The queue of commands is full.
    #[error("too many commands wait")]
    Overloaded,
    #[error("the ledger is shutting down")]
    ShuttingDown,
    /// What was read is not what was written.
    #[error("record {record} is damaged: {reason}")]
    Damaged { record: String, reason: String },
    /// A defect of the rulebook; nothing was changed.
    #[error("the rulebook failed: {reason}")]
    Rulebook { reason: String },
}

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

/// What the rulebook says to a command, with the balances of the pools that it touched.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub outcome: Result<Answer, Refusal>,
    pub balances: Vec<Balance>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Reserve, Extend and `GetReservation`.
    Reservation(Reservation),
    /// Commit and Charge.
    Charged {
        reservation: Reservation,
        late: bool,
    },
    Released(Reservation),
    /// `GetBalance`, and verbs that have nothing more to say.
    Done,
    Account(AccountRecord),
    Grant(Grant),
    Revoked {
        grant: Grant,
        revoked: Amount,
    },
    Refunded(Vec<Amount>),
    Budget(Budget),
}

/// Why the rulebook did not do what a command asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// For business reasons: an answer to the caller.
    Denied(Denial),
    /// The command contradicts the state. `subject` names the budget or action at fault, or a limit, where there is one.
    Rejected { rejection: Rejection, subject: String },
    /// What the service built the command from is out of date: bring it up to date and repeat.
    Stale(Stale),
    /// More came due than one unit of work may settle: repeat.
    Again,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    pub reason: DenialReason,
    pub pool: Option<PoolName>,
    pub budget: Option<BudgetName>,
    pub required: Amount,
    pub available: Amount,
    pub held: Amount,
    pub reset: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    InsufficientCredits,
    BudgetExceeded,
    OverageLimit,
    NotInPlan,
    AccountSuspended,
}

/// A command that the state does not allow. The field named is what the rejection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    AccountNotFound,
    AccountExists,
    ReservationNotFound,
    /// The id was used for another request.
    ReservationExists,
    /// The reservation was committed.
    ReservationCommitted,
    ReservationReleased,
    ReservationExpired,
    /// The number of quantities is not the number of items.
    QuantityCount,
    /// A price times a quantity, or a balance, would pass 2^53-1.
    AmountOverflow,
    ExtendExists,
    GrantExists,
    GrantNotFound,
    /// A pool holds as many grants as it may.
    TooManyGrants,
    GrantExpired,
    RefundExists,
    /// More than what was charged and not yet refunded.
    RefundTooLarge,
    /// The reservation was not charged.
    NothingCharged,
    BudgetNotFound,
    /// The budget counts another pool.
    BudgetPool,
    PoolNotInPlan,
    /// The account does not live on a test clock.
    NoTestClock,
    ClockBackwards,
    /// More than the action allows in one reservation.
    QuantityTooLarge,
}

/// What is out of date.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stale {
    /// The account has another revision now, or is there (or not) against what was expected.
    pub account: bool,
    /// A waiting plan change is due.
    pub pending: bool,
    /// Pools whose cycle has ended.
    pub pools: Vec<Due<PoolName>>,
    /// Budgets whose cycle has ended.
    pub budgets: Vec<DueBudget>,
    /// The account's time.
    pub now: Millis,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Due<T> {
    pub name: T,
    pub number: u64,
    pub end: Millis,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DueBudget {
    pub name: BudgetName,
    pub number: u64,
    pub end: Millis,
    pub cycle: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AccountRecord {
    pub id: AccountId,
    pub revision: u64,
    pub status: Status,
    pub profile: Vec<u8>,
    pub test_clock: bool,
    /// The account's time.
    pub now: Millis,
    pub created: Millis,
    pub pending_at: Option<Millis>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reservation {
    pub id: ReservationId,
    pub state: ReservationState,
    pub items: Vec<ReservedItem>,
    pub budgets: Vec<BudgetName>,
    pub metadata: Labels,
    pub created: Millis,
    /// `None` for a charge, which never was a hold.
    pub expires: Option<Millis>,
    pub ended: Option<Millis>,
    pub final_unit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    Active,
    Committed,
    Released,
    Expired,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ReservedItem {
    pub action: ActionName,
    pub pool: PoolName,
    pub quantity: Amount,
    pub credits: Amount,
    pub duplicate: bool,
    pub subject: Option<Subject>,
    /// Once it ended with a charge.
    pub charge: Option<Charge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub quantity: Amount,
    pub credits: Amount,
    pub uncovered: Amount,
    pub overage: Amount,
    pub duplicate: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    pub pool: PoolName,
    pub kind: PoolKind,
    pub cap: Cap,
    pub state: BalanceState,
    pub allowance: Amount,
    pub consumed: Amount,
    pub held: Amount,
    pub available: Amount,
    pub remaining: Amount,
    pub purchased: Amount,
    pub overage: Amount,
    pub uncovered: Amount,
    pub lapsed: Amount,
    pub window: Window,
    /// `GetBalance`, Grant and Revoke only.
    pub grants: Vec<Grant>,
}

impl Balance {
    /// `consumed` / (`consumed` - `overage` + `remaining`) in percent (rule 12); 100 where that divides by nothing.
    pub fn used_percent(&self) -> f64 {
        let (consumed, overage, remaining) = (self.consumed.get(), self.overage.get(), self.remaining.get());
        let whole = consumed.saturating_sub(overage).saturating_add(remaining);
        match (consumed, whole) {
            (0, _) => 0.0,
            (_, 0) => 100.0,
            #[expect(clippy::cast_precision_loss, reason = "a figure for people; the rulebook compares whole numbers")]
            (consumed, whole) => consumed as f64 * 100.0 / whole as f64,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalanceState {
    Ok,
    Exhausted,
    Overage,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    pub id: GrantId,
    pub kind: GrantKind,
    pub amount: Amount,
    pub remaining: Amount,
    pub priority: u16,
    pub created: Millis,
    pub expires: Option<Millis>,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    pub name: BudgetName,
    pub pool: PoolName,
    pub limit: Amount,
    pub cap: Cap,
    pub cycle: String,
    pub consumed: Amount,
    pub held: Amount,
    pub window: Window,
}

/// One entry of the activity log, as the rulebook wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Ascending within the account.
    pub sequence: u64,
    pub time: Millis,
    pub kind: EntryKind,
    pub pool: Option<PoolName>,
    pub action: Option<ActionName>,
    pub credits: Amount,
    pub quantity: Amount,
    pub reservation: Option<ReservationId>,
    pub subject: Option<Subject>,
    pub duplicate: bool,
    pub dimensions: Labels,
    pub metadata: Labels,
    pub details: Labels,
    pub balance_after: Amount,
}

macro_rules! entry_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal;)*) => {
        /// What an entry of the activity log tells.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EntryKind {
            $($(#[$doc])* $name,)*
        }

        impl EntryKind {
            /// The number that the rulebook writes.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The name that people and programs read.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

entry_kinds! {
    Reserve = 1 "reserve";
    Commit = 2 "commit";
    Release = 3 "release";
    Expire = 4 "expire";
    Extend = 5 "extend";
    Charge = 6 "charge";
    Refund = 7 "refund";
    Grant = 8 "grant";
    Revoke = 9 "revoke";
    GrantExpired = 10 "grant_expired";
    Reset = 11 "reset";
    PlanChanged = 12 "plan_changed";
    ThresholdReached = 13 "threshold_reached";
    Exhausted = 14 "exhausted";
    Resumed = 15 "resumed";
    OverageStarted = 16 "overage_started";
    Denied = 17 "denied";
    /// What a hard cap that is not enforced yet would have refused (rule 18).
    WouldDeny = 18 "would_deny";
    BudgetChanged = 19 "budget_changed";
    AccountChanged = 20 "account_changed";
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
