//! The store as a whole. Crashes, damage and failing disks have files of their own.

use super::*;

pub mod crash;
mod damage;
mod faults;
mod model;

fn small() -> Options {
    Options {
        durability: Durability::Fsync,
        dirty_bytes_max: 64 * 1024,
        cache_bytes: MIB as u64,
        segment_bytes_max: 16 * 1024,
        log_bytes_max: MIB as u64,
    }
}

/// A directory in memory where there is one: a thousand syncs of a disk take longer than all else.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn put(key: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(key.as_bytes(), value.to_owned());
    batch
}

fn text(store: &Store, key: &str) -> Option<String> {
    store.get(key.as_bytes()).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn keys(store: &Store, from: &str, to: &str, limit: usize, reverse: bool) -> Vec<String> {
    let found = store.scan(from.as_bytes(), to.as_bytes(), limit, reverse).unwrap();
    found.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn reopening_sees_every_committed_batch() {
    let dir = directory();
    for durability in [Durability::Fsync, Durability::Interval(Duration::from_millis(1)), Durability::None] {
        let mut store = Store::open(dir.path(), Options { durability, ..small() }).unwrap();
        store.commit(&put("a", &format!("{durability:?}"))).unwrap();
        store.close().unwrap();
        let mut store = Store::open(dir.path(), small()).unwrap();
        assert_eq!(text(&store, "a"), Some(format!("{durability:?}")));
        store.checkpoint(PATIENCE).unwrap();
        drop(store);
        let store = Store::open(dir.path(), small()).unwrap();
        assert_eq!(text(&store, "a"), Some(format!("{durability:?}")));
        assert_eq!(store.recovered(), Recovered::default());
    }
}

#[test]
fn scans_merge_memory_and_checkpoint() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    for key in ["b", "d", "f", "h"] {
        store.commit(&put(key, "old")).unwrap();
    }
    store.checkpoint(PATIENCE).unwrap();
    let mut batch = put("c", "new");
    batch.put(*b"f", "new");
    batch.delete(*b"d");
    batch.delete(*b"nowhere");
    store.commit(&batch).unwrap();
    assert_eq!(keys(&store, "", "z", 10, false), ["b", "c", "f", "h"]);
    assert_eq!(keys(&store, "", "z", 10, true), ["h", "f", "c", "b"]);
    assert_eq!(keys(&store, "c", "h", 10, false), ["c", "f"]);
    assert_eq!(keys(&store, "", "z", 2, true), ["h", "f"]);
    assert_eq!(keys(&store, "", "z", 0, false), [""; 0]);
    assert_eq!(keys(&store, "z", "a", 10, false), [""; 0]);
    assert_eq!(text(&store, "f").as_deref(), Some("new"));
    assert_eq!(text(&store, "d"), None);
    assert_eq!(store.get(&[0]).unwrap(), None);
    assert_eq!(store.get(&[]).unwrap(), None);
}

#[test]
fn a_directory_in_use_is_refused() {
    let dir = directory();
    let store = Store::open(dir.path(), small()).unwrap();
    assert!(matches!(Store::open(dir.path(), small()), Err(Error::Locked { .. })));
    drop(store);
    Store::open(dir.path(), small()).unwrap();
}

#[test]
fn a_newer_format_is_refused() {
    let dir = directory();
    drop(Store::open(dir.path(), small()).unwrap());
    for text in ["stipend-store 2\n", "stipend-store 1", "something else\n", ""] {
        fs::write(dir.path().join("FORMAT"), text).unwrap();
        assert!(matches!(Store::open(dir.path(), small()), Err(Error::Format { .. })), "{text:?}");
    }
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    assert!(matches!(Store::open(dir.path(), small()), Err(Error::Format { .. })));
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    let mut batch = put("a", "1");
    batch.put(*b"b", vec![0; VALUE_BYTES_MAX + 1]);
    assert!(matches!(store.commit(&batch), Err(Error::Invalid { .. })));
    assert_eq!(text(&store, "a"), None);
}

#[test]
fn an_appended_batch_is_seen_at_once_and_synced_elsewhere() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    let syncer = store.syncer();
    let first = store.append(&put("a", "1")).unwrap();
    let second = store.append(&put("a", "2")).unwrap();
    assert!(first < second);
    assert_eq!(text(&store, "a").as_deref(), Some("2"));
    let syncs = store.stats().syncs;
    std::thread::spawn(move || syncer.sync(second).and_then(|()| syncer.sync(first))).join().unwrap().unwrap();
    assert_eq!(store.stats().syncs, syncs + 1, "one sync serves both");
}

#[test]
fn checkpoints_happen_by_themselves_and_shrink_the_log() {
    let dir = directory();
    let mut store = Store::open(dir.path(), Options { durability: Durability::None, ..small() }).unwrap();
    let value = "v".repeat(500);
    for round in 0..2_000 {
        store.commit(&put(&format!("key {round}"), &value)).unwrap();
        assert!(store.stats().dirty_bytes <= 2 * 64 * 1024 + 4096);
    }
    let stats = store.stats();
    assert!(stats.checkpoints > 2, "{stats:?}");
    assert!(stats.log_bytes < stats.log_bytes_written / 2, "{stats:?}");
    assert_eq!(keys(&store, "key", "kez", 10_000, false).len(), 2_000);
}

#[test]
fn writing_the_same_records_over_and_over_takes_bounded_space() {
    let dir = directory();
    let options = Options { durability: Durability::None, log_bytes_max: 64 * 1024, ..small() };
    let mut store = Store::open(dir.path(), options).unwrap();
    for round in 0..4_000 {
        store.commit(&put(&format!("key {}", round % 20), &"v".repeat(500))).unwrap();
    }
    store.checkpoint(PATIENCE).unwrap();
    let stats = store.stats();
    assert!(stats.checkpoints > 20, "{stats:?}");
    drop(store);
    let mut tables = 0;
    for entry in fs::read_dir(dir.path().join("checkpoint/keyspaces/1/tables")).unwrap() {
        tables += entry.unwrap().metadata().unwrap().len();
    }
    assert!(tables < 1024 * 1024, "{tables} bytes of tables for 10 KB of records");
}

/// The view of a store as it is now.
fn view(store: &mut Store) -> View {
    let (shown, seen) = std::sync::mpsc::channel();
    let since = std::time::Instant::now();
    loop {
        let shown = shown.clone();
        store.view(Box::new(move |view| drop(shown.send(view))));
        match seen.recv_timeout(PATIENCE).expect("a view or a reason") {
            Ok(view) => return view,
            Err(Error::Busy { .. }) if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
    }
}

fn seen(view: &View) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    view.scan(b"a", b"z", 1_000).unwrap().iter().map(|(key, value)| (text(key), text(value))).collect()
}

#[test]
fn a_view_stays_as_it_was_while_the_store_goes_on() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    let pairs = |value: &str| (0..20).map(|i| (format!("k{i:02}"), value.to_owned())).collect::<Vec<_>>();
    let commit = |store: &mut Store, value: &str| {
        for (key, value) in pairs(value) {
            store.commit(&put(&key, &value)).unwrap();
        }
    };
    commit(&mut store, "0");
    let first = view(&mut store);
    assert_eq!(seen(&first), pairs("0"), "what was only in memory is seen");
    for round in 1..=40 {
        commit(&mut store, &round.to_string());
        // Beyond what waits for compaction, so that old tables are rewritten.
        store.checkpoint(PATIENCE).unwrap();
    }
    let second = view(&mut store);
    commit(&mut store, "later");
    assert_eq!(seen(&first), pairs("0"));
    assert_eq!(seen(&second), pairs("40"));
    assert_eq!(first.scan(b"k05", b"k08", 2).unwrap().len(), 2);
    store.close().unwrap();
}

#[test]
fn a_view_ends_with_its_store_and_leaves_the_directory_free() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    store.commit(&put("a", "1")).unwrap();
    let view = view(&mut store);
    store.close().unwrap();
    assert!(matches!(view.scan(b"a", b"z", 1), Err(Error::Unavailable { .. })));
    let store = Store::open(dir.path(), small()).unwrap();
    assert_eq!(text(&store, "a"), Some("1".to_owned()));
}
