//! Bytes that changed on disk: refused by name or cut off, never served.

use std::path::PathBuf;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    crash::{commit, copy, kill, prefix, segments},
    *,
};

fn record_of(result: Result<Store, Error>) -> String {
    match result {
        Err(Error::Damaged { record, .. }) => record,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the damage was not noticed"),
    }
}

fn flip(path: &Path, at: usize, bits: u8) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= bits;
    fs::write(path, bytes).unwrap();
}

#[test]
fn damage_in_the_middle_of_the_log_is_refused_by_file_and_offset() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    commit(&mut store, 1..=4);
    let at = usize::try_from(store.log.bytes()).unwrap();
    commit(&mut store, 5..=8);
    kill(store);
    let path = segments(dir.path()).pop().unwrap();
    // Magic, length, sequence, both checksums, body.
    for byte in [0, 8, 11, 12, 28, 32, 40] {
        flip(&path, at + byte, 0x10);
        let record = record_of(Store::open(dir.path(), small()));
        assert_eq!(record, format!("log segment 0000000001.log at offset {at}"), "byte {byte}");
        flip(&path, at + byte, 0x10);
    }
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 8);
}

#[test]
fn damage_to_the_last_batch_is_noticed_once_the_store_was_closed() {
    let dir = directory();
    let mut store = Store::open(dir.path(), Options { durability: Durability::None, ..small() }).unwrap();
    commit(&mut store, 1..=3);
    let end = usize::try_from(store.log.bytes()).unwrap();
    store.close().unwrap();
    let path = segments(dir.path()).pop().unwrap();
    flip(&path, end - 1, 1);
    record_of(Store::open(dir.path(), small()));
    flip(&path, end - 1, 1);
    // Of a store that was killed it is what a crash would have left.
    fs::write(&path, &fs::read(&path).unwrap()[..end]).unwrap();
    flip(&path, end - 1, 1);
    assert_eq!(prefix(&Store::open(dir.path(), small()).unwrap()), 2);
}

#[test]
fn a_missing_segment_is_refused() {
    let dir = directory();
    let options = || Options { segment_bytes_max: 512, dirty_bytes_max: MIB, ..small() };
    let mut store = Store::open(dir.path(), options()).unwrap();
    commit(&mut store, 1..=40);
    kill(store);
    let paths = segments(dir.path());
    assert!(paths.len() > 4);
    for missing in &paths {
        let copied = directory();
        copy(dir.path(), copied.path());
        fs::remove_file(copied.path().join("log").join(missing.file_name().unwrap())).unwrap();
        record_of(Store::open(copied.path(), options()));
    }
    let mut store = Store::open(dir.path(), options()).unwrap();
    store.checkpoint(PATIENCE).unwrap();
    kill(store);
    for path in segments(dir.path()) {
        fs::remove_file(path).unwrap();
    }
    assert_eq!(record_of(Store::open(dir.path(), options())), "log");
}

#[test]
fn a_checkpoint_that_went_back_in_time_is_refused() {
    let dir = directory();
    let options = || Options { segment_bytes_max: 512, ..small() };
    let mut store = Store::open(dir.path(), options()).unwrap();
    commit(&mut store, 1..=20);
    store.checkpoint(PATIENCE).unwrap();
    commit(&mut store, 21..=40);
    kill(store);
    fs::remove_dir_all(dir.path().join("checkpoint")).unwrap();
    assert_eq!(record_of(Store::open(dir.path(), options())), "log");
}

#[test]
fn a_damaged_record_of_the_checkpoint_is_refused_by_key() {
    let dir = directory();
    let mut store = Store::open(dir.path(), small()).unwrap();
    store.commit(&put("a", "first")).unwrap();
    store.commit(&put("key\n1", "the value that is looked for")).unwrap();
    store.commit(&put("z", "last")).unwrap();
    store.checkpoint(PATIENCE).unwrap();
    kill(store);
    let mut flipped = false;
    for entry in fs::read_dir(dir.path().join("checkpoint/keyspaces/1/tables")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(9).position(|window| window == b"the value") {
            flip(&path, at, 1);
            flipped = true;
        }
    }
    assert!(flipped);
    // The start reads its own sequence from the same block.
    let damage = match Store::open(dir.path(), small()) {
        Ok(store) => store.get(b"key\n1").map(|_| ()).unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(&damage, Error::Damaged { .. }), "{damage}");
}

#[test]
fn the_checkpoint_names_a_record_whose_checksum_is_wrong() {
    let dir = directory();
    kill(Store::open(dir.path(), small()).unwrap());
    let database = fjall::Database::builder(dir.path().join("checkpoint")).open().unwrap();
    let records = database.keyspace("records", fjall::KeyspaceCreateOptions::default).unwrap();
    let mut ingestion = records.start_ingestion().unwrap();
    ingestion.write(&b"bad\n"[..], &[1, 2, 3, 4, 5][..]).unwrap();
    ingestion.finish().unwrap();
    drop((records, database));
    let store = Store::open(dir.path(), small()).unwrap();
    let expected = Error::Damaged { record: "bad\\n".into(), reason: "its checksum is wrong".into() };
    assert_eq!(store.get(b"bad\n").unwrap_err(), expected);
    assert_eq!(store.scan(b"a", b"z", 10, false).unwrap_err(), expected);
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if fs::metadata(&path).unwrap().len() > 0 && path.file_name().unwrap() != "0.jnl" {
            found.push(path);
        }
    }
}

const ROUNDS: usize = 1_000;

/// Flips a bit (true), or wipes or cuts off a part.
fn spoil(random: &mut StdRng, path: &Path) -> bool {
    let mut bytes = fs::read(path).unwrap();
    let at = random.random_range(0..bytes.len());
    let flipped = random.random_ratio(3, 4);
    if flipped {
        bytes[at] ^= 1 << random.random_range(0..8);
    } else if random.random() {
        let end = bytes.len().min(at + 64);
        bytes[at..end].fill(0);
    } else {
        bytes.truncate(at);
    }
    fs::write(path, bytes).unwrap();
    flipped
}

/// Whatever changes anywhere: the store opens with a prefix of what was committed, or says what is damaged.
#[test]
fn spoiled_bytes_anywhere_are_never_served() {
    let dir = directory();
    let options = || Options { segment_bytes_max: 1024, ..small() };
    let mut store = Store::open(dir.path(), options()).unwrap();
    commit(&mut store, 1..=40);
    store.checkpoint(PATIENCE).unwrap();
    commit(&mut store, 41..=60);
    store.checkpoint(PATIENCE).unwrap();
    commit(&mut store, 61..=100);
    kill(store);

    let random = &mut StdRng::seed_from_u64(2);
    let mut paths = Vec::new();
    files(dir.path(), &mut paths);
    paths.sort();
    let (mut cut, mut refused, mut harmless) = (0, 0, 0);
    // Panics of fjall are caught; their messages would drown the test's.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for round in 0..ROUNDS {
            let copied = directory();
            copy(dir.path(), copied.path());
            let path = &paths[round % paths.len()];
            let target = copied.path().join(path.strip_prefix(dir.path()).unwrap());
            let flipped = spoil(random, &target);
            let place = format!("round {round}, {}", target.display());
            match Store::open(copied.path(), options()) {
                Ok(store) => {
                    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_all(&store)));
                    match read.unwrap_or_else(|_| panic!("a wrong value was served: {place}")) {
                        Ok(100) => harmless += 1,
                        Ok(found) => {
                            assert!(found == 99 || !flipped, "{found} batches are left: {place}");
                            cut += 1;
                        }
                        Err(Error::Damaged { .. }) => refused += 1,
                        Err(other) => panic!("{other}: {place}"),
                    }
                }
                Err(Error::Damaged { .. } | Error::Format { .. }) => refused += 1,
                Err(other) => panic!("{other}: {place}"),
            }
        }
    }));
    std::panic::set_hook(hook);
    if let Err(failure) = failure {
        panic!("{}", failure.downcast_ref::<String>().map_or("", String::as_str));
    }
    assert!(refused > 100 && cut > 0 && harmless > 0, "{refused} refused, {cut} cut, {harmless} harmless");
}

/// Reads everything, by key and by range; the number of batches.
fn read_all(store: &Store) -> Result<u32, Error> {
    let records = store.scan(b"a", b"z", usize::MAX, false)?;
    for (key, value) in &records {
        let one = store.get(key)?;
        assert_eq!(one.as_ref(), Some(value));
    }
    let found = prefix(store);
    for n in 1..=found {
        assert!(store.get(format!("record {n:04}").as_bytes())?.is_some());
    }
    Ok(found)
}
