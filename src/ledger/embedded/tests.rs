//! The engine by itself: commands through the rulebook into the store and back. The rules are tested through the public
//! API; here is what only the engine can show.

mod damage;

use std::{sync::Arc, time::Duration};

use super::{Engine, Options};
use crate::{
    amount::Amount,
    clock::{Clock, ManualClock, Millis},
    id::{AccountId, ActionName, PoolName, ReservationId},
    ledger::{
        Answer, Balance, Cap, Command, Commit, Fingerprint, Item, Labels, Ledger, OnExpiry, Once, PoolKind, PoolTerms,
        Price, PutAccount, Refusal, Reply, Reserve, Round, Status, Verb, Window,
    },
};

const START: u64 = 1_800_000_000_000;

fn amount(value: u64) -> Amount {
    Amount::new(value).unwrap()
}

fn account() -> AccountId {
    AccountId::parse("acme").unwrap()
}

fn pool() -> PoolName {
    PoolName::parse("ai_credits").unwrap()
}

/// An account with 100 credits that never start afresh.
fn opening() -> PutAccount {
    let window = Window { number: 0, start: Millis::new(START).unwrap(), end: None };
    PutAccount {
        status: Status::Active,
        test_clock: None,
        profile: b"profile".to_vec(),
        pending_at: None,
        expected: None,
        pools: vec![PoolTerms {
            pool: pool(),
            kind: PoolKind::Credits,
            cap: Cap::Hard,
            allowance: amount(100),
            overage_limit: None,
            enforce_from: None,
            alerts: vec![80, 100],
            rollover: None,
            window,
        }],
    }
}

fn item(quantity: u64) -> Item {
    Item {
        action: ActionName::parse("ai_reply").unwrap(),
        pool: pool(),
        in_plan: true,
        quantity: amount(quantity),
        min_quantity: Amount::ZERO,
        price: Price { credits: Amount::ONE, per: Amount::ONE, round: Round::Up },
        once: Once::EveryTime,
        subject: None,
        on_expiry: OnExpiry::Release,
        max_quantity: None,
        dimensions: Labels::new(),
    }
}

struct World {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    engine: Engine,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Millis::new(START).unwrap()));
        let engine = Engine::open(dir.path(), Options::default(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let world = Self { dir, clock, engine };
        let reply = world.ask(Verb::PutAccount(opening())).await;
        assert!(matches!(reply.outcome, Ok(Answer::Account(_))), "{reply:?}");
        world
    }

    async fn reopen(mut self) -> Self {
        self.engine.close().await.unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        self.engine = Engine::open(self.dir.path(), Options::default(), clock).unwrap();
        self
    }

    async fn ask(&self, verb: Verb) -> Reply {
        self.engine.apply(Command { account: account(), revision: None, verb }).await.unwrap()
    }

    async fn reserve(&self, id: &str, quantity: u64) -> Reply {
        self.ask(Verb::Reserve(Reserve {
            id: ReservationId::parse(id).unwrap(),
            fingerprint: Fingerprint(u128::from(quantity)),
            ttl: Duration::from_secs(60),
            items: vec![item(quantity)],
            budgets: Vec::new(),
            metadata: Labels::new(),
            dry_run: false,
        }))
        .await
    }

    async fn commit(&self, id: &str) -> Reply {
        let id = ReservationId::parse(id).unwrap();
        let commit = Commit { id, fingerprint: Fingerprint(1), quantities: Vec::new(), metadata: Labels::new() };
        self.ask(Verb::Commit(commit)).await
    }

    async fn balance(&self) -> Balance {
        let reply = self.ask(Verb::GetBalance { pools: vec![pool()] }).await;
        assert_eq!(reply.outcome, Ok(Answer::Done));
        reply.balances[0].clone()
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let world = World::new().await;
    let granted = world.reserve("r1", 60).await;
    assert!(matches!(granted.outcome, Ok(Answer::Reservation(_))), "{granted:?}");
    let denied = world.reserve("r2", 41).await;
    assert!(matches!(denied.outcome, Err(Refusal::Denied(_))), "{denied:?}");
    let world = world.reopen().await;
    assert_eq!(world.balance().await.held, amount(60));
    assert_eq!(world.reserve("r1", 60).await, granted, "a retry gets the same answer");
    let charged = world.commit("r1").await;
    let world = world.reopen().await;
    assert_eq!(world.commit("r1").await, charged);
    let balance = world.balance().await;
    assert_eq!((balance.consumed, balance.held, balance.available), (amount(60), amount(0), amount(40)));
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_hold_that_expired_is_free_at_once_and_its_commit_is_late() {
    let world = World::new().await;
    world.reserve("r1", 100).await;
    world.clock.set(Millis::new(START + 60_000).unwrap());
    assert_eq!(world.balance().await.available, amount(100));
    assert!(matches!(world.commit("r1").await.outcome, Ok(Answer::Charged { late: true, .. })));
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn answers_are_forgotten_after_the_retention_and_not_because_the_clock_leapt() {
    let world = World::new().await;
    world.reserve("r1", 10).await;
    world.commit("r1").await;
    world.clock.set(Millis::new(START + 25 * 3_600_000).unwrap());
    world.reserve("r2", 1).await;
    assert!(matches!(world.commit("r1").await.outcome, Ok(Answer::Charged { late: false, .. })));
    world.engine.close().await.unwrap();
}
