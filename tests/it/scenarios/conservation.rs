//! Rule 22: granted = remaining + (consumed − overage) + lapsed, held = the open holds, at every moment.

use std::collections::HashMap;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::harness::prelude::*;

/// What was granted to a pool in its cycle, by the equation.
async fn granted(a: &Account, pool: &str) -> i64 {
    let balance = a.balance(pool).await;
    balance.remaining + (balance.consumed - balance.overage) + balance.lapsed
}

#[tokio::test]
async fn rule_22_every_credit_is_remaining_consumed_or_lapsed() {
    let a = open("hard").clock("2025-01-01T00:00:00Z").await;
    assert_eq!(granted(&a, "credits").await, 10);
    a.grant("credits", "top", 5).done().await;
    a.grant("credits", "promo", 7).kind(Kind::Promo).expires("2025-01-02T00:00:00Z").done().await;
    assert_eq!(granted(&a, "credits").await, 22);
    a.charge("c1", [item("reply", 11)]).granted().await;
    a.reserve("r1", [item("reply", 2)]).granted().await;
    assert_eq!(granted(&a, "credits").await, 22);
    a.advance("2025-01-02T00:00:00Z").done().await;
    a.revoke("credits", "top").done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.remaining + balance.lapsed), (11, 11));
    assert_eq!(granted(&a, "credits").await, 22);
    a.refund("f1", "c1").credits(&[3]).done().await;
    assert_eq!(granted(&a, "credits").await, 22);
    a.check_conservation().await;
}

#[tokio::test]
async fn rule_22_overage_is_the_part_of_consumed_that_no_grant_covered() {
    let a = open("soft").await;
    a.charge("c1", [item("reply", 14)]).granted().await;
    assert_eq!(granted(&a, "credits").await, 10);
    a.grant("credits", "top", 5).done().await;
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.overage, balance.remaining), (14, 4, 5), "overage is not paid back");
    assert_eq!(granted(&a, "credits").await, 15);
    a.check_conservation().await;
}

/// Random verbs on one account; what is expected follows from their answers alone.
struct Player {
    a: Account,
    name: String,
    random: StdRng,
    /// Open holds with their credits.
    open: HashMap<String, i64>,
    charged: i64,
    bought: i64,
    next: u32,
}

impl Player {
    fn new(a: Account, name: &str, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { a, name: name.into(), random, open: HashMap::new(), charged: 0, bought: 0, next: 0 }
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("{}-{}", self.name, self.next)
    }

    fn some_open(&mut self) -> Option<String> {
        let mut open: Vec<&String> = self.open.keys().collect();
        open.sort();
        open.choose(&mut self.random).map(|id| (*id).clone())
    }

    async fn step(&mut self) {
        let quantity = self.random.random_range(1..8);
        match self.random.random_range(0..10) {
            0..=3 => {
                let id = self.id();
                let reserve = self.a.reserve(&id, [item("reply", quantity)]).ttl(86_400);
                if let Ok(held) = reserve.decided().await {
                    self.open.insert(id, held.items[0].credits);
                }
            }
            4 | 5 => {
                let Some(id) = self.some_open() else { return };
                let actual = self.random.random_range(0..12);
                let charge = self.a.commit(&id).quantities(&[actual]).done().await.charges.remove(0);
                let held = self.open.remove(&id).expect("it was open");
                assert_eq!(charge.credits + charge.uncovered, actual);
                assert!(charge.credits >= actual.min(held), "a hold keeps its promise");
                self.charged += charge.credits;
            }
            6 => {
                let Some(id) = self.some_open() else { return };
                self.a.release(&id).done().await;
                self.open.remove(&id);
            }
            7 => {
                let Some(id) = self.some_open() else { return };
                let extend_id = self.id();
                if let Ok(held) = self.a.extend(&id, &extend_id).more(&[quantity]).decided().await {
                    self.open.insert(id, held.items[0].credits);
                }
            }
            8 => {
                let id = self.id();
                let charge = self.a.charge(&id, [item("reply", quantity)]);
                if let Ok(charged) = charge.decided().await {
                    let back = self.random.random_range(0..=charged.charges[0].credits);
                    self.a.refund(&id, &id).credits(&[back]).done().await;
                    self.charged += charged.charges[0].credits - back;
                }
            }
            _ => {
                let id = self.id();
                self.a.grant("credits", &id, quantity).done().await;
                self.bought += quantity;
            }
        }
    }
}

#[tokio::test]
async fn rule_22_random_verbs_conserve_every_credit_at_every_step() {
    for seed in [1, 2, 3] {
        let mut player = Player::new(open("hundred").await, "p", seed);
        for step in 0..150 {
            player.step().await;
            let balance = player.a.balance("credits").await;
            let expected = (player.charged, player.open.values().sum::<i64>(), 100 + player.bought - player.charged);
            let seen = (balance.consumed, balance.held, balance.remaining);
            assert_eq!(seen, expected, "seed {seed}, step {step}");
            player.a.check_conservation().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_22_random_verbs_of_16_callers_at_once_conserve_every_credit() {
    let a = open("hundred").await;
    let players = (0..16).map(|n| {
        let mut player = Player::new(a.through(a.stipend.clone()), &format!("p{n}"), 100 + n);
        async move {
            for _ in 0..40 {
                player.step().await;
            }
            player.a.check_conservation_later();
            (player.charged, player.open.values().sum::<i64>(), player.bought)
        }
    });
    let sums = race(players.collect::<Vec<_>>()).await;
    let sum = |of: fn(&(i64, i64, i64)) -> i64| sums.iter().map(of).sum::<i64>();
    let (charged, held, bought) = (sum(|s| s.0), sum(|s| s.1), sum(|s| s.2));
    let balance = a.balance("credits").await;
    assert_eq!((balance.consumed, balance.held, balance.remaining), (charged, held, 100 + bought - charged));
    a.check_conservation().await;
}
