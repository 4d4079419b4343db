//! What people type: amounts, moments, lengths of time, pairs, ids. Each refusal says how it is written.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Zoned, civil::Date, tz::TimeZone};
use prost_types::Timestamp as Moment;
use uuid::Uuid;

use crate::amount::AMOUNT_MAX;

/// An id that makes a change repeatable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    text: String,
    /// Nobody gave one.
    pub made: bool,
}

impl Id {
    pub fn given(text: &str) -> Self {
        Self { text: text.to_owned(), made: false }
    }

    /// The id that was given, or a new one.
    pub fn or_made(given: Option<String>) -> Self {
        match given {
            Some(text) => Self { text, made: false },
            None => Self { text: Uuid::now_v7().to_string(), made: true },
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The address of a service: `http://HOST:PORT`; the scheme may be left out.
pub fn server(text: &str) -> Result<String, String> {
    let address = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    if address.starts_with("https://") {
        return Err("https is not spoken by this version; put a proxy that speaks it on this machine".to_owned());
    }
    let uri: Option<http::Uri> = address.parse().ok();
    let plain = uri.is_some_and(|uri| {
        uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty()) && uri.path() == "/"
    });
    if plain { Ok(address.trim_end_matches('/').to_owned()) } else { Err("must be http://HOST:PORT".to_owned()) }
}

/// A whole number of credits or units: `1000` or `1_000`.
pub fn amount(text: &str) -> Result<i64, String> {
    if text.contains(',') {
        return Err("must have no commas: write 1000 or 1_000".to_owned());
    }
    let digits = text.replace('_', "");
    let form = !text.starts_with('_') && !text.ends_with('_');
    if digits.is_empty() || !form || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("must be a whole number from 0, such as 1000 or 1_000".to_owned());
    }
    let value = digits.parse::<u64>().ok().filter(|value| *value <= AMOUNT_MAX);
    value.map(u64::cast_signed).ok_or_else(|| format!("is above the limit of 2^53-1 ({AMOUNT_MAX})"))
}

/// A length of time: `90s`, `5m`, `1h 30m`, `7 days`, or ISO 8601; a day has 24 hours.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a length of time such as 90s, 5m, 1h30m or 7d".to_owned();
    let span: Span = text.parse().map_err(|_| wrong())?;
    let length: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    if length.is_negative() || length.is_zero() {
        return Err("must be longer than nothing".to_owned());
    }
    Duration::try_from(length).map_err(|_| wrong())
}

/// A length of time as requests carry it.
pub fn wire_duration(text: &str) -> Result<prost_types::Duration, String> {
    let length = duration(text)?;
    let seconds = i64::try_from(length.as_secs()).map_err(|_| "is too long".to_owned())?;
    let nanos = i32::try_from(length.subsec_nanos()).expect("a part of a second is below 10^9 ns");
    Ok(prost_types::Duration { seconds, nanos })
}

/// A moment: RFC 3339, one with a zone, or a date (its midnight in UTC).
pub fn moment(text: &str) -> Result<Moment, String> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let timestamp = text
        .parse::<Timestamp>()
        .or_else(|_| text.parse::<Zoned>().map(|zoned| zoned.timestamp()))
        .or_else(|error| if text.len() == 10 { text.parse::<Date>().and_then(midnight) } else { Err(error) });
    let timestamp = timestamp.map_err(|_| {
        "must be a time such as 2026-03-04T09:30:00Z, 2026-03-04T09:30[Europe/Berlin], or a date (midnight UTC)"
            .to_owned()
    })?;
    Ok(wire(timestamp))
}

/// A moment as requests carry it.
pub fn wire(timestamp: Timestamp) -> Moment {
    Moment { seconds: timestamp.as_second(), nanos: timestamp.subsec_nanosecond() }
}

/// `KEY=VALUE`; the value may be empty and may hold more `=`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("must be KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_with_or_without_its_scheme() {
        assert_eq!(server("localhost:7300").as_deref(), Ok("http://localhost:7300"));
        assert_eq!(server("http://[::1]:7300/").as_deref(), Ok("http://[::1]:7300"));
        assert!(server("https://credits.example").expect_err("refused").contains("https is not spoken"));
        for bad in ["", "http://", "ftp://x", "http://x/path", "a b"] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn amounts_take_underscores_and_refuse_commas() {
        assert_eq!(amount("1_000_000"), Ok(1_000_000));
        assert_eq!(amount("9007199254740991"), Ok(9_007_199_254_740_991));
        assert!(amount("1,000").expect_err("refused").contains("no commas"));
        for bad in ["", "-1", "+1", "1.5", "1e3", "_1", "1_", "9007199254740992", "99999999999999999999", "١"] {
            assert!(amount(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let seconds = |text| duration(text).map(|length| length.as_secs());
        let written = ["90s", "5m", "1h30m", "1h 30m", "7d", "2 days", "PT1H"].map(seconds);
        assert_eq!(written, [90, 300, 5_400, 5_400, 604_800, 172_800, 3_600].map(Ok));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "5", "-5m", "0s", "soon", "1 month"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn moments_have_an_offset_or_a_zone_or_are_days() {
        let seconds = |text| moment(text).map(|moment| moment.seconds);
        assert_eq!(seconds("2026-03-04T09:30:00Z"), Ok(1_772_616_600));
        assert_eq!(seconds("2026-03-04T10:30:00+01:00"), Ok(1_772_616_600));
        assert_eq!(seconds("2026-03-04T10:30[Europe/Berlin]"), Ok(1_772_616_600));
        assert_eq!(seconds("2026-03-04"), Ok(1_772_582_400));
        for bad in ["", "2026-03-04T09:30:00", "tomorrow", "2026-02-30"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
