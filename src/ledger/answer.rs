//! What the rulebook answers. A refusal is not a failure: it is what the ledger has to say.

use super::{Cap, GrantKind, Labels, PoolKind, Status, Window};
use crate::{
    amount::Amount,
    clock::Millis,
    id::{AccountId, ActionName, BudgetName, GrantId, PoolName, ReservationId, Subject},
};

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
