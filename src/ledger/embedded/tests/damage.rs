//! What the engine makes of its files when the disk has cut or changed them. Real units of work are written, and what
//! the ledger shows is recorded after each; whatever is done to the files then, it shows one of these states or says
//! what is damaged. The store's own tests do the same below the rulebook.
//!
//! `STIPEND_CUTS=N` cuts at each of the last N bytes, `STIPEND_FLIPS=N` flips so many bits, `STIPEND_SEED=N` says which.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::{
    id::{BudgetName, ExtendId, GrantId, RefundId},
    ledger::{
        BudgetTerms, BudgetUse, Entry, Error, Extend, GrantCredits, GrantKind, Refund, Release,
        embedded::store::tests::{
            crash::{copy, segments},
            directory,
        },
    },
};

const ACCOUNTS: usize = 4;
/// The mark of a store that was closed: a frame without a body.
const CLOSE_MARK_BYTES: u64 = 36;
/// Begins no checkpoint here.
const AMPLE: usize = 64 * 1024 * 1024;

fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

fn accounts() -> impl Iterator<Item = AccountId> {
    (0..ACCOUNTS).map(|number| AccountId::parse(&format!("a{number}")).unwrap())
}

fn budget() -> BudgetTerms {
    BudgetTerms {
        name: BudgetName::parse("b").unwrap(),
        pool: pool(),
        limit: amount(50),
        cap: Cap::Hard,
        cycle: String::new(),
        window: Window { number: 0, start: Millis::new(START).unwrap(), end: None },
    }
}

fn hold(id: &str, quantity: u64, budgeted: bool) -> Reserve {
    let uses = BudgetUse { name: budget().name, template: None };
    Reserve {
        id: ReservationId::parse(id).unwrap(),
        fingerprint: Fingerprint(7),
        ttl: Duration::from_secs(3_600),
        items: vec![item(quantity)],
        budgets: if budgeted { vec![uses] } else { Vec::new() },
        metadata: Labels::from([("order".to_owned(), "x".repeat(40))]),
        dry_run: false,
    }
}

/// Every verb that changes something, each with ids of this round.
fn verbs(round: usize) -> Vec<Verb> {
    let id = |verb: &str| format!("{verb}{round}");
    let reservation = |verb: &str| ReservationId::parse(&id(verb)).unwrap();
    let fingerprint = Fingerprint(7);
    let grant = GrantCredits {
        pool: pool(),
        id: GrantId::parse(&id("g")).unwrap(),
        fingerprint,
        kind: GrantKind::TopUp,
        amount: amount(30),
        priority: 40,
        expires: None,
        note: "a top-up".to_owned(),
    };
    let extend = Extend {
        id: reservation("r"),
        extend_id: ExtendId::parse(&id("x")).unwrap(),
        fingerprint,
        quantities: vec![amount(1)],
        used: Vec::new(),
        ttl: None,
    };
    let commit = Commit { id: reservation("r"), fingerprint, quantities: vec![amount(4)], metadata: Labels::new() };
    let refund = Refund {
        id: RefundId::parse(&id("f")).unwrap(),
        fingerprint,
        reservation: reservation("c"),
        credits: vec![amount(1)],
        unmark: false,
        reason: "a gift".to_owned(),
    };
    vec![
        Verb::Grant(grant),
        Verb::Reserve(hold(&id("r"), 5, true)),
        Verb::Extend(extend),
        Verb::Charge(hold(&id("c"), 3, false)),
        Verb::Reserve(hold(&id("s"), 2, false)),
        Verb::Commit(commit),
        Verb::Release(Release { id: reservation("s"), fingerprint, reason: "not needed".to_owned() }),
        Verb::Reserve(hold(&id("o"), 1, true)),
        Verb::Refund(refund),
    ]
}

/// Commands to every account in turn.
fn script(rounds: std::ops::Range<usize>) -> Vec<Command> {
    let mut all = Vec::new();
    for round in rounds {
        if round == 0 {
            all.extend([Verb::PutAccount(opening()), Verb::PutBudget(budget())]);
        }
        all.extend(verbs(round));
    }
    let to_each = |verb: Verb| accounts().map(move |account| Command { account, revision: None, verb: verb.clone() });
    all.into_iter().flat_map(to_each).collect()
}

/// All that the ledger shows of one account.
#[derive(Debug, Clone, PartialEq)]
struct View {
    account: Reply,
    balance: Reply,
    reservations: Vec<Reply>,
    budgets: Vec<Reply>,
    activity: Vec<Entry>,
}

async fn view(engine: &Engine, account: &AccountId) -> Result<View, Error> {
    let ask = |verb| engine.apply(Command { account: account.clone(), revision: None, verb });
    let mut reservations = Vec::new();
    for id in engine.reservations(account.clone(), None, 1_000).await? {
        reservations.push(ask(Verb::GetReservation { id }).await?);
    }
    let mut budgets = Vec::new();
    for name in engine.budgets(account.clone(), None, 1_000).await? {
        budgets.push(ask(Verb::GetBudget { name }).await?);
    }
    Ok(View {
        account: ask(Verb::GetAccount).await?,
        balance: ask(Verb::GetBalance { pools: vec![pool()] }).await?,
        reservations,
        budgets,
        activity: engine.activity(account.clone(), None, 10_000).await?,
    })
}

async fn views(engine: &Engine) -> Vec<Result<View, Error>> {
    let mut views = Vec::new();
    for account in accounts() {
        views.push(view(engine, &account).await);
    }
    views
}

async fn whole_views(engine: &Engine) -> Vec<View> {
    views(engine).await.into_iter().map(Result::unwrap).collect()
}

fn open(dir: &Path, checkpoint_bytes: usize) -> Result<Engine, Error> {
    let clock = Arc::new(ManualClock::at(Millis::new(START).unwrap()));
    Engine::open(dir, Options { checkpoint_bytes, ..Options::default() }, clock)
}

/// What was asked, answered and shown, unit by unit.
#[derive(Default)]
struct Recording {
    commands: Vec<Command>,
    replies: Vec<Reply>,
    /// After no unit, after the first, and so on.
    states: Vec<Vec<View>>,
    /// Bytes in the log after each.
    ends: Vec<u64>,
}

impl Recording {
    async fn play(&mut self, engine: &Engine, dir: &Path, commands: Vec<Command>) {
        if self.states.is_empty() {
            self.note(engine, dir).await;
        }
        for command in commands {
            let reply = engine.apply(command.clone()).await.unwrap();
            assert!(reply.outcome.is_ok(), "{command:?}: {reply:?}");
            self.commands.push(command);
            self.replies.push(reply);
            self.note(engine, dir).await;
        }
    }

    async fn note(&mut self, engine: &Engine, dir: &Path) {
        self.states.push(whole_views(engine).await);
        self.ends.push(segments(dir).iter().map(|path| fs::metadata(path).unwrap().len()).sum());
    }

    fn units(&self) -> usize {
        self.commands.len()
    }
}

#[tokio::test]
async fn a_log_cut_at_any_byte_shows_exactly_the_units_that_are_whole() {
    let dir = directory();
    let engine = open(dir.path(), AMPLE).unwrap();
    let mut recording = Recording::default();
    recording.play(&engine, dir.path(), script(0..2)).await;
    engine.close().await.unwrap();
    let path = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&path).unwrap();
    let last = recording.ends[recording.units()];
    assert_eq!(whole.len() as u64, last + CLOSE_MARK_BYTES);
    let count = from_env("STIPEND_CUTS").unwrap_or(600).min(last - recording.ends[0]);
    for len in (last - count..=last).rev() {
        fs::write(&path, &whole[..usize::try_from(len).unwrap()]).unwrap();
        let engine = open(dir.path(), AMPLE).unwrap();
        let units = recording.ends.iter().filter(|end| **end <= len).count() - 1;
        let shown = whole_views(&engine).await;
        assert!(shown == recording.states[units], "cut at {len}: not the state after {units} units");
        // It goes on there, as if the rest had never been asked for.
        if len % 8 == 0 && units < recording.units() {
            let reply = engine.apply(recording.commands[units].clone()).await.unwrap();
            assert_eq!(reply, recording.replies[units], "cut at {len}");
            let shown = whole_views(&engine).await;
            assert!(shown == recording.states[units + 1], "cut at {len}, and gone on");
        }
        engine.close().await.unwrap();
    }
}

/// A database that was opened twice again: it has tables, several segments, and a log behind the checkpoint.
async fn recorded(dir: &Path) -> Recording {
    let mut recording = Recording::default();
    for (rounds, checkpoint_bytes) in [(0..3, AMPLE), (3..5, 64 * 1024), (5..6, AMPLE)] {
        let engine = open(dir, checkpoint_bytes).unwrap();
        recording.play(&engine, dir, script(rounds)).await;
        engine.close().await.unwrap();
    }
    recording
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
}

/// Any byte of any file: each file as likely as the others, or each byte.
fn place(random: &mut StdRng, paths: &[PathBuf]) -> (usize, u64) {
    // The journal that fjall keeps is 64 MiB of nothing, of which only the first are ever read.
    let sizes: Vec<u64> = paths.iter().map(|path| fs::metadata(path).unwrap().len().min(64 * 1024)).collect();
    if random.random() {
        let file = random.random_range(0..paths.len());
        return (file, random.random_range(0..sizes[file]));
    }
    let mut at = random.random_range(0..sizes.iter().sum::<u64>());
    for (file, size) in sizes.iter().enumerate() {
        if at < *size {
            return (file, at);
        }
        at -= size;
    }
    unreachable!("the place lies in one of the files")
}

fn flip(path: &Path, at: u64, bit: u8) {
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
}

#[derive(Debug, Default)]
struct Outcomes {
    /// The byte is of no use to anybody any more.
    harmless: usize,
    /// The last unit of a process that was killed: it looks like what the crash left of it.
    cut: usize,
    /// It does not open.
    refused: usize,
    /// It opens, and refuses what is damaged.
    refused_in_part: usize,
}

fn names_the_damage(error: &Error) -> bool {
    match error {
        Error::Damaged { record, reason } => !record.is_empty() && !reason.is_empty(),
        Error::Unavailable { reason } => reason.contains("FORMAT is damaged") || reason.contains("newer release"),
        Error::Overloaded | Error::ShuttingDown | Error::Rulebook { .. } => false,
    }
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_refused_by_name_and_never_served() {
    let seed = from_env("STIPEND_SEED").unwrap_or(3);
    let flips = from_env("STIPEND_FLIPS").unwrap_or(400);
    let closed = directory();
    let recording = recorded(closed.path()).await;
    let killed = directory();
    copy(closed.path(), killed.path());
    let last = segments(killed.path()).pop().unwrap();
    let len = fs::metadata(&last).unwrap().len() - CLOSE_MARK_BYTES;
    fs::File::options().write(true).open(&last).unwrap().set_len(len).unwrap();
    let last_unit = len - (recording.ends[recording.units()] - recording.ends[recording.units() - 1]);

    let random = &mut StdRng::seed_from_u64(seed);
    let mut outcomes = [Outcomes::default(), Outcomes::default()];
    for number in 0..flips {
        let was_killed = number % 2 == 1;
        let image = if was_killed { killed.path() } else { closed.path() };
        let mut paths = Vec::new();
        files(image, &mut paths);
        let (file, at) = place(random, &paths);
        let bit = random.random_range(0..8);
        let relative = paths[file].strip_prefix(image).unwrap();
        let what = format!("seed {seed}, flip {number}: bit {bit} of byte {at} of {}", relative.display());
        let damaged = directory();
        copy(image, damaged.path());
        flip(&damaged.path().join(relative), at, bit);
        let in_last_unit = was_killed && paths[file] == last && at >= last_unit;
        let outcomes = &mut outcomes[usize::from(was_killed)];
        let engine = match open(damaged.path(), AMPLE) {
            Ok(engine) => engine,
            Err(error) => {
                assert!(names_the_damage(&error), "{what}: {error}");
                outcomes.refused += 1;
                continue;
            }
        };
        let shown = views(&engine).await;
        let after = |units: usize| {
            shown.iter().zip(&recording.states[units]).all(|(shown, expected)| match shown {
                Ok(shown) => shown == expected,
                Err(error) => names_the_damage(error),
            })
        };
        if after(recording.units()) {
            if shown.iter().all(Result::is_ok) { outcomes.harmless += 1 } else { outcomes.refused_in_part += 1 }
        } else {
            assert!(in_last_unit && after(recording.units() - 1), "{what}: it was never so: {shown:#?}");
            outcomes.cut += 1;
        }
        let _ = engine.close().await;
    }
    println!("{flips} flips; closed: {:?}; killed: {:?}", outcomes[0], outcomes[1]);
    let [closed, killed] = outcomes;
    assert!(closed.refused + closed.refused_in_part > 0 && killed.refused + killed.refused_in_part > 0);
    assert_eq!(closed.cut, 0);
}
