//! Asks the other nodes.

use std::time::Duration;

use switchboard_adapter::{Answer, Publication, SocketDetails, Target};
use switchboard_connection::{ConnectionId, Namespace, Room};
use switchboard_wire::{
    Args, EventName,
    cluster::{
        Flags, PublishError, RemoteSocket, To,
        classic::{Response, Writer},
    },
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Node, Space, written};
use crate::{
    link::Outgoing,
    questions::{Open, Outcome},
};

/// How long after somebody has gone Redis surely knows it as well.
const GONE_AT_REDIS: Duration = Duration::from_millis(100);

impl Node {
    pub(crate) async fn sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<ConnectionId>> {
        // Type 0 knows no exceptions; type 5 tells more than is asked for, and does.
        if target.except.is_empty() {
            let write = |writer: &Writer<'_>, id: &str| writer.sockets(id, &target.rooms);
            self.question(
                namespace,
                self.config.requests_timeout,
                write,
                |ids, reply| {
                    match reply {
                        Response::SocketIds(more) => {
                            ids.extend(more.iter().filter_map(|id| ConnectionId::new(id).ok()));
                        }
                        // An empty list may be of either kind.
                        Response::Sockets(more) => {
                            ids.extend(more.iter().filter_map(connection_id));
                        }
                        _ => {}
                    }
                },
            )
            .await
        } else {
            let details = self.fetch_sockets(namespace, target).await;
            details.map(|details| details.into_iter().map(|socket| socket.id).collect())
        }
    }

    pub(crate) async fn fetch_sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<SocketDetails>> {
        let to = To::new(&target.rooms, &target.except);
        let write = |writer: &Writer<'_>, id: &str| writer.fetch_sockets(id, &to);
        self.question(
            namespace,
            self.config.requests_timeout,
            write,
            |all, reply| {
                if let Response::Sockets(sockets) = reply {
                    all.extend(sockets.iter().filter_map(details));
                }
            },
        )
        .await
    }

    pub(crate) async fn all_rooms(&self, namespace: &Namespace) -> Answer<Vec<Room>> {
        let write = |writer: &Writer<'_>, id: &str| writer.all_rooms(id);
        self.question(
            namespace,
            self.config.requests_timeout,
            write,
            |all, reply| {
                if let Response::Rooms(rooms) = reply {
                    all.extend(rooms.iter().filter_map(|room| Room::new(room).ok()));
                }
            },
        )
        .await
    }

    pub(crate) async fn server_side_ask(
        &self,
        namespace: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Answer<Vec<Args>> {
        let write =
            |writer: &Writer<'_>, id: &str| writer.server_side_emit(Some(id), event.as_str(), args);
        self.question(
            namespace,
            self.config.requests_timeout,
            write,
            |all, reply| {
                if let Response::ServerSideEmit(args) = reply {
                    all.push(args);
                }
            },
        )
        .await
    }

    pub(crate) async fn ask(
        &self,
        question: &Publication<'_>,
        within: Duration,
    ) -> Answer<Vec<Args>> {
        let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let flags = Flags::default()
            .with_volatile(question.volatile)
            .with_compress(question.compress)
            .with_timeout(Some(millis));
        let to = To::new(question.rooms, question.except).with_flags(flags);
        let write =
            |writer: &Writer<'_>, id: &str| writer.broadcast_with_ack(id, question.packet, &to);
        self.question(question.namespace, within, write, |all, reply| {
            if let Response::Ack(args) = reply {
                all.push(args);
            }
        })
        .await
    }

    pub(crate) async fn server_count(&self, namespace: &Namespace) -> Answer<usize> {
        let mut answer = Answer::complete(1);
        let Some(space) = self.space(namespace).filter(|_| !self.is_closed()) else {
            return answer;
        };
        let deadline = Instant::now() + self.config.requests_timeout;
        if let Some(link) = self.connected(deadline).await
            && let Ok(count) = link.count_listeners(space.channels.request()).await
        {
            answer.value = count.max(1);
            return answer;
        }
        let ours = self.members.with(namespace);
        answer.value += ours.len();
        Self::add_silent(&mut answer, ours);
        answer
    }

    /// Asks all others, and gathers what they answer within `within`.
    async fn question<T: Send>(
        &self,
        namespace: &Namespace,
        within: Duration,
        write: impl FnOnce(&Writer<'_>, &str) -> Result<Vec<u8>, PublishError> + Send,
        gather: impl Fn(&mut Vec<T>, Response) + Send,
    ) -> Answer<Vec<T>> {
        let mut answer = Answer::complete(Vec::new());
        let Some(space) = self.space(namespace).filter(|_| !self.is_closed()) else {
            return answer;
        };
        let ours = self.members.with(namespace);
        let open = self.questions.open(ours.clone());
        let message = {
            let writer = self.writer(&space);
            written(write(&writer, &open.id))
        };
        let Some(message) = message else {
            return answer;
        };
        let Some(outcome) = self.run(&space, &open, message, within).await else {
            Self::add_silent(&mut answer, ours);
            return answer;
        };
        for reply in outcome.replies {
            gather(&mut answer.value, reply);
        }
        answer.silent_nodes = outcome.silent;
        answer.silent_ids = outcome.silent_ids;
        answer.missing = outcome.missing;
        answer
    }

    /// `None` when the bus is away: nobody was asked.
    async fn run(
        &self,
        space: &Space,
        open: &Open<'_>,
        message: Vec<u8>,
        within: Duration,
    ) -> Option<Outcome> {
        let deadline = Instant::now() + within;
        // Our own subscription is one of those that are counted: it must be there.
        let link = self.connected(deadline).await?;
        let others = self.count_others(space).await?;
        if others == 0 {
            open.question.expect(0);
            return Some(open.question.finish());
        }
        let channel = space.channels.request().to_owned();
        open.question.expect(others);
        link.publish(Outgoing::new(channel, message));
        let gathering = async {
            loop {
                tokio::select! {
                    () = open.question.all_answered() => return,
                    () = open.question.recount.notified() => {}
                }
                // Whoever has gone is not waited for.
                for pause in [Duration::ZERO, GONE_AT_REDIS] {
                    sleep(pause).await;
                    if let Some(others) = self.count_others(space).await {
                        open.question.expect(others);
                    }
                }
            }
        };
        // Too late is no error: what came is what there is.
        let _ = timeout_at(deadline, gathering).await;
        Some(open.question.finish())
    }

    async fn count_others(&self, space: &Space) -> Option<usize> {
        let count = self.link()?.count_listeners(space.channels.request()).await;
        Some(count.ok()?.saturating_sub(1))
    }

    /// The bus is away: whoever there is was not asked. At least one, for all that is known.
    fn add_silent<T>(answer: &mut Answer<T>, ours: Vec<switchboard_connection::NodeId>) {
        if ours.is_empty() {
            answer.add_silent(None);
        }
        for node in ours {
            answer.add_silent(Some(node));
        }
    }
}

fn connection_id(socket: &RemoteSocket) -> Option<ConnectionId> {
    ConnectionId::new(&socket.id).ok()
}

fn details(socket: &RemoteSocket) -> Option<SocketDetails> {
    let json = |value| serde_json::to_value(value).unwrap_or_default();
    Some(SocketDetails {
        id: ConnectionId::new(&socket.id).ok()?,
        handshake: json(&socket.handshake),
        rooms: socket
            .rooms
            .iter()
            .filter_map(|room| Room::new(room).ok())
            .collect(),
        data: json(&socket.data),
    })
}
