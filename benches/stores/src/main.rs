//! Compares candidates for the embedded store under the ledger's way of writing. The answer it gave, and what followed
//! from it, is in `docs/decisions/001-embedded-store.md`.
//!
//! An operation is what a Reserve writes: one account-pool record (150 B, among hot or spread accounts), one new
//! reservation (400 B), one index entry (20 B), one outbox entry (150 B). A batch is committed as one unit.
//! CPU is the process's, threads of the store included; bytes are what the process caused to be written.

mod damage;
mod subjects;

use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};

use subjects::{Change, Subject, Sync, open};

const STORES: [&str; 5] = ["redb", "fjall", "sqlite", "log", "hybrid"];
const BATCHES: [usize; 4] = [1, 16, 64, 256];
const SYNCS: [Sync; 3] = [Sync::Every, Sync::Interval, Sync::Never];
const HOT_ACCOUNTS: u64 = 10_000;
const SPREAD_ACCOUNTS: u64 = 1_000_000;
const SHORT: Duration = Duration::from_millis(700);
const LONG: Duration = Duration::from_secs(8);
const COLD_READS: u32 = 20_000;

fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    if only == ["damage"] {
        return damage::compare();
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    println!("## {HOT_ACCOUNTS} hot accounts, {SHORT:?} a cell\n");
    println!("| store | sync | batch | ops/s | µs CPU/op | p50 ms/batch | p99 ms/batch | bytes/op |");
    println!("| --- | --- | --: | --: | --: | --: | --: | --: |");
    for sync in SYNCS {
        for store in STORES.into_iter().filter(|name| wanted(name)) {
            for batch in BATCHES {
                let dir = tempfile::tempdir_in(".").expect("a directory");
                let mut subject = open(store, dir.path(), sync);
                let run = drive(&mut *subject, batch, HOT_ACCOUNTS, SHORT);
                println!("| {store} | {sync:?} | {batch} | {run} |");
                let _ = std::io::stdout().flush();
            }
        }
    }
    println!("\n## {SPREAD_ACCOUNTS} accounts loaded before, batches of 256, {LONG:?} a cell\n");
    println!(
        "| store | sync | ops/s | µs CPU/op | p50 ms/batch | p99 ms/batch | bytes/op | slowest batch ms | µs a cold read | disk MB | start ms |"
    );
    println!("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    for sync in [Sync::Every, Sync::Never] {
        for store in STORES.into_iter().filter(|name| wanted(name)) {
            let dir = tempfile::tempdir_in(".").expect("a directory");
            let mut subject = open(store, dir.path(), Sync::Never);
            load(&mut *subject);
            drop(subject);
            let mut subject = open(store, dir.path(), sync);
            let run = drive(&mut *subject, 256, SPREAD_ACCOUNTS, LONG);
            let cold = cold_reads(&*subject);
            drop(subject);
            let disk = disk_bytes(dir.path()) / 1_000_000;
            let start = Instant::now();
            let subject = open(store, dir.path(), sync);
            let start = start.elapsed().as_millis();
            drop(subject);
            println!("| {store} | {sync:?} | {run} | {:.1} | {cold:.1} | {disk} | {start} |", run.slowest_ms());
            let _ = std::io::stdout().flush();
        }
    }
    damage::compare();
}

struct Run {
    operations: u64,
    wall: Duration,
    cpu: Duration,
    batches: Vec<Duration>,
    written: u64,
}

impl Run {
    fn slowest_ms(&self) -> f64 {
        self.batches.last().map_or(0.0, Duration::as_secs_f64) * 1e3
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operations = self.operations as f64;
        let at = |share: f64| self.batches[((self.batches.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        write!(
            f,
            "{:.0} | {:.1} | {:.3} | {:.3} | {:.0}",
            operations / self.wall.as_secs_f64(),
            self.cpu.as_secs_f64() * 1e6 / operations,
            at(0.5),
            at(0.99),
            self.written as f64 / operations,
        )
    }
}

fn drive(subject: &mut dyn Subject, batch: usize, accounts: u64, time: Duration) -> Run {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sequence = 0;
    let mut batches = Vec::new();
    let (cpu, written, start) = (cpu(), written(), Instant::now());
    while start.elapsed() < time {
        let changes: Vec<Change> = (0..batch).flat_map(|_| operation(&mut random, &mut sequence, accounts)).collect();
        let began = Instant::now();
        subject.commit(&changes);
        batches.push(began.elapsed());
    }
    let wall = start.elapsed();
    let run = Run { operations: sequence, wall, cpu: self::cpu() - cpu, written: self::written() - written, batches };
    let mut run = run;
    run.batches.sort_unstable();
    run
}

fn operation(random: &mut Random, sequence: &mut u64, accounts: u64) -> [Change; 4] {
    *sequence += 1;
    let account = random.next() % accounts;
    let reservation = random.next();
    [
        (format!("a/{account:08}/p").into_bytes(), random.bytes(150)),
        (format!("a/{account:08}/r/{reservation:016x}").into_bytes(), random.bytes(400)),
        (format!("due/{:013}/{account:08}", *sequence).into_bytes(), random.bytes(20)),
        (format!("out/{:016}", *sequence).into_bytes(), random.bytes(150)),
    ]
}

fn load(subject: &mut dyn Subject) {
    let mut random = Random(7);
    let mut changes = Vec::new();
    for account in 0..SPREAD_ACCOUNTS {
        changes.push((format!("a/{account:08}/p").into_bytes(), random.bytes(150)));
        if changes.len() == 10_000 {
            subject.commit(&changes);
            changes.clear();
        }
    }
}

fn cold_reads(subject: &dyn Subject) -> f64 {
    let mut random = Random(11);
    let start = Instant::now();
    for _ in 0..COLD_READS {
        let key = format!("a/{:08}/p", random.next() % SPREAD_ACCOUNTS);
        assert!(subject.get(key.as_bytes()), "{key} is lost");
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(COLD_READS)
}

/// xorshift: the same keys for everybody.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Half of them do not compress.
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![b'x'; len];
        for chunk in bytes[..len / 2].chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        bytes
    }
}

fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("/proc is there");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a stat line").split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks");
    Duration::from_millis(ticks * 10)
}

fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").expect("/proc is there");
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).expect("write_bytes");
    line.parse().expect("a number")
}

fn disk_bytes(dir: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("metadata");
        bytes += if meta.is_dir() { disk_bytes(&entry.path()) } else { meta.blocks() * 512 };
    }
    bytes
}
