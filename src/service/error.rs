//! Why a request failed, in words that do not depend on a wire: `api` turns them into statuses.

use std::fmt;

/// A failed request: a stable reason, a sentence for people, the ids at fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub reason: Reason,
    pub message: String,
    /// Such as `account` → `acme`, `field` → `items[0].quantity`.
    pub ids: Vec<(&'static str, String)>,
}

impl Error {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), ids: Vec::new() }
    }

    /// A field of the request that is not as it must be; the problem names the limit.
    pub fn invalid(field: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self::new(Reason::InvalidArgument, format!("{field}: {problem}")).with("field", field)
    }

    /// Names an id at fault.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.ids.push((key, value.to_string()));
        self
    }
}

/// What sort of failure a reason is; each wire has its codes for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    ResourceExhausted,
    Unavailable,
    Internal,
    DataLoss,
    Unimplemented,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $text:literal $kind:ident;)*) => {
        /// Every reason for which a request fails. Stable: clients match on the text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$name => Kind::$kind,)*
                }
            }
        }
    };
}

reasons! {
    /// A field is not as it must be; `field` names it.
    InvalidArgument "INVALID_ARGUMENT" InvalidArgument;
    UnknownAction "UNKNOWN_ACTION" InvalidArgument;
    UnknownPool "UNKNOWN_POOL" InvalidArgument;
    UnknownPlan "UNKNOWN_PLAN" InvalidArgument;
    UnknownCatalog "UNKNOWN_CATALOG" InvalidArgument;
    AmountOverflow "AMOUNT_OVERFLOW" InvalidArgument;
    /// More than the catalog allows in one reservation.
    QuantityTooLarge "QUANTITY_TOO_LARGE" InvalidArgument;
    /// The number of quantities is not the number of items.
    QuantityCount "QUANTITY_COUNT" InvalidArgument;
    AccountNotFound "ACCOUNT_NOT_FOUND" NotFound;
    ReservationNotFound "RESERVATION_NOT_FOUND" NotFound;
    BudgetNotFound "BUDGET_NOT_FOUND" NotFound;
    GrantNotFound "GRANT_NOT_FOUND" NotFound;
    CatalogNotFound "CATALOG_NOT_FOUND" NotFound;
    /// The id was used for another request; one reason per kind of id.
    ReservationExists "RESERVATION_EXISTS" AlreadyExists;
    ExtendExists "EXTEND_EXISTS" AlreadyExists;
    GrantExists "GRANT_EXISTS" AlreadyExists;
    RefundExists "REFUND_EXISTS" AlreadyExists;
    ReservationCommitted "RESERVATION_COMMITTED" FailedPrecondition;
    ReservationReleased "RESERVATION_RELEASED" FailedPrecondition;
    ReservationExpired "RESERVATION_EXPIRED" FailedPrecondition;
    RefundTooLarge "REFUND_TOO_LARGE" FailedPrecondition;
    NothingCharged "NOTHING_CHARGED" FailedPrecondition;
    TooManyGrants "TOO_MANY_GRANTS" FailedPrecondition;
    GrantExpired "GRANT_EXPIRED" FailedPrecondition;
    PoolNotInPlan "POOL_NOT_IN_PLAN" FailedPrecondition;
    BudgetPool "BUDGET_POOL" FailedPrecondition;
    NoTestClock "NO_TEST_CLOCK" FailedPrecondition;
    ClockBackwards "CLOCK_BACKWARDS" FailedPrecondition;
    /// A field of an account that is set at creation only.
    Immutable "IMMUTABLE" FailedPrecondition;
    /// The catalog version that the account stays on is not loaded.
    CatalogMissing "CATALOG_MISSING" FailedPrecondition;
    /// A catalog version that is known with other content.
    CatalogRefused "CATALOG_REFUSED" FailedPrecondition;
    Overloaded "OVERLOADED" ResourceExhausted;
    StoreUnavailable "STORE_UNAVAILABLE" Unavailable;
    ShuttingDown "SHUTTING_DOWN" Unavailable;
    /// The account kept changing under the request; repeat it.
    Contended "CONTENDED" Unavailable;
    RecordDamaged "RECORD_DAMAGED" DataLoss;
    Internal "INTERNAL" Internal;
    Unimplemented "UNIMPLEMENTED" Unimplemented;
}
