//! What a frame looks like.

use super::*;

const PLAIN: Paint = Paint { colour: false };

fn balance(account: &str, allowance: i64, consumed: i64, held: i64) -> v1::Balance {
    let overage = (consumed - allowance).max(0);
    let remaining = (allowance - consumed).max(0);
    v1::Balance {
        account: account.into(),
        pool: "voice_minutes".into(),
        state: match (overage, remaining) {
            (0, 0) => State::Exhausted,
            (0, _) => State::Ok,
            _ => State::Overage,
        }
        .into(),
        allowance,
        consumed,
        held,
        overage,
        remaining,
        available: remaining - held,
        ..v1::Balance::default()
    }
}

fn happened(kind: &str, times: u64) -> Event {
    let text = "an event with a great many words in it, more than anybody would like to read".into();
    Event { account: "brightside-99".into(), kind: kind.into(), text, times }
}

fn scene() -> Scene {
    Scene {
        address: "127.0.0.1:65535".into(),
        elapsed: Duration::from_secs(12),
        day: Duration::from_secs(24),
        balances: vec![balance("metro-desk", 100_000, 25_000, 5_000), balance("brightside-99", 99_999, 99_999, 0)],
        events: (0..20).map(|_| happened("threshold_reached", 1)).collect(),
        decisions: 1_234_567,
        denied: 1_000,
        rate: 12_345,
        p50: Duration::from_micros(840),
        p99: Duration::from_micros(12_340),
    }
}

/// What is seen of a line: its characters without the codes for colours.
fn seen(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |seen, part| seen + part.split_once('m').map_or("", |(_, text)| text))
}

#[test]
fn a_frame_fits_80_columns_and_the_height_that_it_is_given() {
    for colour in [false, true] {
        for height in [HEIGHT_MIN, 18, 40] {
            let lines = frame(&scene(), Paint { colour }, height);
            assert!(lines.len() <= height, "{} lines in {height}", lines.len());
            for line in lines {
                assert!(seen(&line).chars().count() <= WIDTH, "{line}");
            }
        }
    }
}

#[test]
fn a_frame_without_colour_has_no_escape_codes_and_says_the_same() {
    let (plain, coloured) = (frame(&scene(), PLAIN, 30), frame(&scene(), Paint { colour: true }, 30));
    assert!(plain.iter().all(|line| !line.contains('\x1b')));
    assert!(coloured.iter().any(|line| line.contains('\x1b')));
    let trimmed = |line: &String| seen(line).trim_end().to_owned();
    assert_eq!(plain.iter().map(trimmed).collect::<Vec<_>>(), coloured.iter().map(trimmed).collect::<Vec<_>>());
}

#[test]
fn a_frame_keeps_its_height_while_events_come_in() {
    let full = frame(&scene(), PLAIN, 30).len();
    let empty = Scene { events: Vec::new(), ..scene() };
    assert_eq!(frame(&empty, PLAIN, 30).len(), full);
}

#[test]
fn the_clock_of_the_day_stops_at_its_end() {
    let at = |elapsed| clock(&Scene { elapsed: Duration::from_millis(elapsed), ..scene() });
    assert_eq!([at(0), at(12_000), at(24_000), at(60_000)], ["00:00", "12:00", "24:00", "24:00"]);
}

#[test]
fn the_bar_shows_what_is_consumed_then_what_is_held() {
    let bar = |allowance, consumed, held| used(&balance("x", allowance, consumed, held));
    assert_eq!(bar(100, 0, 0), "░░░░░░░░░░   0%");
    assert_eq!(bar(100, 30, 20), "███▒▒░░░░░  30%");
    assert_eq!(bar(100, 1, 0), "█░░░░░░░░░   1%");
    assert_eq!(bar(100, 99, 0), "█████████░  99%");
    assert_eq!(bar(100, 99, 1), "█████████▒  99%");
    assert_eq!(bar(100, 100, 0), "██████████ 100%");
    assert_eq!(bar(500, 560, 0), "██████████ 112%");
    assert_eq!(bar(0, 0, 0), "░░░░░░░░░░   0%");
}

#[test]
fn a_story_that_does_not_agree_is_said_loudly() {
    let story = |problems| Told { title: "agents", line: "one two ".repeat(30), problems };
    let good = summary(&[story(vec![])], PLAIN).join("\n");
    assert!(good.contains("✓ agents") && !good.contains("DOES NOT AGREE"), "{good}");
    let bad = summary(&[story(vec!["held: 1, and should be 0".into()])], PLAIN).join("\n");
    assert!(bad.contains("✗ agents") && bad.contains("DOES NOT AGREE: held: 1, and should be 0"), "{bad}");
    assert!(bad.lines().all(|line| line.chars().count() <= WIDTH), "{bad}");
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!([count(0), count(999), count(1_000), count(-1_234_567)], ["0", "999", "1,000", "-1,234,567"]);
    let spans = [40, 840, 12_340, 140_900].map(|micros| millis(Duration::from_micros(micros)));
    assert_eq!(spans, ["0.04 ms", "0.84 ms", "12.3 ms", "140 ms"]);
}
