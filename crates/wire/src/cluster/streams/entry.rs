//! An entry of the stream.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::super::{
    Message, MessageBody, Outgoing,
    data::{to_either, to_msgpack},
    doc::Doc,
    error::{ClusterError, ClusterLimits, PublishError},
    outgoing::Prepared,
};
use crate::Name;

/// The fields of an entry, in the order in which Node adds them. All are text.
///
/// ```
/// use bytes::Bytes;
/// use switchboard_wire::{Parser, cluster::{Outgoing, To, streams::Entry}};
///
/// let packet = Parser::Json.event("/", None, "hello", &1, None)?;
/// let message = Outgoing::Broadcast { packet: &packet, to: To::default(), request_id: None };
/// let entry = Entry::encode("ee8e08c000815a6c", "/", &message, false)?;
/// assert_eq!(
///     entry.fields(),
///     [
///         ("uid", "ee8e08c000815a6c"),
///         ("nsp", "/"),
///         ("type", "3"),
///         ("data", r#"{"packet":{"type":2,"data":["hello",1]},"opts":{"rooms":[],"except":[],"flags":{}}}"#),
///     ]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Who added it. `emitter` has no sockets.
    pub uid: String,
    /// Where. Entries without are passed over.
    pub nsp: String,
    /// The number of the message.
    pub kind: String,
    /// JSON if it begins with `{`, else base64 of msgpack. A message may have none.
    pub data: Option<String>,
}

impl Entry {
    /// Writes a durable message of the node `uid`.
    ///
    /// Data is msgpack where there are bytes in it. With `only_plaintext` it never is; bytes are then
    /// objects as `JSON.stringify` makes of a `Buffer`, and no bytes any more for whoever reads it.
    pub fn encode(
        uid: &str,
        namespace: &str,
        message: &Outgoing<'_>,
        only_plaintext: bool,
    ) -> Result<Self, PublishError> {
        let message = Prepared::new(uid, namespace, *message)?;
        let data = if !message.has_data() {
            None
        } else if message.has_binary() && !only_plaintext {
            Some(STANDARD.encode(to_msgpack(&message.data())?))
        } else {
            let json = String::from_utf8(to_either(&message.data(), false)?);
            Some(json.map_err(|error| PublishError::Value(error.to_string()))?)
        };
        Ok(Self {
            uid: uid.to_owned(),
            nsp: namespace.to_owned(),
            kind: message.kind().to_string(),
            data,
        })
    }

    /// Names and values for `XADD`.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![
            ("uid", &*self.uid),
            ("nsp", &*self.nsp),
            ("type", &*self.kind),
        ];
        fields.extend(self.data.as_deref().map(|data| ("data", data)));
        fields
    }

    /// Takes what an entry of the stream consists of. `None` if it has no namespace, or a field that
    /// counts is no text: it is not for us.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Option<Self> {
        let mut entry = Self::default();
        for (name, value) in fields {
            let text = || str::from_utf8(value).ok().map(str::to_owned);
            match name {
                b"uid" => entry.uid = text()?,
                b"nsp" => entry.nsp = text()?,
                b"type" => entry.kind = text()?,
                b"data" => entry.data = Some(text()?),
                _ => {}
            }
        }
        (!entry.nsp.is_empty()).then_some(entry)
    }

    /// Whether it is an event, which clients that return may have missed.
    pub fn is_event(&self) -> bool {
        self.kind == "3"
    }

    /// Reads the message.
    pub fn decode(&self, limits: &ClusterLimits) -> Result<Message, ClusterError> {
        if self.uid.len().max(self.nsp.len()) > limits.max_name_bytes {
            return Err(ClusterError::NameTooLong);
        }
        let kind = self.kind.parse();
        let kind = kind.map_err(|_| ClusterError::InvalidField("type"))?;
        let data = self.data.as_deref().filter(|data| !data.is_empty());
        let bytes = data.map(|data| bytes(limits, data)).transpose()?;
        let bytes = bytes.unwrap_or_default();
        let doc = match data {
            None => None,
            Some(data) if data.starts_with('{') => Some(Doc::json(limits, &bytes)?),
            Some(_) => Some(Doc::msgpack(limits, &bytes)?),
        };
        Ok(Message {
            uid: self.uid.clone(),
            namespace: Name::new(&self.nsp),
            body: MessageBody::read(limits, kind, doc, &bytes)?,
        })
    }
}

fn bytes(limits: &ClusterLimits, data: &str) -> Result<Bytes, ClusterError> {
    if data.len() > limits.max_message_bytes {
        return Err(ClusterError::TooLarge);
    }
    if data.starts_with('{') {
        return Ok(Bytes::copy_from_slice(data.as_bytes()));
    }
    let decoded = STANDARD.decode(data);
    decoded
        .map(Bytes::from)
        .map_err(|_| ClusterError::Malformed)
}

/// Whether a client's offset may be the id of an entry (`/^[0-9]+-[0-9]+$/`), and neither part too large
/// for Redis. Anything else must not reach a command.
///
/// ```
/// use switchboard_wire::cluster::streams::is_offset;
///
/// assert!(is_offset("1795225916874-0"));
/// assert!(!is_offset("-") && !is_offset("1795225916874") && !is_offset("1-2-3"));
/// ```
pub fn is_offset(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u64>().is_ok()
    };
    text.split_once('-')
        .is_some_and(|(time, sequence)| is_number(time) && is_number(sequence))
}
