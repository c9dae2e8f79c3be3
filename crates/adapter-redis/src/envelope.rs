//! What nodes of ours say to each other alone, on channels that servers of another make do not hear.
//!
//! Each node has an inbox, and all have one channel for heartbeats. Their names do not begin as those of Node's
//! adapters do, so what travels there is ours to shape.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use switchboard_connection::{Namespace, NodeId};

/// A message to one node's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    /// Some bytes for the program.
    Notice(Bytes),
    /// An answer to a question of this node, as Node would have published it.
    Answer(Bytes),
    /// A heartbeat that answers one.
    Beat(Beat),
}

const MAGIC: &[u8] = b"SB";
const VERSION: u8 = 1;

impl Letter {
    /// Magic, version, kind, length of the sender's name, the name, the rest.
    pub(crate) fn encode(&self, from: &NodeId) -> Bytes {
        let (kind, body) = match self {
            Self::Notice(body) => (b'N', body.clone()),
            Self::Answer(body) => (b'A', body.clone()),
            Self::Beat(beat) => (b'B', beat.encode()),
        };
        let name = from.as_str().as_bytes();
        let mut out = BytesMut::with_capacity(8 + name.len() + body.len());
        out.put_slice(MAGIC);
        out.put_u8(VERSION);
        out.put_u8(kind);
        // A name has 256 bytes at most.
        out.put_u16(u16::try_from(name.len()).unwrap_or(0));
        out.put_slice(name);
        out.put_slice(&body);
        out.freeze()
    }

    /// `None` for what is no letter of this version.
    pub(crate) fn decode(bytes: &Bytes) -> Option<(NodeId, Self)> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let [VERSION, kind, high, low, rest @ ..] = rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let name = rest.get(..length)?;
        let from = NodeId::new(std::str::from_utf8(name).ok()?).ok()?;
        let body = bytes.slice_ref(&rest[length..]);
        let letter = match kind {
            b'N' => Self::Notice(body),
            b'A' => Self::Answer(body),
            b'B' => Self::Beat(Beat::decode(&body)?),
            _ => return None,
        };
        Some((from, letter))
    }
}

/// A node says how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) node: NodeId,
    /// Names its inbox; another after each start.
    pub(crate) uid: String,
    pub(crate) state: State,
    /// Others are to answer with theirs at once.
    #[serde(default)]
    pub(crate) greets: bool,
    /// Its namespaces, unless they are very many.
    #[serde(default)]
    pub(crate) namespaces: Option<Vec<Namespace>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    Here,
    Leaving,
    Gone,
}

impl Beat {
    pub(crate) fn encode(&self) -> Bytes {
        // Strings and lists always become JSON.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The channels of our own under one key.
#[derive(Clone, Debug)]
pub(crate) struct OwnChannels(String);

impl OwnChannels {
    pub(crate) fn new(key: &str) -> Self {
        Self(format!("switchboard:{key}:"))
    }

    pub(crate) fn beats(&self) -> String {
        format!("{}nodes", self.0)
    }

    pub(crate) fn inbox(&self, uid: &str) -> String {
        format!("{}node:{uid}", self.0)
    }

    pub(crate) fn probe(&self, uid: &str) -> String {
        format!("{}probe:{uid}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_and_garbage_does_not() {
        let from = NodeId::from_static("n1");
        let beat = Beat {
            node: from.clone(),
            uid: "@x".to_owned(),
            state: State::Leaving,
            greets: true,
            namespaces: Some(vec![Namespace::from_static("/")]),
        };
        for letter in [
            Letter::Notice(Bytes::from_static(b"\x00any")),
            Letter::Answer(Bytes::new()),
            Letter::Beat(beat),
        ] {
            let bytes = letter.encode(&from);
            assert_eq!(Letter::decode(&bytes), Some((from.clone(), letter)));
            for cut in 0..6 + 2 {
                assert_eq!(Letter::decode(&bytes.slice(..cut.min(7))), None);
            }
        }
        for garbage in [
            &b""[..],
            b"SB\x02N\x00\x01a",
            b"SB\x01X\x00\x01a",
            b"SB\x01N\xff\xffa",
            b"SB\x01N\x00\x00a",
        ] {
            assert_eq!(Letter::decode(&Bytes::copy_from_slice(garbage)), None);
        }
    }
}
