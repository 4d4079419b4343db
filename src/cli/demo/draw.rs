//! Draws a scene as lines of text, at most 80 columns wide. Where the lines go is `screen`'s.

use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Color, Table, presets};

use super::{
    story::Told,
    watch::{Event, Scene},
};
use crate::proto::v1::{self, balance::State};

/// The widest line.
pub const WIDTH: usize = 80;
/// Lines of a frame that has no events.
pub const HEIGHT_MIN: usize = 15;
/// Most events in a frame.
const EVENTS_MAX: usize = 10;
const BAR: i64 = 10;
/// Seconds of the day that is played.
const DAY_SECONDS: u128 = 24 * 60 * 60;

/// Writes with colours, or without.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    pub colour: bool,
}

impl Paint {
    fn sgr(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    pub fn good(self, text: &str) -> String {
        self.sgr("32", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.sgr("1;31", text)
    }
}

/// The lines of a frame; `height` is how many there may be.
pub fn frame(scene: &Scene, paint: Paint, height: usize) -> Vec<String> {
    let clock = clock(scene);
    let title = format!("Stipend demo: a day in {} seconds", scene.day.as_secs());
    let place = format!("http://{}", scene.address);
    let gap = WIDTH.saturating_sub(title.len() + place.len() + clock.len()) / 2;
    let gap = " ".repeat(gap);
    let mut lines = vec![format!("{}{gap}{place}{gap}{}", paint.bold(&title), paint.bold(&clock)), String::new()];
    lines.extend(table(&scene.balances, paint));
    lines.push(String::new());
    lines.push(speed(scene));
    lines.push(String::new());
    lines.push(paint.dim("Lately, from the activity log"));
    let room = height.saturating_sub(lines.len()).min(EVENTS_MAX);
    let hidden = scene.events.len().saturating_sub(room);
    lines.extend(scene.events.iter().skip(hidden).map(|happened| event(happened, paint)));
    // As high as it will ever be, so that what is below does not move.
    lines.resize(lines.len() + room.saturating_sub(scene.events.len()), String::new());
    lines
}

/// The time of the day that is played.
fn clock(scene: &Scene) -> String {
    let passed = scene.elapsed.as_millis() * DAY_SECONDS / scene.day.as_millis().max(1);
    let minutes = passed.min(DAY_SECONDS) / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// One line: how much was decided, and how fast.
pub fn speed(scene: &Scene) -> String {
    format!(
        "{} decisions, {} refused   {}/s now   p50 {}   p99 {}",
        count_u64(scene.decisions),
        count_u64(scene.denied),
        count_u64(scene.rate),
        millis(scene.p50),
        millis(scene.p99),
    )
}

fn table(balances: &[v1::Balance], paint: Paint) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).force_no_tty();
    if paint.colour {
        table.enforce_styling();
    }
    table.set_header(["account", "pool", "allowance", "used", "held", "available", "state"]);
    for balance in balances {
        table.add_row(row(balance));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        // Tight, so that the longest of all fit: a third run's account, a state in full.
        let gap = match index {
            5 => 2,
            6 => 0,
            _ => 1,
        };
        column.set_padding((0, gap));
        if [2, 4, 5].contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    if let Some(header) = lines.first_mut() {
        *header = paint.dim(header);
        lines.insert(1, paint.dim(&"─".repeat(WIDTH)));
    }
    lines
}

fn row(balance: &v1::Balance) -> Vec<Cell> {
    let (state, colour) = match balance.state() {
        State::Ok => ("OK", Color::Green),
        State::Exhausted => ("EXHAUSTED", Color::Red),
        State::Overage => ("OVERAGE", Color::Yellow),
        State::Unspecified => ("", Color::White),
    };
    vec![
        Cell::new(&balance.account),
        Cell::new(&balance.pool),
        Cell::new(count(balance.allowance)),
        Cell::new(used(balance)).fg(colour),
        Cell::new(count(balance.held)),
        Cell::new(count(balance.available)),
        Cell::new(state).fg(colour),
    ]
}

/// A bar of what was consumed and what is held, and the percentage consumed.
fn used(balance: &v1::Balance) -> String {
    let whole = (balance.consumed - balance.overage + balance.remaining).max(1);
    // Something is never shown as nothing, and less than all never as all.
    let cells = |credits: i64| (credits * BAR / whole).clamp(i64::from(credits > 0), BAR);
    let consumed = cells(balance.consumed);
    let held = cells(balance.consumed + balance.held) - consumed;
    let part = |symbol: &str, cells: i64| symbol.repeat(usize::try_from(cells).unwrap_or(0));
    let percent = balance.consumed * 100 / whole;
    let free = BAR - consumed - held;
    format!("{}{}{} {percent:>3}%", part("█", consumed), part("▒", held), part("░", free))
}

/// One line of what happened.
pub fn event(event: &Event, paint: Paint) -> String {
    let kind = match event.times {
        1 => event.kind.clone(),
        times => format!("{} ×{times}", event.kind),
    };
    let (account, kind) = (format!("{:<12}", event.account), format!("{kind:<18}"));
    let room = WIDTH.saturating_sub(account.chars().count() + 20);
    let kind = match event.kind.as_str() {
        "exhausted" | "denied" => paint.sgr("31", &kind),
        "threshold_reached" | "overage_started" => paint.sgr("33", &kind),
        "resumed" | "reset" | "grant" => paint.good(&kind),
        _ => kind,
    };
    let text: String = event.text.chars().take(room).collect();
    format!("{account} {kind} {text}")
}

/// What came of the stories, and whether it agrees.
pub fn summary(stories: &[Told], paint: Paint) -> Vec<String> {
    let mut lines = vec![String::new(), paint.bold("What happened"), String::new()];
    for story in stories {
        let agrees = story.problems.is_empty();
        let mark = if agrees { paint.good("✓") } else { paint.bad("✗") };
        let mut wrapped = wrap(&story.line, WIDTH - 16).into_iter();
        let title = paint.bold(&format!("{:<11}", story.title));
        lines.push(format!("  {mark} {title} {}", wrapped.next().unwrap_or_default()));
        lines.extend(wrapped.map(|line| format!("{:16}{line}", "")));
        for problem in &story.problems {
            lines.push(format!("{:16}{}", "", paint.bad(&format!("DOES NOT AGREE: {problem}"))));
        }
    }
    lines
}

/// Breaks a text at spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A number for people: `12,345`.
pub fn count(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", count_u64(number.unsigned_abs()))
}

pub fn count_u64(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A short span for people: `0.84 ms`, `12.3 ms`, `140 ms`.
pub fn millis(span: Duration) -> String {
    let (whole, micros) = (span.as_millis(), span.as_micros() % 1_000);
    match whole {
        0..10 => format!("{whole}.{:02} ms", micros / 10),
        10..100 => format!("{whole}.{} ms", micros / 100),
        _ => format!("{whole} ms"),
    }
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
