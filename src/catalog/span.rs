//! Lengths of time (`24h`) and moments (`2025-08-07`) as catalogs write them.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::clock::Millis;

use super::{field::Field, problem::Found};

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads `24h`, `90s`, `1h30m`, `7d`: from one second up to `max`.
pub(super) fn read_duration(field: &Field, found: &mut Found, max: Duration) -> Option<Duration> {
    let parsed = field.scalar().and_then(parse_duration);
    match parsed {
        Some(span) if (Duration::from_secs(1)..=max).contains(&span) => Some(span),
        Some(_) => {
            field.problem(found, format!("must be from 1s to {}", display_duration(max)));
            None
        }
        None => field.wrong(found, "a length of time such as `30s`, `15m`, `24h`, `7d`, `1h30m`"),
    }
}

/// Numbers with units, the larger units first, each at most once.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    // Each round takes at least two bytes of a scalar, whose length is bounded.
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, seconds) = units.find(|(name, _)| *name == unit)?;
        total = number.checked_mul(*seconds).and_then(|seconds| total.checked_add(seconds))?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

/// Writes a length of time as catalogs do: `24h`, `1h30m`; days only for whole days beyond one.
pub fn display_duration(span: Duration) -> String {
    let mut seconds = span.as_secs();
    if seconds > 86_400 && seconds.is_multiple_of(86_400) {
        return format!("{}d", seconds / 86_400);
    }
    let mut text = String::new();
    for (unit, size) in [('h', 3_600), ('m', 60), ('s', 1)] {
        let count = seconds / size;
        seconds %= size;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push(unit);
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// Reads a date (its midnight in UTC) or a full timestamp with an offset, from 1970 on.
pub(super) fn read_moment(field: &Field, found: &mut Found) -> Option<Millis> {
    let moment = field.scalar().and_then(|text| {
        let midnight = || text.parse::<Date>().ok().filter(|_| text.len() == 10)?.to_zoned(TimeZone::UTC).ok();
        let timestamp = text.parse::<Timestamp>().ok().or_else(|| midnight().map(|midnight| midnight.timestamp()))?;
        Millis::new(u64::try_from(timestamp.as_millisecond()).ok()?)
    });
    match moment {
        Some(moment) => Some(moment),
        None => field.wrong(found, "a date such as 2025-08-07 (midnight UTC) or a time such as 2025-08-07T09:00:00Z"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units_largest_first() {
        let seconds = |text| parse_duration(text).map(|span| span.as_secs());
        assert_eq!(seconds("24h"), Some(86_400));
        assert_eq!(seconds("1h30m"), Some(5_400));
        assert_eq!(seconds("2w"), Some(1_209_600));
        for bad in ["", "24", "h", "1h1h", "30m1h", "-1h", "1.5h", "1 h", "1H", "99999999999999999999s", "1ä"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_duration_written_back_reads_the_same() {
        for text in ["1s", "15m", "24h", "1h30m", "7d", "36h"] {
            assert_eq!(display_duration(parse_duration(text).unwrap()), text);
        }
    }
}
