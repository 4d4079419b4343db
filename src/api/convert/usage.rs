//! Messages of `UsageService`.

use std::collections::BTreeSet;

use super::{
    GROUPINGS_MAX, KEY_MAX,
    field::Field,
    page::{self, List},
    quota::account_id,
    timestamp,
};
use crate::{
    clock::Millis,
    id::{ActionName, PoolName},
    ledger::{Entry, EntryKind},
    proto::v1,
    service::{
        Error,
        request::{self, GroupBy, Interval},
    },
};

const POOL: Field<'static> = Field::named("pool");

pub fn list_activity(wire: &v1::ListActivityRequest) -> Result<request::ListActivity, Error> {
    let (start, end) = span(wire.start_time, wire.end_time)?;
    Ok(request::ListActivity {
        account: account_id(&wire.account)?,
        pool: POOL.optional_id(&wire.pool, PoolName::parse)?,
        action: Field::named("action").optional_id(&wire.action, ActionName::parse)?,
        kind: entry_kind(&wire.r#type)?,
        start,
        end,
        before: List::Activity.after(&wire.page_token, |key| key.parse().ok())?,
        limit: page::size(wire.page_size)?,
    })
}

fn span(
    start: Option<prost_types::Timestamp>,
    end: Option<prost_types::Timestamp>,
) -> Result<(Option<Millis>, Option<Millis>), Error> {
    let end_field = Field::named("end_time");
    let start = Field::named("start_time").optional_moment(start)?;
    let end = end_field.optional_moment(end)?;
    match (start, end) {
        (Some(start), Some(end)) if end <= start => Err(end_field.invalid("must be after start_time")),
        span => Ok(span),
    }
}

fn entry_kind(name: &str) -> Result<Option<EntryKind>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    let mut kinds = (0..=u8::MAX).filter_map(EntryKind::from_code);
    match kinds.find(|kind| kind.as_str() == name) {
        Some(kind) => Ok(Some(kind)),
        None => Err(Field::named("type").invalid("must be a type of entry, such as commit, denied or reset")),
    }
}

pub fn query_usage(wire: &v1::QueryUsageRequest) -> Result<request::QueryUsage, Error> {
    use v1::query_usage_request::Interval as Wire;
    let (start, end) = span(wire.start_time, wire.end_time)?;
    Ok(request::QueryUsage {
        account: account_id(&wire.account)?,
        pool: POOL.optional_id(&wire.pool, PoolName::parse)?,
        start,
        end,
        interval: match Field::named("interval").known(wire.interval)? {
            Wire::Hour => Interval::Hour,
            Wire::Day => Interval::Day,
            Wire::Week => Interval::Week,
            Wire::Month => Interval::Month,
            Wire::Unspecified | Wire::Total => Interval::Total,
        },
        group_by: group_by(&wire.group_by)?,
    })
}

fn group_by(wire: &[String]) -> Result<Vec<GroupBy>, Error> {
    let field = Field::named("group_by");
    field.count(wire.len(), GROUPINGS_MAX)?;
    let mut seen = BTreeSet::new();
    wire.iter()
        .enumerate()
        .map(|(index, text)| {
            let place = field.at(index);
            let grouping = match (text.as_str(), text.strip_prefix("dimension:")) {
                ("pool", _) => GroupBy::Pool,
                ("action", _) => GroupBy::Action,
                (_, Some(name)) if (1..=KEY_MAX).contains(&name.len()) => GroupBy::Dimension(name.to_owned()),
                _ => return Err(place.invalid("must be pool, action or dimension:<name>")),
            };
            if seen.insert(grouping.clone()) { Ok(grouping) } else { Err(place.invalid("is listed twice")) }
        })
        .collect()
}

pub fn activity(page: request::Page<Entry, u64>) -> v1::ListActivityResponse {
    v1::ListActivityResponse {
        entries: page.rows.into_iter().map(entry).collect(),
        next_page_token: List::Activity.token(page.next),
    }
}

fn entry(entry: Entry) -> v1::ActivityEntry {
    v1::ActivityEntry {
        // As wide as the largest sequence, so that ids sort as texts in the order of what happened.
        id: format!("{:016}", entry.sequence),
        time: Some(timestamp(entry.time)),
        r#type: entry.kind.to_string(),
        pool: entry.pool.map(|pool| pool.to_string()).unwrap_or_default(),
        action: entry.action.map(|action| action.to_string()).unwrap_or_default(),
        credits: entry.credits.as_i64(),
        quantity: entry.quantity.as_i64(),
        reservation_id: entry.reservation.map(|id| id.to_string()).unwrap_or_default(),
        subject: entry.subject.map(|subject| subject.to_string()).unwrap_or_default(),
        duplicate: entry.duplicate,
        dimensions: entry.dimensions.into_iter().collect(),
        metadata: entry.metadata.into_iter().collect(),
        details: entry.details.into_iter().collect(),
        balance_after: entry.balance_after.as_i64(),
    }
}

pub fn usage(rows: Vec<request::UsageRow>) -> v1::QueryUsageResponse {
    let row = |row: request::UsageRow| v1::UsageRow {
        start_time: Some(timestamp(row.start)),
        group: row.group.into_iter().collect(),
        credits: row.credits,
        quantity: row.quantity,
        count: row.count,
    };
    v1::QueryUsageResponse { rows: rows.into_iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds, nanos: 0 }
    }

    #[test]
    fn every_kind_of_entry_can_be_asked_for() {
        for kind in (0..=u8::MAX).filter_map(EntryKind::from_code) {
            assert_eq!(entry_kind(kind.as_str()), Ok(Some(kind)));
        }
        assert!(entry_kind("commits").is_err());
    }

    #[test]
    fn a_span_ends_after_it_starts() {
        assert!(span(Some(at(1)), Some(at(2))).is_ok());
        assert!(span(None, Some(at(0))).is_ok());
        assert_eq!(span(Some(at(2)), Some(at(2))).expect_err("empty").message, "end_time: must be after start_time");
    }

    #[test]
    fn usage_is_grouped_by_what_entries_have() {
        let by = |texts: &[&str]| group_by(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let all = by(&["pool", "action", "dimension:model"]).expect("valid");
        assert_eq!(all, [GroupBy::Pool, GroupBy::Action, GroupBy::Dimension("model".into())]);
        for bad in ["", "plan", "dimension:", "model", "Pool"] {
            let message = by(&[bad]).expect_err("must be refused").message;
            assert_eq!(message, "group_by[0]: must be pool, action or dimension:<name>", "{bad}");
        }
        assert_eq!(by(&["pool", "pool"]).expect_err("twice").message, "group_by[1]: is listed twice");
        assert_eq!(by(&["pool"; 9]).expect_err("many").message, "group_by: has 9 entries, the limit is 8");
    }
}
