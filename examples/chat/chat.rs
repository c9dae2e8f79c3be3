//! What the connections of the chat share.
//!
//! The pool knows who is connected and in which rooms; names are kept with the connections. What is
//! added here is telling people about each other, in one order for all.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use switchboard::{
    pool::{Pool, Recipients},
    prelude::*,
};

use crate::{
    drain::Drains,
    numbers::Counters,
    protocol::{Kind, Name, Node, Person, RoomSize, ToClient, Who},
};

/// The room of those who have been welcomed. People cannot name it: it has a control character.
///
/// A connection is in the pool before its session begins. Sent to this room instead of the whole
/// namespace, nothing overtakes the welcome.
const WELCOMED: &str = "\0welcomed";

/// How many people a welcome lists, and how many may be told of each coming and going: what all tell
/// all grows with the square.
const MOST_PEOPLE: usize = 500;
/// A welcome has to fit into an outbox, even when 500 people are in 32 rooms with long names.
const MOST_BYTES_OF_PEOPLE: usize = 256 * 1024;
const MOST_ROOMS: usize = 200;

/// The chat of one node. It lives as long as the process, shared by all sessions.
#[derive(Debug)]
pub(crate) struct Chat {
    pool: Pool,
    pub(crate) counters: Counters,
    pub(crate) drains: Mutex<Drains>,
    /// Held while people are told who came, went or changed, and while a newcomer is told who is here:
    /// what a newcomer learns is neither older nor newer than what it hears next.
    news: Mutex<()>,
    /// Namespaces whose numbers changed since the last tick.
    pub(crate) changed: Mutex<HashSet<Namespace>>,
}

impl Chat {
    pub(crate) fn new(pool: Pool) -> Arc<Self> {
        Arc::new(Self {
            pool,
            counters: Counters::default(),
            drains: Mutex::default(),
            news: Mutex::default(),
            changed: Mutex::default(),
        })
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Everybody in `namespace` who has been welcomed.
    pub(crate) fn everybody<'a>(&'a self, namespace: &'a Namespace) -> Recipients<'a> {
        self.pool.namespace(namespace).to(WELCOMED)
    }

    /// Tells every connection of the node.
    pub(crate) fn tell_the_node(&self, message: &ToClient<'_>) {
        let frame = message.frame();
        for namespace in self.pool.namespaces() {
            self.everybody(&namespace).send(frame.clone());
        }
    }

    /// Tells the newcomer who is here, and them who came.
    pub(crate) fn welcome(self: &Arc<Self>, socket: &WebSocket) -> Presence {
        let presence = Presence {
            chat: self.clone(),
            connection: socket.connection(),
        };
        let namespace = presence.namespace();
        let node = Node {
            id: socket.to_remote().node,
            version: env!("CARGO_PKG_VERSION"),
        };
        let me = presence.person();

        let _news = self.news.lock();
        let welcome = ToClient::Welcome {
            you: &presence.who(),
            people: &self.people(&presence),
            rooms: &self.rooms(namespace),
            node,
        };
        // Whether it is taken need not be known: if not, the connection is closing, and its session
        // ends by itself.
        presence
            .connection
            .try_send(&welcome.frame(), Delivery::Policy)
            .ok();
        self.pool
            .join(&presence.connection, &Room::from_static(WELCOMED))
            .ok();
        self.tell_others(&presence, &ToClient::Arrived { who: &me }.frame());
        presence
    }

    pub(crate) fn here(&self, namespace: &Namespace) -> usize {
        self.pool.member_count(namespace, WELCOMED)
    }

    /// The newcomer, and those who are here.
    fn people(&self, newcomer: &Presence) -> Vec<Person> {
        let mut room_names = 0;
        let others = self.pool.members(newcomer.namespace(), WELCOMED);
        let others = others.iter().map(|other| self.person(other));
        std::iter::once(newcomer.person())
            .chain(others)
            .take(MOST_PEOPLE)
            .take_while(|person| {
                room_names += person.rooms.iter().map(|room| room.len()).sum::<usize>();
                room_names <= MOST_BYTES_OF_PEOPLE
            })
            .collect()
    }

    fn person(&self, connection: &AnyConnection) -> Person {
        let mut rooms = self.pool.rooms_of(connection);
        rooms.retain(|room| room.as_str() != WELCOMED);
        Person {
            who: who(connection),
            rooms,
        }
    }

    /// The largest rooms and their sizes.
    pub(crate) fn rooms(&self, namespace: &Namespace) -> Vec<RoomSize> {
        let sized = |room| RoomSize {
            members: self.pool.member_count(namespace, &room),
            room,
        };
        let mut rooms: Vec<_> = self.room_names(namespace).map(sized).collect();
        rooms.sort_by(|a, b| b.members.cmp(&a.members).then_with(|| a.room.cmp(&b.room)));
        rooms.truncate(MOST_ROOMS);
        rooms
    }

    pub(crate) fn room_names(&self, namespace: &Namespace) -> impl Iterator<Item = Room> + use<> {
        self.pool
            .rooms(namespace)
            .into_iter()
            .filter(|room| room.as_str() != WELCOMED)
    }

    /// Tells the others about somebody, while `news` is held; a crowd is told numbers only.
    fn tell_others(&self, about: &Presence, news: &Frame) {
        let Address { id, namespace } = about.connection.address();
        if self.here(namespace) <= MOST_PEOPLE {
            self.everybody(namespace).except(id).send(news.clone());
        }
        self.changed.lock().insert(namespace.clone());
    }
}

/// Somebody who is here. When it goes out of scope, the others are told.
#[derive(Debug)]
pub(crate) struct Presence {
    chat: Arc<Chat>,
    connection: AnyConnection,
}

impl Presence {
    pub(crate) fn connection(&self) -> &AnyConnection {
        &self.connection
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.connection.address().namespace
    }

    pub(crate) fn rename(&self, name: Name) {
        self.connection.metadata().insert(name);
    }

    /// Tells everybody, this one included, of its new name or rooms.
    pub(crate) fn changed(&self) {
        let _news = self.chat.news.lock();
        let news = ToClient::Changed {
            who: &self.person(),
        }
        .frame();
        // This one first: it is the answer.
        self.connection.try_send(&news, Delivery::Policy).ok();
        self.chat.tell_others(self, &news);
    }

    /// A message of this person.
    pub(crate) fn message(
        &self,
        kind: Kind,
        room: Option<&str>,
        to: Option<&str>,
        text: &str,
    ) -> Frame {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        ToClient::Message {
            kind,
            from: &self.who(),
            room,
            to,
            text,
            at,
        }
        .frame()
    }

    fn who(&self) -> Who {
        who(&self.connection)
    }

    fn person(&self) -> Person {
        self.chat.person(&self.connection)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let _news = self.chat.news.lock();
        self.chat.pool.leave_all(&self.connection);
        let news = ToClient::Left { who: &self.who() }.frame();
        self.chat.tell_others(self, &news);
    }
}

fn who(connection: &AnyConnection) -> Who {
    let id = connection.address().id.clone();
    // `admit` gave it one; a connection that came another way would be a guest.
    let name = connection.metadata().get::<Name>();
    let name = name.map_or_else(|| Name::guest(&id), |name| name.as_ref().clone());
    Who { id, name }
}
