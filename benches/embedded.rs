//! Measures the embedded ledger by itself: reserve+commit pairs through the service, and the rulebook's time per command
//! by the size of a unit of work. `cargo bench --bench embedded` prints tables; the network is not in these figures.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use stipend::{
    amount::Amount,
    catalog::Catalog,
    clock::SystemClock,
    id::{AccountId, ActionName, PlanName, ReservationId},
    ledger::{
        Labels,
        embedded::{Engine, Options, store::Durability},
    },
    service::{
        Service,
        request::{AccountDraft, Commit, Item, Reserve},
    },
};
use tokio::task::JoinSet;

const CATALOG: &str = "
catalog: bench
version: '1'
pools: {ai_credits: {title: AI Credits}}
actions: {ai_reply: {pool: ai_credits, price: {credits: 1, per: 1}}}
plans: {plan: {cycle: 1 month, pools: {ai_credits: {allowance: 1000000000000}}}}
";
/// How long each figure is measured for, after a warm-up of a fifth of it.
const SPAN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bench {
    service: Arc<Service>,
    engine: Engine,
    accounts: Vec<AccountId>,
}

impl Bench {
    async fn open(dir: &Path, durability: Durability, accounts: usize) -> Self {
        let clock = Arc::new(SystemClock);
        let options = Options { durability, ..Options::default() };
        let engine = Engine::open(dir, options, clock.clone()).expect("a fresh directory opens");
        let catalog = Catalog::parse(CATALOG).expect("the bench's catalog is valid");
        let service = Service::start(Arc::new(engine.clone()), clock, vec![catalog]).await.expect("the service starts");
        let service = Arc::new(service);
        let accounts: Vec<_> =
            (0..accounts).map(|n| AccountId::parse(&format!("account-{n}")).expect("an id")).collect();
        let mut puts = JoinSet::new();
        for account in &accounts {
            let (service, draft) = (Arc::clone(&service), draft(account));
            puts.spawn(async move { service.put_account(draft).await.expect("an account is put") });
            if puts.len() >= 256 {
                puts.join_next().await;
            }
        }
        while puts.join_next().await.is_some() {}
        Self { service, engine, accounts }
    }

    async fn reserve(&self, n: usize) {
        let item = Item {
            action: ActionName::parse("ai_reply").expect("a name"),
            quantity: Amount::ONE,
            min_quantity: Amount::ZERO,
            subject: None,
            dimensions: Labels::new(),
        };
        let request = Reserve {
            account: self.accounts[n % self.accounts.len()].clone(),
            id: Some(id(n)),
            items: vec![item],
            ttl: None,
            budgets: Vec::new(),
            metadata: Labels::new(),
            dry_run: false,
        };
        self.service.reserve(request).await.expect("a reserve is answered");
    }

    async fn commit(&self, n: usize) {
        let account = self.accounts[n % self.accounts.len()].clone();
        let request = Commit { account, id: id(n), quantities: Vec::new(), metadata: Labels::new() };
        self.service.commit(request).await.expect("a commit is answered");
    }
}

fn id(n: usize) -> ReservationId {
    ReservationId::parse(&format!("r{n}")).expect("an id")
}

fn draft(id: &AccountId) -> AccountDraft {
    AccountDraft {
        id: id.clone(),
        catalog: None,
        plan: Some(PlanName::parse("plan").expect("a name")),
        version: None,
        anchor: None,
        time_zone: None,
        status: None,
        labels: Labels::new(),
        notify: Vec::new(),
        overrides: BTreeMap::new(),
        test_clock: None,
    }
}

/// Pairs per second, and latencies of a pair, with so many callers in a closed loop.
async fn pairs(bench: &Arc<Bench>, in_flight: usize, next: &Arc<AtomicUsize>) -> (f64, Duration, Duration) {
    let begin = Instant::now();
    let (warm, end) = (begin + SPAN / 5, begin + SPAN / 5 + SPAN);
    let mut callers = JoinSet::new();
    for _ in 0..in_flight {
        let (bench, next) = (Arc::clone(bench), Arc::clone(next));
        callers.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let since = Instant::now();
                if since >= end {
                    return latencies;
                }
                bench.reserve(n).await;
                bench.commit(n).await;
                if since >= warm {
                    latencies.push(since.elapsed());
                }
            }
        });
    }
    let mut all = Vec::new();
    while let Some(latencies) = callers.join_next().await {
        all.extend(latencies.expect("a caller ends"));
    }
    all.sort_unstable();
    let at = |part: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into the sorted latencies"
        )]
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 samples")]
        let index = (all.len() as f64 * part) as usize;
        all[index.min(all.len() - 1)]
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 samples")]
    let rate = all.len() as f64 / SPAN.as_secs_f64();
    (rate, at(0.50), at(0.99))
}

async fn measure_pairs(durability: Durability, name: &str, accounts: usize) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let bench = Arc::new(Bench::open(dir.path(), durability, accounts).await);
    let next = Arc::new(AtomicUsize::new(0));
    for in_flight in [1, 64, 1024] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(pairs(&bench, in_flight, &next).await);
        }
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (rate, p50, p99) = rounds[ROUNDS / 2];
        let (low, high) = (rounds[0].0, rounds[ROUNDS - 1].0);
        println!(
            "| {name} | {accounts} | {in_flight} | {rate:.0} ({low:.0} to {high:.0}) | {:.2} | {:.2} |",
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3
        );
    }
    bench.engine.close().await.expect("the engine closes");
}

/// Microseconds of rulebook per command when units of work have this size.
async fn measure_rules(accounts: usize) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let bench = Bench::open(dir.path(), Durability::None, accounts).await;
    let mut next = 0;
    for size in [1, 16, 256] {
        for (verb, reserving) in [("Reserve", true), ("Commit", false)] {
            let (first, units) = (if reserving { next } else { next - 20_000 / size * size }, 20_000 / size);
            let before = bench.engine.stats();
            for unit in 0..units {
                let calls = (0..size).map(|k| {
                    let n = first + unit * size + k;
                    let bench = &bench;
                    async move { if reserving { bench.reserve(n).await } else { bench.commit(n).await } }
                });
                futures_util::future::join_all(calls).await;
            }
            if reserving {
                next += units * size;
            }
            let after = bench.engine.stats();
            #[expect(clippy::cast_precision_loss, reason = "some ten thousand commands")]
            let (commands, units) = ((after.commands - before.commands) as f64, (after.units - before.units) as f64);
            println!(
                "| {verb} | {accounts} | {size} | {:.1} | {:.2} | {:.2} |",
                commands / units,
                after.rules.saturating_sub(before.rules).as_secs_f64() * 1e6 / commands,
                after.store.saturating_sub(before.store).as_secs_f64() * 1e6 / commands,
            );
        }
    }
    bench.engine.close().await.expect("the engine closes");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("\nRulebook, microseconds per command (durability none)\n");
    println!(
        "| verb | accounts | asked at once | commands per unit | rules µs | store µs |\n|---|---|---|---|---|---|"
    );
    for accounts in [1, 10_000] {
        measure_rules(accounts).await;
    }
    println!("\nReserve+commit pairs through the service, median of {ROUNDS} rounds of {SPAN:?} (min to max)\n");
    println!("| durability | accounts | in flight | pairs/s | p50 ms | p99 ms |\n|---|---|---|---|---|---|");
    for (durability, name) in [
        (Durability::Fsync, "fsync"),
        (Durability::Interval(Duration::from_millis(100)), "interval"),
        (Durability::None, "none"),
    ] {
        measure_pairs(durability, name, 10_000).await;
    }
}
