//! The candidates, each driven as its makers mean it to be.

use std::{
    collections::HashMap,
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use redb::ReadableDatabase;
use stipend::ledger::embedded::store::{Batch, Durability, Options, Store};

pub type Change = (Vec<u8>, Vec<u8>);

const INTERVAL: Duration = Duration::from_millis(100);
const CACHE_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Before every batch is answered.
    Every,
    /// Every 100 ms. SQLite: when its log is folded back.
    Interval,
    Never,
}

pub trait Subject {
    fn commit(&mut self, changes: &[Change]);
    fn get(&self, key: &[u8]) -> bool;
}

pub fn open(name: &str, dir: &Path, sync: Sync) -> Box<dyn Subject> {
    match name {
        "redb" => Box::new(Redb::open(dir, sync)),
        "fjall" => Box::new(Fjall::open(dir, sync)),
        "sqlite" => Box::new(Sqlite::open(dir, sync)),
        "log" => Box::new(Log::open(dir, sync)),
        "hybrid" => Box::new(Hybrid::open(dir, sync)),
        other => panic!("no store is called {other}"),
    }
}

/// Says when a sync is due.
struct Clock {
    sync: Sync,
    last: Instant,
}

impl Clock {
    fn new(sync: Sync) -> Self {
        Self { sync, last: Instant::now() }
    }

    fn is_due(&mut self) -> bool {
        match self.sync {
            Sync::Every => true,
            Sync::Never => false,
            Sync::Interval => {
                let due = self.last.elapsed() >= INTERVAL;
                if due {
                    self.last = Instant::now();
                }
                due
            }
        }
    }
}

struct Redb {
    database: redb::Database,
    clock: Clock,
}

const RECORDS: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("records");

impl Redb {
    fn open(dir: &Path, sync: Sync) -> Self {
        let database =
            redb::Database::builder().set_cache_size(CACHE_BYTES).create(dir.join("redb")).expect("redb opens");
        Self { database, clock: Clock::new(sync) }
    }
}

impl Subject for Redb {
    fn commit(&mut self, changes: &[Change]) {
        let mut write = self.database.begin_write().expect("redb writes");
        let durable = self.clock.is_due();
        write
            .set_durability(if durable { redb::Durability::Immediate } else { redb::Durability::None })
            .expect("redb takes it");
        {
            let mut table = write.open_table(RECORDS).expect("redb has the table");
            for (key, value) in changes {
                table.insert(&key[..], &value[..]).expect("redb inserts");
            }
        }
        write.commit().expect("redb commits");
    }

    fn get(&self, key: &[u8]) -> bool {
        let read = self.database.begin_read().expect("redb reads");
        read.open_table(RECORDS).expect("redb has the table").get(key).expect("redb gets").is_some()
    }
}

impl Drop for Redb {
    fn drop(&mut self) {
        // Without a durable commit redb forgets those before.
        self.clock.sync = Sync::Every;
        self.commit(&[]);
    }
}

struct Fjall {
    records: fjall::Keyspace,
    database: fjall::Database,
    clock: Clock,
}

impl Fjall {
    fn open(dir: &Path, sync: Sync) -> Self {
        let database =
            fjall::Database::builder(dir).cache_size(CACHE_BYTES as u64).worker_threads(1).open().expect("fjall opens");
        let records = database.keyspace("records", fjall::KeyspaceCreateOptions::default).expect("fjall has it");
        Self { records, database, clock: Clock::new(sync) }
    }
}

impl Subject for Fjall {
    fn commit(&mut self, changes: &[Change]) {
        let mut batch = self.database.batch();
        for (key, value) in changes {
            batch.insert(&self.records, &key[..], &value[..]);
        }
        batch.commit().expect("fjall commits");
        if self.clock.is_due() {
            self.database.persist(fjall::PersistMode::SyncData).expect("fjall syncs");
        }
    }

    fn get(&self, key: &[u8]) -> bool {
        self.records.get(key).expect("fjall gets").is_some()
    }
}

struct Sqlite {
    connection: rusqlite::Connection,
}

impl Sqlite {
    fn open(dir: &Path, sync: Sync) -> Self {
        let connection = rusqlite::Connection::open(dir.join("sqlite")).expect("sqlite opens");
        let synchronous = match sync {
            Sync::Every => "FULL",
            Sync::Interval => "NORMAL",
            Sync::Never => "OFF",
        };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{};
                 CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;",
                CACHE_BYTES / 1024
            ))
            .expect("sqlite is set up");
        Self { connection }
    }
}

impl Subject for Sqlite {
    fn commit(&mut self, changes: &[Change]) {
        let write = self.connection.transaction().expect("sqlite begins");
        {
            let mut statement = write
                .prepare_cached("INSERT OR REPLACE INTO records (key, value) VALUES (?1, ?2)")
                .expect("sqlite prepares");
            for (key, value) in changes {
                statement.execute((&key[..], &value[..])).expect("sqlite inserts");
            }
        }
        write.commit().expect("sqlite commits");
    }

    fn get(&self, key: &[u8]) -> bool {
        let mut statement =
            self.connection.prepare_cached("SELECT value FROM records WHERE key = ?1").expect("sqlite prepares");
        statement.exists([key]).expect("sqlite gets")
    }
}

/// A log and a map: the least that could work, and no way to bound its memory or its start.
struct Log {
    file: File,
    state: HashMap<Vec<u8>, Vec<u8>>,
    clock: Clock,
    frame: Vec<u8>,
}

impl Log {
    fn open(dir: &Path, sync: Sync) -> Self {
        let path = dir.join("log");
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut state = HashMap::new();
        let mut rest = &bytes[..];
        while let Some((header, tail)) = rest.split_at_checked(8) {
            let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
            let crc = u32::from_le_bytes(header[4..].try_into().expect("four bytes"));
            let (mut body, tail) = tail.split_at(len);
            assert_eq!(crc32fast::hash(body), crc);
            while let Some((lengths, entry)) = body.split_at_checked(8) {
                let key = u32::from_le_bytes(lengths[..4].try_into().expect("four bytes")) as usize;
                let value = u32::from_le_bytes(lengths[4..].try_into().expect("four bytes")) as usize;
                state.insert(entry[..key].to_vec(), entry[key..key + value].to_vec());
                body = &entry[key + value..];
            }
            rest = tail;
        }
        let file = File::options().create(true).append(true).open(path).expect("the log opens");
        Self { file, state, clock: Clock::new(sync), frame: Vec::new() }
    }
}

impl Subject for Log {
    fn commit(&mut self, changes: &[Change]) {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; 8]);
        for (key, value) in changes {
            self.frame.extend_from_slice(&(key.len() as u32).to_le_bytes());
            self.frame.extend_from_slice(&(value.len() as u32).to_le_bytes());
            self.frame.extend_from_slice(key);
            self.frame.extend_from_slice(value);
        }
        let len = (self.frame.len() - 8) as u32;
        let crc = crc32fast::hash(&self.frame[8..]);
        self.frame[..4].copy_from_slice(&len.to_le_bytes());
        self.frame[4..8].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all(&self.frame).expect("the log is written");
        if self.clock.is_due() {
            self.file.sync_data().expect("the log syncs");
        }
        for (key, value) in changes {
            self.state.insert(key.clone(), value.clone());
        }
    }

    fn get(&self, key: &[u8]) -> bool {
        self.state.contains_key(key)
    }
}

/// What was chosen.
struct Hybrid {
    store: Store,
    batch: Batch,
}

impl Hybrid {
    fn open(dir: &Path, sync: Sync) -> Self {
        let durability = match sync {
            Sync::Every => Durability::Fsync,
            Sync::Interval => Durability::Interval(INTERVAL),
            Sync::Never => Durability::None,
        };
        let options = Options { durability, cache_bytes: CACHE_BYTES as u64, ..Options::default() };
        Self { store: Store::open(dir, options).expect("the store opens"), batch: Batch::new() }
    }
}

impl Subject for Hybrid {
    fn commit(&mut self, changes: &[Change]) {
        self.batch.clear();
        for (key, value) in changes {
            self.batch.put(&key[..], value.clone());
        }
        self.store.commit(&self.batch).expect("the store commits");
    }

    fn get(&self, key: &[u8]) -> bool {
        self.store.get(key).expect("the store gets").is_some()
    }
}
