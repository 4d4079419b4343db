//! `stipend activity`: what happened to an account.

use clap::Args;
use prost_types::Timestamp as Moment;

use super::{
    client::{Client, To},
    exit::Exit,
    show, value,
};
use crate::proto::v1;

/// List what happened to an account, newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Activity {
    /// The account
    account: String,

    /// Only of this pool
    #[arg(long, default_value = "", hide_default_value = true)]
    pool: String,

    /// Only of this action
    #[arg(long, default_value = "", hide_default_value = true)]
    action: String,

    /// Only entries of this type, such as `commit` or `denied`
    #[arg(long = "type", default_value = "", value_name = "TYPE", hide_default_value = true)]
    kind: String,

    /// From this time on
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    start: Option<Moment>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    end: Option<Moment>,

    /// Most rows
    #[arg(long, default_value_t = 100, value_name = "ROWS")]
    limit: usize,

    #[command(flatten)]
    to: To,
}

const EXAMPLES: &str = "\
Examples:
  stipend activity acme --limit 20
  stipend activity acme --type denied --start 2026-03-01";

impl Activity {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, pool, action, kind, start, end, limit, to } = self;
        to.talk(async |client: Client| {
            let request = |page_size, page_token| v1::ListActivityRequest {
                account: account.clone(),
                pool: pool.clone(),
                action: action.clone(),
                r#type: kind.clone(),
                start_time: start,
                end_time: end,
                page_size,
                page_token,
            };
            let rows = |answer: v1::ListActivityResponse| (answer.entries, answer.next_page_token);
            let listed = client.list("reading the activity log", limit, request, rows).await?;
            let zone = client.zone(&account).await;
            listed.tell_of_more();
            let answer = v1::ListActivityResponse { entries: listed.rows, next_page_token: listed.next_page_token };
            client.out().answer::<v1::ListActivityRequest>(&answer, || show::activity(&answer.entries, &zone))?;
            Ok(Exit::Done)
        })
    }
}
