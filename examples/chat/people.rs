//! Who is here, by what name and in which rooms; whatever way they came. In memory, without I/O.

use std::collections::{BTreeMap, HashMap};

use switchboard::prelude::*;

use crate::{
    protocol::{Person, RoomSize},
    rules::{Code, Name},
    way::Way,
};

const MOST_ROOMS: usize = 200;

/// Everybody of the node, in crowds: one for each namespace.
#[derive(Debug, Default)]
pub(crate) struct People {
    crowds: HashMap<Namespace, Crowd>,
    seats: u64,
}

/// A place in a crowd, later ones larger. An id may come again, a seat never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat(u64);

/// What a page makes up to be known by when it comes back; whoever has it takes over from an earlier
/// connection of this page that is not known to be lost.
pub(crate) type Key = String;

#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// Those who have been welcomed, in the order they came.
    members: BTreeMap<Seat, Member>,
    ids: HashMap<ConnectionId, Seat>,
    /// Names of members and of those on their way in.
    names: HashMap<Name, Claim>,
    rooms: BTreeMap<Room, usize>,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) way: Way,
}

#[derive(Debug)]
struct Claim {
    seat: Seat,
    id: ConnectionId,
    key: Option<Key>,
}

/// A name is somebody else's.
#[derive(Debug, PartialEq)]
pub(crate) struct Taken {
    /// The same with the lowest number that is free.
    pub(crate) free: Name,
}

impl People {
    /// Takes `name` for whoever is about to come. Also returns its earlier self, now out of the crowd.
    pub(crate) fn claim(
        &mut self,
        namespace: &Namespace,
        id: &ConnectionId,
        name: &Name,
        key: Option<Key>,
    ) -> Result<(Seat, Option<Member>), Taken> {
        let crowd = self.crowds.entry(namespace.clone()).or_default();
        let holder = crowd.names.get(name);
        let is_own = |claim: &Claim| claim.id == *id || (key.is_some() && claim.key == key);
        let holder = holder.map(|claim| (claim.seat, is_own(claim)));
        if let Some((_, false)) = holder {
            let mut numbered = (2..).map(|number| name.numbered(number));
            let free = numbered.find(|name| !crowd.names.contains_key(name));
            let free = free.expect("numbers do not run out");
            return Err(Taken { free });
        }
        let ghost = holder.and_then(|(seat, _)| crowd.remove(seat, name));
        self.seats += 1;
        let seat = Seat(self.seats);
        let id = id.clone();
        crowd.names.insert(name.clone(), Claim { seat, id, key });
        Ok((seat, ghost))
    }

    /// Whoever has claimed a name has come.
    pub(crate) fn add(&mut self, namespace: &Namespace, seat: Seat, member: Member) {
        let crowd = self.crowds.entry(namespace.clone()).or_default();
        for room in &member.person.rooms {
            *crowd.rooms.entry(room.clone()).or_default() += 1;
        }
        crowd.ids.insert(member.person.who.id.clone(), seat);
        crowd.members.insert(seat, member);
    }

    /// Gives a place and its name back; `None` when it was given back before, or nobody had come: then
    /// `name` is the one that was claimed.
    pub(crate) fn remove(
        &mut self,
        namespace: &Namespace,
        seat: Seat,
        name: &Name,
    ) -> Option<Member> {
        let crowd = self.crowds.get_mut(namespace)?;
        let member = crowd.remove(seat, name);
        if crowd.members.is_empty() && crowd.names.is_empty() {
            self.crowds.remove(namespace);
        }
        member
    }

    /// Gives a member another name.
    pub(crate) fn rename(
        &mut self,
        namespace: &Namespace,
        seat: Seat,
        name: Name,
    ) -> Result<(), Code> {
        let Some(crowd) = self.crowds.get_mut(namespace) else {
            return Ok(());
        };
        if crowd
            .names
            .get(&name)
            .is_some_and(|claim| claim.seat != seat)
        {
            return Err(Code::NameTaken);
        }
        if let Some(member) = crowd.members.get_mut(&seat)
            && let Some(claim) = crowd.names.remove(&member.person.who.name)
        {
            crowd.names.insert(name.clone(), claim);
            member.person.who.name = name;
        }
        Ok(())
    }

    pub(crate) fn join(&mut self, namespace: &Namespace, seat: Seat, room: &Room) {
        if let Some(crowd) = self.crowds.get_mut(namespace)
            && let Some(member) = crowd.members.get_mut(&seat)
            && !member.person.rooms.contains(room)
        {
            member.person.rooms.push(room.clone());
            *crowd.rooms.entry(room.clone()).or_default() += 1;
        }
    }

    pub(crate) fn leave(&mut self, namespace: &Namespace, seat: Seat, room: &Room) {
        if let Some(crowd) = self.crowds.get_mut(namespace)
            && let Some(member) = crowd.members.get_mut(&seat)
            && let Some(place) = member.person.rooms.iter().position(|other| other == room)
        {
            member.person.rooms.remove(place);
            crowd.leave(room);
        }
    }

    /// Who sits there; `None` before it has come and after it has gone.
    pub(crate) fn member(&self, namespace: &Namespace, seat: Seat) -> Option<&Member> {
        self.crowds.get(namespace)?.members.get(&seat)
    }

    pub(crate) fn by_id(&self, namespace: &Namespace, id: &str) -> Option<&Member> {
        let crowd = self.crowds.get(namespace)?;
        crowd.members.get(crowd.ids.get(id)?)
    }

    /// Members in the order they came.
    pub(crate) fn members(&self, namespace: &Namespace) -> impl Iterator<Item = &Member> {
        let crowd = self.crowds.get(namespace);
        crowd.into_iter().flat_map(|crowd| crowd.members.values())
    }

    /// How many members a namespace has.
    pub(crate) fn here(&self, namespace: &Namespace) -> usize {
        self.crowds
            .get(namespace)
            .map_or(0, |crowd| crowd.members.len())
    }

    /// The largest rooms and their sizes.
    pub(crate) fn rooms(&self, namespace: &Namespace) -> Vec<RoomSize> {
        let rooms = self.crowds.get(namespace).map(|crowd| &crowd.rooms);
        let sized = |(room, members): (&Room, &usize)| RoomSize {
            room: room.clone(),
            members: *members,
        };
        let mut rooms: Vec<_> = rooms.into_iter().flatten().map(sized).collect();
        // By name they are sorted already.
        rooms.sort_by_key(|room| std::cmp::Reverse(room.members));
        rooms.truncate(MOST_ROOMS);
        rooms
    }

    /// The namespaces that have members.
    pub(crate) fn namespaces(&self) -> Vec<Namespace> {
        let inhabited = self
            .crowds
            .iter()
            .filter(|(_, crowd)| !crowd.members.is_empty());
        inhabited.map(|(namespace, _)| namespace.clone()).collect()
    }

    /// How many rooms there are, in all namespaces.
    pub(crate) fn all_rooms(&self) -> usize {
        self.crowds.values().map(|crowd| crowd.rooms.len()).sum()
    }
}

impl Crowd {
    fn remove(&mut self, seat: Seat, claimed: &Name) -> Option<Member> {
        let member = self.members.remove(&seat);
        let name = member
            .as_ref()
            .map_or(claimed, |member| &member.person.who.name);
        if self.names.get(name).is_some_and(|claim| claim.seat == seat) {
            self.names.remove(name);
        }
        let member = member?;
        let id = &member.person.who.id;
        if self.ids.get(id) == Some(&seat) {
            self.ids.remove(id);
        }
        for room in &member.person.rooms {
            self.leave(room);
        }
        Some(member)
    }

    fn leave(&mut self, room: &Room) {
        if let Some(members) = self.rooms.get_mut(room) {
            *members -= 1;
            if *members == 0 {
                self.rooms.remove(room);
            }
        }
    }
}
