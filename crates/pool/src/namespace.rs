//! Who is in one namespace and its rooms, decided under one lock.
//!
//! An entry lives from its first connection to its last. Then it is dead for good, a fact settled under
//! the same lock as the last removal: whoever still finds it in the map takes a fresh one.

use std::{
    collections::{HashMap, HashSet, hash_map},
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use switchboard_connection::{AnyConnection, Room};

use crate::{
    config::{OnDuplicate, PoolConfig},
    gate::Gate,
    identity::Identity,
    pool::{AddError, Removed},
    roll::{Connections, Roll},
    rooms::{JoinError, Joined, Left},
};

#[derive(Debug, Default)]
pub(crate) struct Entry(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    dead: bool,
    members: Roll,
    /// Rooms that have members.
    rooms: HashMap<Room, Roll>,
    /// The rooms of each member that is in any, in the order joined.
    rooms_of: HashMap<Identity, Vec<Room>>,
    /// Whether members are in the rooms that their ids name.
    own_rooms: bool,
    /// Those who have left theirs.
    left_own: HashSet<Identity>,
}

/// What became of a connection that asked to enter.
#[derive(Debug)]
pub(crate) enum Entering {
    First,
    Member,
    /// In the place of this one, which is out.
    Replaced(AnyConnection),
    Refused(AddError),
    /// This entry is dead: look for a fresh one.
    Dead,
}

/// What a broadcast goes through; see [`Entry::select`].
#[derive(Default)]
pub(crate) struct Selection {
    /// Each in turn.
    pub(crate) targets: Vec<Connections>,
    /// Those whose own rooms were asked for; perhaps in the targets as well.
    pub(crate) owners: Vec<AnyConnection>,
    /// Whom to leave out.
    pub(crate) left_out: Vec<Identity>,
    /// Rooms asked for that have no members.
    pub(crate) absent: usize,
}

impl Entry {
    pub(crate) fn add(
        &self,
        connection: &AnyConnection,
        gate: &Gate,
        config: &PoolConfig,
        everybody: &AtomicUsize,
    ) -> Entering {
        let state = &mut *self.0.lock();
        if state.dead {
            return Entering::Dead;
        }
        if !gate.is_open() {
            // The entry may have been made for this newcomer.
            state.dead = state.members.len() == 0;
            return Entering::Refused(AddError::Draining);
        }
        let id = connection.address().id.as_str();
        let entering = match state.members.get(id) {
            None if state.members.len() == 0 => Entering::First,
            None => Entering::Member,
            Some(old)
                if config.on_duplicate == OnDuplicate::Reject
                    || Identity::of(old) == Identity::of(connection) =>
            {
                return Entering::Refused(AddError::Duplicate);
            }
            Some(old) => Entering::Replaced(old.clone()),
        };
        if let Entering::Replaced(old) = &entering {
            state.take_out(id, Identity::of(old));
        } else {
            // Under the lock, so that who is counted is in.
            everybody.fetch_add(1, Ordering::Relaxed);
        }
        state.own_rooms = config.own_rooms;
        state.members.push(connection.clone());
        entering
    }

    /// Whether the entry is dead, or just became so because it is empty.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().dead
    }

    pub(crate) fn remove(&self, id: &str, identity: Identity, everybody: &AtomicUsize) -> Removed {
        let state = &mut *self.0.lock();
        if !state.take_out(id, identity) {
            return Removed::Absent;
        }
        everybody.fetch_sub(1, Ordering::Relaxed);
        if state.members.len() > 0 {
            return Removed::Member;
        }
        state.dead = true;
        Removed::LastInNamespace
    }

    pub(crate) fn get(&self, id: &str) -> Option<AnyConnection> {
        self.0.lock().members.get(id).cloned()
    }

    pub(crate) fn holds(&self, id: &str, identity: Identity) -> bool {
        self.0.lock().members.holds(id, identity)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().members.len()
    }

    pub(crate) fn members(&self) -> Connections {
        self.0.lock().members.snapshot()
    }

    pub(crate) fn join(
        &self,
        id: &str,
        identity: Identity,
        room: &Room,
        limit: Option<usize>,
    ) -> Result<Joined, JoinError> {
        let state = &mut *self.0.lock();
        if state.own_rooms && room.as_str() == id && state.members.holds(id, identity) {
            return Ok(match state.left_own.remove(&identity) {
                false => Joined::Already,
                true if state.rooms.contains_key(room) => Joined::Member,
                true => Joined::FirstInRoom,
            });
        }
        let has_owner = state.owner(room).is_some();
        let State {
            members,
            rooms,
            rooms_of,
            ..
        } = state;
        let connection = members
            .get(id)
            .filter(|found| Identity::of(found) == identity);
        let Some(connection) = connection else {
            return Err(JoinError::Absent);
        };
        if rooms
            .get(room)
            .is_some_and(|members| members.holds(id, identity))
        {
            return Ok(Joined::Already);
        }
        // Most connections are in one room or none.
        let mine = rooms_of
            .entry(identity)
            .or_insert_with(|| Vec::with_capacity(1));
        if let Some(limit) = limit.filter(|limit| mine.len() >= *limit) {
            if mine.is_empty() {
                rooms_of.remove(&identity);
            }
            return Err(JoinError::TooManyRooms { limit });
        }
        // All members of a room share the text of its name.
        let (joined, room) = match rooms.entry(room.clone()) {
            hash_map::Entry::Occupied(mut entry) => {
                entry.get_mut().push(connection.clone());
                (Joined::Member, entry.key().clone())
            }
            hash_map::Entry::Vacant(entry) => {
                let room = entry.key().clone();
                entry.insert(Roll::default()).push(connection.clone());
                let joined = if has_owner {
                    Joined::Member
                } else {
                    Joined::FirstInRoom
                };
                (joined, room)
            }
        };
        mine.push(room);
        Ok(joined)
    }

    pub(crate) fn leave(&self, id: &str, identity: Identity, room: &str) -> Left {
        let state = &mut *self.0.lock();
        let left = state.leave_room(id, identity, room);
        if left == Left::Absent {
            return left;
        }
        if let hash_map::Entry::Occupied(mut mine) = state.rooms_of.entry(identity) {
            mine.get_mut().retain(|joined| joined.as_str() != room);
            if mine.get().is_empty() {
                mine.remove();
            }
        }
        left
    }

    pub(crate) fn leave_all(&self, id: &str, identity: Identity) -> Vec<(Room, Left)> {
        let state = &mut *self.0.lock();
        if !state.members.holds(id, identity) {
            return Vec::new();
        }
        state.leave_all(id, identity)
    }

    pub(crate) fn rooms_of(&self, id: &str, identity: Identity) -> Vec<Room> {
        let state = self.0.lock();
        if !state.members.holds(id, identity) {
            return Vec::new();
        }
        let own = state
            .owner(id)
            .and_then(|owner| Room::new(&*owner.address().id).ok());
        let joined = state.rooms_of.get(&identity).into_iter().flatten().cloned();
        own.into_iter().chain(joined).collect()
    }

    pub(crate) fn is_in(&self, id: &str, identity: Identity, room: &str) -> bool {
        let state = self.0.lock();
        state
            .owner(room)
            .is_some_and(|owner| Identity::of(owner) == identity)
            || state
                .rooms
                .get(room)
                .is_some_and(|members| members.holds(id, identity))
    }

    pub(crate) fn room(&self, room: &str) -> Connections {
        let state = self.0.lock();
        match (state.owner(room), state.rooms.get(room)) {
            (None, None) => Connections::default(),
            (None, Some(members)) => members.snapshot(),
            (Some(owner), members) => {
                let members = members.map(Roll::snapshot).unwrap_or_default();
                let all = std::iter::once(owner).chain(&members).cloned();
                Connections::of(all.collect())
            }
        }
    }

    pub(crate) fn room_len(&self, room: &str) -> usize {
        let state = self.0.lock();
        usize::from(state.owner(room).is_some()) + state.rooms.get(room).map_or(0, Roll::len)
    }

    pub(crate) fn rooms(&self) -> Vec<Room> {
        let state = self.0.lock();
        let members = state.members.snapshot();
        let own = members
            .iter()
            .map(|member| &member.address().id)
            .filter(|id| state.owner(id).is_some() && !state.rooms.contains_key(id.as_str()))
            .filter_map(|id| Room::new(&**id).ok());
        state.rooms.keys().cloned().chain(own).collect()
    }

    /// The rooms that were joined; not those of each connection's own.
    pub(crate) fn room_count(&self) -> usize {
        self.0.lock().rooms.len()
    }

    /// Whom a broadcast reaches: `rooms`, or everyone, without the ids and rooms left out.
    ///
    /// All of it at one moment. Identities left out cannot be mistaken for later connections: those
    /// that count are kept alive by the targets.
    pub(crate) fn select(
        &self,
        rooms: Option<&[&str]>,
        left_out: &[&str],
        rooms_left_out: &[&str],
    ) -> Selection {
        let state = self.0.lock();
        let mut selection = Selection::default();
        match rooms {
            None => selection.targets.push(state.members.snapshot()),
            Some(rooms) => {
                for room in rooms {
                    let members = state.rooms.get(*room).map(Roll::snapshot);
                    let owner = state.owner(room).cloned();
                    selection.absent += usize::from(members.is_none() && owner.is_none());
                    selection.targets.extend(members);
                    selection.owners.extend(owner);
                }
            }
        }
        let ids = left_out.iter().filter_map(|id| state.members.get(id));
        selection.left_out.extend(ids.map(Identity::of));
        for room in rooms_left_out {
            selection
                .left_out
                .extend(state.owner(room).map(Identity::of));
            if let Some(members) = state.rooms.get(*room) {
                selection
                    .left_out
                    .extend(members.snapshot().iter().map(Identity::of));
            }
        }
        selection
    }
}

impl State {
    /// The member whose own room is called `room`, unless it has left that.
    fn owner(&self, room: &str) -> Option<&AnyConnection> {
        if !self.own_rooms {
            return None;
        }
        let owner = self.members.get(room)?;
        let has_left = !self.left_own.is_empty() && self.left_own.contains(&Identity::of(owner));
        (!has_left).then_some(owner)
    }

    /// Removes this very object from the namespace and its rooms.
    fn take_out(&mut self, id: &str, identity: Identity) -> bool {
        if !self.members.holds(id, identity) {
            return false;
        }
        self.leave_all(id, identity);
        self.left_own.remove(&identity);
        self.members.remove(id, identity).is_some()
    }

    /// The own room comes last.
    fn leave_all(&mut self, id: &str, identity: Identity) -> Vec<(Room, Left)> {
        let rooms = self.rooms_of.remove(&identity).unwrap_or_default();
        shrink(&mut self.rooms_of);
        let leave = |room: Room| {
            let left = self.leave_room(id, identity, &room);
            (room, left)
        };
        let mut left: Vec<_> = rooms.into_iter().map(leave).collect();
        if let Ok(own) = Room::new(id)
            && self.own_rooms
        {
            match self.leave_room(id, identity, id) {
                Left::Absent => {}
                how => left.push((own, how)),
            }
        }
        left
    }

    fn leave_room(&mut self, id: &str, identity: Identity, room: &str) -> Left {
        if self.own_rooms && room == id {
            if !self.members.holds(id, identity) || !self.left_own.insert(identity) {
                return Left::Absent;
            }
            return if self.rooms.contains_key(room) {
                Left::Member
            } else {
                Left::LastInRoom
            };
        }
        let has_owner = self.owner(room).is_some();
        let Some(members) = self.rooms.get_mut(room) else {
            return Left::Absent;
        };
        if members.remove(id, identity).is_none() {
            return Left::Absent;
        }
        if members.len() > 0 {
            return Left::Member;
        }
        self.rooms.remove(room);
        shrink(&mut self.rooms);
        if has_owner {
            Left::Member
        } else {
            Left::LastInRoom
        }
    }
}

/// Gives back what a crowd needed that has gone.
fn shrink<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 && map.capacity() > 8 * map.len() {
        map.shrink_to(2 * map.len());
    }
}
