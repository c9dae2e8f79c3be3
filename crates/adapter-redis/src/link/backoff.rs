//! How long to wait before the next attempt.

use std::time::Duration;

/// Grows from `first` to `longest`, by half to the full of twice the last each time; for ever.
///
/// The random part keeps the nodes of a cluster from coming back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    attempt: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            attempt: 0,
        }
    }

    /// The pause before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let full = self
            .first
            .saturating_mul(1 << self.attempt.min(16))
            .min(self.longest);
        self.attempt = self.attempt.saturating_add(1);
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// An attempt was a success: the next failure begins anew.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_its_longest_and_never_ends() {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(2));
        let mut backoff = Backoff::new(first, longest);
        for attempt in 0..200 {
            let full = first.saturating_mul(1 << attempt.min(10)).min(longest);
            let pause = backoff.next();
            assert!(pause <= full && pause >= full / 2, "{attempt}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= first);
    }
}
