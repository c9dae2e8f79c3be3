//! The messages of the sharded and the streams adapter, which are the same.
//!
//! Wire format: `ClusterAdapter` of `socket.io-adapter` 2.5.8 (`dist/cluster-adapter.js`): a map
//! `{type, data, uid, nsp}`. How it travels is for [`sharded`](super::sharded) and
//! [`streams`](super::streams) to say.

use bytes::Bytes;

use super::{
    doc::Doc,
    error::{ClusterError, ClusterLimits},
    options::{Options, Stranger, id, name, read_options, rooms},
    socket::RemoteSocket,
};
use crate::{Args, EventName, Name};

/// A message of another node. A node ignores its own, and those for another namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who sent it.
    pub uid: String,
    /// Where.
    pub namespace: Name,
    /// What it says.
    pub body: MessageBody,
}

/// What a [`Message`] says. The numbers are those of `MessageType`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MessageBody {
    /// 1: a node is new, and wants to hear from the others. Not sent by the Redis adapters of today.
    InitialHeartbeat,
    /// 2: a node is there. Not sent by the Redis adapters of today.
    Heartbeat,
    /// 3: an event. With a `request_id` its acks are awaited.
    Broadcast {
        /// What it is called.
        event: EventName,
        /// What it carries. Not copied: it keeps the message.
        args: Args,
        /// Whom it means.
        options: Options,
        /// What the counts and acks that answer it carry.
        request_id: Option<String>,
    },
    /// 4: these sockets join these rooms.
    Join {
        /// Who.
        options: Options,
        /// What they join.
        rooms: Vec<String>,
    },
    /// 5: these sockets leave these rooms.
    Leave {
        /// Who.
        options: Options,
        /// What they leave.
        rooms: Vec<String>,
    },
    /// 6: these sockets are disconnected.
    Disconnect {
        /// Who.
        options: Options,
        /// Not from the namespace only.
        close: bool,
    },
    /// 7: asks for these sockets, and what is known of them.
    FetchSockets {
        /// Who.
        options: Options,
        /// What the answer carries.
        request_id: String,
    },
    /// 8: answers 7.
    SocketsFetched {
        /// Which request it answers.
        request_id: String,
        /// The sockets of one node.
        sockets: Vec<RemoteSocket>,
    },
    /// 9: tells the servers something. With a `request_id` each is to answer.
    ServerSideEmit {
        /// What it is called.
        event: EventName,
        /// What it carries.
        args: Args,
        /// What the answer carries.
        request_id: Option<String>,
    },
    /// 10: answers 9.
    ServerSideAnswer {
        /// Which request it answers.
        request_id: String,
        /// The answer: one argument or none.
        args: Args,
    },
    /// 11: answers 3: so many sockets were asked.
    ClientCount {
        /// Which request it answers.
        request_id: String,
        /// How many.
        count: u64,
    },
    /// 12: answers 3: what one socket answered.
    Ack {
        /// Which request it answers.
        request_id: String,
        /// The answer: one argument or none.
        args: Args,
    },
    /// 13: a node goes. Not sent by the Redis adapters of today.
    AdapterClose,
}

/// Message types (`MessageType`).
pub(super) mod kind {
    pub(in super::super) const INITIAL_HEARTBEAT: u8 = 1;
    pub(in super::super) const HEARTBEAT: u8 = 2;
    pub(in super::super) const BROADCAST: u8 = 3;
    pub(in super::super) const JOIN: u8 = 4;
    pub(in super::super) const LEAVE: u8 = 5;
    pub(in super::super) const DISCONNECT: u8 = 6;
    pub(in super::super) const FETCH: u8 = 7;
    pub(in super::super) const FETCHED: u8 = 8;
    pub(in super::super) const SERVER_SIDE_EMIT: u8 = 9;
    pub(in super::super) const SERVER_SIDE_ANSWER: u8 = 10;
    pub(in super::super) const CLIENT_COUNT: u8 = 11;
    pub(in super::super) const ACK: u8 = 12;
    pub(in super::super) const ADAPTER_CLOSE: u8 = 13;
}

impl Message {
    /// Reads `{type, data, uid, nsp}`.
    pub(super) fn read(
        limits: &ClusterLimits,
        doc: Doc<'_>,
        message: &Bytes,
    ) -> Result<Self, ClusterError> {
        let (mut kind, mut data, mut uid, mut namespace) = (None, None, None, None);
        for (key, value) in doc.fields().ok_or(ClusterError::Malformed)? {
            match &*key {
                "type" => kind = value.unsigned(),
                "data" => data = Some(value),
                "uid" => uid = value.text(),
                "nsp" => namespace = value.text(),
                _ => {}
            }
        }
        let uid = name(limits, uid.ok_or(ClusterError::InvalidField("uid"))?)?;
        let namespace = name(limits, namespace.ok_or(ClusterError::InvalidField("nsp"))?)?;
        let kind = kind.ok_or(ClusterError::InvalidField("type"))?;
        Ok(Self {
            uid,
            namespace: namespace.into(),
            body: MessageBody::read(limits, kind, data, message)?,
        })
    }
}

/// The fields of `data` that count.
#[derive(Default)]
struct Data<'a> {
    packet: Option<Doc<'a>>,
    opts: Option<Doc<'a>>,
    request_id: Option<Doc<'a>>,
    rooms: Option<Doc<'a>>,
    close: Option<Doc<'a>>,
    sockets: Option<Doc<'a>>,
    count: Option<Doc<'a>>,
}

impl MessageBody {
    /// Reads a message of the type `kind`. `message` is what `data` is a part of.
    pub(super) fn read(
        limits: &ClusterLimits,
        kind: u64,
        data: Option<Doc<'_>>,
        message: &Bytes,
    ) -> Result<Self, ClusterError> {
        let number = u8::try_from(kind).map_err(|_| ClusterError::UnknownType(kind))?;
        match number {
            kind::INITIAL_HEARTBEAT => return Ok(Self::InitialHeartbeat),
            kind::HEARTBEAT => return Ok(Self::Heartbeat),
            kind::ADAPTER_CLOSE => return Ok(Self::AdapterClose),
            kind::BROADCAST..=kind::ACK => {}
            _ => return Err(ClusterError::UnknownType(kind)),
        }
        let data = Data::of(data.ok_or(ClusterError::InvalidField("data"))?)?;
        Ok(match number {
            kind::BROADCAST => {
                let (event, args) = data.event(message)?;
                Self::Broadcast {
                    event,
                    args,
                    options: data.options(limits)?,
                    request_id: id(limits, data.request_id, "requestId")?,
                }
            }
            kind::JOIN => Self::Join {
                options: data.options(limits)?,
                rooms: data.rooms(limits)?,
            },
            kind::LEAVE => Self::Leave {
                options: data.options(limits)?,
                rooms: data.rooms(limits)?,
            },
            kind::DISCONNECT => Self::Disconnect {
                options: data.options(limits)?,
                close: data.close.is_some_and(Doc::is_truthy),
            },
            kind::FETCH => Self::FetchSockets {
                options: data.options(limits)?,
                request_id: data.request_id(limits)?,
            },
            kind::FETCHED => {
                let sockets = data.sockets.ok_or(ClusterError::InvalidField("sockets"))?;
                Self::SocketsFetched {
                    request_id: data.request_id(limits)?,
                    sockets: RemoteSocket::read_all(limits, sockets)?,
                }
            }
            kind::SERVER_SIDE_EMIT => {
                let packet = data.packet.ok_or(ClusterError::InvalidField("packet"))?;
                let (event, args) = packet.call(message)?;
                Self::ServerSideEmit {
                    event,
                    args,
                    request_id: id(limits, data.request_id, "requestId")?,
                }
            }
            kind::SERVER_SIDE_ANSWER => Self::ServerSideAnswer {
                request_id: data.request_id(limits)?,
                args: data.answer(message),
            },
            kind::CLIENT_COUNT => {
                let count = data.count.and_then(Doc::unsigned);
                Self::ClientCount {
                    request_id: data.request_id(limits)?,
                    count: count.ok_or(ClusterError::InvalidField("clientCount"))?,
                }
            }
            _ => Self::Ack {
                request_id: data.request_id(limits)?,
                args: data.answer(message),
            },
        })
    }
}

impl<'a> Data<'a> {
    fn of(doc: Doc<'a>) -> Result<Self, ClusterError> {
        let mut data = Self::default();
        for (key, value) in doc.fields().ok_or(ClusterError::InvalidField("data"))? {
            let field = match &*key {
                "packet" => &mut data.packet,
                "opts" => &mut data.opts,
                "requestId" => &mut data.request_id,
                "rooms" => &mut data.rooms,
                "close" => &mut data.close,
                "sockets" => &mut data.sockets,
                "clientCount" => &mut data.count,
                _ => continue,
            };
            *field = Some(value);
        }
        Ok(data)
    }

    fn options(&self, limits: &ClusterLimits) -> Result<Options, ClusterError> {
        read_options(limits, self.opts.ok_or(ClusterError::InvalidField("opts"))?)
    }

    fn rooms(&self, limits: &ClusterLimits) -> Result<Vec<String>, ClusterError> {
        let list = self.rooms.ok_or(ClusterError::InvalidField("rooms"))?;
        rooms(limits, list, "rooms", Stranger::Skip)
    }

    fn request_id(&self, limits: &ClusterLimits) -> Result<String, ClusterError> {
        let found = id(limits, self.request_id, "requestId")?;
        found.ok_or(ClusterError::InvalidField("requestId"))
    }

    /// The packet of an event has no namespace here.
    fn event(&self, message: &Bytes) -> Result<(EventName, Args), ClusterError> {
        let packet = self.packet.ok_or(ClusterError::InvalidField("packet"))?;
        let (mut kind, mut list) = (None, None);
        for (key, value) in packet
            .fields()
            .ok_or(ClusterError::InvalidField("packet"))?
        {
            match &*key {
                "type" => kind = value.unsigned(),
                "data" => list = Some(value),
                _ => {}
            }
        }
        if !matches!(kind, Some(2 | 5)) {
            return Err(ClusterError::NotAnEvent);
        }
        list.ok_or(ClusterError::InvalidField("data"))?
            .event(message)
    }

    fn answer(&self, message: &Bytes) -> Args {
        self.packet
            .map_or_else(Args::empty, |packet| packet.argument(message))
    }
}
