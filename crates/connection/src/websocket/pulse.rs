//! Heartbeats and idle time of one connection.
//!
//! Any byte that arrives is a sign of life. While we do not read, for example because a handler is
//! busy, the peer's answer may lie unread: pings go on, but the deadlines stand still. So they do while
//! the peer takes no more bytes and no ping gets through: then the write timeout watches over it.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than any connection lives.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 30);

/// When the next ping is due and since when an answer is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    next_ping: Instant,
    /// When the oldest ping without a sign of life since was sent, and until when one must come.
    waiting: Option<(Instant, Instant)>,
    idle_deadline: Instant,
}

/// The times that rule a pulse; zero switches off.
#[derive(Clone, Copy, Debug)]
pub(super) struct PulseTimes {
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
    pub(super) idle_timeout: Duration,
}

/// What is known about a peer at the time of a beat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// When the last byte arrived.
    pub(super) heard: Instant,
    /// Whether we wait for more.
    pub(super) reading: bool,
    /// Whether a ping would have to wait behind what the peer does not take yet.
    pub(super) blocked: bool,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beat {
    pub(super) ping: bool,
    pub(super) dead: bool,
    /// When to look again; `None` when nothing is watched.
    pub(super) next: Option<Instant>,
}

impl Pulse {
    pub(super) fn new(now: Instant, times: PulseTimes) -> Self {
        Self {
            next_ping: now + times.ping_interval,
            waiting: None,
            idle_deadline: now + times.idle_timeout,
        }
    }

    /// Sends no ping before [`resume`](Self::resume).
    pub(super) fn hold(&mut self, now: Instant) {
        self.next_ping = now + FOREVER;
        self.waiting = None;
    }

    /// Sends pings from one interval after now on.
    pub(super) fn resume(&mut self, now: Instant, times: PulseTimes) {
        self.next_ping = now + times.ping_interval;
    }

    /// Looks at the time.
    pub(super) fn beat(&mut self, now: Instant, seen: Seen, times: PulseTimes) -> Beat {
        let heard = seen.heard;
        let judges = seen.reading && !seen.blocked;
        let mut dead = false;
        if let Some((sent, deadline)) = self.waiting {
            if heard >= sent {
                self.waiting = None;
            } else if now >= deadline {
                dead = judges;
                self.waiting = Some((sent, now + times.ping_timeout));
            }
        }
        let mut ping = false;
        if !times.ping_interval.is_zero() && now >= self.next_ping {
            self.next_ping = now + times.ping_interval;
            if !seen.blocked {
                ping = true;
                self.waiting.get_or_insert((now, now + times.ping_timeout));
            }
        }
        if !times.idle_timeout.is_zero() {
            self.idle_deadline = self.idle_deadline.max(heard + times.idle_timeout);
            if now >= self.idle_deadline {
                dead |= judges;
                self.idle_deadline = now + times.idle_timeout;
            }
        }
        Beat {
            ping,
            dead,
            next: self.next(times),
        }
    }

    /// When to look next.
    pub(super) fn next(&self, times: PulseTimes) -> Option<Instant> {
        let ping = (!times.ping_interval.is_zero()).then_some(self.next_ping);
        let idle = (!times.idle_timeout.is_zero()).then_some(self.idle_deadline);
        [ping, self.waiting.map(|(_, deadline)| deadline), idle]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: PulseTimes = PulseTimes {
        ping_interval: Duration::from_secs(25),
        ping_timeout: Duration::from_secs(20),
        idle_timeout: Duration::ZERO,
    };

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seen(heard: Instant, reading: bool) -> Seen {
        Seen {
            heard,
            reading,
            blocked: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_no_ping_can_reach_is_not_judged_by_its_silence() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, TIMES);
        let blocked = Seen {
            blocked: true,
            ..seen(start, true)
        };
        let mut now = start;
        while now < start + secs(250) {
            now = pulse.next(TIMES).unwrap();
            let beat = pulse.beat(now, blocked, TIMES);
            assert!(!beat.ping && !beat.dead);
        }
        let next = pulse.next(TIMES).unwrap();
        let beat = pulse.beat(next, seen(start, true), TIMES);
        assert!(beat.ping && !beat.dead, "not before one that did reach it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_is_dead_one_timeout_after_the_ping() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, TIMES);
        let beat = pulse.beat(start + secs(25), seen(start, true), TIMES);
        assert_eq!(
            beat,
            Beat {
                ping: true,
                dead: false,
                next: Some(start + secs(45))
            }
        );
        let beat = pulse.beat(start + secs(45), seen(start + secs(24), true), TIMES);
        assert!(beat.dead);
    }

    #[tokio::test(start_paused = true)]
    async fn any_byte_is_life() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, TIMES);
        pulse.beat(start + secs(25), seen(start, true), TIMES);
        let beat = pulse.beat(start + secs(45), seen(start + secs(26), true), TIMES);
        assert_eq!(
            beat,
            Beat {
                ping: false,
                dead: false,
                next: Some(start + secs(50))
            }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn deadlines_stand_still_while_we_do_not_read_and_pings_go_on() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start, TIMES);
        let mut now = start;
        let mut pings = 0;
        while now < start + secs(250) {
            now = pulse.next(TIMES).unwrap();
            let beat = pulse.beat(now, seen(start, false), TIMES);
            assert!(!beat.dead);
            pings += u32::from(beat.ping);
        }
        assert_eq!(pings, 10);
        let later = now + secs(21);
        assert!(
            pulse.beat(later, seen(start, true), TIMES).dead,
            "reading again, still nothing"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_peer_is_dead_without_heartbeats_too() {
        let times = PulseTimes {
            ping_interval: Duration::ZERO,
            ping_timeout: secs(20),
            idle_timeout: secs(120),
        };
        let start = Instant::now();
        let mut pulse = Pulse::new(start, times);
        assert_eq!(pulse.next(times), Some(start + secs(120)));
        let beat = pulse.beat(start + secs(120), seen(start + secs(60), true), times);
        assert_eq!(
            beat,
            Beat {
                ping: false,
                dead: false,
                next: Some(start + secs(180))
            }
        );
        assert!(
            pulse
                .beat(start + secs(180), seen(start + secs(60), true), times)
                .dead
        );
    }
}
