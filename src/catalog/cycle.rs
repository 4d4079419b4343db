//! Cycles: how often something starts afresh, and when exactly, in an account's time zone.
//!
//! Boundary n is the anchor's wall-clock time plus n periods, the day clamped to the month's end: 31 Jan, 28 Feb,
//! 31 Mar. Each boundary is computed from the anchor itself, so that clamping never drifts. A time that a zone skips is
//! moved on by the length of the gap, one that it repeats is taken the first time (RFC 5545). Boundary 0 is the anchor
//! itself, even when the anchor is the second pass of a repeated hour.
//!
//! A zone may skip a whole day (Samoa had no 30 December 2011). The boundary of that day falls together with the next
//! one; it is put one millisecond before, so that boundaries always increase and every window has a length.

use std::{fmt, num::NonZeroU32};

use jiff::{Span, Timestamp, Unit, civil::DateTime, tz::TimeZone};

use crate::{clock::Millis, terms::Window};

use super::{
    field::Field,
    keys,
    problem::{Found, nearest},
};

/// Most units in one period.
pub const EVERY_MAX: u32 = 1_000;
/// Most cycles after which one that ends may end.
pub const TIMES_MAX: u32 = 100_000;

/// How often a pool or budget starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CycleSpec {
    pub every: Period,
    /// After so many cycles it has ended, and nothing starts afresh any more: a trial. `None`: it goes on for ever.
    pub times: Option<NonZeroU32>,
}

/// Some days, weeks, months or years: 1 to 1,000 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    count: u32,
    unit: PeriodUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodUnit {
    Day,
    Week,
    Month,
    Year,
}

const UNITS: [(&str, &str, PeriodUnit); 4] = [
    ("day", "days", PeriodUnit::Day),
    ("week", "weeks", PeriodUnit::Week),
    ("month", "months", PeriodUnit::Month),
    ("year", "years", PeriodUnit::Year),
];

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCycle {
    #[error("must be a number and a unit such as `1 month`, `2 weeks`, `14 days`, `1 year`")]
    Form,
    #[error("must count from 1 to {EVERY_MAX}")]
    Count,
    #[error("unknown unit `{unit}`, did you mean {near}?")]
    Unit { unit: String, near: &'static str },
}

/// Where cycles are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The moment whose wall-clock time every boundary has.
    pub at: Millis,
    /// When the account began, if that was before the anchor. Cycle 0 is then the one that contains it, counted back
    /// from the anchor; a cycle with `times` begins with it and has its first boundary one period after the anchor.
    pub since: Millis,
}

impl From<Millis> for Anchor {
    fn from(at: Millis) -> Self {
        Self { at, since: at }
    }
}

impl Period {
    /// Takes 1 to 1,000 of a unit.
    pub const fn new(count: u32, unit: PeriodUnit) -> Result<Self, InvalidCycle> {
        if count == 0 || count > EVERY_MAX { Err(InvalidCycle::Count) } else { Ok(Self { count, unit }) }
    }

    pub const fn count(self) -> u32 {
        self.count
    }

    pub const fn unit(self) -> PeriodUnit {
        self.unit
    }

    fn parse(text: &str) -> Result<Self, InvalidCycle> {
        let mut words = text.split_ascii_whitespace();
        let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
            return Err(InvalidCycle::Form);
        };
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidCycle::Form);
        }
        let Some((_, _, unit)) = UNITS.into_iter().find(|(one, many, _)| *one == unit || *many == unit) else {
            let near = nearest(unit, UNITS.iter().map(|(one, _, _)| *one));
            return Err(near.map_or(InvalidCycle::Form, |near| InvalidCycle::Unit { unit: unit.into(), near }));
        };
        Self::new(count.parse().unwrap_or(u32::MAX), unit)
    }

    /// n periods, if the calendar holds them.
    fn span(self, n: i64) -> Option<Span> {
        let units = i64::from(self.count).checked_mul(n)?;
        match self.unit {
            PeriodUnit::Day => Span::new().try_days(units),
            PeriodUnit::Week => Span::new().try_weeks(units),
            PeriodUnit::Month => Span::new().try_months(units),
            PeriodUnit::Year => Span::new().try_years(units),
        }
        .ok()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Day => "day",
            PeriodUnit::Week => "week",
            PeriodUnit::Month => "month",
            PeriodUnit::Year => "year",
        };
        write!(f, "{} {unit}{}", self.count, if self.count == 1 { "" } else { "s" })
    }
}

/// The period, as `parse_short` reads it. `times` is told apart wherever it matters.
impl fmt::Display for CycleSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.every.fmt(f)
    }
}

impl CycleSpec {
    /// Reads `1 month`, `2 weeks`, `14 days`, `1 year`: a cycle that goes on for ever.
    pub fn parse_short(text: &str) -> Result<Self, InvalidCycle> {
        Ok(Self { every: Period::parse(text)?, times: None })
    }

    /// The window that contains `now`; the first when `now` is before it, the last endless one when `times` are over.
    pub fn window_at(&self, anchor: impl Into<Anchor>, zone: &TimeZone, now: Millis) -> Window {
        let lattice = Lattice::new(self.every, anchor.into(), zone);
        let first = lattice.first(self.times);
        let number = lattice.index_at(now).saturating_sub(first);
        self.window_from(&lattice, first, u64::try_from(number).unwrap_or(0))
    }

    /// The window with a number, from 0. Past `times` it is the endless one after the last; past the end of the year
    /// 9999 it is empty and endless there.
    pub fn window(&self, anchor: impl Into<Anchor>, zone: &TimeZone, number: u64) -> Window {
        let lattice = Lattice::new(self.every, anchor.into(), zone);
        let first = lattice.first(self.times);
        self.window_from(&lattice, first, number)
    }

    fn window_from(&self, lattice: &Lattice, first: i64, number: u64) -> Window {
        let times = self.times.map(|times| u64::from(times.get()));
        let number = times.map_or(number, |times| number.min(times));
        let boundary = |number: u64| {
            let index = i64::try_from(number).ok().and_then(|number| first.checked_add(number))?;
            lattice.boundary(index)
        };
        let begins_early = number == 0 && self.times.is_some() && lattice.anchor.since < lattice.anchor.at;
        let start = if begins_early { Some(lattice.anchor.since) } else { boundary(number) };
        let ended = times.is_some_and(|times| number >= times);
        let end = if ended { None } else { number.checked_add(1).and_then(boundary) };
        Window { number, start: start.unwrap_or(Millis::MAX), end }
    }

    /// Reads `{every: 1 month, times: 1}`, `1 month` or `never`.
    #[expect(clippy::option_option, reason = "the outer says whether it could be read, the inner whether there is one")]
    pub(super) fn read(field: &Field, found: &mut Found) -> Option<Option<Self>> {
        if field.scalar() == Some("never") {
            return Some(None);
        }
        if !field.is_map() {
            return Period::read(field, found).map(|every| Some(Self { every, times: None }));
        }
        let mapping = field.mapping(found, &keys::CYCLE)?;
        let every = mapping.required(found, "every").and_then(|field| Period::read(field, found));
        let times = mapping.or("times", None, |field| {
            let times = field.whole(found, 1, u64::from(TIMES_MAX))?;
            Some(u32::try_from(times).ok().and_then(NonZeroU32::new))
        });
        Some(Some(Self { every: every?, times: times? }))
    }
}

impl Period {
    fn read(field: &Field, found: &mut Found) -> Option<Self> {
        let Some(text) = field.scalar() else {
            return field.wrong(found, "a period such as `1 month`, or `never`");
        };
        Self::parse(text).map_err(|error| field.problem(found, error.to_string())).ok()
    }
}

/// All boundaries of a period around an anchor, by their index: 0 is the anchor, negative ones are before it.
struct Lattice<'z> {
    every: Period,
    anchor: Anchor,
    /// The anchor on the zone's wall clock.
    civil: DateTime,
    zone: &'z TimeZone,
}

impl<'z> Lattice<'z> {
    fn new(every: Period, anchor: Anchor, zone: &'z TimeZone) -> Self {
        Self { every, anchor, civil: zone.to_datetime(timestamp(anchor.at)), zone }
    }

    /// The index of cycle 0.
    fn first(&self, times: Option<NonZeroU32>) -> i64 {
        if times.is_some() || self.anchor.since >= self.anchor.at { 0 } else { self.index_at(self.anchor.since).min(0) }
    }

    /// The largest index whose boundary is not after `now`.
    fn index_at(&self, now: Millis) -> i64 {
        let mut index = self.estimate(now);
        let reached = |index: i64| self.boundary_ms(index).is_some_and(|ms| ms <= now.get().cast_signed());
        // The estimate looks at dates only, so it misses by one for the time of day, the day of the month or a skipped
        // day each; 8 steps are more than all of them.
        for _ in 0..8 {
            if !reached(index) {
                index -= 1;
            } else if reached(index + 1) {
                index += 1;
            } else {
                break;
            }
        }
        index
    }

    /// The index by the calendar dates alone.
    fn estimate(&self, now: Millis) -> i64 {
        let (from, to) = (self.civil.date(), self.zone.to_datetime(timestamp(now)).date());
        let months = || (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month() - from.month());
        let days = || from.until((Unit::Day, to)).map_or(0, |span| i64::from(span.get_days()));
        let units = match self.every.unit {
            PeriodUnit::Day => days(),
            PeriodUnit::Week => days().div_euclid(7),
            PeriodUnit::Month => months(),
            PeriodUnit::Year => months().div_euclid(12),
        };
        units.div_euclid(i64::from(self.every.count))
    }

    /// A boundary as a moment of the service; what lies before 1970 is 1970.
    fn boundary(&self, index: i64) -> Option<Millis> {
        let ms = self.boundary_ms(index)?;
        Millis::new(u64::try_from(ms).unwrap_or(0))
    }

    /// Strictly increasing with the index; `None` outside of the years that the calendar holds.
    fn boundary_ms(&self, index: i64) -> Option<i64> {
        let ms = self.nominal_ms(index)?;
        match self.nominal_ms(index.checked_add(1)?) {
            // Only where the zone skips a whole day: see the top of this file.
            Some(next) if next <= ms => Some(next - 1),
            Some(_) | None => Some(ms),
        }
    }

    /// The anchor plus so many periods on the wall clock.
    fn nominal_ms(&self, index: i64) -> Option<i64> {
        if index == 0 {
            return Some(self.anchor.at.get().cast_signed());
        }
        let civil = self.civil.checked_add(self.every.span(index)?).ok()?;
        let moment = self.zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        Some(moment.as_millisecond())
    }
}

/// The calendar ends some hours before `Millis` does, to leave room for zones.
fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at.get().cast_signed()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "cycle_tests.rs"]
mod tests;
