//! `docs/errors.md` says of every reason what the code says: statuses, HTTP statuses, when to retry.

use std::collections::BTreeMap;

use crate::{
    api::{json::error, status},
    proto::v1::denial,
    service::{Error, Reason},
};
use tonic_types::StatusExt as _;

const ERRORS: &str = include_str!("../../../docs/errors.md");

/// The rows of the tables: by what stands in the first cell, the others.
fn rows() -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in ERRORS.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some(reason) = cells[0].strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else { continue };
        let others = cells[1..].iter().map(|cell| (*cell).to_owned()).collect();
        assert!(rows.insert(reason.to_owned(), others).is_none(), "{reason} stands there twice");
    }
    rows
}

/// `NotFound` as `NOT_FOUND`.
fn upper_snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_uppercase());
    }
    text
}

#[test]
fn every_reason_is_explained_with_its_statuses_and_when_to_retry() {
    let mut rows = rows();
    let statuses = Reason::ALL.iter().map(|reason| status::status(&Error::new(*reason, "it failed")));
    for status in statuses.chain([status::deadline_exceeded()]) {
        let reason = status.get_details_error_info().expect("an ErrorInfo").reason;
        let row = rows.remove(&reason).unwrap_or_else(|| panic!("docs/errors.md says nothing of {reason}"));
        let [grpc, http, retry, means, _] = row.as_slice() else { panic!("docs/errors.md: {reason}: {row:?}") };
        assert_eq!(*grpc, upper_snake(&format!("{:?}", status.code())), "docs/errors.md: {reason}");
        assert_eq!(*http, error::failure(&status).status().as_u16().to_string(), "docs/errors.md: {reason}");
        let delay = status.get_details_retry_info().and_then(|info| info.retry_delay).map(|delay| delay.as_millis());
        let expected = match delay {
            Some(delay) if delay % 1_000 == 0 => format!("after {} s", delay / 1_000),
            Some(delay) => format!("after {delay} ms"),
            None if reason == "DEADLINE_EXCEEDED" => "yes".to_owned(),
            None => "no".to_owned(),
        };
        assert_eq!(*retry, expected, "docs/errors.md: {reason}");
        assert!(!means.is_empty(), "docs/errors.md: {reason} means something");
    }
    for number in 1..=i32::MAX {
        let Ok(reason) = denial::Reason::try_from(number) else { break };
        let name = reason.as_str_name();
        let row = rows.remove(name).unwrap_or_else(|| panic!("docs/errors.md says nothing of {name}"));
        assert!(row.len() == 2 && row.iter().all(|cell| !cell.is_empty()), "docs/errors.md: {name}: {row:?}");
    }
    assert!(rows.is_empty(), "docs/errors.md explains what there is not: {:?}", rows.keys());
}
