//! `stipend usage`: how much of what was used when.

use clap::{Args, ValueEnum};
use prost_types::Timestamp as Moment;

use super::{
    client::{Client, To},
    exit::Exit,
    show, value,
};
use crate::proto::v1::{self, query_usage_request::Interval as Wire};

/// Sum what an account was charged, over time and by pool, action or dimension
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Usage {
    /// The account
    account: String,

    /// Only of this pool
    #[arg(long, default_value = "", hide_default_value = true)]
    pool: String,

    /// Sum by this interval, counted in the account's zone
    #[arg(long, value_enum, default_value_t = Interval::Total)]
    interval: Interval,

    /// `pool`, `action` or `dimension:NAME`; may be given several times
    #[arg(long = "by", value_name = "GROUP", value_delimiter = ',')]
    group_by: Vec<String>,

    /// From this time on
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    start: Option<Moment>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = value::moment)]
    end: Option<Moment>,

    #[command(flatten)]
    to: To,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Interval {
    Hour,
    Day,
    Week,
    Month,
    Total,
}

const EXAMPLES: &str = "\
Examples:
  stipend usage acme --by action
  stipend usage acme --interval day --by pool,dimension:model --start 2026-03-01";

impl Usage {
    pub fn run(self) -> anyhow::Result<Exit> {
        let Self { account, pool, interval, group_by, start, end, to } = self;
        to.talk(async |client: Client| {
            let interval = match interval {
                Interval::Hour => Wire::Hour,
                Interval::Day => Wire::Day,
                Interval::Week => Wire::Week,
                Interval::Month => Wire::Month,
                Interval::Total => Wire::Total,
            };
            let request = v1::QueryUsageRequest {
                account: account.clone(),
                pool,
                start_time: start,
                end_time: end,
                interval: interval.into(),
                group_by: group_by.clone(),
            };
            let answer = client.call(request).await?;
            let zone = client.zone(&account).await;
            client.out().answer::<v1::QueryUsageRequest>(&answer, || show::usage(&answer.rows, &group_by, &zone))?;
            Ok(Exit::Done)
        })
    }
}
