//! What a crash leaves behind: logs cut anywhere, and the directory as it was at every step.

use std::{os::unix::fs::MetadataExt, path::PathBuf};

use super::*;

/// Copies what a killed process leaves: what it wrote, whether synced or not.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() == "0.jnl" {
            // 64 MiB of nothing, of which no byte is allocated as long as nothing is written to it.
            let journal = entry.metadata().unwrap();
            assert_eq!(journal.blocks(), 0, "fjall's journal is in use");
            fs::File::create(target).unwrap().set_len(journal.len()).unwrap();
        } else if let Err(error) = fs::copy(entry.path(), &target) {
            // A segment or table that was removed while the directory was read.
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}

/// The files of the log, oldest first.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Commits batch `n` for each `n`: it sets `last` and a record of its own.
pub fn commit(store: &mut Store, numbers: std::ops::RangeInclusive<u32>) {
    for n in numbers {
        let mut batch = put("last", &n.to_string());
        batch.put(format!("record {n:04}").into_bytes(), vec![b'v'; usize::try_from(n % 50).unwrap()]);
        store.commit(&batch).unwrap();
    }
}

/// How many batches are there, having made sure that they are a prefix and whole.
pub fn prefix(store: &Store) -> u32 {
    let last = text(store, "last").map_or(0, |last| last.parse().unwrap());
    let records = store.scan(b"record", b"recore", usize::MAX, false).unwrap();
    let expected = (1..=last)
        .map(|n| (format!("record {n:04}").into_bytes(), Bytes::from(vec![b'v'; usize::try_from(n % 50).unwrap()])));
    assert!(records.into_iter().eq(expected), "not a prefix of {last} batches");
    last
}

/// Drops the store as a kill would: nothing is synced or marked.
pub fn kill(mut store: Store) {
    store.closed = true;
}

#[test]
fn a_log_cut_at_any_byte_gives_a_prefix_of_whole_batches() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=30);
    kill(store);
    let path = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&path).unwrap();
    let mut seen = 30;
    // The last six batches, then steps towards the beginning.
    for len in (whole.len() - 900..=whole.len()).rev().chain((0..whole.len() - 900).rev().step_by(97)) {
        fs::write(&path, &whole[..len]).unwrap();
        let mut store = Store::open(dir.path(), small()).unwrap();
        let found = prefix(&store);
        assert!(found <= seen && found + 1 >= seen || len < whole.len() - 900, "{found} after {seen} at {len}");
        seen = found;
        assert_eq!(store.recovered().batches, u64::from(found));
        // It goes on where it was cut.
        commit(&mut store, found + 1..=found + 1);
        kill(store);
        let store = Store::open(dir.path(), small()).unwrap();
        assert_eq!(prefix(&store), found + 1);
        kill(store);
    }
}

#[test]
fn a_tail_of_zeros_or_garbage_is_cut_off() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=5);
    kill(store);
    let path = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&path).unwrap();
    for tail in [vec![0; 5000], vec![0xf5; 77], b"garbage".to_vec(), whole[32..].to_vec()] {
        fs::write(&path, [&whole[..], &tail[..]].concat()).unwrap();
        let store = Store::open(dir.path(), small()).unwrap();
        assert_eq!(prefix(&store), 5);
        assert_eq!(store.recovered().cut_bytes, tail.len() as u64);
        kill(store);
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn a_hole_that_no_sync_covered_is_where_the_log_ends() {
    let dir = directory();
    let mut store = Store::open(dir.path(), Options { durability: Durability::None, ..small() }).unwrap();
    let mut ends = Vec::new();
    for n in 1..=10 {
        commit(&mut store, n..=n);
        ends.push(usize::try_from(store.log.bytes()).unwrap());
    }
    kill(store);
    // The loss of power: the page with batch 6 never reached the disk, those after it did.
    let path = segments(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[4]..ends[5]].fill(0);
    fs::write(&path, bytes).unwrap();
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 5);
}

#[test]
fn the_directory_at_any_moment_opens_with_all_that_was_committed() {
    let dir = directory();
    let options = || Options { dirty_bytes_max: 8 * 1024, segment_bytes_max: 4 * 1024, ..small() };
    let mut store = Store::open(dir.path(), options()).unwrap();
    for n in 1..=400 {
        commit(&mut store, n..=n);
        if n % 10 == 0 {
            // While the checkpoint's thread is at work: anything may be half done. A copy is not one moment, so it is
            // taken of the log first: the checkpoint may be ahead of it, never behind what the log has forgotten.
            let copied = directory();
            let settled = store.frozen.as_ref().is_none_or(|frozen| store.checkpointer.has_written(frozen.sequence));
            if !settled {
                store.checkpointer.wait(store.frozen.as_ref().unwrap().sequence, PATIENCE).unwrap();
            }
            copy(dir.path(), copied.path());
            let again = Store::open(copied.path(), options()).unwrap();
            assert_eq!(prefix(&again), n);
        }
    }
    assert!(store.stats().checkpoints > 5);
}

#[test]
fn a_crash_between_log_checkpoint_and_removal_loses_nothing() {
    let dir = directory();
    let options = || Options { segment_bytes_max: 1024, ..small() };
    let mut store = Store::open(dir.path(), options()).unwrap();
    commit(&mut store, 1..=40);
    let before = directory();
    copy(dir.path(), before.path());
    store.checkpoint(PATIENCE).unwrap();
    commit(&mut store, 41..=60);
    kill(store);
    // Killed after the checkpoint and before the old segments were removed, or while they were: any of them may be left.
    for left in 0..=3_usize {
        let after = directory();
        copy(dir.path(), after.path());
        for path in segments(before.path()).iter().skip(left) {
            let target = after.path().join("log").join(path.file_name().unwrap());
            if !target.exists() {
                fs::copy(path, target).unwrap();
            }
        }
        assert_eq!(prefix(&Store::open(after.path(), options()).unwrap()), 60);
    }
    // Killed after the log was written and before the checkpoint.
    assert_eq!(prefix(&Store::open(before.path(), options()).unwrap()), 40);
}

#[test]
fn a_log_behind_the_checkpoint_goes_on_after_it() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=10);
    store.checkpoint(PATIENCE).unwrap();
    kill(store);
    let path = segments(dir.path()).pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let mut store = Store::open(dir.path(), small()).unwrap();
    assert_eq!(prefix(&store), 10);
    commit(&mut store, 11..=12);
    kill(store);
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 12);
}

#[test]
fn a_segment_whose_creation_was_interrupted_is_done_over() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=10);
    kill(store);
    for header in [&b""[..], &[0; 20], &[0; 32]] {
        fs::write(dir.path().join("log/0000000002.log"), header).unwrap();
        let store = Store::open(dir.path(), small()).unwrap();
        assert_eq!(prefix(&store), 10);
        kill(store);
    }
    // The very first one.
    let dir = directory();
    kill(Store::open(dir.path(), small()).unwrap());
    fs::write(dir.path().join("log/0000000001.log"), b"stip").unwrap();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=1);
}
