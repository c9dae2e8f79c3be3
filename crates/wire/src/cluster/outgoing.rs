//! What a node of the sharded or the streams adapter says.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{
    data::{Call, List, first},
    error::PublishError,
    message::kind,
    options::To,
    socket::RemoteSocket,
};
use crate::{Args, Encoded, args::Argument};

/// What a node says to the others. The same as [`MessageBody`](super::MessageBody), to send.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outgoing<'a> {
    /// 3: an event. With a `request_id` its acks are awaited.
    Broadcast {
        /// The event as its recipients on this node got it.
        packet: &'a Encoded,
        /// Whom it means.
        to: To<'a>,
        /// What the counts and acks that answer it carry.
        request_id: Option<&'a str>,
    },
    /// 4: these sockets join these rooms.
    Join {
        /// Who.
        to: To<'a>,
        /// What they join.
        rooms: &'a [String],
    },
    /// 5: these sockets leave these rooms.
    Leave {
        /// Who.
        to: To<'a>,
        /// What they leave.
        rooms: &'a [String],
    },
    /// 6: these sockets are disconnected.
    Disconnect {
        /// Who.
        to: To<'a>,
        /// Not from the namespace only.
        close: bool,
    },
    /// 7: asks for these sockets.
    FetchSockets {
        /// Who.
        to: To<'a>,
        /// What the answer carries.
        request_id: &'a str,
    },
    /// 8: answers 7.
    SocketsFetched {
        /// Which request it answers.
        request_id: &'a str,
        /// The sockets of this node.
        sockets: &'a [RemoteSocket],
    },
    /// 9: tells the servers something. With a `request_id` each is to answer.
    ServerSideEmit {
        /// What it is called.
        event: &'a str,
        /// What it carries.
        args: &'a Args,
        /// What the answer carries.
        request_id: Option<&'a str>,
    },
    /// 10: answers 9, with the first of `args`.
    ServerSideAnswer {
        /// Which request it answers.
        request_id: &'a str,
        /// The answer.
        args: &'a Args,
    },
    /// 11: answers 3: so many sockets were asked.
    ClientCount {
        /// Which request it answers.
        request_id: &'a str,
        /// How many.
        count: u64,
    },
    /// 12: answers 3, with the first of `args` of one socket.
    Ack {
        /// Which request it answers.
        request_id: &'a str,
        /// The answer.
        args: &'a Args,
    },
    /// 1: a node is new. The Redis adapters of today do not send it.
    InitialHeartbeat,
    /// 2: a node is there. The Redis adapters of today do not send it.
    Heartbeat,
    /// 13: a node goes. The Redis adapters of today do not send it.
    AdapterClose,
}

/// A message in the making: what it says, with the list of its event found.
pub(super) struct Prepared<'a> {
    pub(super) uid: &'a str,
    pub(super) namespace: &'a str,
    pub(super) body: Outgoing<'a>,
    list: Option<List<'a>>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(
        uid: &'a str,
        namespace: &'a str,
        body: Outgoing<'a>,
    ) -> Result<Self, PublishError> {
        let list = match body {
            Outgoing::Broadcast { packet, .. } => {
                let list = List::of(packet)?;
                list.check()?;
                Some(list)
            }
            _ => None,
        };
        Ok(Self {
            uid,
            namespace,
            body,
            list,
        })
    }

    pub(super) fn kind(&self) -> u8 {
        match self.body {
            Outgoing::InitialHeartbeat => kind::INITIAL_HEARTBEAT,
            Outgoing::Heartbeat => kind::HEARTBEAT,
            Outgoing::Broadcast { .. } => kind::BROADCAST,
            Outgoing::Join { .. } => kind::JOIN,
            Outgoing::Leave { .. } => kind::LEAVE,
            Outgoing::Disconnect { .. } => kind::DISCONNECT,
            Outgoing::FetchSockets { .. } => kind::FETCH,
            Outgoing::SocketsFetched { .. } => kind::FETCHED,
            Outgoing::ServerSideEmit { .. } => kind::SERVER_SIDE_EMIT,
            Outgoing::ServerSideAnswer { .. } => kind::SERVER_SIDE_ANSWER,
            Outgoing::ClientCount { .. } => kind::CLIENT_COUNT,
            Outgoing::Ack { .. } => kind::ACK,
            Outgoing::AdapterClose => kind::ADAPTER_CLOSE,
        }
    }

    pub(super) fn has_data(&self) -> bool {
        !matches!(
            self.body,
            Outgoing::InitialHeartbeat | Outgoing::Heartbeat | Outgoing::AdapterClose
        )
    }

    /// Whether there are bytes in it, at any depth (`hasBinary`).
    pub(super) fn has_binary(&self) -> bool {
        match self.body {
            Outgoing::Broadcast { .. } => self.list.is_some_and(|list| list.has_binary()),
            Outgoing::SocketsFetched { sockets, .. } => {
                sockets.iter().any(RemoteSocket::has_binary)
            }
            Outgoing::ServerSideEmit { args, .. } => args.has_binary(),
            Outgoing::ServerSideAnswer { args, .. } | Outgoing::Ack { args, .. } => {
                first(args).is_some_and(|value| value.has_binary())
            }
            _ => false,
        }
    }

    pub(super) fn data(&self) -> Data<'_> {
        Data(self)
    }
}

/// `{type, data, uid, nsp}`.
impl Serialize for Prepared<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = 3 + usize::from(self.has_data());
        let mut message = serializer.serialize_struct("Message", len)?;
        message.serialize_field("type", &self.kind())?;
        if self.has_data() {
            message.serialize_field("data", &self.data())?;
        }
        message.serialize_field("uid", self.uid)?;
        message.serialize_field("nsp", self.namespace)?;
        message.end()
    }
}

/// The field `data` of a message. Each kind has an order of its own.
pub(super) struct Data<'a>(&'a Prepared<'a>);

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    /// Requests of type 9, and all answers, begin with their id.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    id_first: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<Packet<'a>>,
    /// Type 3 has it behind the packet.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    id_second: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opts: Option<&'a To<'a>>,
    /// Type 7 has it behind the options.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    id_third: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<&'a [RemoteSocket]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_count: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Packet<'a> {
    Event { r#type: u8, data: &'a List<'a> },
    Call(Call<'a>),
    Value(Argument<'a>),
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields::default();
        match &self.0.body {
            Outgoing::Broadcast { to, request_id, .. } => {
                let list = self.0.list.as_ref();
                fields.packet = list.map(|data| Packet::Event { r#type: 2, data });
                fields.id_second = *request_id;
                fields.opts = Some(to);
            }
            Outgoing::Join { to, rooms } | Outgoing::Leave { to, rooms } => {
                fields.opts = Some(to);
                fields.rooms = Some(rooms);
            }
            Outgoing::Disconnect { to, close } => {
                fields.opts = Some(to);
                fields.close = Some(*close);
            }
            Outgoing::FetchSockets { to, request_id } => {
                fields.opts = Some(to);
                fields.id_third = Some(request_id);
            }
            Outgoing::SocketsFetched {
                request_id,
                sockets,
            } => {
                fields.id_first = Some(request_id);
                fields.sockets = Some(sockets);
            }
            Outgoing::ServerSideEmit {
                event,
                args,
                request_id,
            } => {
                fields.id_first = *request_id;
                fields.packet = Some(Packet::Call(Call(event, args)));
            }
            Outgoing::ServerSideAnswer { request_id, args }
            | Outgoing::Ack { request_id, args } => {
                fields.id_first = Some(request_id);
                fields.packet = first(args).map(Packet::Value);
            }
            Outgoing::ClientCount { request_id, count } => {
                fields.id_first = Some(request_id);
                fields.client_count = Some(*count);
            }
            Outgoing::InitialHeartbeat | Outgoing::Heartbeat | Outgoing::AdapterClose => {}
        }
        fields.serialize(serializer)
    }
}
