//! What nodes say to each other.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchboard_connection::{ConnectionId, Namespace, Room};
use switchboard_wire::{Args, EventName};

use crate::{
    answer::SocketDetails,
    cluster::hub::Hub,
    delivery::{Arrival, LocalDelivery},
    publication::{Publication, Target},
    status::Change,
};

/// One message to one node. Cloned for each, so what is large is shared.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Operation(Namespace, Arc<Operation>),
    Question(u64, Namespace, Arc<Query>),
    Answer(u64, Reply),
    Notice(Bytes),
    Leaving,
}

#[derive(Debug)]
pub(super) enum Operation {
    Deliver(Published),
    Join(Target, Vec<Room>),
    Leave(Target, Vec<Room>),
    Disconnect(Target, bool),
    ServerSide(EventName, Args),
}

#[derive(Debug)]
pub(super) enum Query {
    Ask(Published, Duration),
    Sockets(Target),
    Details(Target),
    Rooms,
    ServerSide(EventName, Args, Duration),
}

/// What a node says to a question. All but `Asked` and `One` ends its part.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// So many clients are asked; each answer is a `One`.
    Asked(usize),
    One(Args),
    /// No more answers will come.
    End,
    Sockets(Vec<ConnectionId>),
    Details(Vec<SocketDetails>),
    Rooms(Vec<Room>),
    Served(Args),
    /// Nobody here will answer.
    Nobody,
}

/// A publication to keep.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) target: Target,
    pub(super) event: EventName,
    pub(super) args: Args,
    pub(super) volatile: bool,
    pub(super) compress: Option<bool>,
}

impl Published {
    pub(super) fn of(publication: &Publication<'_>) -> Option<Self> {
        let (event, args) = publication.event()?;
        Some(Self {
            target: publication.target(),
            event,
            args,
            volatile: publication.volatile,
            compress: publication.compress,
        })
    }

    pub(super) fn arrival<'a>(&'a self, namespace: &'a Namespace) -> Arrival<'a> {
        let mut arrival = Arrival::new(namespace, &self.target, &self.event, &self.args);
        arrival.volatile = self.volatile;
        arrival.compress = self.compress;
        arrival
    }

    /// Whether it is for one room only in which nobody is.
    pub(super) fn is_for_nobody(&self, namespace: &Namespace, local: &dyn LocalDelivery) -> bool {
        matches!(&*self.target.rooms, [room] if !local.has_room(namespace, room))
    }
}

impl Message {
    /// Does what it says on node `to`.
    pub(super) fn arrive(self, hub: &Arc<Hub>, from: usize, to: usize) {
        let Some(local) = hub.local(to) else {
            return;
        };
        match self {
            Self::Operation(namespace, operation) => {
                if hub.has_namespace(to, &namespace) {
                    operation.run(&namespace, &*local);
                }
            }
            Self::Question(id, namespace, query) => {
                query.run(&namespace, local, hub, (from, to), id);
            }
            Self::Answer(id, reply) => hub.answered(to, from, id, reply),
            Self::Notice(notice) => {
                if let Some(from) = hub.id(from) {
                    local.notice(&from, notice);
                }
            }
            Self::Leaving => {
                if let Some(from) = hub.id(from) {
                    local.changed(&Change::Leaving(from));
                }
            }
        }
    }
}

impl Operation {
    fn run(&self, namespace: &Namespace, local: &dyn LocalDelivery) {
        match self {
            Self::Deliver(published) => {
                if !published.is_for_nobody(namespace, local) {
                    local.deliver(&published.arrival(namespace));
                }
            }
            Self::Join(target, rooms) => local.join(namespace, target, rooms),
            Self::Leave(target, rooms) => local.leave(namespace, target, rooms),
            Self::Disconnect(target, close) => local.disconnect(namespace, target, *close),
            Self::ServerSide(event, args) => local.server_side_event(namespace, event, args),
        }
    }
}

impl Query {
    fn run(
        &self,
        namespace: &Namespace,
        local: Arc<dyn LocalDelivery>,
        hub: &Arc<Hub>,
        (from, to): (usize, usize),
        id: u64,
    ) {
        let answer = {
            let hub = Arc::downgrade(hub);
            move |reply| {
                if let Some(hub) = hub.upgrade() {
                    hub.send(to, from, Message::Answer(id, reply));
                }
            }
        };
        match self {
            Self::Sockets(target) => answer(Reply::Sockets(local.sockets(namespace, target))),
            Self::Details(target) => {
                answer(Reply::Details(local.socket_details(namespace, target)));
            }
            Self::Rooms => answer(Reply::Rooms(local.rooms(namespace))),
            Self::Ask(published, within) => {
                let mut asked = local.ask(&published.arrival(namespace), *within);
                answer(Reply::Asked(asked.clients));
                hub.spawn(to, async move {
                    while let Some(args) = asked.answers.recv().await {
                        answer(Reply::One(args));
                    }
                    answer(Reply::End);
                });
            }
            Self::ServerSide(event, args, within) => {
                let (namespace, event, args) = (namespace.clone(), event.clone(), args.clone());
                let within = *within;
                hub.spawn(to, async move {
                    let asking = local.server_side_question(&namespace, &event, &args);
                    match tokio::time::timeout(within, asking).await {
                        Ok(Some(args)) => answer(Reply::Served(args)),
                        _ => answer(Reply::Nobody),
                    }
                });
            }
        }
    }
}
