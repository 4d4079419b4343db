//! The time by which old records are dropped. It follows the clock, but never leaps with it: a clock that jumps a day
//! ahead must not make the service forget the answers that retries still need.

use std::time::{Duration, Instant};

use crate::clock::Millis;

/// Goes at most this much faster than time itself until it has caught up with the clock, in thousandths.
const HASTE_PERMILLE: u64 = 1050;

pub struct Retention {
    now: Millis,
    measured: Instant,
}

impl Retention {
    /// Goes on from where it was kept.
    pub fn from(now: Millis) -> Self {
        Self { now, measured: Instant::now() }
    }

    /// The retention time, given the clock's.
    pub fn advance(&mut self, clock: Millis) -> Millis {
        let passed_ms = u64::try_from(self.measured.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.measured += Duration::from_millis(passed_ms);
        let step = Duration::from_millis(passed_ms.saturating_mul(HASTE_PERMILLE) / 1000);
        self.now = self.now.plus(step).min(clock.max(self.now));
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_leaps_a_day_ahead_does_not_take_retention_with_it() {
        let start = Millis::new(1_000_000_000).unwrap();
        let mut retention = Retention::from(start);
        let leapt = start.plus(Duration::from_secs(25 * 3600));
        assert!(retention.advance(leapt) < start.plus(Duration::from_secs(60)));
    }

    #[test]
    fn retention_never_passes_the_clock_nor_goes_back() {
        let start = Millis::new(1_000_000_000).unwrap();
        let mut retention = Retention::from(start);
        assert_eq!(retention.advance(start), start);
        assert_eq!(retention.advance(Millis::new(5).unwrap()), start);
    }
}
