//! Boundaries tile time from any anchor in any zone; the days that calendars are known to go wrong on.

use proptest::{prelude::*, sample};

use super::*;

const DAY_MS: u64 = 86_400_000;
const YEAR_MS: u64 = 31_556_952_000;

/// Zones with rules of every sort: none, both hemispheres, half an hour of summer time, skipped days, odd offsets.
const ZONES: [&str; 14] = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Asia/Gaza",
    "Europe/Dublin",
    "Antarctica/Troll",
    "Asia/Pyongyang",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn every(text: &str) -> CycleSpec {
    CycleSpec::parse_short(text).unwrap()
}

fn times(text: &str, times: u32) -> CycleSpec {
    CycleSpec { times: NonZeroU32::new(times), ..every(text) }
}

/// `2025-01-31T12:00` on the wall clock of a zone.
fn at(civil: &str, zone: &TimeZone) -> Millis {
    let zoned = civil.parse::<DateTime>().unwrap().to_zoned(zone.clone()).unwrap();
    Millis::new(u64::try_from(zoned.timestamp().as_millisecond()).unwrap()).unwrap()
}

/// The wall clock of a zone at a moment.
fn wall(moment: Millis, zone: &TimeZone) -> String {
    zone.to_datetime(timestamp(moment)).to_string()
}

/// The first boundaries after the anchor, on the wall clock.
fn boundaries(spec: &str, anchor: &str, zone_name: &str, count: u64) -> Vec<String> {
    let zone = zone(zone_name);
    let anchor = at(anchor, &zone);
    (1..=count).map(|number| wall(every(spec).window(anchor, &zone, number).start, &zone)).collect()
}

#[test]
fn the_31st_is_clamped_to_the_months_end_and_never_drifts() {
    assert_eq!(
        boundaries("1 month", "2025-01-31T12:00", "UTC", 6),
        [
            "2025-02-28T12:00:00",
            "2025-03-31T12:00:00",
            "2025-04-30T12:00:00",
            "2025-05-31T12:00:00",
            "2025-06-30T12:00:00",
            "2025-07-31T12:00:00",
        ]
    );
    assert_eq!(boundaries("1 month", "2023-12-31T00:00", "UTC", 2), ["2024-01-31T00:00:00", "2024-02-29T00:00:00"]);
    assert_eq!(boundaries("3 months", "2024-11-30T00:00", "UTC", 2), ["2025-02-28T00:00:00", "2025-05-30T00:00:00"]);
}

#[test]
fn the_29th_of_february_comes_back_in_leap_years() {
    assert_eq!(
        boundaries("1 year", "2024-02-29T08:00", "Europe/Berlin", 4),
        ["2025-02-28T08:00:00", "2026-02-28T08:00:00", "2027-02-28T08:00:00", "2028-02-29T08:00:00",]
    );
}

#[test]
fn the_billing_anniversary_is_a_day_of_the_month_not_its_first() {
    assert_eq!(boundaries("1 month", "2025-08-04T00:00", "UTC", 2), ["2025-09-04T00:00:00", "2025-10-04T00:00:00"]);
}

#[test]
fn a_time_that_spring_skips_moves_on_by_the_gap() {
    let new_york = boundaries("1 day", "2025-03-08T02:30", "America/New_York", 2);
    assert_eq!(new_york, ["2025-03-09T03:30:00", "2025-03-10T02:30:00"]);
    let berlin = boundaries("1 month", "2025-02-28T02:30", "Europe/Berlin", 1);
    assert_eq!(berlin, ["2025-03-28T02:30:00"]);
    let berlin = boundaries("1 day", "2025-03-29T02:30", "Europe/Berlin", 2);
    assert_eq!(berlin, ["2025-03-30T03:30:00", "2025-03-31T02:30:00"]);
    // Half an hour of summer time: 02:00 becomes 02:30.
    let lord_howe = boundaries("1 day", "2025-10-04T02:15", "Australia/Lord_Howe", 2);
    assert_eq!(lord_howe, ["2025-10-05T02:45:00", "2025-10-06T02:15:00"]);
}

#[test]
fn a_time_that_autumn_repeats_is_taken_the_first_time() {
    let zone = zone("America/New_York");
    let window = every("1 day").window(at("2025-11-01T01:30", &zone), &zone, 1);
    // 01:30 EDT, an hour before 01:30 EST.
    assert_eq!(window.start.to_string(), "2025-11-02T05:30:00Z");
    assert_eq!(window.end.unwrap().get() - window.start.get(), 25 * 3_600_000);
}

#[test]
fn an_anchor_in_the_second_pass_of_a_repeated_hour_stays_where_it_is() {
    let zone = zone("Europe/Berlin");
    let anchor = Millis::new(at("2025-10-26T02:30", &zone).get() + 3_600_000).unwrap();
    assert_eq!(wall(anchor, &zone), "2025-10-26T02:30:00");
    let window = every("1 day").window(anchor, &zone, 0);
    assert_eq!(window.start, anchor);
    assert_eq!(wall(window.end.unwrap(), &zone), "2025-10-27T02:30:00");
}

#[test]
fn a_zone_that_skipped_a_day_still_has_a_window_for_it() {
    let zone = zone("Pacific/Apia");
    for anchor in ["2011-12-28T10:00", "2011-12-28T00:00"] {
        let anchor = at(anchor, &zone);
        let windows: Vec<Window> = (0..5).map(|number| every("1 day").window(anchor, &zone, number)).collect();
        let lengths: Vec<u64> = windows.iter().map(|window| window.end.unwrap().get() - window.start.get()).collect();
        assert_eq!(lengths, [DAY_MS, DAY_MS - 1, 1, DAY_MS, DAY_MS], "the skipped day is one millisecond long");
    }
    let monthly = boundaries("1 month", "2011-11-30T10:00", "Pacific/Apia", 2);
    assert_eq!(monthly, ["2011-12-31T10:00:00", "2012-01-30T10:00:00"]);
}

#[test]
fn a_trial_ends_and_never_starts_afresh() {
    let zone = zone("UTC");
    let anchor = at("2025-08-07T09:00", &zone);
    let spec = times("14 days", 1);
    let ends = at("2025-08-21T09:00", &zone);
    assert_eq!(spec.window_at(anchor, &zone, anchor), Window { number: 0, start: anchor, end: Some(ends) });
    let after = Window { number: 1, start: ends, end: None };
    assert_eq!(spec.window_at(anchor, &zone, ends), after);
    assert_eq!(spec.window_at(anchor, &zone, Millis::MAX), after);
    assert_eq!(spec.window(anchor, &zone, 99), after);
}

#[test]
fn without_a_beginning_the_first_window_is_the_anchors_even_before_it() {
    let zone = zone("UTC");
    let anchor = at("2025-08-31T00:00", &zone);
    let first = Window { number: 0, start: anchor, end: Some(at("2025-09-30T00:00", &zone)) };
    assert_eq!(every("1 month").window_at(anchor, &zone, at("2025-01-01T00:00", &zone)), first);
}

#[test]
fn an_anchor_in_the_future_is_counted_back_to_the_accounts_beginning() {
    let zone = zone("UTC");
    let since = at("2025-05-10T00:00", &zone);
    let anchor = Anchor { at: at("2025-08-31T00:00", &zone), since };
    let window = every("1 month").window_at(anchor, &zone, since);
    let (start, end) = (at("2025-04-30T00:00", &zone), at("2025-05-31T00:00", &zone));
    assert_eq!(window, Window { number: 0, start, end: Some(end) });
    // The numbers go on where the anchor is passed, and the 31st comes back.
    let starts: Vec<String> =
        (0..6).map(|number| wall(every("1 month").window(anchor, &zone, number).start, &zone)).collect();
    assert_eq!(starts[3..], ["2025-07-31T00:00:00", "2025-08-31T00:00:00", "2025-09-30T00:00:00"]);
    let later = every("1 month").window_at(anchor, &zone, at("2025-09-01T00:00", &zone));
    assert_eq!(later, every("1 month").window(anchor, &zone, 4));
    // A beginning after the anchor changes nothing: numbers count from the anchor.
    let old = Anchor { at: since, since: anchor.at };
    assert_eq!(every("1 month").window_at(old, &zone, anchor.at).number, 3);
}

#[test]
fn a_trial_with_an_anchor_in_the_future_begins_at_once_and_is_not_cut_short() {
    let zone = zone("UTC");
    let anchor = Anchor { at: at("2025-08-10T00:00", &zone), since: at("2025-08-07T00:00", &zone) };
    let window = times("14 days", 1).window_at(anchor, &zone, anchor.since);
    assert_eq!(window, Window { number: 0, start: anchor.since, end: Some(at("2025-08-24T00:00", &zone)) });
}

#[test]
fn the_end_of_the_calendar_is_an_endless_window() {
    let zone = zone("UTC");
    let anchor = at("9998-06-01T00:00", &zone);
    assert_eq!(every("1 year").window(anchor, &zone, 1).end, None);
    assert_eq!(every("1 year").window_at(anchor, &zone, Millis::MAX).end, None);
    let past = every("1 year").window(anchor, &zone, u64::MAX);
    assert_eq!((past.start, past.end), (Millis::MAX, None));
    let long = every("1000 years").window_at(at("2025-01-01T00:00", &zone), &zone, Millis::MAX);
    assert_eq!((long.number, long.end), (7, None));
    assert_eq!(every("1000 years").window(Millis::MAX, &zone, 0).end, None);
}

#[test]
fn periods_read_and_write_the_same() {
    for text in ["1 day", "14 days", "2 weeks", "1 month", "1000 years"] {
        assert_eq!(every(text).to_string(), text);
    }
    assert_eq!(every("1 months"), every(" 1   month "));
    for bad in ["", "month", "1", "1 month 2", "0 days", "1001 days", "-1 day", "1.5 days", "1 fortnight", "+1 day"] {
        assert!(CycleSpec::parse_short(bad).is_err(), "{bad}");
    }
    let error = CycleSpec::parse_short("1 mnth").unwrap_err();
    assert_eq!(error.to_string(), "unknown unit `mnth`, did you mean month?");
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    sample::select(ZONES.to_vec()).prop_map(zone)
}

fn any_spec() -> impl Strategy<Value = CycleSpec> {
    let units = [PeriodUnit::Day, PeriodUnit::Week, PeriodUnit::Month, PeriodUnit::Year];
    (prop_oneof![1u32..=3, 1u32..=40], sample::select(units.to_vec()), prop_oneof![3 => Just(0u32), 1 => 1u32..50])
        .prop_map(|(count, unit, times)| CycleSpec {
            every: Period::new(count, unit).unwrap(),
            times: NonZeroU32::new(times),
        })
}

/// Anchors of 1970 to 2090, one half of them at midnight UTC on a whole day.
fn any_moment() -> impl Strategy<Value = Millis> {
    let ms = 0..(120 * YEAR_MS);
    prop_oneof![ms.clone(), ms.prop_map(|ms| ms / DAY_MS * DAY_MS)].prop_map(|ms| Millis::new(ms).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_tile_fifty_years_without_gap_or_overlap(
        spec in any_spec(), zone in any_zone(), at in any_moment(), since in any_moment(), from in any_moment(),
        inside in any::<u64>(),
    ) {
        let anchor = Anchor { at, since };
        let mut window = spec.window_at(anchor, &zone, from);
        let first = window.number == 0 && from < window.start;
        prop_assert!(window.start <= from || first, "a window holds its moment, or is the first");
        prop_assert!(window.end.is_none_or(|end| from < end));
        let until = from.get() + 50 * YEAR_MS;
        let mut walked = 0;
        while let Some(end) = window.end.filter(|end| end.get() < until) {
            prop_assert!(window.start < end, "{window:?} has a length");
            prop_assert_eq!(spec.window(anchor, &zone, window.number), window, "window_at and window agree");
            let middle = Millis::new(window.start.get() + inside % (end.get() - window.start.get())).unwrap();
            prop_assert_eq!(spec.window_at(anchor, &zone, middle), window);
            let next = spec.window_at(anchor, &zone, end);
            prop_assert_eq!(next.number, window.number + 1);
            prop_assert_eq!(next.start, end, "no gap, no overlap");
            window = next;
            walked += 1;
            prop_assert!(walked <= 50 * 367, "bounded by the days of fifty years");
        }
        prop_assert_eq!(spec.window(anchor, &zone, window.number), window);
    }

    #[test]
    fn every_boundary_has_the_anchors_time_of_day_unless_the_zone_skips_it(
        spec in any_spec(), zone in any_zone(), at in any_moment(), number in 1u64..150,
    ) {
        let spec = CycleSpec { times: None, ..spec };
        let civil = zone.to_datetime(timestamp(at));
        let start = spec.window(at, &zone, number).start;
        let index = i64::try_from(number).unwrap();
        let wanted = civil.checked_add(spec.every.span(index).unwrap()).unwrap();
        let is = zone.to_datetime(timestamp(start));
        let skipped = matches!(zone.to_ambiguous_timestamp(wanted).offset(), jiff::tz::AmbiguousOffset::Gap { .. });
        prop_assert!(is == wanted || skipped, "{is} is not {wanted}");
    }
}
