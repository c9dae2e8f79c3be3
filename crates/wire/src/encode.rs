//! Writes packets, with either parser.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{EventName, Value, json, msgpack};

/// Which Socket.IO parser both ends of a connection speak. A server and its clients have to agree
/// beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Parser {
    /// `socket.io-parser`, the default: a digit and JSON, binary data as attachments.
    #[default]
    Json,
    /// `socket.io-msgpack-parser`: one binary message per packet, binary data in place.
    Msgpack,
}

/// A packet as the Engine.IO messages that carry it, in the order to send them in: the text, then the
/// binary messages, with nothing in between.
///
/// With [`Parser::Json`] there is a text, and a binary message for each attachment; with
/// [`Parser::Msgpack`] one binary message and no text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// A text packet with its Engine.IO digit, as in `42["hello"]`.
    pub text: Option<String>,
    /// Binary messages, in order.
    pub binary: Vec<Bytes>,
}

/// Why a packet cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event has a name that both libraries keep for themselves.
    #[error("event name is reserved")]
    ReservedName,
    /// More binary values than a client accepts in one packet of the JSON parser: 10. Send fewer at a
    /// time, or join them.
    #[error("{0} attachments, more than {max}", max = json::MAX_ATTACHMENTS)]
    TooManyAttachments(usize),
    /// What is sent with a request to join must be an object.
    #[error("auth is not an object")]
    NotAnObject,
    /// The value does not serialise.
    #[error("value cannot be written: {0}")]
    Value(String),
}

impl EncodeError {
    /// A name that stays, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ReservedName => "RESERVED_NAME",
            Self::TooManyAttachments(_) => "TOO_MANY_ATTACHMENTS",
            Self::NotAnObject => "NOT_AN_OBJECT",
            Self::Value(_) => "INVALID_VALUE",
        }
    }
}

/// The outline of a packet: everything but its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) kind: u8,
    pub(crate) namespace: &'a str,
    pub(crate) id: Option<u64>,
}

pub(crate) const CONNECT: u8 = 0;
pub(crate) const DISCONNECT: u8 = 1;
pub(crate) const EVENT: u8 = 2;
pub(crate) const ACK: u8 = 3;
pub(crate) const CONNECT_ERROR: u8 = 4;

/// A namespace is written as it is given: it begins with `/`, and with [`Parser::Json`] holds no comma.
impl Parser {
    /// A server's consent to a client that wants to join: the id of its socket, and the secret `pid`
    /// by which it may come back when recovery is on.
    ///
    /// ```
    /// use switchboard_wire::Parser;
    ///
    /// let packet = Parser::Json.connect("/chat", "Q7zfndKdA9kXkv5cAAAA", None);
    /// assert_eq!(packet.text.as_deref(), Some(r#"40/chat,{"sid":"Q7zfndKdA9kXkv5cAAAA"}"#));
    /// ```
    pub fn connect(self, namespace: &str, sid: &str, pid: Option<&str>) -> Encoded {
        #[derive(Serialize)]
        struct Consent<'a> {
            sid: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            pid: Option<&'a str>,
        }
        self.plain(CONNECT, namespace, &Consent { sid, pid })
    }

    /// A client's request to join. `auth` must serialise as an object.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use switchboard_wire::Parser;
    ///
    /// let auth = HashMap::from([("token", "x")]);
    /// let packet = Parser::Json.connect_request("/", Some(&auth))?;
    /// assert_eq!(packet.text.as_deref(), Some(r#"40{"token":"x"}"#));
    /// # Ok::<(), switchboard_wire::EncodeError>(())
    /// ```
    pub fn connect_request<T: Serialize + ?Sized>(
        self,
        namespace: &str,
        auth: Option<&T>,
    ) -> Result<Encoded, EncodeError> {
        let head = Head {
            kind: CONNECT,
            namespace,
            id: None,
        };
        let Some(auth) = auth else {
            return Ok(self.bare(head));
        };
        match self {
            Self::Json => json::encode_object(head, auth),
            Self::Msgpack => msgpack::encode_object(head, auth),
        }
    }

    /// A server's refusal.
    ///
    /// ```
    /// use switchboard_wire::Parser;
    ///
    /// let packet = Parser::Json.connect_error("/admin", "not authorized", None);
    /// assert_eq!(packet.text.as_deref(), Some(r#"44/admin,{"message":"not authorized"}"#));
    /// ```
    pub fn connect_error(self, namespace: &str, message: &str, data: Option<&Value>) -> Encoded {
        #[derive(Serialize)]
        struct Refusal<'a> {
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<&'a Value>,
        }
        self.plain(CONNECT_ERROR, namespace, &Refusal { message, data })
    }

    /// Either side leaves a namespace.
    ///
    /// ```
    /// use switchboard_wire::Parser;
    ///
    /// assert_eq!(Parser::Json.disconnect("/admin").text.as_deref(), Some("41/admin,"));
    /// ```
    pub fn disconnect(self, namespace: &str) -> Encoded {
        self.bare(Head {
            kind: DISCONNECT,
            namespace,
            id: None,
        })
    }

    /// An event.
    ///
    /// A tuple, an array of fixed length and [`Args`](crate::Args) become as many arguments as they
    /// have; `()` becomes none; everything else is one argument. An `id` asks for an ack. An `offset`,
    /// for clients that may recover, is one more argument at the end.
    ///
    /// ```
    /// use switchboard_wire::Parser;
    ///
    /// let text = |encoded: switchboard_wire::Encoded| encoded.text.unwrap_or_default();
    /// let event = |data| Parser::Json.event("/", None, "e", data, None).map(text);
    /// assert_eq!(event(&vec![1, 2])?, r#"42["e",[1,2]]"#);
    ///
    /// let many = Parser::Json.event("/", Some(12), "e", &(1, "a"), Some("Q7xvfTo"))?;
    /// assert_eq!(text(many), r#"4212["e",1,"a","Q7xvfTo"]"#);
    /// # Ok::<(), switchboard_wire::EncodeError>(())
    /// ```
    pub fn event<T: Serialize + ?Sized>(
        self,
        namespace: &str,
        id: Option<u64>,
        name: &str,
        data: &T,
        offset: Option<&str>,
    ) -> Result<Encoded, EncodeError> {
        if EventName::is_reserved(name) {
            return Err(EncodeError::ReservedName);
        }
        let head = Head {
            kind: EVENT,
            namespace,
            id,
        };
        match self {
            Self::Json => json::encode(head, Some(name), data, offset),
            Self::Msgpack => msgpack::encode(head, Some(name), data, offset),
        }
    }

    /// The answer to an event that came with `id`. `data` becomes arguments as in [`Parser::event`].
    ///
    /// ```
    /// use switchboard_wire::Parser;
    ///
    /// assert_eq!(Parser::Json.ack("/", 0, &())?.text.as_deref(), Some("430[]"));
    /// # Ok::<(), switchboard_wire::EncodeError>(())
    /// ```
    pub fn ack<T: Serialize + ?Sized>(
        self,
        namespace: &str,
        id: u64,
        data: &T,
    ) -> Result<Encoded, EncodeError> {
        let head = Head {
            kind: ACK,
            namespace,
            id: Some(id),
        };
        match self {
            Self::Json => json::encode(head, None, data, None),
            Self::Msgpack => msgpack::encode(head, None, data, None),
        }
    }

    /// A packet with an object of ours, which serialises.
    fn plain<T: Serialize>(self, kind: u8, namespace: &str, data: &T) -> Encoded {
        let head = Head {
            kind,
            namespace,
            id: None,
        };
        let encoded = match self {
            Self::Json => json::encode_object(head, data),
            Self::Msgpack => msgpack::encode_object(head, data),
        };
        encoded.unwrap_or_else(|_| self.bare(head))
    }

    fn bare(self, head: Head<'_>) -> Encoded {
        match self {
            Self::Json => json::encode_bare(head),
            Self::Msgpack => msgpack::encode_bare(head),
        }
    }
}
