//! Activity and usage, read from the ledger's own log.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, Unit, Zoned};

use super::{
    Error, Reason, Service,
    request::{GroupBy, Interval, ListActivity, Page, QueryUsage, UsageRow},
};
use crate::{
    clock::Millis,
    id::AccountId,
    ledger::{Entry, EntryKind},
};

/// Entries read at once.
const PAGE: usize = 2_000;
/// Entries that one filtered page may look at; it may then come short and go on where it stopped.
const SCAN_MAX: usize = 100_000;
/// Entries that one sum may look at.
const SUM_MAX: usize = 2_000_000;
/// Rows that one answer may have.
const ROWS_MAX: usize = 10_000;

impl Service {
    /// Lists what happened to an account, newest first.
    pub async fn list_activity(&self, request: ListActivity) -> Result<Page<Entry, u64>, Error> {
        self.up_to_date(&request.account).await?;
        let mut rows = Vec::new();
        let mut before = request.before;
        for _ in 0..SCAN_MAX / PAGE {
            let entries = self.ledger.activity(request.account.clone(), before, PAGE).await?;
            let last_page = entries.len() < PAGE;
            for entry in entries {
                let sequence = entry.sequence;
                if matches(&request, &entry) {
                    if rows.len() == request.limit {
                        return Ok(Page { rows, next: before });
                    }
                    rows.push(entry);
                }
                before = Some(sequence);
            }
            if last_page {
                return Ok(Page { rows, next: None });
            }
        }
        Ok(Page { rows, next: before })
    }

    /// Sums usage by interval, counted in the account's zone, and by what `group_by` names.
    pub async fn query_usage(&self, request: QueryUsage) -> Result<Vec<UsageRow>, Error> {
        self.up_to_date(&request.account).await?;
        let known = self.known(&request.account).await?;
        let zone = known.calendar.zone.clone();
        let origin = request.start.unwrap_or(known.record.created);
        let mut sums: BTreeMap<(Millis, BTreeMap<String, String>), UsageRow> = BTreeMap::new();
        let mut before = None;
        for _ in 0..SUM_MAX / PAGE {
            let entries = self.ledger.activity(request.account.clone(), before, PAGE).await?;
            let last_page = entries.len() < PAGE;
            for entry in entries {
                before = Some(entry.sequence);
                let Some(usage) = usage_of(&entry).filter(|_| counts(&request, &entry)) else { continue };
                let start = interval_start(request.interval, entry.time, origin, &zone);
                let group = group_of(&request.group_by, &entry);
                let row = sums.entry((start, group.clone())).or_insert(UsageRow {
                    start,
                    group,
                    credits: 0,
                    quantity: 0,
                    count: 0,
                });
                row.credits += usage.credits;
                row.quantity += usage.quantity;
                row.count += usage.count;
                if sums.len() > ROWS_MAX {
                    let problem = format_args!("more than {ROWS_MAX} rows; narrow the range or the groups");
                    return Err(Error::invalid("group_by", problem));
                }
            }
            if last_page {
                return Ok(sums.into_values().collect());
            }
        }
        Err(Error::new(Reason::Overloaded, format!("more than {SUM_MAX} entries to sum; narrow the range")))
    }

    /// Settles the account, so that what came due by now is in its log.
    async fn up_to_date(&self, account: &AccountId) -> Result<(), Error> {
        let request = super::request::GetBalance { account: account.clone(), pools: Vec::new() };
        self.get_balance(request).await.map(|_| ())
    }
}

fn within(start: Option<Millis>, end: Option<Millis>, time: Millis) -> bool {
    start.is_none_or(|start| time >= start) && end.is_none_or(|end| time < end)
}

fn matches(request: &ListActivity, entry: &Entry) -> bool {
    request.pool.as_ref().is_none_or(|pool| entry.pool.as_ref() == Some(pool))
        && request.action.as_ref().is_none_or(|action| entry.action.as_ref() == Some(action))
        && request.kind.is_none_or(|kind| entry.kind == kind)
        && within(request.start, request.end, entry.time)
}

fn counts(request: &QueryUsage, entry: &Entry) -> bool {
    request.pool.as_ref().is_none_or(|pool| entry.pool.as_ref() == Some(pool))
        && within(request.start, request.end, entry.time)
}

struct Usage {
    credits: i64,
    quantity: i64,
    count: i64,
}

/// What an entry adds to usage; `None` for those that charge nothing.
fn usage_of(entry: &Entry) -> Option<Usage> {
    let charged = Usage { credits: entry.credits.as_i64(), quantity: entry.quantity.as_i64(), count: 1 };
    match entry.kind {
        EntryKind::Commit | EntryKind::Charge => Some(charged),
        EntryKind::Expire if entry.details.get("outcome").is_some_and(|outcome| outcome == "charged") => Some(charged),
        EntryKind::Refund => Some(Usage { credits: -charged.credits, quantity: 0, count: 0 }),
        EntryKind::Expire
        | EntryKind::Reserve
        | EntryKind::Release
        | EntryKind::Extend
        | EntryKind::Grant
        | EntryKind::Revoke
        | EntryKind::GrantExpired
        | EntryKind::Reset
        | EntryKind::PlanChanged
        | EntryKind::ThresholdReached
        | EntryKind::Exhausted
        | EntryKind::Resumed
        | EntryKind::OverageStarted
        | EntryKind::Denied
        | EntryKind::WouldDeny
        | EntryKind::BudgetChanged
        | EntryKind::AccountChanged => None,
    }
}

fn group_of(group_by: &[GroupBy], entry: &Entry) -> BTreeMap<String, String> {
    let group = |by: &GroupBy| match by {
        GroupBy::Pool => ("pool".to_owned(), entry.pool.as_ref().map_or_else(String::new, ToString::to_string)),
        GroupBy::Action => ("action".to_owned(), entry.action.as_ref().map_or_else(String::new, ToString::to_string)),
        GroupBy::Dimension(name) => {
            (format!("dimension:{name}"), entry.dimensions.get(name).cloned().unwrap_or_default())
        }
    };
    group_by.iter().map(group).collect()
}

/// The start of the interval that a moment is in; weeks begin on Monday.
fn interval_start(interval: Interval, time: Millis, origin: Millis, zone: &jiff::tz::TimeZone) -> Millis {
    let Ok(timestamp) = Timestamp::from_millisecond(time.get().cast_signed()) else { return origin };
    let local = timestamp.to_zoned(zone.clone());
    let floor = |local: &Zoned, unit| local.round(jiff::ZonedRound::new().smallest(unit).mode(jiff::RoundMode::Floor));
    let start = match interval {
        Interval::Total => return origin,
        Interval::Hour => floor(&local, Unit::Hour),
        Interval::Day => local.start_of_day(),
        Interval::Week => {
            let since_monday = i64::from(local.weekday().to_monday_zero_offset());
            local.checked_sub(since_monday.days()).and_then(|monday| monday.start_of_day())
        }
        Interval::Month => local.first_of_month().and_then(|first| first.start_of_day()),
    };
    start
        .ok()
        .and_then(|start| u64::try_from(start.timestamp().as_millisecond()).ok())
        .and_then(Millis::new)
        .unwrap_or(origin)
}
