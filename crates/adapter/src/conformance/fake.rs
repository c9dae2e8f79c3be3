//! A server that only writes down what it is called for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName};
use tokio::sync::mpsc;

use crate::{
    answer::SocketDetails,
    delivery::{Arrival, Asked, LocalDelivery},
    publication::Target,
    status::Change,
};

/// A node without connections: its sockets are values, and what is asked of it is written down.
#[derive(Debug, Default)]
pub struct FakeNode {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sockets: HashMap<Namespace, Vec<FakeSocket>>,
    server_answer: Option<Args>,
    heard: Vec<Heard>,
}

/// A socket that answers always the same.
#[derive(Clone, Debug)]
pub struct FakeSocket {
    /// What is told of it.
    pub details: SocketDetails,
    /// What it answers; `None` never.
    pub answer: Option<Args>,
}

/// Something that a node was called for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Heard {
    /// An event, and who got it.
    Event {
        /// Where.
        namespace: Namespace,
        /// Its name.
        event: EventName,
        /// Its arguments.
        args: Args,
        /// The sockets that got it.
        to: Vec<ConnectionId>,
        /// Its flags `volatile` and `compress`.
        flags: (bool, Option<bool>),
        /// Its place in the log.
        offset: Option<String>,
    },
    /// Sockets joined.
    Join(Target, Vec<Room>),
    /// Sockets left.
    Leave(Target, Vec<Room>),
    /// Sockets were disconnected.
    Disconnect(Target, bool),
    /// Another server said something, and whether it asked.
    ServerSide(EventName, Args, bool),
    /// A notice came.
    Notice(NodeId, Bytes),
    /// The cluster changed.
    Changed(Change),
}

impl FakeNode {
    /// A socket comes.
    pub fn add(&self, namespace: &Namespace, socket: FakeSocket) {
        let sockets = &mut self.state.lock().sockets;
        sockets.entry(namespace.clone()).or_default().push(socket);
    }

    /// What the server answers from now on; `None` nothing.
    pub fn answer(&self, answer: Option<Args>) {
        self.state.lock().server_answer = answer;
    }

    /// All it was called for so far, but changes of the cluster.
    pub fn heard(&self) -> Vec<Heard> {
        let heard = &self.state.lock().heard;
        let is_other = |heard: &&Heard| !matches!(heard, Heard::Changed(_));
        heard.iter().filter(is_other).cloned().collect()
    }

    /// The changes of the cluster it was told of.
    pub fn changes(&self) -> Vec<Change> {
        let heard = &self.state.lock().heard;
        let change = |heard: &Heard| match heard {
            Heard::Changed(change) => Some(change.clone()),
            _ => None,
        };
        heard.iter().filter_map(change).collect()
    }

    fn hear(&self, heard: Heard) {
        self.state.lock().heard.push(heard);
    }

    fn meant(&self, namespace: &Namespace, target: &Target) -> Vec<FakeSocket> {
        let state = self.state.lock();
        let all = state.sockets.get(namespace);
        let meant = all
            .into_iter()
            .flatten()
            .filter(|socket| target.means(&socket.details.rooms));
        meant.cloned().collect()
    }
}

impl FakeSocket {
    /// A socket in the room of its id and in these.
    pub fn new(id: &str, rooms: &[&str]) -> Self {
        let names = std::iter::once(id).chain(rooms.iter().copied());
        let rooms = names.filter_map(|name| Room::new(name).ok()).collect();
        Self {
            details: SocketDetails {
                id: ConnectionId::new(id).unwrap_or_else(|_| ConnectionId::random()),
                handshake: serde_json::json!({"query": {"id": id}, "auth": {}, "secure": false}),
                rooms,
                data: serde_json::json!({"name": id, "list": [1, null, "ü"]}),
            },
            answer: None,
        }
    }

    /// The same, and it answers.
    #[must_use]
    pub fn answering(mut self, answer: Args) -> Self {
        self.answer = Some(answer);
        self
    }
}

#[async_trait]
impl LocalDelivery for FakeNode {
    fn has_room(&self, namespace: &Namespace, room: &str) -> bool {
        let target = Target::new(&[room.to_owned()], &[]);
        !self.meant(namespace, &target).is_empty()
    }

    fn deliver(&self, arrival: &Arrival<'_>) {
        let sockets = self.meant(arrival.namespace, arrival.target);
        self.hear(Heard::Event {
            namespace: arrival.namespace.clone(),
            event: arrival.event.clone(),
            args: arrival.args.clone(),
            to: sockets
                .into_iter()
                .map(|socket| socket.details.id)
                .collect(),
            flags: (arrival.volatile, arrival.compress),
            offset: arrival.offset.map(str::to_owned),
        });
    }

    fn ask(&self, arrival: &Arrival<'_>, within: Duration) -> Asked {
        self.deliver(arrival);
        let sockets = self.meant(arrival.namespace, arrival.target);
        let clients = sockets.len();
        let (sender, answers) = mpsc::channel(clients.max(1));
        tokio::spawn(async move {
            let answers: Vec<_> = sockets.into_iter().map(|socket| socket.answer).collect();
            let is_complete = answers.iter().all(Option::is_some);
            for answer in answers.into_iter().flatten() {
                if sender.send(answer).await.is_err() {
                    return;
                }
            }
            if !is_complete {
                tokio::time::sleep(within).await;
            }
        });
        Asked { clients, answers }
    }

    fn sockets(&self, namespace: &Namespace, target: &Target) -> Vec<ConnectionId> {
        let sockets = self.meant(namespace, target).into_iter();
        sockets.map(|socket| socket.details.id).collect()
    }

    fn socket_details(&self, namespace: &Namespace, target: &Target) -> Vec<SocketDetails> {
        let sockets = self.meant(namespace, target).into_iter();
        sockets.map(|socket| socket.details).collect()
    }

    fn rooms(&self, namespace: &Namespace) -> Vec<Room> {
        let sockets = self.meant(namespace, &Target::default()).into_iter();
        let mut rooms: Vec<_> = sockets.flat_map(|socket| socket.details.rooms).collect();
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    fn join(&self, _: &Namespace, target: &Target, rooms: &[Room]) {
        self.hear(Heard::Join(target.clone(), rooms.to_vec()));
    }

    fn leave(&self, _: &Namespace, target: &Target, rooms: &[Room]) {
        self.hear(Heard::Leave(target.clone(), rooms.to_vec()));
    }

    fn disconnect(&self, _: &Namespace, target: &Target, close: bool) {
        self.hear(Heard::Disconnect(target.clone(), close));
    }

    fn server_side_event(&self, _: &Namespace, event: &EventName, args: &Args) {
        self.hear(Heard::ServerSide(event.clone(), args.clone(), false));
    }

    async fn server_side_question(
        &self,
        _: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Option<Args> {
        self.hear(Heard::ServerSide(event.clone(), args.clone(), true));
        self.state.lock().server_answer.clone()
    }

    fn notice(&self, from: &NodeId, notice: Bytes) {
        self.hear(Heard::Notice(from.clone(), notice));
    }

    fn changed(&self, change: &Change) {
        self.hear(Heard::Changed(change.clone()));
    }
}

/// Keeps a fake alive as what an adapter is attached to.
pub(super) fn as_local(node: &Arc<FakeNode>) -> std::sync::Weak<dyn LocalDelivery> {
    let local: Arc<dyn LocalDelivery> = Arc::clone(node) as _;
    Arc::downgrade(&local)
}
