//! What other nodes answer.

use bytes::Bytes;

use super::kind;
use crate::{
    Args,
    cluster::{
        RemoteSocket,
        doc::Doc,
        error::{ClusterError, ClusterLimits},
        options::{Stranger, id, rooms},
    },
};

/// An answer whose sender is looked at first: everybody's answers come by, most of them for others.
///
/// ```
/// use bytes::Bytes;
/// use switchboard_wire::cluster::{ClusterLimits, classic::{RawResponse, Response}};
///
/// let message = Bytes::from_static(br#"{"type":8,"requestId":"blCHGw","clientCount":1}"#);
/// let limits = ClusterLimits::default();
/// let response = RawResponse::parse(&limits, &message)?;
/// assert_eq!(response.request_id(), "blCHGw");
/// assert_eq!(response.read()?, Response::ClientCount(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RawResponse<'a> {
    limits: &'a ClusterLimits,
    message: &'a Bytes,
    doc: Doc<'a>,
    request_id: String,
}

/// What an answer says. Only what was asked tells what to expect.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Response {
    /// To type 0: ids of sockets.
    SocketIds(Vec<String>),
    /// To type 5, or 0 where there are none: sockets.
    Sockets(Vec<RemoteSocket>),
    /// To type 1: rooms.
    Rooms(Vec<String>),
    /// To the old forms of types 2, 3 and 4: done.
    Done,
    /// To type 6: the answer, one argument or none.
    ServerSideEmit(Args),
    /// To type 7: how many sockets were asked.
    ClientCount(u64),
    /// To type 7: what one socket answered, one argument or none.
    Ack(Args),
}

impl<'a> RawResponse<'a> {
    /// Checks that the message is an answer, and finds what it answers.
    pub fn parse(limits: &'a ClusterLimits, message: &'a Bytes) -> Result<Self, ClusterError> {
        let doc = Doc::parse(limits, message)?;
        let mut request_id = None;
        for (key, value) in doc.fields().ok_or(ClusterError::Malformed)? {
            if key == "requestId" {
                request_id = id(limits, Some(value), "requestId")?;
            }
        }
        Ok(Self {
            limits,
            message,
            doc,
            request_id: request_id.ok_or(ClusterError::InvalidField("requestId"))?,
        })
    }

    /// Which request it answers.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Reads the rest.
    pub fn read(&self) -> Result<Response, ClusterError> {
        let message = self.message;
        let (mut kind, mut sockets, mut joined) = (None, None, None);
        let (mut count, mut data, mut packet) = (None, Args::empty(), Args::empty());
        for (key, value) in self.doc.fields().ok_or(ClusterError::Malformed)? {
            match &*key {
                "type" => kind = value.unsigned(),
                "sockets" => sockets = Some(value),
                "rooms" => joined = Some(value),
                "clientCount" => count = value.unsigned(),
                "data" => data = value.argument(message),
                "packet" => packet = value.argument(message),
                _ => {}
            }
        }
        match kind.map(u8::try_from) {
            Some(Ok(kind::SERVER_SIDE_EMIT)) => Ok(Response::ServerSideEmit(data)),
            Some(Ok(kind::CLIENT_COUNT)) => count
                .map(Response::ClientCount)
                .ok_or(ClusterError::InvalidField("clientCount")),
            Some(Ok(kind::ACK)) => Ok(Response::Ack(packet)),
            _ => match (sockets, joined) {
                (Some(sockets), _) => self.sockets(sockets),
                (None, Some(joined)) => {
                    let limits = self.limits.with_any_rooms();
                    rooms(&limits, joined, "rooms", Stranger::Skip).map(Response::Rooms)
                }
                (None, None) => Ok(Response::Done),
            },
        }
    }

    fn sockets(&self, list: Doc<'_>) -> Result<Response, ClusterError> {
        let mut elements = list
            .elements()
            .ok_or(ClusterError::InvalidField("sockets"))?;
        if elements.next().is_some_and(|first| first.name().is_some()) {
            let limits = self.limits.with_any_rooms();
            let ids = rooms(&limits, list, "sockets", Stranger::Skip)?;
            return Ok(Response::SocketIds(ids));
        }
        RemoteSocket::read_all(self.limits, list).map(Response::Sockets)
    }
}
