//! What fjall 3.1 takes on trust in its files, checked before it opens them.
//!
//! - Its manifest decides which tables count and which is newer. It lies beside its checksum, which is not compared.
//! - A table's list of contents is read into memory of the size that the list itself claims, before its checksum is
//!   compared: a wrong size ends the process.
//! - Without a journal file, the sequence numbers begin again at zero, and old values hide new ones.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use xxhash_rust::xxh3::xxh3_128;

use super::damaged;
use crate::ledger::embedded::store::{Error, log::unavailable};

/// At the end of a table: `SFA!`, version and kind of checksum, checksum (16), place (8) and length (8) of the contents.
const TRAILER_BYTES: usize = 38;
const TRAILER_MAGIC: &[u8] = b"SFA!\x01\x00";
/// Beyond it a list of contents is not believed; real ones have less than a kilobyte.
const CONTENTS_BYTES_MAX: u64 = 64 * 1024;

/// Refuses a database whose frame is damaged. Reads its manifests and the end of each table.
pub fn inspect(dir: &Path) -> Result<(), Error> {
    let inspected = match dir.join("version").try_exists() {
        Ok(false) => return Ok(()),
        Ok(true) => find_damage(dir),
        Err(error) => Err(error),
    };
    match inspected {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(damaged("checkpoint", &reason)),
        Err(error) => Err(unavailable("inspect the checkpoint", &error)),
    }
}

fn find_damage(dir: &Path) -> io::Result<Option<String>> {
    let mut has_journal = false;
    for entry in fs::read_dir(dir)? {
        has_journal |= entry?.path().extension().is_some_and(|extension| extension == "jnl");
    }
    if !has_journal {
        return Ok(Some("its journal file is missing".into()));
    }
    for tree in fs::read_dir(dir.join("keyspaces"))? {
        let tree = tree?.path();
        if !has_whole_manifest(&tree)? {
            return Ok(Some(format!("the manifest of tree {} is damaged", name(&tree))));
        }
        let tables = match fs::read_dir(tree.join("tables")) {
            Ok(tables) => tables,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for table in tables {
            let table = table?.path();
            if !has_whole_contents(&table)? {
                return Ok(Some(format!("the contents of table {}/{} are damaged", name(&tree), name(&table))));
            }
        }
    }
    Ok(None)
}

fn has_whole_manifest(tree: &Path) -> io::Result<bool> {
    // The number of the manifest (8), its checksum (16), the kind of checksum (1).
    let current = match fs::read(tree.join("current")) {
        Ok(current) => current,
        // A tree whose creation was interrupted; fjall removes it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if current.len() != 25 {
        return Ok(false);
    }
    let number = u64::from_le_bytes(current[..8].try_into().expect("eight bytes"));
    match fs::read(tree.join(format!("v{number}"))) {
        Ok(manifest) => Ok(xxh3_128(&manifest).to_le_bytes() == current[8..24]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the list of contents is what the trailer says. A file without a trailer is what a crash left of a table, or
/// fjall refuses it.
fn has_whole_contents(table: &Path) -> io::Result<bool> {
    let file = File::open(table)?;
    let Some(end) = file.metadata()?.len().checked_sub(TRAILER_BYTES as u64) else { return Ok(true) };
    let mut trailer = [0; TRAILER_BYTES];
    file.read_exact_at(&mut trailer, end)?;
    let Some(rest) = trailer.strip_prefix(TRAILER_MAGIC) else { return Ok(true) };
    let place = u64::from_le_bytes(rest[16..24].try_into().expect("eight bytes"));
    let Some(len) = end.checked_sub(place).filter(|len| *len <= CONTENTS_BYTES_MAX) else { return Ok(false) };
    let mut contents = vec![0; usize::try_from(len).expect("bounded")];
    file.read_exact_at(&mut contents, place)?;
    Ok(xxh3_128(&contents).to_le_bytes() == rest[..16])
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
