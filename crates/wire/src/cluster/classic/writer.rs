//! Writes what a node publishes.

use serde::Serialize;

use super::{
    broadcast::{room, write_broadcast, write_packet},
    kind,
};
use crate::{
    Args, Encoded,
    args::Argument,
    cluster::{
        RemoteSocket,
        data::{Call, List, first, to_either, to_msgpack},
        error::PublishError,
        options::{Order, Plain, To, write_options},
    },
    msgpack::{write_map, write_str, write_unsigned},
};

type Written = Result<Vec<u8>, PublishError>;

/// Writes the messages of one node: one namespace of one process. The fields are in Node's order.
///
/// ```
/// use switchboard_wire::{Parser, cluster::{To, classic::Writer}};
///
/// let writer = Writer { uid: "8Mbtna", namespace: "/" };
/// let packet = Parser::Json.event("/", None, "hello", &1, None)?;
/// let message = writer.broadcast(&packet, &To::default())?;
/// assert!(message.starts_with(b"\x93\xa68Mbtna\x83\xa4type\x02\xa4data\x92\xa5hello\x01"));
///
/// let request = writer.all_rooms("dmSe9C")?;
/// assert_eq!(request, br#"{"uid":"8Mbtna","requestId":"dmSe9C","type":1}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// Who writes. Node takes 6 characters; any text will do but `emitter`, which everybody may use.
    pub uid: &'a str,
    /// The namespace, `/` or `/admin`.
    pub namespace: &'a str,
}

impl Writer<'_> {
    /// An event, for [`Channels::of_rooms`](super::Channels::of_rooms).
    pub fn broadcast(&self, packet: &Encoded, to: &To<'_>) -> Written {
        write_broadcast(self.uid, self.namespace, packet, to, Order::Adapter)
    }

    /// Type 7: an event that asks for acks, for [`Channels::request`](super::Channels::request). Each node
    /// answers with the count of sockets it asked, then with each of their acks. Receivers give up after
    /// the timeout in the flags.
    pub fn broadcast_with_ack(&self, request_id: &str, packet: &Encoded, to: &To<'_>) -> Written {
        let list = List::of(packet)?;
        let mut out = Vec::with_capacity(room(packet, to) + 64);
        write_map(&mut out, 5);
        for (key, value) in [("uid", self.uid), ("requestId", request_id)] {
            write_str(&mut out, key);
            write_str(&mut out, value);
        }
        write_str(&mut out, "type");
        write_unsigned(&mut out, kind::BROADCAST.into());
        write_str(&mut out, "packet");
        write_packet(&mut out, self.namespace, &list)?;
        write_str(&mut out, "opts");
        write_options(&mut out, to, Order::Adapter);
        Ok(out)
    }

    /// Type 0: asks for the ids of sockets in one of `rooms`. Node 8.3 answers it, and sends it no more.
    pub fn sockets<R: AsRef<str>>(&self, request_id: &str, rooms: &[R]) -> Written {
        self.ask(kind::SOCKETS, Some(request_id))
            .rooms(rooms)
            .write()
    }

    /// Type 1: asks for all rooms.
    pub fn all_rooms(&self, request_id: &str) -> Written {
        self.ask(kind::ALL_ROOMS, Some(request_id)).write()
    }

    /// Type 2: puts sockets into `rooms`. Nobody answers.
    pub fn join<R: AsRef<str>>(&self, to: &To<'_>, rooms: &[R]) -> Written {
        self.ask(kind::JOIN, None).to(to).rooms(rooms).write()
    }

    /// Type 3: takes sockets out of `rooms`. Nobody answers.
    pub fn leave<R: AsRef<str>>(&self, to: &To<'_>, rooms: &[R]) -> Written {
        self.ask(kind::LEAVE, None).to(to).rooms(rooms).write()
    }

    /// Type 4: disconnects sockets, with `close` from everything. Nobody answers.
    pub fn disconnect(&self, to: &To<'_>, close: bool) -> Written {
        let mut ask = self.ask(kind::DISCONNECT, None).to(to);
        ask.close = Some(close);
        ask.write()
    }

    /// Type 5: asks for sockets, and what is known of them.
    pub fn fetch_sockets(&self, request_id: &str, to: &To<'_>) -> Written {
        self.ask(kind::FETCH, Some(request_id)).to(to).write()
    }

    /// Type 6: tells the servers something. With a `request_id` each is to answer.
    pub fn server_side_emit(&self, request_id: Option<&str>, event: &str, args: &Args) -> Written {
        let mut ask = self.ask(kind::SERVER_SIDE_EMIT, request_id);
        ask.data = Some(Call(event, args));
        ask.write()
    }

    /// Answers type 0.
    pub fn socket_ids<R: AsRef<str>>(&self, request_id: &str, ids: &[R]) -> Written {
        let ids: Vec<_> = ids.iter().map(AsRef::as_ref).collect();
        let sockets = Some(Sockets::Ids(ids));
        to_either(
            &Tell {
                sockets,
                ..Tell::to(request_id)
            },
            false,
        )
    }

    /// Answers type 1.
    pub fn rooms<R: AsRef<str>>(&self, request_id: &str, rooms: &[R]) -> Written {
        let rooms = Some(rooms.iter().map(AsRef::as_ref).collect());
        to_either(
            &Tell {
                rooms,
                ..Tell::to(request_id)
            },
            false,
        )
    }

    /// Answers the old forms of types 2, 3 and 4: it is done.
    pub fn done(&self, request_id: &str) -> Written {
        to_either(&Tell::to(request_id), false)
    }

    /// Answers type 5. As msgpack if there are bytes in the data of a socket.
    pub fn sockets_fetched(&self, request_id: &str, sockets: &[RemoteSocket]) -> Written {
        let binary = sockets.iter().any(RemoteSocket::has_binary);
        let sockets = Some(Sockets::Details(sockets));
        to_either(
            &Tell {
                sockets,
                ..Tell::to(request_id)
            },
            binary,
        )
    }

    /// Answers type 6, with the first of `args`. Always for the general channel. As msgpack if there are
    /// bytes in it.
    pub fn server_side_answer(&self, request_id: &str, args: &Args) -> Written {
        let data = first(args);
        let kind = Some(kind::SERVER_SIDE_EMIT);
        let binary = data.is_some_and(|data| data.has_binary());
        to_either(
            &Tell {
                kind,
                data,
                ..Tell::to(request_id)
            },
            binary,
        )
    }

    /// Answers type 7 first: so many sockets were asked (type 8).
    pub fn client_count(&self, request_id: &str, count: u64) -> Written {
        let kind = Some(kind::CLIENT_COUNT);
        let client_count = Some(count);
        to_either(
            &Tell {
                kind,
                client_count,
                ..Tell::to(request_id)
            },
            false,
        )
    }

    /// Answers type 7 then: what one socket answered, the first of `args` (type 9). Always msgpack.
    pub fn ack(&self, request_id: &str, args: &Args) -> Written {
        let kind = Some(kind::ACK);
        let packet = first(args);
        to_msgpack(&Tell {
            kind,
            packet,
            ..Tell::to(request_id)
        })
    }

    fn ask<'a>(&'a self, kind: u8, request_id: Option<&'a str>) -> Ask<'a> {
        Ask {
            uid: Some(self.uid),
            request_id,
            ..Ask::of(kind)
        }
    }
}

/// A request, in the order of Node's fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Ask<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    r#type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    opts: Option<Plain<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) close: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) data: Option<Call<'a>>,
}

impl<'a> Ask<'a> {
    pub(in super::super) fn of(kind: u8) -> Self {
        Self {
            uid: None,
            request_id: None,
            r#type: kind,
            opts: None,
            rooms: None,
            close: None,
            data: None,
        }
    }

    pub(in super::super) fn to(mut self, to: &To<'a>) -> Self {
        self.opts = Some(Plain(*to));
        self
    }

    pub(in super::super) fn rooms<R: AsRef<str>>(mut self, rooms: &'a [R]) -> Self {
        self.rooms = Some(rooms.iter().map(AsRef::as_ref).collect());
        self
    }

    /// JSON; msgpack if there are bytes in it, which Node reads as well.
    pub(in super::super) fn write(&self) -> Written {
        let binary = self.data.as_ref().is_some_and(|data| data.1.has_binary());
        to_either(self, binary)
    }
}

/// An answer, in the order of Node's fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tell<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<u8>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<Sockets<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Argument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<Argument<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sockets<'a> {
    Ids(Vec<&'a str>),
    Details(&'a [RemoteSocket]),
}

impl<'a> Tell<'a> {
    fn to(request_id: &'a str) -> Self {
        Self {
            kind: None,
            request_id,
            sockets: None,
            rooms: None,
            client_count: None,
            data: None,
            packet: None,
        }
    }
}
