//! Counts decisions and how long callers waited for them: lock-free, in a fixed space. A bucket is at most 1/16 wide, so a
//! percentile is told to within 7 %.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Buckets of an octave, as a power of two.
const FINE: u32 = 4;
/// Microseconds up to 2^32, over an hour, have a bucket of their own.
const BUCKETS: usize = (32 << FINE) as usize;

/// What the demo's clients have seen so far.
#[derive(Debug)]
pub struct Meter {
    decisions: AtomicU64,
    denied: AtomicU64,
    buckets: Vec<AtomicU64>,
}

impl Default for Meter {
    fn default() -> Self {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self { decisions: AtomicU64::new(0), denied: AtomicU64::new(0), buckets }
    }
}

impl Meter {
    /// Counts one answer to Reserve, Extend or Charge.
    pub fn count(&self, waited: Duration, denied: bool) {
        self.decisions.fetch_add(1, Relaxed);
        self.denied.fetch_add(u64::from(denied), Relaxed);
        self.buckets[bucket(waited)].fetch_add(1, Relaxed);
    }

    pub fn decisions(&self) -> u64 {
        self.decisions.load(Relaxed)
    }

    pub fn denied(&self) -> u64 {
        self.denied.load(Relaxed)
    }

    /// What all but a few callers waited at most; `permille` of 990 is p99.
    pub fn waited(&self, permille: u64) -> Duration {
        let counts: Vec<u64> = self.buckets.iter().map(|count| count.load(Relaxed)).collect();
        let wanted = (counts.iter().sum::<u64>() * permille).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, count) in counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return top(bucket);
            }
        }
        Duration::ZERO
    }
}

fn bucket(waited: Duration) -> usize {
    let micros = u32::try_from(waited.as_micros()).unwrap_or(u32::MAX);
    let octave = micros.checked_ilog2().unwrap_or(0);
    if octave < FINE {
        return micros as usize;
    }
    let within = (micros >> (octave - FINE)) - (1 << FINE);
    (((octave - FINE + 1) << FINE) + within) as usize
}

/// The longest wait that falls into a bucket.
fn top(bucket: usize) -> Duration {
    let (octave, within) = ((bucket >> FINE) as u64, (bucket & ((1 << FINE) - 1)) as u64);
    let micros = if octave == 0 { within } else { (((1 << FINE) + within + 1) << (octave - 1)) - 1 };
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_to_within_a_sixteenth() {
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_000, 123_456_789, u64::from(u32::MAX)]) {
            let told = u64::try_from(top(bucket(Duration::from_micros(micros))).as_micros()).expect("small");
            assert!(told >= micros && told - micros <= micros / 16, "{micros} told as {told}");
        }
        assert_eq!(bucket(Duration::from_secs(1_000_000)), bucket(Duration::from_micros(u64::from(u32::MAX))));
    }

    #[test]
    fn percentiles_are_of_what_was_counted() {
        let meter = Meter::default();
        assert_eq!(meter.waited(990), Duration::ZERO);
        for micros in 1..=100 {
            meter.count(Duration::from_micros(micros), micros > 98);
        }
        let (half, most) = (meter.waited(500).as_micros(), meter.waited(990).as_micros());
        assert!((50..=53).contains(&half) && (99..=105).contains(&most), "{half} {most}");
        assert_eq!((meter.decisions(), meter.denied()), (100, 2));
    }
}
