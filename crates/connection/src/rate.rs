//! A token bucket: a steady rate with room for short bursts.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// Counts events against a [`Rate`]. Time is given by the caller.
///
/// ```
/// # use switchboard_connection::{Rate, TokenBucket};
/// # let rt = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # rt.block_on(async {
/// let now = tokio::time::Instant::now();
/// let mut bucket = TokenBucket::new(Rate::new(10, 2), now);
/// assert!(bucket.try_take(now));
/// assert!(bucket.try_take(now));
/// assert!(!bucket.try_take(now));
/// assert!(bucket.try_take(now + std::time::Duration::from_millis(100)));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: Rate,
    /// The time at which the bucket would be full again.
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, full_at: now }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.rate.per_second.max(1)
    }

    /// Takes one event if the rate allows it now.
    pub fn try_take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.interval();
        let allowed = full_at <= now + self.interval() * self.rate.burst.max(1);
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }

    /// Takes one event in any case and says how long to wait before the next one.
    pub fn take(&mut self, now: Instant) -> Option<Duration> {
        self.full_at = self.full_at.max(now) + self.interval();
        let allowed_at = self
            .full_at
            .checked_sub(self.interval() * (self.rate.burst.max(1) - 1))?;
        let wait = allowed_at.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_never_lets_more_than_burst_plus_rate_through() {
        let rate = Rate::new(100, 5);
        let start = Instant::now();
        let mut bucket = TokenBucket::new(rate, start);
        let mut allowed = 0;
        for ms in 0..1_000 {
            let now = start + Duration::from_millis(ms);
            while bucket.try_take(now) {
                allowed += 1;
            }
        }
        assert!((100..=105).contains(&allowed), "{allowed}");
    }

    #[tokio::test(start_paused = true)]
    async fn taking_by_force_tells_the_wait() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate::new(10, 3), start);
        let mut now = start;
        let mut waits = 0;
        for _ in 0..13 {
            if let Some(wait) = bucket.take(now) {
                waits += 1;
                now += wait;
            }
        }
        assert!(waits > 0);
        let elapsed = now - start;
        assert!(elapsed >= Duration::from_millis(900), "{elapsed:?}");
        assert!(elapsed <= Duration::from_millis(1_300), "{elapsed:?}");
    }
}
