//! What a message may be, and why it is none.

use crate::{MAX_DEPTH, decode::DecodeError, msgpack::OfJsonError};

/// What one message of another node may be at most. Lengths that are only claimed cost nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterLimits {
    /// Bytes of one message. Default: 64 MiB, since one answer may tell of all sockets of a node.
    pub max_message_bytes: usize,
    /// How deep the arguments of an event may be nested. Default, and most: [`MAX_DEPTH`]. The message
    /// around them takes up to three levels more.
    pub max_depth: usize,
    /// Rooms of one list; an answer may name more, up to the size of the message. Default: 65,536.
    pub max_rooms: usize,
    /// Bytes of a room, an id or a namespace. Default: 4,096.
    pub max_name_bytes: usize,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self {
            max_message_bytes: 64 << 20,
            max_depth: MAX_DEPTH,
            max_rooms: 65_536,
            max_name_bytes: 4_096,
        }
    }
}

impl ClusterLimits {
    /// For answers, which may name as many rooms and sockets as a node has.
    pub(super) fn with_any_rooms(&self) -> Self {
        Self {
            max_rooms: usize::MAX,
            ..self.clone()
        }
    }
}

/// Why bytes of another node are no message. Nothing of it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Larger than [`ClusterLimits::max_message_bytes`].
    #[error("message is too large")]
    TooLarge,
    /// Neither JSON nor msgpack, or followed by more.
    #[error("message is malformed")]
    Malformed,
    /// Nested deeper than [`ClusterLimits::max_depth`].
    #[error("message is nested too deeply")]
    TooDeep,
    /// A field is missing, or of a type that means nothing there.
    #[error("field `{0}` is missing or invalid")]
    InvalidField(&'static str),
    /// A type that this version does not know. Nodes ignore such messages.
    #[error("message type {0} is unknown")]
    UnknownType(u64),
    /// The packet is no event.
    #[error("packet is no event")]
    NotAnEvent,
    /// The event's name is neither text nor a number, or reserved.
    #[error("event name is invalid")]
    InvalidEventName,
    /// More rooms in a list than [`ClusterLimits::max_rooms`].
    #[error("too many rooms")]
    TooManyRooms,
    /// A name longer than [`ClusterLimits::max_name_bytes`].
    #[error("name is too long")]
    NameTooLong,
}

impl ClusterError {
    /// A name that stays, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "MESSAGE_TOO_LARGE",
            Self::Malformed => "MALFORMED_MESSAGE",
            Self::TooDeep => "TOO_DEEP",
            Self::InvalidField(_) => "INVALID_FIELD",
            Self::UnknownType(_) => "UNKNOWN_MESSAGE_TYPE",
            Self::NotAnEvent => "NOT_AN_EVENT",
            Self::InvalidEventName => "INVALID_EVENT_NAME",
            Self::TooManyRooms => "TOO_MANY_ROOMS",
            Self::NameTooLong => "NAME_TOO_LONG",
        }
    }
}

impl From<DecodeError> for ClusterError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooDeep => Self::TooDeep,
            DecodeError::ReservedName | DecodeError::InvalidEventName => Self::InvalidEventName,
            _ => Self::Malformed,
        }
    }
}

/// Why something has no message. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The packet is no event.
    #[error("packet is no event")]
    NotAnEvent,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("arguments are nested too deeply")]
    TooDeep,
    /// The arguments are not what their encoding says: no JSON, or a placeholder without its attachment.
    #[error("arguments cannot be written: {0}")]
    Value(String),
}

impl PublishError {
    /// A name that stays, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnEvent => "NOT_AN_EVENT",
            Self::TooDeep => "TOO_DEEP",
            Self::Value(_) => "INVALID_VALUE",
        }
    }
}

impl From<OfJsonError> for PublishError {
    fn from(error: OfJsonError) -> Self {
        match error {
            OfJsonError::TooDeep => Self::TooDeep,
            error => Self::Value(error.to_string()),
        }
    }
}
