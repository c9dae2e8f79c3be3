//! What became of a message, in recipients of both ways.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use switchboard::{
    connection::{SendError, Sent},
    pool::Report,
    socketio::EmitError,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fate {
    pub(crate) queued: usize,
    pub(crate) dropped: usize,
    pub(crate) closed: usize,
    pub(crate) absent: usize,
}

impl AddAssign for Fate {
    fn add_assign(&mut self, other: Self) {
        self.queued += other.queued;
        self.dropped += other.dropped;
        self.closed += other.closed;
        self.absent += other.absent;
    }
}

/// Of a message to many.
impl From<Report> for Fate {
    fn from(report: Report) -> Self {
        Self {
            queued: report.queued,
            dropped: report.dropped + report.too_large,
            closed: report.slow,
            absent: report.closed,
        }
    }
}

/// Of a message to one.
impl From<Result<Sent, SendError>> for Fate {
    fn from(sent: Result<Sent, SendError>) -> Self {
        let mut fate = Self::default();
        match sent {
            Ok(Sent::Queued | Sent::Displaced(_)) => fate.queued = 1,
            Err(SendError::SlowConsumer) => fate.closed = 1,
            Err(SendError::Closed) => fate.absent = 1,
            Ok(_) | Err(_) => fate.dropped = 1,
        }
        fate
    }
}

/// The same over Socket.IO.
impl From<Result<Sent, EmitError>> for Fate {
    fn from(sent: Result<Sent, EmitError>) -> Self {
        match sent {
            Ok(sent) => Self::from(Ok::<_, SendError>(sent)),
            Err(EmitError::Disconnected) => Self::from(Err::<Sent, _>(SendError::Closed)),
            Err(EmitError::Refused(error)) => Self::from(Err::<Sent, _>(error)),
            Err(_) => Self {
                dropped: 1,
                ..Self::default()
            },
        }
    }
}
