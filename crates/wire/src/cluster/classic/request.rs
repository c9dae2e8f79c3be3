//! What other nodes, and emitters, ask for.

use bytes::Bytes;

use super::{broadcast::read_packet, kind};
use crate::{
    Args, EventName, Name,
    cluster::{
        doc::Doc,
        error::{ClusterError, ClusterLimits},
        options::{Options, Stranger, id, name, read_options, rooms},
    },
};

/// A request, from [`Channels::request`](super::Channels::request).
///
/// A node's own requests come back to it. It skips 0, 1, 5 and 7 by their id, 6 by its `uid`; 2, 3 and 4
/// are how Node's own sockets join, leave and go.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who asks. Emitters name nobody, or `emitter`.
    pub uid: Option<String>,
    /// What the answer has to carry.
    pub request_id: Option<String>,
    /// What is asked for.
    pub body: RequestBody,
}

/// What a [`Request`] asks for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RequestBody {
    /// 0: the ids of sockets in one of these rooms, or of all. Versions before 8 ask this.
    Sockets {
        /// Rooms; none means everybody.
        rooms: Vec<String>,
    },
    /// 1: all rooms.
    AllRooms,
    /// 2: these sockets join these rooms.
    Join {
        /// Who.
        who: Whom,
        /// What they join.
        rooms: Vec<String>,
    },
    /// 3: these sockets leave these rooms.
    Leave {
        /// Who.
        who: Whom,
        /// What they leave.
        rooms: Vec<String>,
    },
    /// 4: these sockets are disconnected.
    Disconnect {
        /// Who.
        who: Whom,
        /// Not from the namespace only.
        close: bool,
    },
    /// 5: these sockets, and what is known of them.
    FetchSockets {
        /// Who.
        who: Options,
    },
    /// 6: the servers are told something. They answer if there is a
    /// [`request_id`](Request::request_id).
    ServerSideEmit {
        /// What it is called.
        event: EventName,
        /// What it carries.
        args: Args,
    },
    /// 7: an event whose acks are awaited. Answer even if nobody is meant.
    Broadcast {
        /// Where.
        namespace: Name,
        /// What it is called.
        event: EventName,
        /// What it carries.
        args: Args,
        /// Whom it means; the flags say for how long.
        options: Options,
    },
}

/// Whom a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Sockets by their rooms. Nobody answers.
    Matching(Options),
    /// One socket by its id: the form before version 7. A node that has it answers that it is done.
    Socket(String),
}

/// The fields that count.
#[derive(Default)]
struct Fields<'a> {
    uid: Option<Doc<'a>>,
    request_id: Option<Doc<'a>>,
    kind: Option<Doc<'a>>,
    opts: Option<Doc<'a>>,
    rooms: Option<Doc<'a>>,
    close: Option<Doc<'a>>,
    data: Option<Doc<'a>>,
    packet: Option<Doc<'a>>,
    sid: Option<Doc<'a>>,
    room: Option<Doc<'a>>,
}

impl Request {
    /// Reads a request, in either encoding.
    ///
    /// Node ignores what it cannot read here, and types it does not know
    /// ([`ClusterError::UnknownType`]).
    pub fn decode(limits: &ClusterLimits, message: &Bytes) -> Result<Self, ClusterError> {
        let fields = Fields::of(Doc::parse(limits, message)?)?;
        let kind = fields.kind.and_then(Doc::unsigned);
        let kind = kind.ok_or(ClusterError::InvalidField("type"))?;
        let body = match u8::try_from(kind) {
            Ok(kind::SOCKETS) => RequestBody::Sockets {
                rooms: fields.rooms(limits, Stranger::Refuse)?,
            },
            Ok(kind::ALL_ROOMS) => RequestBody::AllRooms,
            Ok(kind::JOIN) => {
                let (who, rooms) = fields.who_and_rooms(limits)?;
                RequestBody::Join { who, rooms }
            }
            Ok(kind::LEAVE) => {
                let (who, rooms) = fields.who_and_rooms(limits)?;
                RequestBody::Leave { who, rooms }
            }
            Ok(kind::DISCONNECT) => RequestBody::Disconnect {
                who: fields.who(limits)?,
                close: fields.close.is_some_and(Doc::is_truthy),
            },
            Ok(kind::FETCH) => RequestBody::FetchSockets {
                who: fields.options(limits)?,
            },
            Ok(kind::SERVER_SIDE_EMIT) => {
                let data = fields.data.ok_or(ClusterError::InvalidField("data"))?;
                let (event, args) = data.call(message)?;
                RequestBody::ServerSideEmit { event, args }
            }
            Ok(kind::BROADCAST) => {
                let packet = fields.packet.ok_or(ClusterError::InvalidField("packet"))?;
                let (namespace, event, args) = read_packet(limits, packet, message)?;
                let options = fields.options(limits)?;
                RequestBody::Broadcast {
                    namespace,
                    event,
                    args,
                    options,
                }
            }
            _ => return Err(ClusterError::UnknownType(kind)),
        };
        Ok(Self {
            uid: id(limits, fields.uid, "uid")?,
            request_id: id(limits, fields.request_id, "requestId")?,
            body,
        })
    }
}

impl<'a> Fields<'a> {
    fn of(doc: Doc<'a>) -> Result<Self, ClusterError> {
        let mut fields = Self::default();
        for (key, value) in doc.fields().ok_or(ClusterError::Malformed)? {
            let field = match &*key {
                "uid" => &mut fields.uid,
                "requestId" => &mut fields.request_id,
                "type" => &mut fields.kind,
                "opts" => &mut fields.opts,
                "rooms" => &mut fields.rooms,
                "close" => &mut fields.close,
                "data" => &mut fields.data,
                "packet" => &mut fields.packet,
                "sid" => &mut fields.sid,
                "room" => &mut fields.room,
                _ => continue,
            };
            *field = Some(value);
        }
        Ok(fields)
    }

    fn options(&self, limits: &ClusterLimits) -> Result<Options, ClusterError> {
        read_options(limits, self.opts.ok_or(ClusterError::InvalidField("opts"))?)
    }

    fn rooms(
        &self,
        limits: &ClusterLimits,
        stranger: Stranger,
    ) -> Result<Vec<String>, ClusterError> {
        self.rooms.map_or_else(
            || Ok(Vec::new()),
            |doc| rooms(limits, doc, "rooms", stranger),
        )
    }

    /// With `opts`, whom they mean; without, the one socket.
    fn who(&self, limits: &ClusterLimits) -> Result<Whom, ClusterError> {
        if self.opts.is_some_and(Doc::is_truthy) {
            return self.options(limits).map(Whom::Matching);
        }
        let sid = self.sid.and_then(Doc::text);
        let sid = sid.ok_or(ClusterError::InvalidField("sid"))?;
        name(limits, sid).map(Whom::Socket)
    }

    fn who_and_rooms(&self, limits: &ClusterLimits) -> Result<(Whom, Vec<String>), ClusterError> {
        let who = self.who(limits)?;
        let rooms = match who {
            Whom::Matching(_) => self.rooms(limits, Stranger::Skip)?,
            Whom::Socket(_) => {
                let room = self.room.and_then(Doc::name);
                vec![name(
                    limits,
                    room.ok_or(ClusterError::InvalidField("room"))?,
                )?]
            }
        };
        Ok((who, rooms))
    }
}
