//! The audit over records of the engine's own making, as they are and with one number changed.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Audit, Auditor, Report};
use crate::{
    amount::Amount,
    clock::{Clock, ManualClock, Millis},
    id::{AccountId, ActionName, BudgetName, PoolName, ReservationId},
    ledger::{
        BudgetTerms, BudgetUse, Cap, Command, Commit, Fingerprint, Item, Kept, Labels, Ledger, OnExpiry, Once,
        PoolKind, PoolTerms, Price, PutAccount, Reserve, Round, Status, Verb, Window,
        embedded::{Engine, Options},
    },
};

const START: u64 = 1_800_000_000_000;

fn amount(value: u64) -> Amount {
    Amount::new(value).unwrap()
}

fn window() -> Window {
    Window { number: 0, start: Millis::new(START).unwrap(), end: None }
}

fn pool(name: &str, kind: PoolKind) -> PoolTerms {
    PoolTerms {
        pool: PoolName::parse(name).unwrap(),
        kind,
        cap: Cap::Hard,
        allowance: amount(100),
        overage_limit: None,
        enforce_from: None,
        alerts: vec![80, 100],
        rollover: None,
        window: window(),
    }
}

fn reserve(id: &str, pool: &str, quantity: u64) -> Verb {
    let item = Item {
        action: ActionName::parse("use").unwrap(),
        pool: PoolName::parse(pool).unwrap(),
        in_plan: true,
        quantity: amount(quantity),
        min_quantity: Amount::ZERO,
        price: Price { credits: Amount::ONE, per: Amount::ONE, round: Round::Up },
        once: Once::EveryTime,
        subject: None,
        on_expiry: OnExpiry::Release,
        max_quantity: None,
        dimensions: Labels::new(),
    };
    let name = BudgetName::parse("team").unwrap();
    let template = BudgetTerms {
        name: name.clone(),
        pool: PoolName::parse("credits").unwrap(),
        limit: amount(1_000),
        cap: Cap::Hard,
        cycle: String::new(),
        window: window(),
    };
    Verb::Reserve(Reserve {
        id: ReservationId::parse(id).unwrap(),
        fingerprint: Fingerprint(1),
        ttl: Duration::from_secs(60),
        items: vec![item],
        budgets: vec![BudgetUse { name, template: Some(template) }],
        metadata: Labels::new(),
        dry_run: false,
    })
}

fn commit(id: &str) -> Verb {
    let id = ReservationId::parse(id).unwrap();
    Verb::Commit(Commit { id, fingerprint: Fingerprint(1), quantities: Vec::new(), metadata: Labels::new() })
}

/// An account with open and committed holds in a pool, a budget and a pool of capacity.
async fn account(dir: &std::path::Path) -> Engine {
    let clock = Arc::new(ManualClock::at(Millis::new(START).unwrap()));
    let engine = Engine::open(dir, Options::default(), clock as Arc<dyn Clock>).unwrap();
    let put = Verb::PutAccount(PutAccount {
        status: Status::Active,
        test_clock: None,
        profile: b"profile".to_vec(),
        pending_at: None,
        expected: None,
        pools: vec![pool("credits", PoolKind::Credits), pool("seats", PoolKind::Capacity)],
    });
    let verbs = [
        put,
        reserve("spent", "credits", 30),
        commit("spent"),
        reserve("open", "credits", 20),
        reserve("seat", "seats", 3),
        commit("seat"),
    ];
    for verb in verbs {
        let account = AccountId::parse("acme").unwrap();
        engine.apply(Command { account, revision: None, verb }).await.unwrap().outcome.unwrap();
    }
    engine
}

async fn pieces(engine: &Engine) -> Vec<Kept> {
    let mut snapshot = engine.snapshot().await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = snapshot.next(3).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

fn audit(pieces: &[Kept]) -> Report {
    let mut auditor = Auditor::default();
    for piece in pieces {
        auditor.take(piece);
    }
    auditor.finish()
}

/// The pieces with the record of a field changed.
fn changed(pieces: &[Kept], wanted: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<Kept> {
    let mut pieces = pieces.to_vec();
    let records = pieces.iter_mut().filter_map(|piece| match piece {
        Kept::Record { record, .. } if record.field == wanted => Some(record),
        Kept::Document { .. } | Kept::Record { .. } | Kept::Hold { .. } | Kept::Entry { .. } => None,
    });
    for record in records {
        let mut bytes = record.bytes.to_vec();
        change(&mut bytes);
        record.bytes = Bytes::from(bytes);
    }
    pieces
}

#[tokio::test]
async fn what_the_engine_keeps_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    let engine = account(dir.path()).await;
    let report = audit(&pieces(&engine).await);
    assert_eq!(report.found, [], "{report:?}");
    let counted = (report.accounts, report.pools, report.budgets, report.reservations, report.open_holds);
    assert_eq!(counted, (1, 2, 1, 3, 1));
    assert!(report.entries >= 6, "{report:?}");
    let mut steps = Audit::begin(&engine).await.unwrap();
    while steps.step().await.unwrap() {}
    assert_eq!(steps.finish(), report);
    engine.close().await.unwrap();
}

/// Adds one to a number of eight bytes.
fn bump(at: usize) -> impl Fn(&mut Vec<u8>) {
    move |bytes| bytes[at] = bytes[at].wrapping_add(1)
}

#[tokio::test]
async fn every_number_of_a_sum_is_missed_when_it_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let engine = account(dir.path()).await;
    let pieces = pieces(&engine).await;
    // Behind format, flags, terms (64 bytes) and times come granted, consumed, held, overage, uncovered, lapsed.
    let counters = 4 + 8 + 8 + 8 + 8 + 2 + 4 * 8;
    for (name, at) in [("granted", 0), ("consumed", 8), ("held", 16), ("overage", 24), ("lapsed", 40)] {
        let report = audit(&changed(&pieces, "p:credits", bump(counters + at)));
        assert_eq!(report.differences, 1, "{name}: {report:?}");
        assert_eq!(report.found[0].place, "pool credits", "{name}");
    }
    let seats = audit(&changed(&pieces, "p:seats", bump(counters + 8)));
    assert!(seats.found[0].text.contains("reservations occupy 3"), "{seats:?}");
    let budget = audit(&changed(&pieces, "b:team", |bytes| {
        let held = bytes.len() - 16;
        bytes[held] += 1;
    }));
    assert_eq!((budget.differences, budget.found[0].place.as_str()), (1, "budget team"), "{budget:?}");
    engine.close().await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let engine = account(dir.path()).await;
    let pieces = pieces(&engine).await;
    let without = |missing: &dyn Fn(&Kept) -> bool| {
        audit(&pieces.iter().filter(|piece| !missing(piece)).cloned().collect::<Vec<_>>())
    };
    let field = |wanted: &'static str| move |piece: &Kept| matches!(piece, Kept::Record { record, .. } if record.field == wanted);
    let places = |report: &Report| report.found.iter().map(|found| found.place.clone()).collect::<Vec<_>>();
    assert_eq!(places(&without(&field("a"))), ["reservation open", "account"]);
    assert_eq!(places(&without(&|piece| matches!(piece, Kept::Hold { .. }))), ["reservation open"]);
    assert_eq!(places(&without(&field("r:open"))), ["reservation open", "answers", "pool credits", "budget team"]);
    assert_eq!(places(&without(&field("q:spent"))), ["answers"]);
    assert_eq!(places(&without(&field("p:seats"))), ["pool seats"]);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_record_that_is_cut_anywhere_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let engine = account(dir.path()).await;
    let pieces = pieces(&engine).await;
    for field in ["a", "i", "p:credits", "b:team", "r:open", "q:open"] {
        let mut len = 0;
        for piece in &pieces {
            if let Kept::Record { record, .. } = piece
                && record.field == field
            {
                len = record.bytes.len();
            }
        }
        for cut in 0..len {
            let report = audit(&changed(&pieces, field, |bytes| bytes.truncate(cut)));
            assert!(!report.is_clean(), "{field} cut to {cut} of {len} bytes goes unnoticed");
        }
    }
    engine.close().await.unwrap();
}
