//! Where the demo is seen: a terminal, on which a frame is drawn over the one before, or anything else, which gets plain
//! lines and no escape codes.

use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use super::{
    draw::{self, HEIGHT_MIN, Paint, WIDTH},
    watch::Scene,
};

/// Lines of progress in a day, where there is no terminal.
const PROGRESS: u32 = 8;

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
/// Terminals that know these show all that is between them at once; others ignore them.
const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";

/// Standard output.
pub struct Screen {
    terminal: bool,
    paint: Paint,
    /// Lines of the frame that is on the terminal.
    drawn: usize,
    /// What plain lines have told.
    events_told: usize,
    progress_told: u32,
}

impl Screen {
    pub fn new() -> Self {
        let wanted = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let able = env::var_os("TERM").is_some_and(|term| term != "dumb");
        let wide = crossterm::terminal::size().is_ok_and(|(columns, rows)| fits(columns, rows).is_some());
        let terminal = io::stdout().is_terminal() && able && wide;
        let paint = Paint { colour: terminal && !wanted("NO_COLOR") };
        Self { terminal, paint, drawn: 0, events_told: 0, progress_told: 0 }
    }

    pub const fn paint(&self) -> Paint {
        self.paint
    }

    /// Shows a scene in place of the one before.
    pub fn show(&mut self, scene: &Scene) -> io::Result<()> {
        if self.terminal { self.redraw(scene) } else { self.tell(scene) }
    }

    fn redraw(&mut self, scene: &Scene) -> io::Result<()> {
        let size = crossterm::terminal::size().ok().and_then(|(columns, rows)| fits(columns, rows));
        // Made too small since: wait until there is room again.
        let Some(height) = size else { return Ok(()) };
        let lines = draw::frame(scene, self.paint, height);
        let mut text = String::from(BEGIN_UPDATE);
        text.push_str(HIDE_CURSOR);
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}F", self.drawn);
        }
        for line in &lines {
            // Written over and then cleared to its end: cleared first, it would flicker.
            let _ = write!(text, "{line}\x1b[K\r\n");
        }
        text.push_str("\x1b[J");
        text.push_str(END_UPDATE);
        self.drawn = lines.len();
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn tell(&mut self, scene: &Scene) -> io::Result<()> {
        let mut lines: Vec<String> = Vec::new();
        // Old lines are dropped when there are very many; then some go untold.
        for event in scene.events.iter().skip(self.events_told) {
            lines.push(format!("{}  {}", seconds(scene.elapsed), draw::event(event, self.paint)));
        }
        self.events_told = scene.events.len();
        let due = scene.day * (self.progress_told + 1) / PROGRESS;
        if scene.elapsed >= due && self.progress_told < PROGRESS {
            self.progress_told += 1;
            lines.push(format!("{}  {}", seconds(scene.elapsed), draw::speed(scene)));
        }
        write(&lines)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.terminal && self.drawn > 0 {
            let mut out = io::stdout().lock();
            let _ = out.write_all(SHOW_CURSOR.as_bytes()).and_then(|()| out.flush());
        }
    }
}

/// Writes lines below all that was shown.
pub fn write(lines: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// The height of a frame on a terminal of this size, if there is one.
fn fits(columns: u16, rows: u16) -> Option<usize> {
    let height = usize::from(rows).checked_sub(1)?;
    (usize::from(columns) >= WIDTH && height >= HEIGHT_MIN + 3).then_some(height)
}

fn seconds(elapsed: Duration) -> String {
    format!("{:>4}.{} s", elapsed.as_secs(), elapsed.subsec_millis() / 100)
}
