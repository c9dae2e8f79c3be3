//! Room names as parameters, and what is told about rooms that come and go.

use switchboard_connection::{ConnectionId, Room};

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Rooms`")]
    pub trait Sealed {}
}

/// One room or several: a text, a [`Room`], a socket's id, or a list of them.
///
/// Each socket is in the room that its own id names, so an id addresses one socket.
pub trait Rooms: sealed::Sealed {
    /// Appends the names.
    #[doc(hidden)]
    fn append_to(&self, names: &mut Vec<String>);
}

macro_rules! name {
    ($($type:ty),*) => {$(
        impl sealed::Sealed for $type {}

        impl Rooms for $type {
            fn append_to(&self, names: &mut Vec<String>) {
                let name: &str = self;
                names.push(name.to_owned());
            }
        }
    )*};
}

name!(str, String, Room, ConnectionId);

impl<R: Rooms + ?Sized> sealed::Sealed for &R {}

impl<R: Rooms + ?Sized> Rooms for &R {
    fn append_to(&self, names: &mut Vec<String>) {
        (**self).append_to(names);
    }
}

impl<R: Rooms> sealed::Sealed for [R] {}

impl<R: Rooms> Rooms for [R] {
    fn append_to(&self, names: &mut Vec<String>) {
        for room in self {
            room.append_to(names);
        }
    }
}

impl<R: Rooms, const N: usize> sealed::Sealed for [R; N] {}

impl<R: Rooms, const N: usize> Rooms for [R; N] {
    fn append_to(&self, names: &mut Vec<String>) {
        self.as_slice().append_to(names);
    }
}

impl<R: Rooms> sealed::Sealed for Vec<R> {}

impl<R: Rooms> Rooms for Vec<R> {
    fn append_to(&self, names: &mut Vec<String>) {
        self.as_slice().append_to(names);
    }
}

/// Something that happened to a room of this node; see
/// [`Namespace::on_room`](crate::Namespace::on_room).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// A room got its first member on this node (`create-room`).
    Created(Room),
    /// A socket joined (`join-room`).
    Joined(Room, ConnectionId),
    /// A socket left (`leave-room`).
    Left(Room, ConnectionId),
    /// A room lost its last member on this node (`delete-room`).
    Deleted(Room),
}
