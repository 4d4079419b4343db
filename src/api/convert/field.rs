//! One field of a request: where it is, and whether it is as it must be.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    time::Duration,
};

use prost_types::Timestamp;

use super::{KEY_MAX, TEXT_MAX};
use crate::{
    amount::Amount,
    clock::Millis,
    id::InvalidId,
    service::Error,
    terms::{Cap, Labels},
};

/// Shortest and longest life of a hold.
pub const TTL_MIN: Duration = Duration::from_secs(1);
pub const TTL_MAX: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// A path to a field, such as `items[2].quantity`; put into words only when something is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    parent: Option<&'a Field<'a>>,
    name: &'static str,
    place: Place<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Whole,
    At(usize),
    Key(&'a str),
}

impl<'a> Field<'a> {
    pub const fn named(name: &'static str) -> Self {
        Self { parent: None, name, place: Place::Whole }
    }

    /// The element at `index` of this field.
    #[must_use]
    pub const fn at(self, index: usize) -> Self {
        Self { place: Place::At(index), ..self }
    }

    /// The entry under `key` of this field.
    #[must_use]
    pub const fn key(self, key: &'a str) -> Self {
        Self { place: Place::Key(key), ..self }
    }

    /// The field `name` of the message in this field.
    pub const fn child(&'a self, name: &'static str) -> Self {
        Self { parent: Some(self), name, place: Place::Whole }
    }

    pub fn invalid(&self, problem: impl fmt::Display) -> Error {
        Error::invalid(self, problem)
    }

    /// Parses an id or a name.
    pub fn id<T>(&self, text: &str, parse: impl FnOnce(&str) -> Result<T, InvalidId>) -> Result<T, Error> {
        parse(text).map_err(|problem| self.invalid(problem))
    }

    /// Parses an id or a name that may be left out.
    pub fn optional_id<T>(
        &self,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<Option<T>, Error> {
        if text.is_empty() { Ok(None) } else { self.id(text, parse).map(Some) }
    }

    /// Parses a list of ids or names of which none comes twice.
    pub fn distinct_ids<T: Ord + Clone>(
        &self,
        texts: &[String],
        max: usize,
        parse: impl Fn(&str) -> Result<T, InvalidId>,
    ) -> Result<Vec<T>, Error> {
        self.count(texts.len(), max)?;
        let mut seen = BTreeSet::new();
        texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let place = self.at(index);
                let id = place.id(text, &parse)?;
                if seen.insert(id.clone()) { Ok(id) } else { Err(place.invalid("is listed twice")) }
            })
            .collect()
    }

    pub fn amount(&self, value: i64) -> Result<Amount, Error> {
        Amount::from_i64(value).map_err(|problem| self.invalid(problem))
    }

    /// Takes one amount per item, or none at all.
    pub fn amounts(&self, values: &[i64], max: usize) -> Result<Vec<Amount>, Error> {
        self.count(values.len(), max)?;
        values.iter().enumerate().map(|(index, value)| self.at(index).amount(*value)).collect()
    }

    pub fn count(&self, count: usize, max: usize) -> Result<(), Error> {
        if count > max { Err(self.invalid(format_args!("has {count} entries, the limit is {max}"))) } else { Ok(()) }
    }

    /// Takes a free text of at most 256 bytes.
    pub fn text(&self, text: String) -> Result<String, Error> {
        self.text_within(text, TEXT_MAX)
    }

    pub fn text_within(&self, text: String, max: usize) -> Result<String, Error> {
        match text.len() {
            len if len > max => Err(self.invalid(format_args!("is {len} bytes long, the limit is {max}"))),
            _ => Ok(text),
        }
    }

    /// Takes at most `max` small texts by key.
    pub fn labels(&self, entries: HashMap<String, String>, max: usize) -> Result<Labels, Error> {
        self.count(entries.len(), max)?;
        for (key, value) in &entries {
            let place = self.key(key);
            match (key.len(), value.len()) {
                (0, _) => return Err(place.invalid("has an empty key")),
                (len, _) if len > KEY_MAX => {
                    return Err(place.invalid(format_args!("has a key of {len} bytes, the limit is {KEY_MAX}")));
                }
                (_, len) if len > TEXT_MAX => {
                    return Err(place.invalid(format_args!("has a value of {len} bytes, the limit is {TEXT_MAX}")));
                }
                _ if key.chars().any(char::is_control) => {
                    return Err(place.invalid("has control characters in its key"));
                }
                _ => {}
            }
        }
        Ok(entries.into_iter().collect())
    }

    /// Takes a moment from 1970 to the end of 9999; what is below a millisecond is cut off.
    pub fn moment(&self, value: Timestamp) -> Result<Millis, Error> {
        let out_of_range = || self.invalid("must lie between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z");
        let nanos = match u64::try_from(value.nanos) {
            Ok(nanos) if nanos < 1_000_000_000 => nanos,
            Ok(_) | Err(_) => return Err(self.invalid("must have from 0 to 999999999 nanos")),
        };
        let seconds = u64::try_from(value.seconds).map_err(|_| out_of_range())?;
        let ms = seconds.checked_mul(1000).and_then(|ms| ms.checked_add(nanos / 1_000_000));
        ms.and_then(Millis::new).ok_or_else(out_of_range)
    }

    pub fn optional_moment(&self, value: Option<Timestamp>) -> Result<Option<Millis>, Error> {
        value.map(|value| self.moment(value)).transpose()
    }

    /// Takes how long a hold is to live, 1 s to 31 days.
    pub fn ttl(&self, value: Option<prost_types::Duration>) -> Result<Option<Duration>, Error> {
        let Some(value) = value else { return Ok(None) };
        let problem = || self.invalid("must be from 1 s to 31 days (2678400s)");
        // By hand: the conversion of prost-types panics on the smallest of seconds.
        let (Ok(seconds), Ok(nanos @ 0..1_000_000_000)) = (u64::try_from(value.seconds), u32::try_from(value.nanos))
        else {
            return Err(problem());
        };
        let span = Duration::new(seconds, nanos);
        if (TTL_MIN..=TTL_MAX).contains(&span) { Ok(Some(span)) } else { Err(problem()) }
    }

    /// Takes the number of an enum that this version knows.
    pub fn known<E: TryFrom<i32>>(&self, value: i32) -> Result<E, Error> {
        E::try_from(value).map_err(|_| self.invalid(format_args!("has no value numbered {value}")))
    }

    pub fn cap(&self, value: i32) -> Result<Option<Cap>, Error> {
        use crate::proto::v1::Cap as Wire;
        Ok(match self.known(value)? {
            Wire::Unspecified => None,
            Wire::Hard => Some(Cap::Hard),
            Wire::Soft => Some(Cap::Soft),
        })
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)?;
        match self.place {
            Place::Whole => Ok(()),
            Place::At(index) => write!(f, "[{index}]"),
            // A key is the caller's and may be of any length: show no more than a good one could have.
            Place::Key(key) => {
                let shown: String = key.chars().take(KEY_MAX).collect();
                write!(f, "[{shown:?}]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::BudgetName;

    const FIELD: Field<'static> = Field::named("it");

    fn problem<T: fmt::Debug>(result: Result<T, Error>) -> String {
        result.expect_err("must be refused").message
    }

    #[test]
    fn a_path_names_every_step() {
        let item = Field::named("items").at(2);
        assert_eq!(item.child("quantity").to_string(), "items[2].quantity");
        assert_eq!(item.child("dimensions").key("a\"b").to_string(), r#"items[2].dimensions["a\"b"]"#);
    }

    #[test]
    fn a_moment_lies_between_1970_and_9999() {
        let at = |seconds, nanos| FIELD.moment(Timestamp { seconds, nanos });
        assert_eq!(at(0, 0).map(Millis::get), Ok(0));
        assert_eq!(at(1, 999_999_999).map(Millis::get), Ok(1999));
        assert_eq!(at(253_402_300_799, 999_999_999), Ok(Millis::MAX));
        for (seconds, nanos) in
            [(-1, 0), (253_402_300_800, 0), (i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)]
        {
            assert!(at(seconds, nanos).is_err(), "{seconds} s {nanos} ns");
        }
        let moment = Millis::new(1_234).expect("valid");
        assert_eq!(FIELD.moment(super::super::timestamp(moment)), Ok(moment));
    }

    #[test]
    fn a_hold_lives_from_a_second_to_31_days() {
        let ttl = |seconds, nanos| FIELD.ttl(Some(prost_types::Duration { seconds, nanos }));
        assert_eq!(FIELD.ttl(None), Ok(None));
        assert_eq!(ttl(1, 0), Ok(Some(TTL_MIN)));
        assert_eq!(ttl(2_678_400, 0), Ok(Some(TTL_MAX)));
        for (seconds, nanos) in [
            (0, 0),
            (0, 999_999_999),
            (-5, 0),
            (2_678_400, 1),
            (i64::MAX, 0),
            (i64::MIN, 0),
            (5, -1),
            (1, 1_000_000_000),
        ] {
            let message = problem(ttl(seconds, nanos));
            assert_eq!(message, "it: must be from 1 s to 31 days (2678400s)", "{seconds} s {nanos} ns");
        }
    }

    #[test]
    fn labels_are_few_and_small() {
        let one = |key: &str, value: &str| FIELD.labels(HashMap::from([(key.into(), value.into())]), 16);
        assert!(one(&"k".repeat(64), &"v".repeat(256)).is_ok());
        assert_eq!(problem(one("", "v")), r#"it[""]: has an empty key"#);
        assert!(problem(one(&"k".repeat(65), "v")).ends_with("has a key of 65 bytes, the limit is 64"));
        assert!(problem(one("k", &"v".repeat(257))).ends_with("has a value of 257 bytes, the limit is 256"));
        assert!(problem(one("k\n", "v")).ends_with("has control characters in its key"));
        let many = |count: usize| FIELD.labels((0..count).map(|n| (n.to_string(), String::new())).collect(), 16);
        assert!(many(16).is_ok());
        assert_eq!(problem(many(17)), "it: has 17 entries, the limit is 16");
    }

    #[test]
    fn a_refused_key_is_shown_in_part() {
        let long = "k".repeat(60_000);
        assert!(problem(FIELD.labels(HashMap::from([(long, String::new())]), 16)).len() < 200);
    }

    #[test]
    fn texts_end_at_256_bytes() {
        assert!(FIELD.text("é".repeat(128)).is_ok());
        assert_eq!(problem(FIELD.text("é".repeat(129))), "it: is 258 bytes long, the limit is 256");
    }

    #[test]
    fn an_unknown_enum_number_is_refused() {
        assert_eq!(FIELD.cap(2), Ok(Some(Cap::Soft)));
        assert_eq!(FIELD.cap(0), Ok(None));
        assert_eq!(problem(FIELD.cap(3)), "it: has no value numbered 3");
    }

    #[test]
    fn nothing_is_listed_twice() {
        let ids = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            FIELD.distinct_ids(&texts, 2, BudgetName::parse)
        };
        assert_eq!(ids(&["a", "b"]).map(|ids| ids.len()), Ok(2));
        assert_eq!(problem(ids(&["a", "a"])), "it[1]: is listed twice");
        assert_eq!(problem(ids(&["a", "b", "c"])), "it: has 3 entries, the limit is 2");
        assert_eq!(problem(ids(&["a", ""])), "it[1]: must not be empty");
    }

    #[test]
    fn amounts_are_whole_and_not_negative() {
        assert_eq!(problem(FIELD.amounts(&[1, -1], 32)), "it[1]: must not be negative");
        assert!(problem(FIELD.amount(1 << 53)).contains("2^53-1"));
        assert_eq!(problem(FIELD.amounts(&[0; 33], 32)), "it: has 33 entries, the limit is 32");
    }
}
