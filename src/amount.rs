//! Credits and quantities: whole numbers that every engine, Lua included, holds exactly (rule 1).

use std::fmt;

/// Largest amount, 2^53-1: the largest whole number below which every number is exact in a Lua number.
pub const AMOUNT_MAX: u64 = (1 << 53) - 1;

/// A number of credits or units, 0 to 2^53-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(u64);

/// A number that is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAmount {
    #[error("must not be negative")]
    Negative,
    #[error("is above the limit of 2^53-1 (9007199254740991)")]
    TooLarge,
}

impl Amount {
    pub const ZERO: Self = Self(0);
    pub const ONE: Self = Self(1);
    pub const MAX: Self = Self(AMOUNT_MAX);

    /// Takes a number from 0 to 2^53-1.
    pub const fn new(value: u64) -> Result<Self, InvalidAmount> {
        if value > AMOUNT_MAX { Err(InvalidAmount::TooLarge) } else { Ok(Self(value)) }
    }

    /// Takes a signed number, as protos carry them.
    pub const fn from_i64(value: i64) -> Result<Self, InvalidAmount> {
        if value < 0 { Err(InvalidAmount::Negative) } else { Self::new(value.unsigned_abs()) }
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same number as protos carry it; never overflows, by the type's bound.
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_end_at_two_to_the_53_minus_one() {
        assert_eq!(Amount::new(9_007_199_254_740_991).map(Amount::get), Ok(AMOUNT_MAX));
        assert_eq!(Amount::new(9_007_199_254_740_992), Err(InvalidAmount::TooLarge));
        assert_eq!(Amount::from_i64(-1), Err(InvalidAmount::Negative));
    }
}
