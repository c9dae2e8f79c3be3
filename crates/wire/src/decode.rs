//! Reads the messages of one connection into packets.

use bytes::Bytes;

use crate::{
    Args, Body, ConnectError, Event, EventName, Name, Packet, Parser, Text, Value,
    encode::{ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT},
    json::{self, Payload, TextPacket},
    msgpack,
};

/// The deepest nesting of arguments that can be read, and the default of [`Limits::max_depth`].
pub const MAX_DEPTH: usize = 128;

/// What one packet of a peer may be at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet. Default: 10, as in the reference.
    pub max_attachments: usize,
    /// How deep arrays and objects may be nested, the list of arguments included. Default, and most:
    /// [`MAX_DEPTH`].
    ///
    /// Deeper JSON is no error of the protocol, so the packet is decoded; reading its arguments fails
    /// with [`ArgError::TooDeep`](crate::ArgError::TooDeep). Deeper msgpack is refused.
    pub max_depth: usize,
    /// Bytes of one packet, the text and all attachments together. Default: 1,000,000.
    pub max_event_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attachments: json::MAX_ATTACHMENTS,
            max_depth: MAX_DEPTH,
            max_event_bytes: 1_000_000,
        }
    }
}

impl Limits {
    pub(crate) fn depth(&self) -> usize {
        self.max_depth.min(MAX_DEPTH)
    }
}

/// Why a message is no packet. The reference closes the connection, without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The type is no digit from 0 to 6, or with msgpack no integer from 0 to 4.
    #[error("packet has an unknown type")]
    UnknownType,
    /// A client sent what only servers send.
    #[error("packet of this type comes from servers only")]
    UnexpectedType,
    /// The count of attachments is no number above zero.
    #[error("count of attachments is invalid")]
    InvalidAttachmentCount,
    /// More attachments than [`Limits::max_attachments`].
    #[error("packet has too many attachments")]
    TooManyAttachments,
    /// The namespace is no text.
    #[error("namespace is invalid")]
    InvalidNamespace,
    /// The id is no integer.
    #[error("id is invalid")]
    InvalidId,
    /// What follows is not what the type asks for.
    #[error("payload is invalid")]
    InvalidPayload,
    /// The name of an event is neither text nor a number.
    #[error("event name is invalid")]
    InvalidEventName,
    /// The event has a name that both libraries keep for themselves.
    #[error("event name is reserved")]
    ReservedName,
    /// Attachments were awaited, and a text came.
    #[error("text came where an attachment was awaited")]
    MissingAttachment,
    /// No attachment was awaited.
    #[error("attachment without a packet")]
    StrayAttachment,
    /// A placeholder does not name one of the attachments.
    #[error("placeholder without an attachment")]
    InvalidPlaceholder,
    /// Text and attachments together are larger than [`Limits::max_event_bytes`].
    #[error("packet is too large")]
    TooLarge,
    /// Nested deeper than [`Limits::max_depth`].
    #[error("packet is nested too deeply")]
    TooDeep,
    /// The bytes are not one msgpack value, or the message is a text.
    #[error("not msgpack")]
    NotMsgpack,
}

impl DecodeError {
    /// A name that stays, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownType => "UNKNOWN_PACKET_TYPE",
            Self::UnexpectedType => "UNEXPECTED_PACKET_TYPE",
            Self::InvalidAttachmentCount => "INVALID_ATTACHMENT_COUNT",
            Self::TooManyAttachments => "TOO_MANY_ATTACHMENTS",
            Self::InvalidNamespace => "INVALID_NAMESPACE",
            Self::InvalidId => "INVALID_ID",
            Self::InvalidPayload => "INVALID_PAYLOAD",
            Self::InvalidEventName => "INVALID_EVENT_NAME",
            Self::ReservedName => "RESERVED_NAME",
            Self::MissingAttachment => "MISSING_ATTACHMENT",
            Self::StrayAttachment => "STRAY_ATTACHMENT",
            Self::InvalidPlaceholder => "INVALID_PLACEHOLDER",
            Self::TooLarge => "EVENT_TOO_LARGE",
            Self::TooDeep => "TOO_DEEP",
            Self::NotMsgpack => "NOT_MSGPACK",
        }
    }
}

/// Turns the messages of one connection into packets.
///
/// It holds what has arrived of a packet whose attachments are still to come, and nothing while idle.
/// An error ends the connection; the packet in the making is forgotten.
///
/// ```
/// use bytes::Bytes;
/// use switchboard_wire::{Body, Decoder, Limits, Parser};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut decoder, limits) = (Decoder::server(), Limits::default());
/// let text = r#"51-["photo",{"_placeholder":true,"num":0}]"#;
/// assert!(decoder.text(Parser::Json, &limits, text)?.is_none());
/// assert!(decoder.is_assembling());
///
/// let packet = decoder.binary(Parser::Json, &limits, Bytes::from_static(b"\x01\x02"))?;
/// let Some(Body::Event(event)) = packet.map(|packet| packet.body) else {
///     return Err("an event was expected".into());
/// };
/// assert_eq!(event.args.get::<Vec<u8>>(0)?, [1, 2]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Decoder {
    assembling: Option<Box<Assembling>>,
    server: bool,
}

/// A packet, and those of its attachments that are here.
#[derive(Debug)]
struct Assembling {
    packet: Packet,
    /// Whether it is passed on once it is complete.
    wanted: bool,
    expected: usize,
    bytes: usize,
    attachments: Vec<Bytes>,
}

impl Decoder {
    /// For what a server reads: a client cannot refuse anybody a namespace.
    pub fn server() -> Self {
        Self {
            assembling: None,
            server: true,
        }
    }

    /// For what a client reads.
    pub fn client() -> Self {
        Self {
            assembling: None,
            server: false,
        }
    }

    /// Whether attachments are awaited. A peer that never sends them holds the rest in memory, so put
    /// a deadline on it.
    pub fn is_assembling(&self) -> bool {
        self.assembling.is_some()
    }

    /// Reads the text of an Engine.IO message, without its digit.
    ///
    /// There is no packet while attachments are awaited, and none where the reference ignores the
    /// message: an event without a payload, an ack without an id that could be ours.
    pub fn text(
        &mut self,
        parser: Parser,
        limits: &Limits,
        text: impl Into<Text>,
    ) -> Result<Option<Packet>, DecodeError> {
        if self.assembling.take().is_some() {
            return Err(DecodeError::MissingAttachment);
        }
        if parser == Parser::Msgpack {
            return Err(DecodeError::NotMsgpack);
        }
        let text = text.into().into_bytes();
        let bytes = text.len();
        if bytes > limits.max_event_bytes {
            return Err(DecodeError::TooLarge);
        }
        let text = json::decode(limits, text)?;
        let expected = text.attachments;
        let found = self.packet(text)?;
        if expected == 0 {
            return Ok(found);
        }
        let wanted = found.is_some();
        let packet = found.unwrap_or(Packet {
            namespace: Name::ROOT,
            body: Body::Disconnect,
        });
        let attachments = Vec::new();
        self.assembling = Some(Box::new(Assembling {
            packet,
            wanted,
            expected,
            bytes,
            attachments,
        }));
        Ok(None)
    }

    /// Reads a binary Engine.IO message: an attachment, or with msgpack a packet.
    pub fn binary(
        &mut self,
        parser: Parser,
        limits: &Limits,
        payload: Bytes,
    ) -> Result<Option<Packet>, DecodeError> {
        if parser == Parser::Msgpack {
            if payload.len() > limits.max_event_bytes {
                return Err(DecodeError::TooLarge);
            }
            return msgpack::decode(limits, &payload, self.server);
        }
        let mut assembling = self.assembling.take().ok_or(DecodeError::StrayAttachment)?;
        assembling.bytes = assembling.bytes.saturating_add(payload.len());
        if assembling.bytes > limits.max_event_bytes {
            return Err(DecodeError::TooLarge);
        }
        assembling.attachments.push(payload);
        if assembling.attachments.len() < assembling.expected {
            self.assembling = Some(assembling);
            return Ok(None);
        }
        let Assembling {
            mut packet,
            wanted,
            attachments,
            ..
        } = *assembling;
        if let Body::Event(Event { args, .. }) | Body::Ack { args, .. } = &mut packet.body {
            args.attach(attachments)?;
        }
        Ok(wanted.then_some(packet))
    }

    fn packet(&self, text: TextPacket) -> Result<Option<Packet>, DecodeError> {
        let TextPacket {
            kind,
            namespace,
            id,
            payload,
            ..
        } = text;
        let body = match (kind, payload) {
            (CONNECT, Payload::None) => Body::Connect(None),
            (CONNECT, Payload::Object(json)) => Body::Connect(Some(Args::of_json(json, false))),
            (DISCONNECT, Payload::None) => Body::Disconnect,
            (EVENT, Payload::Event(name, list)) => {
                let args = Args::of_json(list.rest, list.too_deep);
                Body::Event(Event { id, name, args })
            }
            (ACK, payload) => {
                let args = match payload {
                    Payload::Ack(list) => Args::of_json(list.rest, list.too_deep),
                    _ => Args::empty(),
                };
                // An ack for nobody is kept until its attachments are here, then dropped.
                let Some(id) = id else { return Ok(None) };
                Body::Ack { id, args }
            }
            (CONNECT_ERROR, _) if self.server => return Err(DecodeError::UnexpectedType),
            (CONNECT_ERROR, Payload::Object(json)) => {
                let value =
                    serde_json::from_slice(&json).map_err(|_| DecodeError::InvalidPayload)?;
                Body::ConnectError(ConnectError::of_value(value))
            }
            (CONNECT_ERROR, _) => Body::ConnectError(ConnectError::of_value(Value::Null)),
            _ => return Ok(None),
        };
        Ok(Some(Packet { namespace, body }))
    }
}

impl ConnectError {
    /// From `{"message":…,"data":…}`, or a plain string.
    pub(crate) fn of_value(value: Value) -> Self {
        let (mut message, mut data) = (String::new(), None);
        match value {
            Value::String(text) => message = text,
            Value::Object(fields) => {
                for (key, value) in fields {
                    match (key.as_str(), value) {
                        ("message", Value::String(text)) => message = text,
                        ("data", value) => data = Some(value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Self { message, data }
    }
}

/// A name that a peer may give to an event.
pub(crate) fn checked_name(name: EventName) -> Result<EventName, DecodeError> {
    if EventName::is_reserved(&name) {
        Err(DecodeError::ReservedName)
    } else {
        Ok(name)
    }
}
