//! What a page shows against what was printed. They are the same but for times and UUIDs, which only have to be there, and
//! for the spaces that lay a table out; in JSON `"…": "…"` stands for fields left out, in text a line `…` for lines.

use serde_json::{Map, Value};

/// What differs; empty when nothing does.
pub fn problems(shown: &str, said: &str) -> Vec<String> {
    if let Ok(shown) = serde_json::from_str::<Value>(shown) {
        return match serde_json::from_str(said) {
            Ok(actual) => differences("", &shown, &actual),
            Err(error) => vec![format!("is no JSON: {error}")],
        };
    }
    let lines = |text: &str| text.trim_end().lines().map(str::trim_end).map(String::from).collect::<Vec<_>>();
    if same_lines(&lines(shown), &lines(said)) { Vec::new() } else { vec!["the text is another".to_owned()] }
}

fn same_lines(shown: &[String], said: &[String]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((first, rest)) if first.trim() == "…" => (0..=said.len()).any(|cut| same_lines(rest, &said[cut..])),
        Some((first, rest)) => {
            said.split_first().is_some_and(|(other, others)| same_text(first, other) && same_lines(rest, others))
        }
    }
}

/// Whether two texts are the same but for the times and UUIDs in them.
fn same_text(shown: &str, actual: &str) -> bool {
    without_chance(shown) == without_chance(actual)
}

/// Replaces what another run prints otherwise: times, whole or in parts, and UUIDs.
fn without_chance(text: &str) -> String {
    let parts = |c: char| c.is_whitespace() || ",;\"()".contains(c);
    let mut words = Vec::new();
    for word in text.split_inclusive(parts) {
        let bare = word.trim_matches(parts);
        let stands_for = if is_time(bare) {
            "TIME"
        } else if is_uuid(bare) {
            "UUID"
        } else {
            bare
        };
        let (before, after) = word.split_once(bare).unwrap_or(("", word));
        let mark = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        words.push(format!("{}{stands_for}{}", mark(before), mark(after)));
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

fn is_time(word: &str) -> bool {
    word.parse::<jiff::Timestamp>().is_ok()
        || (word.len() == 10 && word.parse::<jiff::civil::Date>().is_ok())
        || (word.len() == 8 && word.matches(':').count() == 2 && word.parse::<jiff::civil::Time>().is_ok())
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && uuid::Uuid::parse_str(word).is_ok()
}

/// What differs between the JSON that is shown and the one that was answered.
fn differences(path: &str, shown: &Value, actual: &Value) -> Vec<String> {
    match (shown, actual) {
        (Value::Object(shown), Value::Object(actual)) => fields_differ(path, shown, actual),
        (Value::Array(shown), Value::Array(actual)) if shown.len() == actual.len() => {
            let pairs = shown.iter().zip(actual).enumerate();
            pairs.flat_map(|(index, (shown, actual))| differences(&format!("{path}[{index}]"), shown, actual)).collect()
        }
        (Value::String(shown), Value::String(actual)) if same_text(shown, actual) => Vec::new(),
        _ if shown == actual => Vec::new(),
        _ => vec![format!("{path}: {actual} is answered, {shown} is shown")],
    }
}

fn fields_differ(path: &str, shown: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<String> {
    let cut = shown.contains_key("…");
    let mut found = Vec::new();
    for (key, value) in shown.iter().filter(|(key, _)| *key != "…") {
        match actual.get(key) {
            Some(other) => found.extend(differences(&format!("{path}.{key}"), value, other)),
            None => found.push(format!("{path}.{key}: is shown and not answered")),
        }
    }
    let hidden: Vec<&String> = actual.keys().filter(|key| !shown.contains_key(*key)).collect();
    if cut && hidden.is_empty() {
        found.push(format!("{path}: nothing is left out where … is shown"));
    } else if !cut {
        found.extend(hidden.iter().map(|key| format!("{path}.{key}: is answered and not shown")));
    }
    found
}

#[test]
fn json_is_compared_but_for_times_and_what_is_left_out() {
    let actual =
        r#"{"a": "1", "t": "2026-01-01T00:00:00Z", "m": "reset 2026-01-01T00:00:00.5Z", "l": [{"x": 1, "y": 2}]}"#;
    let same =
        r#"{"t": "2020-05-05T05:05:05.555Z", "m": "reset 2020-05-05T05:05:05Z", "l": [{"x": 1, "…": "…"}], "…": "…"}"#;
    assert_eq!(problems(same, actual), Vec::<String>::new());
    for other in [
        r#"{"a": "2", "…": "…"}"#,
        r#"{"a": "1"}"#,
        r#"{"b": "1", "…": "…"}"#,
        r#"{"t": "today", "…": "…"}"#,
        r#"{"m": "reset today", "…": "…"}"#,
        r#"{"l": [], "…": "…"}"#,
        r#"{"l": [{"x": 2, "…": "…"}], "…": "…"}"#,
        r#"{"a": "1", "t": "2020-05-05T05:05:05Z", "m": "reset 2020-05-05T05:05:05Z", "l": [{"x": 1, "y": 2}], "…": "…"}"#,
    ] {
        assert!(!problems(other, actual).is_empty(), "{other}");
    }
}

#[test]
fn text_is_compared_but_for_times_uuids_layout_and_lines_left_out() {
    let actual = "held 019a0000-0000-7000-8000-000000000000 (new)\nuntil   2026-03-04 09:30:00 +00:00\nx 1\ny 2\n";
    for same in [
        actual,
        "held 019a1111-1111-7111-8111-111111111111 (new)\nuntil 2020-01-01 00:00:01 +00:00\nx 1\ny 2",
        "…\ny 2",
        "…\nx 1\n…",
    ] {
        assert_eq!(problems(same, actual), Vec::<String>::new(), "{same}");
    }
    for other in [
        "held it (new)\nuntil 2020-01-01 00:00:01 +00:00\nx 1\ny 2",
        "held 019a1111-1111-7111-8111-111111111111 (new)\nuntil 2020-01-01 00:00:01 +01:00\nx 1\ny 2",
        "…\nx 1",
        "…\nx 2\n…",
        "",
    ] {
        assert!(!problems(other, actual).is_empty(), "{other}");
    }
}
