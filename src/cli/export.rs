//! `stipend export`: a whole database as lines of text, at rest or while it is served. The lines are `ledger::lines`'.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use tonic::transport::Channel;

use super::{
    database::{Database, Opened, said},
    progress::Progress,
};
use crate::{
    clock::{Clock as _, SystemClock},
    ledger::{embedded::Engine, lines},
    proto::v1::{ExportRequest, maintenance_service_client::MaintenanceServiceClient},
};

/// Write a whole database as lines of text: a backup, or the way to another engine
///
/// Everything is as at one moment, also while a service goes on serving. The last line counts and sums those before it:
/// an export that was cut short or changed is refused by `stipend import`.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    database: Database,

    /// File to write; it appears once it is whole. Without it, the lines go to standard output
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Replace FILE where it is there already
    #[arg(long, requires = "out")]
    force: bool,
}

impl Export {
    pub fn run(self) -> anyhow::Result<()> {
        let Some(path) = &self.out else {
            let mut out = BufWriter::new(io::stdout().lock());
            self.write(&mut out)?;
            return Ok(out.flush()?);
        };
        if path.exists() && !self.force {
            bail!("{} is there already; give --force to replace it", path.display());
        }
        let mut partial = OsString::from(path.as_os_str());
        partial.push(".part");
        let partial = PathBuf::from(partial);
        let accounts = self.write_file(&partial).inspect_err(|_| drop(fs::remove_file(&partial)))?;
        fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("exported {accounts} accounts to {}", path.display());
        Ok(())
    }

    fn write_file(&self, path: &Path) -> anyhow::Result<u64> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut out = BufWriter::new(file);
        let accounts = self.write(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(accounts)
    }

    /// Gives how many accounts were written.
    fn write(&self, out: &mut impl Write) -> anyhow::Result<u64> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let progress = Progress::new("exporting accounts", None);
            match self.database.open().await? {
                Opened::AtRest(engine) => at_rest(&engine, out, &progress).await,
                Opened::Served(client) => served(client, out, &progress).await,
            }
        })
    }
}

async fn at_rest(engine: &Engine, out: &mut impl Write, progress: &Progress) -> anyhow::Result<u64> {
    let mut export = lines::Export::begin(engine, SystemClock.now()).await?;
    while let Some(lines) = export.step().await? {
        out.write_all(&lines)?;
        progress.set(export.totals().accounts);
    }
    let accounts = export.totals().accounts;
    drop(export);
    engine.close().await?;
    Ok(accounts)
}

async fn served(
    mut client: MaintenanceServiceClient<Channel>,
    out: &mut impl Write,
    progress: &Progress,
) -> anyhow::Result<u64> {
    let mut answers = client.export(ExportRequest {}).await.map_err(|status| said(&status))?.into_inner();
    let mut accounts = 0;
    while let Some(answer) = answers.message().await.map_err(|status| said(&status))? {
        out.write_all(&answer.lines)?;
        accounts = answer.accounts.unsigned_abs();
        progress.set(accounts);
    }
    Ok(accounts)
}
