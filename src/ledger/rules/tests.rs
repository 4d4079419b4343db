//! The rulebook's arithmetic against 128-bit integers.

use mlua::{Function, Lua, Table};
use proptest::prelude::*;

use crate::{
    amount::{AMOUNT_MAX, Amount},
    terms::{Price, Round},
};

use super::FILES;

/// `arith.lua`, called with numbers as the wire brings them.
struct Arith {
    lua: Lua,
    module: Table,
}

impl Arith {
    fn new() -> Self {
        let lua = Lua::new();
        let (_, source) = FILES.iter().find(|(name, _)| *name == "arith").unwrap();
        let module = lua.load(*source).eval().unwrap();
        Self { lua, module }
    }

    #[expect(clippy::cast_precision_loss, reason = "amounts are exact in a Lua number")]
    fn price(&self, price: Price) -> Table {
        let table = self.lua.create_table().unwrap();
        table.set("credits", price.credits.get() as f64).unwrap();
        table.set("per", price.per.get() as f64).unwrap();
        let round = match price.round {
            Round::Up => 0,
            Round::Down => 1,
            Round::Started => 2,
        };
        table.set("round", round).unwrap();
        table
    }

    #[expect(clippy::cast_precision_loss, reason = "amounts are exact in a Lua number")]
    fn cost(&self, price: Price, quantity: u64) -> Option<u64> {
        let cost: Function = self.module.get("cost").unwrap();
        cost.call::<Option<f64>>((self.price(price), quantity as f64)).unwrap().map(whole)
    }

    #[expect(clippy::cast_precision_loss, reason = "amounts are exact in a Lua number")]
    fn affordable(&self, price: Price, credits: u64, most: u64) -> u64 {
        let affordable: Function = self.module.get("affordable").unwrap();
        whole(affordable.call((self.price(price), credits as f64, most as f64)).unwrap())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a whole number from 0")]
fn whole(number: f64) -> u64 {
    assert!(number >= 0.0 && number.fract() == 0.0, "{number}");
    number as u64
}

fn cost(price: Price, quantity: u64) -> Option<u64> {
    price.cost(Amount::new(quantity).unwrap()).ok().map(Amount::get)
}

/// Small ones, those of any size by their bits, and those at the end of what an amount holds.
fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..200, (0u32..53).prop_flat_map(|bits| 0..(1u64 << bits)), AMOUNT_MAX - 3..=AMOUNT_MAX]
}

fn prices() -> impl Strategy<Value = Price> {
    let rounds = prop::sample::select(vec![Round::Up, Round::Down, Round::Started]);
    (amounts(), amounts(), rounds).prop_map(|(credits, per, round)| Price {
        credits: Amount::new(credits).unwrap(),
        per: Amount::new(per.max(1)).unwrap(),
        round,
    })
}

#[test]
fn the_rulebook_prices_as_128_bit_integers_do() {
    let arith = Arith::new();
    let config = ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(price in prices(), quantity in amounts())| {
        prop_assert_eq!(arith.cost(price, quantity), cost(price, quantity));
    });
}

#[test]
fn what_is_affordable_is_the_largest_quantity_that_credits_cover() {
    let arith = Arith::new();
    let config = ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(price in prices(), credits in amounts(), most in amounts())| {
        let quantity = arith.affordable(price, credits, most);
        prop_assert!(quantity <= most);
        prop_assert!(cost(price, quantity).is_some_and(|cost| cost <= credits), "{quantity} is covered");
        let more = quantity < most && cost(price, quantity + 1).is_some_and(|cost| cost <= credits);
        prop_assert!(!more, "one more than {quantity} is covered too");
    });
}
