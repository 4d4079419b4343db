//! What an action costs: a price, other prices for some values of a dimension, and the exact arithmetic (rule 2).

use crate::{
    amount::{Amount, InvalidAmount},
    terms::{Labels, Price, Round},
};

use super::{
    field::{Field, Mapping},
    keys,
    pattern::{PATTERN_MAX, Pattern},
    problem::Found,
};

/// Most prices by dimension of one action.
pub const DIMENSION_PRICES_MAX: usize = 256;
/// Longest name of a dimension, in bytes.
pub const DIMENSION_MAX: usize = 64;

const ROUNDS: [(&str, Round); 3] = [("up", Round::Up), ("down", Round::Down), ("started", Round::Started)];

/// The prices of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    pub base: Price,
    /// In the order of the file; the first that matches wins.
    pub by: Vec<DimensionPrice>,
}

/// A price that holds where a dimension has certain values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionPrice {
    pub dimension: String,
    pub pattern: Pattern,
    pub price: Price,
}

impl PriceList {
    /// The price for an item with these dimensions.
    pub fn for_dimensions(&self, dimensions: &Labels) -> Price {
        let holds = |by: &&DimensionPrice| dimensions.get(&by.dimension).is_some_and(|value| by.pattern.matches(value));
        self.by.iter().find(holds).map_or(self.base, |by| by.price)
    }

    /// Reads `1`, `free`, or `{credits: 1, per: 60, round: up, by: {model: {"large-*": 3}}}`.
    pub(super) fn read(field: &Field, found: &mut Found) -> Option<Self> {
        if !field.is_map() {
            return Some(Self { base: read_short(field, found, Amount::ONE, Round::Up)?, by: Vec::new() });
        }
        let mapping = field.mapping(found, &keys::PRICE)?;
        let base = read_terms(&mapping, found, Amount::ONE, Round::Up);
        // Prices by dimension are looked at although the base is wrong, to tell all problems at once.
        let (per, round) = base.map_or((Amount::ONE, Round::Up), |base| (base.per, base.round));
        let by = mapping.or("by", Vec::new(), |field| read_by(field, found, per, round));
        Some(Self { base: base?, by: by? })
    }
}

fn read_by(field: &Field, found: &mut Found, per: Amount, round: Round) -> Option<Vec<DimensionPrice>> {
    let mut by = Vec::new();
    for (dimension, field) in field.entries(found, DIMENSION_PRICES_MAX)? {
        if dimension.is_empty() || dimension.len() > DIMENSION_MAX {
            field.problem(found, format!("a dimension's name has 1 to {DIMENSION_MAX} bytes"));
        }
        for (pattern, field) in field.entries(found, DIMENSION_PRICES_MAX)? {
            let price = read_dimension(&field, found, per, round);
            let Some(pattern) = Pattern::parse(pattern) else {
                field.problem(found, format!("a pattern has 1 to {PATTERN_MAX} bytes, without control characters"));
                continue;
            };
            by.extend(price.map(|price| DimensionPrice { dimension: dimension.to_owned(), pattern, price }));
        }
    }
    if by.len() > DIMENSION_PRICES_MAX {
        field.problem(found, format!("has {} prices, the limit is {DIMENSION_PRICES_MAX}", by.len()));
        return None;
    }
    Some(by)
}

/// A number keeps `per` and `round` of the base; a mapping may change them.
fn read_dimension(field: &Field, found: &mut Found, per: Amount, round: Round) -> Option<Price> {
    if !field.is_map() {
        return read_short(field, found, per, round);
    }
    let mapping = field.mapping(found, &keys::DIMENSION_PRICE)?;
    read_terms(&mapping, found, per, round)
}

fn read_short(field: &Field, found: &mut Found, per: Amount, round: Round) -> Option<Price> {
    let credits = if field.scalar() == Some("free") { Some(Amount::ZERO) } else { field.amount(found) };
    Some(Price { credits: credits?, per, round })
}

fn read_terms(mapping: &Mapping, found: &mut Found, per: Amount, round: Round) -> Option<Price> {
    let credits = mapping.required(found, "credits").and_then(|field| field.amount(found));
    let per = mapping.or("per", per, |field| field.amount_above_zero(found));
    let round = mapping.or("round", round, |field| field.choice(found, &ROUNDS));
    Some(Price { credits: credits?, per: per?, round: round? })
}

impl Price {
    /// What a quantity costs, exact in 128 bits (rule 2): quantity × credits ÷ per, rounded up or down; `started` rounds
    /// quantity ÷ per up before it multiplies.
    pub fn cost(&self, quantity: Amount) -> Result<Amount, InvalidAmount> {
        let whole = u128::from(quantity.get()) * u128::from(self.credits.get());
        let per = u128::from(self.per.get().max(1));
        let cost = match self.round {
            Round::Up => whole.div_ceil(per),
            Round::Down => whole / per,
            Round::Started => u128::from(quantity.get()).div_ceil(per) * u128::from(self.credits.get()),
        };
        u64::try_from(cost).map_err(|_| InvalidAmount::TooLarge).and_then(Amount::new)
    }
}

#[cfg(test)]
mod tests {
    use crate::amount::AMOUNT_MAX;

    use super::*;

    fn cost(credits: u64, per: u64, round: Round, quantity: u64) -> Result<u64, InvalidAmount> {
        let amount = |number| Amount::new(number).unwrap();
        Price { credits: amount(credits), per: amount(per), round }.cost(amount(quantity)).map(Amount::get)
    }

    #[test]
    fn a_started_unit_counts_in_full_unless_rounded_down() {
        assert_eq!(cost(1, 60, Round::Up, 900), Ok(15));
        assert_eq!(cost(1, 60, Round::Up, 61), Ok(2));
        assert_eq!(cost(1, 60, Round::Down, 119), Ok(1));
        assert_eq!(cost(0, 1, Round::Up, AMOUNT_MAX), Ok(0));
    }

    #[test]
    fn a_started_minute_counts_as_a_minute_whatever_a_minute_costs() {
        assert_eq!(cost(10, 60, Round::Started, 60), Ok(10));
        assert_eq!(cost(10, 60, Round::Started, 61), Ok(20));
        assert_eq!(cost(10, 60, Round::Up, 61), Ok(11));
        assert_eq!(cost(10, 60, Round::Started, 0), Ok(0));
        assert_eq!(cost(AMOUNT_MAX, 2, Round::Started, 3), Err(InvalidAmount::TooLarge));
    }

    #[test]
    fn costs_are_exact_at_the_edge_of_what_an_amount_holds() {
        assert_eq!(cost(AMOUNT_MAX, AMOUNT_MAX, Round::Up, AMOUNT_MAX), Ok(AMOUNT_MAX));
        assert_eq!(cost(1, 1, Round::Up, AMOUNT_MAX), Ok(AMOUNT_MAX));
        assert_eq!(cost(AMOUNT_MAX - 1, AMOUNT_MAX, Round::Up, AMOUNT_MAX), Ok(AMOUNT_MAX - 1));
        assert_eq!(cost(2, 1, Round::Up, AMOUNT_MAX), Err(InvalidAmount::TooLarge));
        assert_eq!(cost(AMOUNT_MAX, 1, Round::Down, AMOUNT_MAX), Err(InvalidAmount::TooLarge));
    }
}
