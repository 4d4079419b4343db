//! What each candidate does when one bit of what it wrote last has changed and the process was killed.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::{
    Random, operation,
    subjects::{Sync, open},
};

const BATCHES: usize = 100;
const FLIPS: u64 = 60;

/// The file that takes the writes first.
const FILES: [(&str, &str); 4] =
    [("redb", "redb"), ("fjall", "0.jnl"), ("sqlite", "sqlite-wal"), ("hybrid", "log/0000000001.log")];

pub fn compare() {
    println!("\n## One bit flipped in the first half of what was written, then a start; {FLIPS} times\n");
    println!("| store | started whole | refused to start or to read | started with acknowledged batches missing |");
    println!("| --- | --: | --: | --: |");
    std::panic::set_hook(Box::new(|_| {}));
    for (store, file) in FILES {
        let dir = directory();
        let mut subject = open(store, dir.path(), Sync::Every);
        let (mut random, mut sequence) = (Random(3), 0);
        let mut keys = Vec::new();
        for _ in 0..BATCHES {
            let changes: Vec<_> = (0..4).flat_map(|_| operation(&mut random, &mut sequence, 1_000)).collect();
            subject.commit(&changes);
            keys.extend(changes.into_iter().map(|(key, _)| key));
        }
        let used = used(&fs::read(dir.path().join(file)).expect("the file is there"));
        let (mut whole, mut refused, mut missing) = (0, 0, 0);
        for flip in 0..FLIPS {
            let copied = directory();
            copy(dir.path(), copied.path());
            let path = copied.path().join(file);
            let mut bytes = fs::read(&path).expect("the file is there");
            bytes[(used / 2 * flip / FLIPS) as usize] ^= 1 << (flip % 8);
            fs::write(&path, bytes).expect("the file is written");
            match catch_unwind(AssertUnwindSafe(|| {
                let subject = open(store, copied.path(), Sync::Every);
                keys.iter().all(|key| subject.get(key))
            })) {
                Ok(true) => whole += 1,
                Ok(false) => missing += 1,
                Err(_) => refused += 1,
            }
        }
        println!("| {store} | {whole} | {refused} | {missing} |");
    }
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Without the zeros at the end.
fn used(bytes: &[u8]) -> u64 {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
