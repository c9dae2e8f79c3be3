//! An event on its way to other nodes.

use switchboard_connection::{Namespace, Room};
use switchboard_wire::{Encoded, Parser};

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

/// An event that this node has delivered to its own sockets, for the other nodes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Publication<'a> {
    /// Where.
    pub namespace: &'a Namespace,
    /// The event as its recipients get it.
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
