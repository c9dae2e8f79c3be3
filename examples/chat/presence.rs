//! One person in the chat, from the name that it takes to its farewell; the same for both ways.

use parking_lot::Mutex;
use switchboard::{
    connection::{Rate, TokenBucket},
    prelude::*,
};
use tokio::time::Instant;

use crate::{
    chat::Chat,
    people::{Key, Member, People, Seat, Taken},
    protocol::{Arrived, Changed, Left, Node, Person, Welcome, Who},
    rules::{Code, Name},
    way::Way,
};

/// How many people a welcome lists, and how many may be told of each coming and going: what all tell
/// all grows with the square.
const MOST_PEOPLE: usize = 500;
/// A welcome has to fit into an outbox, even when 500 people are in 32 rooms with long names.
const MOST_BYTES_OF_PEOPLE: usize = 256 * 1024;

/// What one connection may send. The burst is for pages that come back and join all their rooms.
const MESSAGES: Rate = Rate::new(20, 60);

/// Somebody who is here, or about to be. When it goes out of scope, the others are told.
#[derive(Debug)]
pub(crate) struct Presence {
    chat: Chat,
    namespace: Namespace,
    seat: Seat,
    /// As it was at first.
    who: Who,
    limit: Mutex<TokenBucket>,
}

impl Chat {
    /// Takes a name for somebody who is about to come. An earlier connection that has the same key goes.
    pub(crate) fn claim(
        &self,
        address: Address,
        name: Name,
        key: Option<Key>,
    ) -> Result<Presence, Taken> {
        let Address { namespace, id } = address;
        let key = key.filter(|key| !key.is_empty());
        let (seat, ghost) = {
            let mut people = self.people.lock();
            let (seat, ghost) = people.claim(&namespace, &id, &name, key)?;
            if let Some(ghost) = &ghost
                && ghost.person.who.id != id
            {
                self.tell_farewell(&people, &namespace, &ghost.person.who);
            }
            (seat, ghost)
        };
        if let Some(ghost) = ghost {
            ghost.way.replace();
        }
        Ok(Presence {
            chat: self.clone(),
            namespace,
            seat,
            who: Who { id, name },
            limit: Mutex::new(TokenBucket::new(MESSAGES, Instant::now())),
        })
    }

    /// The same for whoever does not mind a number after its name.
    pub(crate) fn claim_alike(
        &self,
        address: &Address,
        mut name: Name,
        key: Option<&Key>,
    ) -> Presence {
        loop {
            match self.claim(address.clone(), name, key.cloned()) {
                Ok(presence) => return presence,
                Err(taken) => name = taken.free,
            }
        }
    }

    fn tell_farewell(&self, people: &People, namespace: &Namespace, who: &Who) {
        let audience = self.everybody(namespace).except(&who.id);
        if people.here(namespace) <= MOST_PEOPLE {
            audience.send(&Left { who: who.clone() });
        }
        self.changed.lock().insert(namespace.clone());
    }
}

impl Presence {
    pub(crate) fn chat(&self) -> &Chat {
        &self.chat
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its id and its name.
    pub(crate) fn who(&self) -> Who {
        let people = self.chat.people.lock();
        let member = people.member(&self.namespace, self.seat);
        member.map_or_else(|| self.who.clone(), |member| member.person.who.clone())
    }

    /// Whether it has sent no more than it may.
    pub(crate) fn is_within_limit(&self) -> bool {
        self.limit.lock().try_take(Instant::now())
    }

    /// Welcomes it: tells it who is here, and them who came.
    pub(crate) fn come_in(&self, way: Way) {
        let mut people = self.chat.people.lock();
        let person = Person {
            who: self.who.clone(),
            rooms: way.rooms(),
        };
        way.remember(&person.who.name);
        if !way.is_recovered() {
            // Whether it is taken need not be known: if not, the connection is closing, and its session
            // ends by itself.
            way.tell(&Welcome {
                you: person.who.clone(),
                people: list(&people, &self.namespace, &person),
                rooms: people.rooms(&self.namespace),
                node: Node {
                    id: self.chat.node.clone(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                },
            });
            way.join(&Room::from_static(crate::chat::WELCOMED)).ok();
        }
        let member = Member {
            person: person.clone(),
            way,
        };
        people.add(&self.namespace, self.seat, member);
        if people.here(&self.namespace) <= MOST_PEOPLE {
            let others = self.chat.everybody(&self.namespace).except(&self.who.id);
            others.send(&Arrived { who: person });
        }
        self.chat.changed.lock().insert(self.namespace.clone());
    }

    /// Changes its name or its rooms, and tells the others. The change is its own answer.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut People, Seat, &Way) -> Result<(), Code>,
    ) -> Result<Changed, Code> {
        let mut people = self.chat.people.lock();
        let member = people.member(&self.namespace, self.seat);
        let way = member.ok_or(Code::NoSuchConnection)?.way.clone();
        change(&mut people, self.seat, &way)?;
        let member = people.member(&self.namespace, self.seat);
        let who = member.ok_or(Code::NoSuchConnection)?.person.clone();
        let changed = Changed { who };
        if people.here(&self.namespace) <= MOST_PEOPLE {
            let others = self.chat.everybody(&self.namespace).except(&self.who.id);
            others.send(&changed);
        }
        self.chat.changed.lock().insert(self.namespace.clone());
        Ok(changed)
    }

    /// Whether it is in `room`.
    pub(crate) fn is_in(&self, room: &Room) -> bool {
        let people = self.chat.people.lock();
        let member = people.member(&self.namespace, self.seat);
        member.is_some_and(|member| member.person.rooms.contains(room))
    }

    /// The ways to `id`, and to itself, for a copy; one where these are the same.
    pub(crate) fn ways_to(&self, id: &str) -> Option<(Way, Option<Way>)> {
        let people = self.chat.people.lock();
        let other = people.by_id(&self.namespace, id)?.way.clone();
        let own = people.by_id(&self.namespace, &self.who.id);
        let own = own.filter(|own| own.person.who.id.as_str() != id);
        Some((other, own.map(|own| own.way.clone())))
    }

    /// It has gone: tells the others. Only the first call does.
    pub(crate) fn leave(&self) {
        // Dropped when the lock is free: with the last of a socket its presence goes, and comes here.
        let _gone = {
            let mut people = self.chat.people.lock();
            let gone = people.remove(&self.namespace, self.seat, &self.who.name);
            if let Some(member) = &gone {
                member.way.leave_all();
                let who = &member.person.who;
                self.chat.tell_farewell(&people, &self.namespace, who);
            }
            gone
        };
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The newcomer, and those who are here.
fn list(people: &People, namespace: &Namespace, newcomer: &Person) -> Vec<Person> {
    let mut room_names = 0;
    let others = people.members(namespace).map(|other| &other.person);
    std::iter::once(newcomer)
        .chain(others)
        .take(MOST_PEOPLE)
        .take_while(|person| {
            room_names += person.rooms.iter().map(|room| room.len()).sum::<usize>();
            room_names <= MOST_BYTES_OF_PEOPLE
        })
        .cloned()
        .collect()
}
