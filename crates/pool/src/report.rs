//! What a broadcast did, as counts.

use std::ops::AddAssign;

use switchboard_connection::{SendError, Sent};

/// What became of a message that was sent to many.
///
/// Each recipient is counted once among `queued`, `dropped`, `slow`, `closed` and `too_large`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Recipients whose outbox took the message: it is written unless the connection is lost first.
    pub queued: usize,
    /// Recipients for whom the message was dropped: by their policy, or because it was volatile.
    pub dropped: usize,
    /// Recipients that read too slowly and were closed for it, as their policy says.
    pub slow: usize,
    /// Recipients that were closing or closed already.
    pub closed: usize,
    /// Recipients whose whole outbox is smaller than the message.
    pub too_large: usize,
    /// Older messages that outboxes dropped to make room for this one.
    pub displaced: usize,
    /// What was named and is not there: rooms without members, or the namespace.
    pub absent: usize,
    /// Closes that this broadcast began; see [`Recipients::send_error`](crate::Recipients::send_error).
    pub ended: usize,
}

impl Report {
    /// How many connections the broadcast was for.
    pub fn recipients(&self) -> usize {
        self.queued + self.dropped + self.slow + self.closed + self.too_large
    }

    /// Whether each recipient took the message, and nothing that was named is absent.
    pub fn is_complete(&self) -> bool {
        self.queued == self.recipients() && self.absent == 0
    }

    #[inline]
    pub(crate) fn record(&mut self, sent: Result<Sent, SendError>) {
        match sent {
            Ok(Sent::Queued) => self.queued += 1,
            other => self.record_rare(other),
        }
    }

    #[cold]
    fn record_rare(&mut self, sent: Result<Sent, SendError>) {
        match sent {
            Ok(Sent::Queued) => self.queued += 1,
            Ok(Sent::Displaced(older)) => {
                self.queued += 1;
                self.displaced += older as usize;
            }
            Err(SendError::Closed) => self.closed += 1,
            Err(SendError::SlowConsumer) => self.slow += 1,
            Err(SendError::TooLarge) => self.too_large += 1,
            // Refusals of a full outbox, which no policy of a broadcast asks for, lose the message too.
            Ok(_) | Err(_) => self.dropped += 1,
        }
    }
}

impl AddAssign for Report {
    /// The counts of both: what several broadcasts, or nodes, did together.
    fn add_assign(&mut self, other: Self) {
        self.queued += other.queued;
        self.dropped += other.dropped;
        self.slow += other.slow;
        self.closed += other.closed;
        self.too_large += other.too_large;
        self.displaced += other.displaced;
        self.absent += other.absent;
        self.ended += other.ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_is_counted_once() {
        let mut report = Report::default();
        report.record(Ok(Sent::Queued));
        report.record(Ok(Sent::Displaced(3)));
        report.record(Ok(Sent::Dropped));
        report.record(Err(SendError::Closed));
        report.record(Err(SendError::SlowConsumer));
        report.record(Err(SendError::TooLarge));
        report.record(Err(SendError::Full));
        let expected = Report {
            queued: 2,
            dropped: 2,
            slow: 1,
            closed: 1,
            too_large: 1,
            displaced: 3,
            ..Report::default()
        };
        assert_eq!(report, expected);
        assert_eq!(report.recipients(), 7);
        assert!(!report.is_complete());

        report += expected;
        assert_eq!(report.recipients(), 14);
    }
}
