//! Issue of trust number one: the real binary is killed under load again and again, and nothing acknowledged is lost,
//! nothing invented. `STIPEND_KILLS=N` says how often; `STIPEND_SEED=N` repeats what callers ask for.
//!
//! `ledger` keeps what was asked and answered, `load` asks, `audit` compares after each start. A kill spares what the
//! machine has in memory: the loss of power is the engine's own tests' business, which cut its files at every byte.

mod audit;
mod ledger;
mod load;

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use tokio::task::JoinSet;

use self::{
    audit::{Audit, Tally},
    ledger::{Asked, Book, Request},
};
use crate::harness::world::{Own, own};

/// Accounts at a time; a worn one is replaced.
const ACCOUNTS: usize = 240;
/// Accounts that the callers of one round share.
const TARGETS: usize = 40;
const CALLERS: usize = 32;
/// Changes that wear an account out.
const CHANGES_MAX: usize = 250;
/// Accounts that are audited at a time.
const AUDITS: usize = 16;
/// Bytes that begin a checkpoint, from start to start: with few, most kills fall into one, and most starts write one.
const CHECKPOINT_BYTES: [usize; 4] = [65_536, 65_536, 262_144, NO_CHECKPOINT];
const NO_CHECKPOINT: usize = 64 * 1024 * 1024;

/// Kills of a usual run, and most answers before each; a run of more kills has more load.
const KILLS: usize = 5;
const ANSWERS_MAX: usize = 300;
const ANSWERS_MAX_OF_LONG: usize = 1_500;
/// Longest wait for answers.
const PATIENCE: Duration = Duration::from_secs(60);

fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// How a round ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Kill,
    /// SIGTERM, under load too.
    Stop,
}

/// Where the kills fell, told from the log.
#[derive(Debug, Default)]
struct Report {
    kills: usize,
    stops: usize,
    in_checkpoint: usize,
    starting: usize,
    in_replay: usize,
    in_checkpoint_of_replay: usize,
    tally: Tally,
}

struct Trial {
    own: Own,
    random: StdRng,
    /// Most answers before the end of a round.
    answers_max: usize,
    /// Accounts in use, and all the others.
    books: Vec<Book>,
    worn: Vec<Book>,
    report: Report,
}

impl Trial {
    async fn begin(seed: u64, answers_max: usize) -> Self {
        let mut own = own();
        own.server.kill();
        let mut trial = Self {
            own,
            random: StdRng::seed_from_u64(seed),
            answers_max,
            books: Vec::new(),
            worn: Vec::new(),
            report: Report::default(),
        };
        trial.start_again(NO_CHECKPOINT);
        let stipend = trial.own.stipend();
        let mut puts = JoinSet::new();
        for number in 0..ACCOUNTS {
            let account = load::account(format!("a{number:03}"), number);
            let put = stipend.call(stipend::proto::v1::PutAccountRequest { account: Some(account.clone()) });
            trial.books.push(Book::of(&account));
            puts.spawn(put.lane(number).done());
        }
        puts.join_all().await;
        trial
    }

    fn start_again(&mut self, checkpoint_bytes: usize) {
        let more =
            ["--log", "stipend=debug,warn", "--checkpoint-bytes", &checkpoint_bytes.to_string()].map(String::from);
        self.own.server.say(more.into());
        self.own.server.start_again();
    }

    /// Load, an end at a random moment, starts that are killed too, and the audit.
    async fn round(&mut self, number: usize, end: End) {
        self.books.shuffle(&mut self.random);
        let stipend = self.own.stipend();
        let targets: Vec<&Book> = self.books.iter().take(TARGETS).collect();
        let seed = self.random.random();
        let load = load::start(&stipend, &format!("r{number}"), seed, CALLERS, &targets);
        let answers = self.random.random_range(0..self.answers_max);
        let deadline = Instant::now() + PATIENCE;
        while load.answers() < answers {
            assert!(Instant::now() < deadline, "only {} answers in {PATIENCE:?}", load.answers());
            tokio::time::sleep(Duration::from_micros(self.random.random_range(100..2_000))).await;
        }
        match end {
            End::Kill => {
                self.own.server.kill();
                self.report.kills += 1;
                self.report.in_checkpoint += usize::from(self.last_said() == Some(Said::CheckpointBegins));
            }
            End::Stop => {
                let status = self.own.server.terminate().await;
                assert!(status.success(), "the server ended with {status} on SIGTERM");
                self.report.stops += 1;
            }
        }
        let asked = load.end().await;
        while self.random.random_ratio(1, 3) {
            self.kill_while_starting();
        }
        let checkpoint_bytes = *CHECKPOINT_BYTES.choose(&mut self.random).expect("there are some");
        self.start_again(checkpoint_bytes);
        self.audit(asked).await;
    }

    fn kill_while_starting(&mut self) {
        let after = Duration::from_micros(self.random.random_range(500..60_000));
        self.own.server.kill_while_starting(after);
        self.report.kills += 1;
        self.report.starting += 1;
        self.report.in_replay += usize::from(self.last_said() == Some(Said::ReplayBegins));
        self.report.in_checkpoint_of_replay += usize::from(self.last_said() == Some(Said::CheckpointOfReplay));
    }

    /// Audits every account that something was asked of.
    async fn audit(&mut self, asked: Vec<Asked>) {
        let mut by_account: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
        for asked in asked {
            if let Request::PutAccount(request) = &asked.request {
                self.books.push(Book::of(request.account.as_ref().expect("an account")));
            }
            by_account.entry(asked.request.account().to_owned()).or_default().push(asked);
        }
        let (touched, untouched) =
            std::mem::take(&mut self.books).into_iter().partition(|book| by_account.contains_key(&book.account));
        self.books = untouched;
        let mut waiting: Vec<Book> = touched;
        let mut audits = JoinSet::new();
        let stipend = self.own.stipend();
        loop {
            while audits.len() < AUDITS
                && let Some(book) = waiting.pop()
            {
                let asked = by_account.remove(&book.account).unwrap_or_default();
                audits.spawn(Audit::new(stipend.clone(), waiting.len(), book).run(asked));
            }
            let Some(audited) = audits.join_next().await else { break };
            let (book, tally) = audited.expect("an audit that finds nothing wrong");
            self.report.tally.add(tally);
            if book.changes < CHANGES_MAX { self.books.push(book) } else { self.worn.push(book) }
        }
        assert!(by_account.is_empty(), "asked of accounts that nobody knows: {by_account:?}");
    }

    /// Every account that there ever was, once more.
    async fn finish(mut self) -> Report {
        let stipend = self.own.stipend();
        self.books.append(&mut self.worn);
        for (lane, book) in self.books.into_iter().enumerate() {
            Audit::new(stipend.clone(), lane, book).check_exactly().await;
        }
        self.report
    }

    /// What the store said last, which tells what it was doing.
    fn last_said(&self) -> Option<Said> {
        let log = fs::read_to_string(self.own.server.log()).expect("the server has a log");
        log.lines().rev().find_map(Said::of)
    }
}

/// What the store says in its log of where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    ReplayBegins,
    CheckpointOfReplay,
    Replayed,
    CheckpointBegins,
    CheckpointWritten,
}

impl Said {
    fn of(line: &str) -> Option<Self> {
        [
            ("the replay of the log begins", Self::ReplayBegins),
            ("a checkpoint begins within the replay", Self::CheckpointOfReplay),
            ("the log is replayed", Self::Replayed),
            ("a checkpoint begins", Self::CheckpointBegins),
            ("the checkpoint is written", Self::CheckpointWritten),
        ]
        .into_iter()
        .find_map(|(text, said)| line.contains(text).then_some(said))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_again_and_again_under_load_loses_and_invents_nothing() {
    let kills = from_env("STIPEND_KILLS").map_or(KILLS, |kills| usize::try_from(kills).expect("a number of kills"));
    let seed = from_env("STIPEND_SEED").unwrap_or_else(rand::random);
    println!("STIPEND_SEED={seed}");
    let answers_max = if kills > KILLS { ANSWERS_MAX_OF_LONG } else { ANSWERS_MAX };
    let mut trial = Trial::begin(seed, answers_max).await;
    let mut round = 0;
    while trial.report.kills < kills {
        let end = if round % 5 == 3 { End::Stop } else { End::Kill };
        trial.round(round, end).await;
        round += 1;
    }
    let report = trial.finish().await;
    println!("{report:#?}");
    assert!(report.tally.acknowledged > 0, "the load must have begun");
}

/// The proof of the proof: a log that has lost its end is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_notices_acknowledged_changes_that_are_gone() {
    let mut trial = Trial::begin(7, ANSWERS_MAX).await;
    let log = trial.own.home().join("data/log/0000000001.log");
    let bytes = || fs::metadata(&log).expect("the log is there").len();
    let before = bytes();
    let stipend = trial.own.stipend();
    let targets: Vec<&Book> = trial.books.iter().take(TARGETS).collect();
    let load = load::start(&stipend, "lost", 7, CALLERS, &targets);
    while load.answers() < 100 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    trial.own.server.kill();
    let asked = load.end().await;
    // As if the later half of what was asked had never been written; no more than a third of it was not answered.
    let cut = before + (bytes() - before) / 2;
    let file = fs::File::options().write(true).open(&log).expect("the log is there");
    file.set_len(cut).expect("a file can be cut");
    trial.start_again(NO_CHECKPOINT);
    let audited = tokio::spawn(async move { trial.audit(asked).await }).await;
    assert!(audited.is_err_and(|error| error.is_panic()), "nobody noticed");
}
