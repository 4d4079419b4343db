//! The names of things: validated once at the edge, trusted everywhere inside. What they mean is their owners' business.

use std::{borrow::Borrow, fmt, sync::Arc};

/// Longest id, in bytes.
pub const ID_MAX: usize = 128;
/// Longest subject, in bytes.
pub const SUBJECT_MAX: usize = 256;

/// An id that does not have the form that ids have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("must not be empty")]
    Empty,
    #[error("is {len} bytes long, the limit is {max}")]
    TooLong { len: usize, max: usize },
    #[error("must match [A-Za-z0-9][A-Za-z0-9._:@/-]*")]
    Form,
    #[error("must not hold control characters")]
    Control,
}

fn check_id(text: &str) -> Result<(), InvalidId> {
    let bytes = text.as_bytes();
    match bytes {
        [] => Err(InvalidId::Empty),
        _ if bytes.len() > ID_MAX => Err(InvalidId::TooLong { len: bytes.len(), max: ID_MAX }),
        [first, rest @ ..] => {
            let tail = |b: &u8| b.is_ascii_alphanumeric() || b"._:@/-".contains(b);
            if first.is_ascii_alphanumeric() && rest.iter().all(tail) { Ok(()) } else { Err(InvalidId::Form) }
        }
    }
}

fn check_name(text: &str) -> Result<(), InvalidId> {
    // Names of a catalog may begin with and contain underscores: `ai_reply`.
    let bytes = text.as_bytes();
    match bytes {
        [] => Err(InvalidId::Empty),
        _ if bytes.len() > 64 => Err(InvalidId::TooLong { len: bytes.len(), max: 64 }),
        _ if bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"._:@/-".contains(b)) => Ok(()),
        _ => Err(InvalidId::Form),
    }
}

fn check_subject(text: &str) -> Result<(), InvalidId> {
    match text.len() {
        0 => Err(InvalidId::Empty),
        len if len > SUBJECT_MAX => Err(InvalidId::TooLong { len, max: SUBJECT_MAX }),
        _ if text.chars().any(char::is_control) => Err(InvalidId::Control),
        _ => Ok(()),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident by $check:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text that has the form.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                $check(text)?;
                Ok(Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    )*};
}

ids! {
    /// The customer whose credits are spent.
    AccountId by check_id;
    /// A hold on credits, unique within its account.
    ReservationId by check_id;
    /// One grant of credits, unique within its account.
    GrantId by check_id;
    /// One refund, unique within its account.
    RefundId by check_id;
    /// One extension of a reservation, unique within it.
    ExtendId by check_id;
    /// A named sub-limit of an account.
    BudgetName by check_id;
    /// One kind of credit, named by a catalog.
    PoolName by check_name;
    /// Something chargeable, named by a catalog.
    ActionName by check_name;
    /// A plan, named by a catalog.
    PlanName by check_name;
    /// A catalog.
    CatalogName by check_name;
    /// A version of a catalog.
    CatalogVersion by check_name;
    /// What a unique charge is counted by.
    Subject by check_subject;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_has_the_form_of_the_contract() {
        for good in ["a", "A9", "acme.corp:eu@1/x-y_z".replace('_', "-").as_str(), &"x".repeat(128)] {
            assert!(AccountId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "a b", "ä", "a\0", "{a}", &"x".repeat(129)] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }
}
