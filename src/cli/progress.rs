//! A bar on standard error for what takes more than a second, where standard error is a terminal; nothing anywhere else.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a thing may take before it is worth a bar.
pub const WORTH_A_BAR: Duration = Duration::from_secs(1);
/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(120);

/// How far something has come.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    since: Instant,
    terminal: bool,
}

impl Progress {
    /// Begins; nothing shows before a second has passed. Without a total, what is done is counted.
    pub fn new(title: impl Into<Cow<'static, str>>, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {percent:>3} %  {human_pos} of {human_len}, {eta} to go",
            None => "{spinner} {msg} {human_pos}, {elapsed}",
        };
        bar.set_style(ProgressStyle::with_template(template).expect("a test draws both").progress_chars("=> "));
        Self { bar: bar.with_message(title), since: Instant::now(), terminal: io::stderr().is_terminal() }
    }

    /// A sign that something is being waited for; it shows at once and is not counted.
    pub fn waiting(title: impl Into<Cow<'static, str>>) -> Self {
        let progress = Self::new(title, None);
        progress.bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}").expect("a test draws it"));
        progress.show();
        progress
    }

    /// Says how much is done in all.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
        if self.bar.is_hidden() && self.since.elapsed() >= WORTH_A_BAR {
            self.show();
        }
    }

    /// Takes the bar away. Dropping it does so too.
    pub fn finish(self) {
        drop(self);
    }

    fn show(&self) {
        if self.terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(TICK);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_can_be_drawn_with_and_without_a_total() {
        for progress in [Progress::new("exporting", Some(10)), Progress::new("reading", None), Progress::waiting("…")]
        {
            progress.bar.set_draw_target(ProgressDrawTarget::hidden());
            progress.set(3);
            assert_eq!(progress.bar.position(), 3);
            progress.finish();
        }
    }

    #[test]
    fn what_is_quick_shows_no_bar() {
        let mut progress = Progress::new("quick", Some(1));
        progress.terminal = true;
        progress.set(1);
        assert!(progress.bar.is_hidden());
    }
}
