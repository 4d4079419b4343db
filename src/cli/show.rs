//! How answers look: tables and sentences for people, JSON for programs, on standard output; notes on standard error.
//! Which answer it is and where it came from is the commands' business.

mod account;
mod balance;
mod catalog;
mod denial;
mod entry;
mod hold;
mod number;
mod table;

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

pub use account::{account, accounts, budgets};
pub use balance::{Scales, balances, grants};
pub use catalog::catalog;
pub use denial::denied;
pub use entry::{activity, usage};
pub use hold::{charges, granted, reservation, reservations, reserved};
pub use number::amount;
pub use table::Grid;

use super::client::Method;
use crate::api::json;

/// Where an answer is written to.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    json: bool,
}

impl Out {
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Writes the answer of a method: as JSON, or as the text that is made of it.
    pub fn answer<M: Method>(self, answer: &M::Answer, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json { print(&in_json::<M>(answer)?) } else { print(&text()) }
    }
}

/// The answer of a method in proto3 JSON.
fn in_json<M: Method>(answer: &M::Answer) -> anyhow::Result<String> {
    let form = answer_of(M::PATH);
    let message =
        DynamicMessage::decode(form, answer.encode_to_vec().as_slice()).context("the answer is not as it must be")?;
    pretty(&message)
}

/// A message with all its fields, over several lines.
fn pretty(message: &DynamicMessage) -> anyhow::Result<String> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut text);
    message.serialize_with_options(&mut writer, &json::WRITE).context("the answer cannot be written as JSON")?;
    Ok(String::from_utf8(text).expect("JSON is UTF-8"))
}

fn answer_of(path: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(crate::proto::DESCRIPTORS).expect("the build wrote them");
    let (service, name) = path.trim_start_matches('/').split_once('/').expect("a path names both");
    let service = pool.get_service_by_name(service).expect("a test calls each method");
    service.methods().find(|method| method.name() == name).expect("a test calls each method").output()
}

/// Writes to standard output, with a line end. A reader that has seen enough and left is no failure.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Says something that is not the answer, on standard error.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard output shows colours: a terminal that is able, and nobody who minds (`NO_COLOR`).
pub fn colours() -> bool {
    let minded = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let able = env::var_os("TERM").is_some_and(|term| term != "dumb");
    io::stdout().is_terminal() && able && !minded
}

/// A moment for people, to the second: `2026-03-04 09:30:00 +01:00`; empty where there is none.
pub fn time(moment: Option<&prost_types::Timestamp>, zone: &TimeZone) -> String {
    let Some(moment) = moment else { return String::new() };
    match Timestamp::new(moment.seconds, 0) {
        Ok(timestamp) => timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => format!("{} s", moment.seconds),
    }
}

/// Lines with a title each, for one thing: `plan  starter`. Those that are empty are left out.
pub fn facts(facts: &[(&str, String)]) -> String {
    let told = facts.iter().filter(|(_, value)| !value.is_empty());
    let width = told.clone().map(|(title, _)| title.chars().count()).max().unwrap_or(0);
    told.flat_map(|(title, value)| [format!("{title:<width$}  {value}"), "\n".to_owned()]).collect()
}

/// The name of a value of an enum, in small letters; empty where it is unspecified.
pub fn word(name: &str) -> String {
    if name.ends_with("UNSPECIFIED") { String::new() } else { name.to_lowercase().replace('_', " ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_zone_with_its_offset() {
        let moment = prost_types::Timestamp { seconds: 1_772_616_600, nanos: 999_000_000 };
        let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
        assert_eq!(time(Some(&moment), &berlin), "2026-03-04 10:30:00 +01:00");
        assert_eq!(time(Some(&moment), &TimeZone::UTC), "2026-03-04 09:30:00 +00:00");
        assert_eq!(time(None, &berlin), "");
    }

    #[test]
    fn facts_stand_in_line_and_empty_ones_are_left_out() {
        let text = facts(&[("id", "acme".into()), ("labels", String::new()), ("plan", "starter".into())]);
        assert_eq!(text, "id    acme\nplan  starter\n");
    }

    #[test]
    fn every_field_is_in_the_json() {
        let balance = crate::proto::v1::Balance { pool: "p".into(), ..Default::default() };
        let answer = crate::proto::v1::GetBalanceResponse { balances: vec![balance] };
        let text = in_json::<crate::proto::v1::GetBalanceRequest>(&answer).expect("JSON");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["balances"][0]["pool"], "p");
        assert_eq!(json["balances"][0]["available"], "0");
    }
}
