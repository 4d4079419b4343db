//! Disks that are full or fail, and what happens when they no longer are.

use std::process::Command;

use super::{
    crash::{commit, copy, kill, prefix},
    *,
};

#[test]
fn a_full_disk_refuses_the_batch_and_nothing_else() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=3);
    let bytes = store.stats().log_bytes;
    for room in [0, 1, 35, 36, 48] {
        store.log.faults().leave_room(Some(room));
        let failed = store.commit(&put("last", "999")).unwrap_err();
        assert!(matches!(failed, Error::Unavailable { .. }), "{failed}");
        assert_eq!(prefix(&store), 3);
        assert_eq!(store.stats().log_bytes, bytes);
        let copied = directory();
        copy(dir.path(), copied.path());
        assert_eq!(prefix(&Store::open(copied.path(), small()).unwrap()), 3);
    }
    store.log.faults().leave_room(None);
    commit(&mut store, 4..=5);
    kill(store);
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 5);
}

#[test]
fn a_full_disk_may_stop_the_next_segment_for_a_while() {
    let dir = directory();
    let options = || Options { segment_bytes_max: 256, ..small() };
    let mut store = Store::open(dir.path(), options()).unwrap();
    commit(&mut store, 1..=3);
    for _ in 0..3 {
        store.log.faults().leave_room(Some(10));
        assert!(matches!(store.commit(&put("last", &"9".repeat(300))), Err(Error::Unavailable { .. })));
    }
    store.log.faults().leave_room(None);
    commit(&mut store, 4..=20);
    kill(store);
    assert_eq!(prefix(&Store::open(dir.path(), options()).unwrap()), 20);
}

#[test]
fn after_a_failed_sync_what_is_in_doubt_is_written_anew() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=3);
    store.log.faults().fail_syncs(1);
    commit(&mut store, 4..=4);
    assert_eq!(store.stats().failed_syncs, 1);
    let segments = super::crash::segments(dir.path());
    assert_eq!(segments.len(), 2, "the batch was written to a fresh segment");
    // The frames in doubt never reached the disk.
    let len = fs::metadata(&segments[0]).unwrap().len();
    fs::File::options().write(true).open(&segments[0]).unwrap().set_len(len - 20).unwrap();
    commit(&mut store, 5..=6);
    kill(store);
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 6);
}

#[test]
fn a_batch_that_cannot_be_synced_anywhere_has_not_happened() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=3);
    for _ in 0..3 {
        store.log.faults().fail_syncs(2);
        assert!(matches!(store.commit(&put("last", "999")), Err(Error::Unavailable { .. })));
        assert_eq!(prefix(&store), 3);
    }
    store.log.faults().fail_syncs(0);
    commit(&mut store, 4..=5);
    kill(store);
    let store = Store::open(dir.path(), small()).unwrap();
    assert_eq!(prefix(&store), 5);
}

#[test]
fn appended_batches_outlast_a_failed_sync() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    let syncer = store.syncer();
    store.append(&put("a", "1")).unwrap();
    let position = store.append(&put("b", "2")).unwrap();
    store.log.faults().fail_syncs(2);
    assert!(matches!(syncer.sync(position), Err(Error::Unavailable { .. })));
    assert_eq!(text(&store, "b").as_deref(), Some("2"));
    let later = store.append(&put("c", "3")).unwrap();
    syncer.sync(position).unwrap();
    syncer.sync(later).unwrap();
    kill(store);
    let store = Store::open(dir.path(), small()).unwrap();
    assert_eq!(keys(&store, "a", "z", 10, false), ["a", "b", "c"]);
}

#[test]
fn the_interval_thread_gets_over_a_failed_sync() {
    let dir = directory();
    let durability = Durability::Interval(Duration::from_millis(2));
    let mut store = Store::open(dir.path(), Options { durability, ..small() }).unwrap();
    store.log.faults().fail_syncs(1);
    commit(&mut store, 1..=20);
    while store.stats().failed_syncs == 0 {
        std::thread::yield_now();
    }
    commit(&mut store, 21..=30);
    store.close().unwrap();
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 30);
}

/// A small file system that is unmounted when the test ends.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(size: &str) -> Option<Self> {
        let dir = directory();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).output();
    }
}

/// The same on a real full disk, checkpoint included.
#[test]
fn a_store_on_a_full_file_system_recovers_when_there_is_room_again() {
    let Some(disk) = SmallDisk::mount("32m") else {
        eprintln!("skipped: mounting a small file system needs root");
        return;
    };
    let dir = disk.0.path().join("data");
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 29 * MIB]).unwrap();
    let options = || Options { dirty_bytes_max: 512 * 1024, segment_bytes_max: 256 * 1024, ..small() };
    let mut store = Store::open(&dir, options()).unwrap();
    let mut committed = Vec::new();
    let mut refusals = 0;
    for n in 0_u32..100_000 {
        let key = format!("record {n:06}");
        match store.commit(&put(&key, &"v".repeat(1000))) {
            Ok(()) => committed.push(key),
            Err(Error::Unavailable { .. }) => refusals += 1,
            Err(other) => panic!("{other}"),
        }
        if refusals == 5 {
            break;
        }
    }
    assert_eq!(refusals, 5);
    assert_eq!(keys(&store, "record", "recore", usize::MAX, false), committed);
    fs::remove_file(&ballast).unwrap();
    // The next attempt comes by itself.
    while store.checkpoint(PATIENCE).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    for n in 0..500 {
        let key = format!("record after {n:06}");
        store.commit(&put(&key, &"v".repeat(1000))).unwrap();
        committed.push(key);
    }
    assert_eq!(keys(&store, "record", "recore", usize::MAX, false), committed);
    kill(store);
    let store = Store::open(&dir, options()).unwrap();
    assert_eq!(keys(&store, "record", "recore", usize::MAX, false), committed);
}
