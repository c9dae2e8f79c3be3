//! Rooms: labels that connections of a namespace share.
//!
//! A room is there while it has members. Its order is the order of joining.

use std::sync::Arc;

use switchboard_connection::{Connection, Namespace, Room};

use crate::{identity::Identity, name::NameOf, pool::Pool, roll::Connections};

/// How a connection came to be in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Joined {
    /// It is the room's only member; exactly one caller learns it per empty → non-empty.
    FirstInRoom,
    /// It joined those who were there.
    Member,
    /// It was in the room before; nothing changed.
    Already,
}

impl Joined {
    /// Whether the connection was not in the room before.
    pub fn is_new(self) -> bool {
        self != Self::Already
    }
}

/// Why a connection could not join a room. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// This connection is not in the pool, or no longer. Retrying will not help.
    #[error("connection is not in the pool")]
    Absent,
    /// It is in as many rooms as a connection may be; it may join after leaving one.
    #[error("connection is in {limit} rooms, which is the limit")]
    TooManyRooms {
        /// The limit, from [`PoolConfig`](crate::PoolConfig).
        limit: usize,
    },
}

impl JoinError {
    /// The stable code for logs and clients.
    pub fn code(self) -> &'static str {
        match self {
            Self::Absent => "ABSENT",
            Self::TooManyRooms { .. } => "TOO_MANY_ROOMS",
        }
    }
}

/// What leaving a room did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// The connection was not in the room; nothing changed.
    Absent,
    /// It left; others remain.
    Member,
    /// It left and the room is gone; exactly one caller learns it per non-empty → empty.
    LastInRoom,
}

/// Rooms.
impl Pool {
    /// Puts `connection`, this very object, into `room`.
    ///
    /// ```
    /// # use switchboard_connection::{AnyConnection, Room};
    /// # use switchboard_pool::{Joined, JoinError, Pool};
    /// # fn example(pool: &Pool, connection: &AnyConnection) -> Result<(), JoinError> {
    /// let lobby = Room::from_static("lobby");
    /// assert_eq!(pool.join(connection, &lobby)?, Joined::FirstInRoom);
    /// assert_eq!(pool.join(connection, &lobby)?, Joined::Already);
    /// # Ok(())
    /// # }
    /// ```
    pub fn join<C: Connection + ?Sized>(
        &self,
        connection: &Arc<C>,
        room: &Room,
    ) -> Result<Joined, JoinError> {
        let address = connection.address();
        let entry = self.entry(&address.namespace).ok_or(JoinError::Absent)?;
        let limit = self.config().max_rooms_per_connection;
        entry.join(&address.id, Identity::of(connection), room, limit)
    }

    /// Takes `connection`, this very object, out of `room`.
    pub fn leave<C: Connection + ?Sized>(
        &self,
        connection: &Arc<C>,
        room: &(impl NameOf<Room> + ?Sized),
    ) -> Left {
        let address = connection.address();
        self.entry(&address.namespace)
            .map_or(Left::Absent, |entry| {
                entry.leave(&address.id, Identity::of(connection), room.as_name())
            })
    }

    /// Takes `connection` out of each room it is in, and says of each what that did.
    pub fn leave_all<C: Connection + ?Sized>(&self, connection: &Arc<C>) -> Vec<(Room, Left)> {
        let address = connection.address();
        self.entry(&address.namespace)
            .map(|entry| entry.leave_all(&address.id, Identity::of(connection)))
            .unwrap_or_default()
    }

    /// The rooms of `connection`, in the order joined; none when it is not in the pool.
    pub fn rooms_of<C: Connection + ?Sized>(&self, connection: &Arc<C>) -> Vec<Room> {
        let address = connection.address();
        self.entry(&address.namespace)
            .map(|entry| entry.rooms_of(&address.id, Identity::of(connection)))
            .unwrap_or_default()
    }

    /// Whether `connection`, this very object, is in `room`.
    pub fn is_in<C: Connection + ?Sized>(
        &self,
        connection: &Arc<C>,
        room: &(impl NameOf<Room> + ?Sized),
    ) -> bool {
        let address = connection.address();
        self.entry(&address.namespace)
            .is_some_and(|entry| entry.is_in(&address.id, Identity::of(connection), room.as_name()))
    }

    /// The members of `room`, in the order they joined.
    pub fn members(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        room: &(impl NameOf<Room> + ?Sized),
    ) -> Connections {
        self.entry(namespace.as_name())
            .map(|entry| entry.room(room.as_name()))
            .unwrap_or_default()
    }

    /// How many members `room` has.
    pub fn member_count(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        room: &(impl NameOf<Room> + ?Sized),
    ) -> usize {
        self.entry(namespace.as_name())
            .map_or(0, |entry| entry.room_len(room.as_name()))
    }

    /// The rooms of `namespace` that have members, in no particular order.
    pub fn rooms(&self, namespace: &(impl NameOf<Namespace> + ?Sized)) -> Vec<Room> {
        self.entry(namespace.as_name())
            .map(|entry| entry.rooms())
            .unwrap_or_default()
    }

    /// How many rooms of `namespace` have members that joined them: without a list, and without the rooms
    /// that connections have of their own.
    pub fn room_count(&self, namespace: &(impl NameOf<Namespace> + ?Sized)) -> usize {
        self.entry(namespace.as_name())
            .map_or(0, |entry| entry.room_count())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use switchboard_connection::{
        Address, AnyConnection, ConnectionConfig, ConnectionId, Endpoint, Transport, WebSocket,
    };

    use super::*;
    use crate::PoolConfig;

    const IDS: [&str; 4] = ["a", "b", "c", "d"];

    fn connections(endpoint: &Endpoint) -> Vec<WebSocket> {
        let connect = |id: &str| {
            let (ours, _) = tokio::io::duplex(64);
            let address = Address::new(ConnectionId::new(id).unwrap(), Namespace::from_static("n"));
            endpoint.accepted(Transport::stream(ours, None), &[], address)
        };
        IDS.map(connect).into_iter().collect()
    }

    proptest! {
        /// Own rooms against the plain way: each connection joins the room named by its id.
        #[test]
        fn own_rooms_are_as_if_each_had_joined(steps in proptest::collection::vec((0..3_u8, 0..4_usize, 0..6_usize), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let _guard = runtime.enter();
            let endpoint = Endpoint::new(ConnectionConfig::default()).unwrap();
            let sockets = connections(&endpoint);
            let own = Pool::new(PoolConfig::default().with_own_rooms(true));
            let plain = Pool::default();
            let rooms = ["a", "b", "c", "d", "x", "y"];
            let names = |mut rooms: Vec<Room>| { rooms.sort(); rooms };
            for (kind, who, room) in steps {
                let connection: AnyConnection = sockets[who].connection();
                let room = Room::from_static(rooms[room]);
                match kind {
                    0 => {
                        if own.add(connection.clone()).is_ok() {
                            plain.add(connection.clone()).unwrap();
                            plain.join(&connection, &Room::from_static(IDS[who])).unwrap();
                        } else {
                            prop_assert_eq!(own.remove(&connection), plain.remove(&connection));
                        }
                    }
                    1 => prop_assert_eq!(own.join(&connection, &room), plain.join(&connection, &room)),
                    _ => prop_assert_eq!(own.leave(&connection, &room), plain.leave(&connection, &room)),
                }
                for socket in &sockets {
                    let connection = socket.connection();
                    prop_assert_eq!(names(own.rooms_of(&connection)), names(plain.rooms_of(&connection)));
                    prop_assert_eq!(own.is_in(&connection, &room), plain.is_in(&connection, &room));
                }
                prop_assert_eq!(names(own.rooms("n")), names(plain.rooms("n")));
                let ids = |connections: Vec<AnyConnection>| {
                    let mut ids: Vec<_> = connections.iter().map(|c| c.address().id.to_string()).collect();
                    ids.sort();
                    ids
                };
                for a in rooms {
                    prop_assert_eq!(own.member_count("n", a), plain.member_count("n", a));
                    let members = |pool: &Pool| ids(pool.members("n", a).iter().cloned().collect());
                    prop_assert_eq!(members(&own), members(&plain));
                    for b in rooms {
                        for except in rooms {
                            let chosen = |pool: &Pool| {
                                ids(pool.namespace("n").to(a).to(b).except_room(except).connections())
                            };
                            prop_assert_eq!(chosen(&own), chosen(&plain));
                        }
                    }
                }
            }
        }
    }
}
