//! Why a connection ends, as its peer sees it.
//!
//! Each [`Disconnect`] is a WebSocket close code and a reason. The code's range says whether a client
//! should come back: see [`Disconnect::reconnect`]. Codes: RFC 6455 §7.4 and the IANA registry.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The longest close reason on the wire, in bytes (RFC 6455 §5.5: 125 with the code).
pub const MAX_REASON_LEN: usize = 123;

/// A close code and a reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Disconnect {
    code: u16,
    reason: Cow<'static, str>,
}

impl Disconnect {
    /// 1000: the purpose of the connection is fulfilled. Do not reconnect.
    pub const NORMAL: Self = Self::known(1000, "");
    /// 1001: the node goes away, for example a deploy. Reconnect.
    pub const GOING_AWAY: Self = Self::known(1001, "DRAINING");
    /// 1001: nothing arrived from the peer for too long. Reconnect.
    pub const TIMED_OUT: Self = Self::known(1001, "TIMED_OUT");
    /// 1005: the peer closed without a code. Never sent.
    pub const NO_STATUS: Self = Self::known(1005, "");
    /// 1006: the connection was lost without a close frame. Never sent. Reconnect.
    pub const ABNORMAL: Self = Self::known(1006, "");
    /// 1008: the peer broke a rule of the service. Do not reconnect.
    pub const POLICY: Self = Self::known(1008, "POLICY");
    /// 1008: the peer sends faster than allowed. Reconnect, later and slower.
    pub const RATE_LIMITED: Self = Self::known(1008, "RATE_LIMITED");
    /// 1011: the server failed. Reconnect.
    pub const INTERNAL: Self = Self::known(1011, "INTERNAL");
    /// 1013: the peer reads too slowly for what it is sent. Reconnect.
    pub const SLOW_CONSUMER: Self = Self::known(1013, "SLOW_CONSUMER");
    /// 1008: a newer connection took this one's id. Do not reconnect.
    pub const REPLACED: Self = Self::known(1008, "REPLACED");

    const fn known(code: u16, reason: &'static str) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(reason),
        }
    }

    /// A code and a reason of your own; use codes 4000 to 4999 for what the RFC does not name.
    ///
    /// A reason longer than [`MAX_REASON_LEN`] is cut at a character boundary.
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        let mut reason = reason.into();
        if reason.len() > MAX_REASON_LEN {
            let end = reason.floor_char_boundary(MAX_REASON_LEN);
            reason = Cow::Owned(reason[..end].to_owned());
        }
        Self { code, reason }
    }

    /// The close code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason; a stable upper-case word where this crate made it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether a client that was closed like this should connect again.
    ///
    /// True for lost connections and for what passes by itself: 1001, 1005, 1006, 1011, 1012, 1013,
    /// 1014, rate limits, and 4100 to 4299 among the private codes (the range Pusher and soketi use
    /// for "reconnect").
    pub fn reconnect(&self) -> bool {
        matches!(self.code, 1001 | 1005 | 1006 | 1011..=1014 | 4100..=4299)
            || *self == Self::RATE_LIMITED
    }

    /// Whether the code may stand in a close frame (RFC 6455 §7.4.2 and the IANA registry).
    pub fn is_sendable(&self) -> bool {
        matches!(self.code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl Default for Disconnect {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl From<u16> for Disconnect {
    fn from(code: u16) -> Self {
        Self::new(code, "")
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_ref() {
            "" => write!(f, "{}", self.code),
            reason => write!(f, "{} {reason}", self.code),
        }
    }
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Initiator {
    /// This side closed it.
    Local,
    /// The peer sent a close frame first.
    Peer,
    /// The transport ended without a close frame from the peer: reset, half-open, end of stream.
    Transport,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Who ended it.
    pub by: Initiator,
    /// The code and reason: ours when `by` is [`Initiator::Local`], else the peer's.
    pub disconnect: Disconnect,
    /// Whether both close frames were exchanged, so that everything accepted before has arrived.
    pub clean: bool,
}

impl Closed {
    /// How a connection ended; for implementers of [`Connection`](crate::Connection).
    pub fn new(by: Initiator, disconnect: Disconnect, clean: bool) -> Self {
        Self {
            by,
            disconnect,
            clean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let disconnect = Disconnect::new(1000, "ä".repeat(100));
        assert_eq!(disconnect.reason().len(), 122);
    }

    #[test]
    fn who_should_come_back() {
        assert!(Disconnect::SLOW_CONSUMER.reconnect());
        assert!(Disconnect::GOING_AWAY.reconnect());
        assert!(Disconnect::RATE_LIMITED.reconnect());
        assert!(!Disconnect::NORMAL.reconnect());
        assert!(!Disconnect::POLICY.reconnect());
        assert!(!Disconnect::REPLACED.reconnect());
    }
}
