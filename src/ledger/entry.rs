//! What the activity log holds: one entry per change, and for what changed nothing but should be seen (rule 20).

use std::fmt;

use super::Labels;
use crate::{
    amount::Amount,
    clock::Millis,
    id::{ActionName, PoolName, ReservationId, Subject},
};

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
