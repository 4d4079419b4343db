//! `stipend import`: an export becomes a database, which appears once it has been checked.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{database, progress::Progress};
use crate::{
    clock::Millis,
    ledger::{
        Kept, Ledger as _,
        audit::Audit,
        embedded::Engine,
        lines::{self, LineWriter, Lines, Totals},
    },
};

/// Pieces that are kept at once, and about how many bytes of them.
const BATCH_PIECES: usize = 2_000;
const BATCH_BYTES: usize = 8 << 20;

/// Make a database out of an export
///
/// Each piece is checked as it is read, then all of the new database is read again, compared with the export, and
/// verified. Only then does the directory appear.
#[derive(Debug, Args)]
pub struct Import {
    /// Directory of the new embedded store; it must not be there, or be empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// What `stipend export` wrote; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Import {
    pub fn run(self) -> anyhow::Result<()> {
        let Self { data, file } = &self;
        if data.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || data.is_file() {
            bail!("{} is not empty; an import makes a database of its own", data.display());
        }
        let mut temporary = OsString::from(data.as_os_str());
        temporary.push(".importing");
        let temporary = PathBuf::from(temporary);
        if temporary.exists() {
            bail!(
                "{0} is there: another import, or the rest of one; remove it if nothing writes it",
                temporary.display()
            );
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let imported = runtime.block_on(async {
            if file.as_os_str() == "-" {
                import(&temporary, io::stdin().lock()).await
            } else {
                let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
                import(&temporary, BufReader::with_capacity(1 << 20, opened)).await
            }
        });
        let totals = imported.inspect_err(|_| drop(fs::remove_dir_all(&temporary)))?;
        if data.exists() {
            fs::remove_dir(data).with_context(|| format!("cannot replace {}", data.display()))?;
        }
        fs::rename(&temporary, data).with_context(|| format!("cannot make {}", data.display()))?;
        println!(
            "imported {} accounts, {} records, {} entries of activity into {}: read again, compared and verified",
            totals.accounts,
            totals.records,
            totals.entries,
            data.display()
        );
        Ok(())
    }
}

async fn import(dir: &Path, input: impl BufRead) -> anyhow::Result<Totals> {
    let mut lines = Lines::open(input)?;
    let engine = database::open(dir).await?;
    let wanted = keep_all(&engine, &mut lines).await?;
    compare(&engine, &wanted).await?;
    verify(&engine).await?;
    engine.close().await?;
    Ok(wanted)
}

/// Keeps every piece; gives their totals as this release writes them.
async fn keep_all(engine: &Engine, lines: &mut Lines<impl BufRead>) -> anyhow::Result<Totals> {
    let progress = Progress::new("importing", None);
    let mut writer = LineWriter::default();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = lines.piece()? {
        let mut line = Vec::new();
        writer.write(&piece, &mut line).map_err(|document| anyhow::anyhow!("document {document} is no text"))?;
        bytes += line.len();
        batch.push(piece);
        if batch.len() >= BATCH_PIECES || bytes >= BATCH_BYTES {
            keep(engine, &mut batch).await?;
            bytes = 0;
            progress.set(writer.totals().pieces());
        }
    }
    keep(engine, &mut batch).await?;
    Ok(*writer.totals())
}

async fn keep(engine: &Engine, batch: &mut Vec<Kept>) -> anyhow::Result<()> {
    Ok(engine.restore(std::mem::take(batch)).await?)
}

/// Reads everything again and compares it with what was read.
async fn compare(engine: &Engine, wanted: &Totals) -> anyhow::Result<()> {
    let progress = Progress::new("comparing", Some(wanted.pieces()));
    let mut export = lines::Export::begin(engine, Millis::default()).await?;
    while export.step().await?.is_some() {
        progress.set(export.totals().pieces());
    }
    if export.totals() != wanted {
        bail!("the new database is not what was read: {:?} is there, {wanted:?} was read", export.totals());
    }
    Ok(())
}

async fn verify(engine: &Engine) -> anyhow::Result<()> {
    let progress = Progress::new("verifying accounts", None);
    let mut audit = Audit::begin(engine).await?;
    while audit.step().await? {
        progress.set(audit.progress().accounts);
    }
    let report = audit.finish();
    if let Some(first) = report.found.first() {
        bail!("the export does not add up, with {} differences; the first: {first}", report.differences);
    }
    Ok(())
}
