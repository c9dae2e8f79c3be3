//! An event on its way to other nodes.

use switchboard_connection::{Namespace, Room};
use switchboard_wire::{
    Args, Body, Decoder, Encoded, EventName, Limits, MAX_DEPTH, Packet, Parser,
};

/// Whom an operation means: members of one of `rooms`, or everybody where no room is named, but nobody who
/// is in one of `except`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Rooms; none means everybody.
    pub rooms: Vec<String>,
    /// Whose members are left out.
    pub except: Vec<String>,
}

impl Target {
    /// Members of `rooms` who are in none of `except`.
    pub fn new(rooms: &[String], except: &[String]) -> Self {
        Self {
            rooms: rooms.to_vec(),
            except: except.to_vec(),
        }
    }

    /// Whether a socket that is in `rooms` is meant.
    pub fn means(&self, rooms: &[Room]) -> bool {
        let is_in = |named: &[String]| {
            rooms
                .iter()
                .any(|room| named.iter().any(|name| name == room.as_str()))
        };
        (self.rooms.is_empty() || is_in(&self.rooms)) && !is_in(&self.except)
    }
}

/// An event for the other nodes. This node's own sockets are served by the server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Publication<'a> {
    /// Where.
    pub namespace: &'a Namespace,
    /// The event as its recipients get it, without an offset. A question carries the id of its ack.
    pub packet: &'a Encoded,
    /// How it is encoded.
    pub parser: Parser,
    /// Rooms; none means everybody.
    pub rooms: &'a [String],
    /// Whose members are left out.
    pub except: &'a [String],
    /// Whether it may be dropped for whoever is busy.
    pub volatile: bool,
    /// Whether nodes that compress should.
    pub compress: Option<bool>,
}

impl<'a> Publication<'a> {
    /// An event for members of `rooms`, or everybody, who are in none of `except`.
    pub fn new(
        namespace: &'a Namespace,
        packet: &'a Encoded,
        parser: Parser,
        rooms: &'a [String],
        except: &'a [String],
    ) -> Self {
        Self {
            namespace,
            packet,
            parser,
            rooms,
            except,
            volatile: false,
            compress: None,
        }
    }

    /// Whom it is for, to be kept.
    pub fn target(&self) -> Target {
        Target::new(self.rooms, self.except)
    }

    /// The event's name and arguments, for an adapter with an encoding of its own. The arguments are a part of
    /// the packet's copy; nothing is parsed but the outline.
    ///
    /// `None` when the packet is no event, which does not happen to one that a server made.
    pub fn event(&self) -> Option<(EventName, Args)> {
        let limits = Limits {
            max_attachments: usize::MAX,
            max_depth: MAX_DEPTH,
            max_event_bytes: usize::MAX,
        };
        let mut decoder = Decoder::server();
        let mut packet = None;
        if let Some(text) = &self.packet.text {
            // The first digit is Engine.IO's.
            let text = text.get(1..)?.to_owned();
            packet = decoder.text(self.parser, &limits, text).ok()?;
        }
        for binary in &self.packet.binary {
            packet = decoder.binary(self.parser, &limits, binary.clone()).ok()?;
        }
        match packet {
            Some(Packet {
                body: Body::Event(event),
                ..
            }) => Some((event.name, event.args)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use switchboard_wire::Value;

    use super::*;

    #[test]
    fn a_publication_gives_its_event_back_with_either_parser() {
        let namespace = Namespace::from_static("/chat");
        let data = (1, "a", Value::Binary(vec![1, 2].into()));
        for parser in [Parser::Json, Parser::Msgpack] {
            for id in [None, Some(7)] {
                let packet = parser.event("/chat", id, "say", &data, None).unwrap();
                let publication = Publication::new(&namespace, &packet, parser, &[], &[]);
                let (event, args) = publication.event().unwrap();
                assert_eq!(event, "say");
                assert_eq!(args, Args::of(&data).unwrap());
            }
            let packet = parser.disconnect("/chat");
            let publication = Publication::new(&namespace, &packet, parser, &[], &[]);
            assert!(publication.event().is_none());
        }
    }

    #[test]
    fn a_target_is_a_union_less_a_union() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let rooms = [Room::from_static("a"), Room::from_static("b")];
        for (to, except, means) in [
            (&[][..], &[][..], true),
            (&["a", "x"], &[], true),
            (&["x"], &[], false),
            (&["a"], &["b"], false),
            (&[], &["x"], true),
            (&[], &["a"], false),
        ] {
            let target = Target::new(&names(to), &names(except));
            assert_eq!(target.means(&rooms), means, "{target:?}");
        }
    }
}
