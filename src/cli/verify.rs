//! `stipend verify`: proves that every credit of a database is accounted for, at rest or while it is served.

use std::io::{self, Write as _};

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::{
    database::{Database, Opened, said},
    progress::Progress,
};
use crate::{
    ledger::{audit::Audit, embedded::Engine},
    proto::v1::{Difference, VerifyRequest, VerifyResponse, maintenance_service_client::MaintenanceServiceClient},
};

/// Check that every credit of a database is accounted for
///
/// For every pool, granted = remaining + (consumed - overage) + lapsed, and held = the sum of the open holds. Each
/// difference is a line on standard output; with any, the exit code is 1.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    database: Database,

    /// Print the result as one JSON document
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(async {
            let progress = Progress::new("checking accounts", None);
            match self.database.open().await? {
                Opened::AtRest(engine) => at_rest(&engine, &progress).await,
                Opened::Served(client) => served(client, &progress).await,
            }
        })?;
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{:#}", document(&result))?;
        } else {
            for Difference { account, place, message } in &result.differences {
                writeln!(out, "{account}: {place}: {message}")?;
            }
            writeln!(out, "{}", summary(&result))?;
        }
        if result.difference_count > 0 {
            bail!("the database does not add up");
        }
        Ok(())
    }
}

async fn at_rest(engine: &Engine, progress: &Progress) -> anyhow::Result<VerifyResponse> {
    let mut audit = Audit::begin(engine).await?;
    while audit.step().await? {
        progress.set(audit.progress().accounts);
    }
    let result = VerifyResponse::from(&audit.finish());
    engine.close().await?;
    Ok(result)
}

async fn served(
    mut client: MaintenanceServiceClient<tonic::transport::Channel>,
    progress: &Progress,
) -> anyhow::Result<VerifyResponse> {
    let mut answers = client.verify(VerifyRequest {}).await.map_err(|status| said(&status))?.into_inner();
    while let Some(answer) = answers.message().await.map_err(|status| said(&status))? {
        if answer.done {
            return Ok(answer);
        }
        progress.set(answer.accounts.unsigned_abs());
    }
    bail!("the service ended the check before its end")
}

fn summary(result: &VerifyResponse) -> String {
    let VerifyResponse { accounts, pools, budgets, reservations, open_holds, entries, difference_count, .. } = result;
    let read = format!(
        "{accounts} accounts, {pools} pools, {budgets} budgets, {reservations} reservations ({open_holds} open), \
         {entries} entries of activity"
    );
    match *difference_count {
        0 => format!("{read}: every sum agrees"),
        1 => format!("{read}: 1 difference"),
        more => format!("{read}: {more} differences, {} of them shown", result.differences.len()),
    }
}

fn document(result: &VerifyResponse) -> serde_json::Value {
    let difference = |d: &Difference| json!({ "account": d.account, "place": d.place, "message": d.message });
    json!({
        "clean": result.difference_count == 0,
        "documents": result.documents,
        "accounts": result.accounts,
        "pools": result.pools,
        "budgets": result.budgets,
        "reservations": result.reservations,
        "open_holds": result.open_holds,
        "entries": result.entries,
        "difference_count": result.difference_count,
        "differences": result.differences.iter().map(difference).collect::<Vec<_>>(),
    })
}
