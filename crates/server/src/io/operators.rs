//! Sending to many: who, and how.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use switchboard_adapter::{Answer, Asked, Publication, Target};
use switchboard_connection::{
    AnyConnection, Connection, ConnectionId, Cork, Delivery, Frame, Room, SendError, Sent,
};
use switchboard_pool::{Recipients, Report};
use switchboard_wire::{Args, EncodeError, Encoded};
use tokio::sync::mpsc;

use crate::io::{
    ack::{Answers, Collector},
    core::NamespaceCore,
    rooms::Rooms,
    send::frame,
    socket::{Socket, SocketCore},
};

/// Whom to send to: everybody in a namespace, or in some of its rooms, except some; on all nodes.
///
/// A value: each operator returns a new one, and each send looks afresh at who is there. A socket that is in
/// several of the rooms is reached once.
///
/// ```
/// # use switchboard_server::Io;
/// # fn example(io: &Io) -> Result<(), Box<dyn std::error::Error>> {
/// let players = io.to(["red", "blue"]);
/// players.clone().except("benched").volatile().emit("tick", &7)?;
/// players.emit("score", &("red", 3))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct Broadcast {
    namespace: Arc<NamespaceCore>,
    rooms: Vec<String>,
    except: Vec<String>,
    volatile: bool,
    local: bool,
    compress: Option<bool>,
}

/// What became of an event for each client of this node, in the order of sending; from
/// [`Broadcast::emit_each`].
pub type SentEach = Vec<(Socket, Result<Sent, SendError>)>;

/// Operators.
impl Broadcast {
    pub(crate) fn new(namespace: Arc<NamespaceCore>) -> Self {
        Self {
            namespace,
            rooms: Vec::new(),
            except: Vec::new(),
            volatile: false,
            local: false,
            compress: None,
        }
    }

    /// Only members of `rooms`, or of one of the rooms named so far. As in Socket.IO, an empty list names
    /// nothing: if no room is ever named, everybody is meant.
    pub fn to(mut self, rooms: impl Rooms) -> Self {
        rooms.append_to(&mut self.rooms);
        self
    }

    /// The same as [`to`](Self::to); Socket.IO's `in`.
    pub fn in_(self, rooms: impl Rooms) -> Self {
        self.to(rooms)
    }

    /// Nobody who is in `rooms`.
    pub fn except(mut self, rooms: impl Rooms) -> Self {
        rooms.append_to(&mut self.except);
        self
    }

    /// For what is stale a moment later: dropped for each client that does not take bytes right now.
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Whether nodes that compress should. This node never does; the flag travels to Node's servers.
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = Some(compress);
        self
    }

    /// Only clients of this node.
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Sets how long the next [`emit_with_ack`](TimedBroadcast::emit_with_ack) waits.
    pub fn timeout(self, within: Duration) -> TimedBroadcast {
        TimedBroadcast {
            broadcast: self,
            within,
        }
    }
}

/// What to do with them.
impl Broadcast {
    /// Sends an event to each: encoded once, queued once each.
    ///
    /// Never waits. The report tells of this node's clients: what one did not take is dropped, or the client
    /// closed, as its slow-consumer policy says. On an error nothing was sent.
    pub fn emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Report, EncodeError> {
        self.encode(event, data, |encoded| self.deliver_here(encoded))
    }

    /// Sends to the local clients.
    pub(crate) fn deliver_here(&self, encoded: &Encoded) -> Report {
        let frame = frame(encoded);
        let len = frame.len();
        let report = self.with_recipients(|recipients| recipients.send(frame));
        let metrics = &self.namespace.core().metrics;
        metrics.sent(report.queued, len);
        metrics.broadcast(report.queued);
        report
    }

    /// Whether other nodes have a part in it.
    pub(crate) fn crosses(&self) -> bool {
        !self.local && self.namespace.core().adapter.capabilities().others
    }

    /// Sends to the other nodes.
    pub(crate) fn publish(&self, encoded: &Encoded) {
        if !self.local {
            let adapter = &self.namespace.core().adapter;
            adapter.publish(&self.publication(encoded));
        }
    }

    fn publication<'a>(&'a self, encoded: &'a Encoded) -> Publication<'a> {
        let mut publication = Publication::new(
            self.namespace.name(),
            encoded,
            self.namespace.parser(),
            &self.rooms,
            &self.except,
        );
        publication.volatile = self.volatile;
        publication.compress = self.compress;
        publication
    }

    /// The same as [`emit`](Self::emit), and says of each client of this node what became of the event. It
    /// costs a list; `emit` only counts.
    ///
    /// ```
    /// # use switchboard_server::Io;
    /// # fn example(io: &Io) -> Result<(), Box<dyn std::error::Error>> {
    /// for (socket, sent) in io.to("players").emit_each("tick", &7)? {
    ///     if let Err(error) = sent {
    ///         println!("{} got no tick: {error}", socket.id());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn emit_each<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<SentEach, EncodeError> {
        self.encode(event, data, |encoded| {
            let frame = frame(encoded);
            let len = frame.len();
            let outcomes = self.with_recipients(|recipients| recipients.send_each(frame));
            let outcomes = outcomes.into_iter();
            let outcomes = outcomes.filter_map(|(to, sent)| Some((socket_of(to)?, sent)));
            let outcomes: Vec<_> = outcomes.collect();
            let queued =
                |sent: &Result<Sent, _>| matches!(sent, Ok(Sent::Queued | Sent::Displaced(_)));
            let queued = outcomes.iter().filter(|(_, sent)| queued(sent)).count();
            let metrics = &self.namespace.core().metrics;
            metrics.sent(queued, len);
            metrics.broadcast(queued);
            outcomes
        })
    }

    /// Encodes an event, keeps it where clients may come back for it, has it delivered here, and publishes it.
    fn encode<T: Serialize + ?Sized, R>(
        &self,
        event: &str,
        data: &T,
        deliver: impl FnOnce(&Encoded) -> R,
    ) -> Result<R, EncodeError> {
        let namespace = &self.namespace;
        if let Some(recovery) = &namespace.recovery {
            return recovery.broadcast(self, event, data, deliver);
        }
        let parser = namespace.parser();
        let encoded = parser.event(namespace.name(), None, event, data, None)?;
        let done = deliver(&encoded);
        self.publish(&encoded);
        Ok(done)
    }

    /// Puts all of them into `rooms`.
    pub async fn sockets_join(&self, rooms: impl Rooms + Send) {
        let rooms = named(&rooms);
        for socket in self.local_sockets() {
            for room in &rooms {
                if let Err(error) = socket.0.join(room) {
                    tracing::debug!(?socket, %error, "not joined");
                }
            }
        }
        if !self.local {
            let core = self.namespace.core();
            let (name, target) = (self.namespace.name(), self.target());
            crate::io::adapter::log(core.adapter.join(name, &target, &rooms).await);
        }
    }

    /// Takes all of them out of `rooms`.
    pub async fn sockets_leave(&self, rooms: impl Rooms + Send) {
        let rooms = named(&rooms);
        for socket in self.local_sockets() {
            for room in &rooms {
                socket.0.leave_room(room);
            }
        }
        if !self.local {
            let core = self.namespace.core();
            let (name, target) = (self.namespace.name(), self.target());
            crate::io::adapter::log(core.adapter.leave(name, &target, &rooms).await);
        }
    }

    /// Disconnects all of them, see [`Socket::disconnect`].
    pub async fn disconnect_sockets(&self, close: bool) {
        {
            let _cork = Cork::new();
            for socket in self.local_sockets() {
                socket.disconnect(close);
            }
        }
        if !self.local {
            let core = self.namespace.core();
            let (name, target) = (self.namespace.name(), self.target());
            crate::io::adapter::log(core.adapter.disconnect(name, &target, close).await);
        }
    }

    /// The ids of all of them.
    pub async fn all_sockets(&self) -> Answer<Vec<ConnectionId>> {
        let local = self.recipients();
        let ids = local.iter().map(|socket| socket.address().id.clone());
        let mut answer = Answer::complete(ids.collect::<Vec<_>>());
        if !self.local {
            let adapter = &self.namespace.core().adapter;
            let others = adapter.sockets(self.namespace.name(), &self.target()).await;
            answer.append(others);
        }
        answer
    }

    /// All of them, with what is known of each.
    pub async fn fetch_sockets(&self) -> Answer<Vec<crate::RemoteSocket>> {
        crate::io::remote::fetch(&self.namespace, self).await
    }

    /// The sockets of this node.
    pub fn local_sockets(&self) -> Vec<Socket> {
        let connections = self.recipients();
        connections.into_iter().filter_map(socket_of).collect()
    }

    pub(crate) fn is_local(&self) -> bool {
        self.local
    }

    pub(crate) fn is_volatile(&self) -> bool {
        self.volatile
    }

    pub(crate) fn namespace(&self) -> &Arc<NamespaceCore> {
        &self.namespace
    }

    pub(crate) fn target(&self) -> Target {
        Target::new(&self.rooms, &self.except)
    }

    /// Those of this node.
    fn recipients(&self) -> Vec<AnyConnection> {
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method is of one lifetime only"
        )]
        self.with_recipients(|recipients| recipients.connections())
    }

    fn with_recipients<R>(&self, act: impl FnOnce(&Recipients<'_>) -> R) -> R {
        let pool = &self.namespace.core().pool;
        let mut recipients = pool.namespace(self.namespace.name());
        if !self.rooms.is_empty() {
            recipients = recipients.to_all(self.rooms.iter().map(String::as_str));
        }
        for room in &self.except {
            recipients = recipients.except_room(room.as_str());
        }
        if self.volatile {
            recipients = recipients.volatile();
        }
        act(&recipients)
    }
}

/// A broadcast that asks; from [`Broadcast::timeout`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit_with_ack`"]
pub struct TimedBroadcast {
    broadcast: Broadcast,
    within: Duration,
}

impl TimedBroadcast {
    /// Sends an event to each and gathers their answers: the first argument of each is read as `R`, or all of
    /// them when `R` is a tuple.
    ///
    /// Ready when all have answered or left, or at the deadline with what came. Dropping the future forgets
    /// the question; the clients may have got it.
    pub async fn emit_with_ack<R, T>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Answers<R>, EncodeError>
    where
        R: DeserializeOwned,
        T: Serialize + Sync + ?Sized,
    {
        Ok(Answers::read(self.ask(event, data).await?))
    }

    /// The same with the answers as they came.
    pub(crate) async fn ask<T>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Answer<Vec<Args>>, EncodeError>
    where
        T: Serialize + Sync + ?Sized,
    {
        let Broadcast {
            namespace, local, ..
        } = &self.broadcast;
        let collector = Collector::new();
        let (id, encoded) = self.send(&collector, event, data)?;
        let others = async {
            if *local {
                return Answer::complete(Vec::new());
            }
            let question = self.broadcast.publication(&encoded);
            let adapter = &namespace.core().adapter;
            adapter.ask(&question, self.within).await
        };
        let finished = collector.finish(id, self.within);
        let ((answers, missing, late), others) = tokio::join!(finished, others);
        namespace.core().metrics.acks_timed_out(late);
        let mut all = Answer::complete(answers);
        all.missing = missing;
        all.append(others);
        Ok(all)
    }

    /// Asks this node's clients for another node, and passes their answers on as they come.
    pub(crate) fn ask_for_another<T>(&self, event: &str, data: &T) -> Result<Asked, EncodeError>
    where
        T: Serialize + ?Sized,
    {
        let clients = self.broadcast.recipients().len();
        let (sender, answers) = mpsc::channel(clients.max(1));
        let collector = Collector::passing_on(sender.clone());
        let (id, _) = self.send(&collector, event, data)?;
        let within = self.within;
        // Counts those who could not be asked too: they are missing.
        let clients = collector.asked();
        let runtime = &self.broadcast.namespace.core().runtime;
        runtime.spawn(async move {
            tokio::select! {
                _ = collector.finish(id, within) => {}
                () = sender.closed() => {}
            }
        });
        Ok(Asked { clients, answers })
    }

    /// Sends a question to this node's clients. Its id, and the question.
    fn send<T: Serialize + ?Sized>(
        &self,
        collector: &Arc<Collector>,
        event: &str,
        data: &T,
    ) -> Result<(u64, Encoded), EncodeError> {
        let namespace = &self.broadcast.namespace;
        let id = namespace.next_ack();
        let parser = namespace.parser();
        let encoded = parser.event(namespace.name(), Some(id), event, data, None)?;
        let recipients = self.broadcast.recipients();
        let frame = frame(&encoded);
        let asked = ask(collector, recipients, id, &frame, &self.broadcast);
        let metrics = &namespace.core().metrics;
        metrics.sent(asked, frame.len());
        metrics.broadcast(asked);
        Ok((id, encoded))
    }
}

/// Asks each, and says how many were.
fn ask(
    collector: &Arc<Collector>,
    recipients: Vec<AnyConnection>,
    id: u64,
    frame: &Frame,
    broadcast: &Broadcast,
) -> usize {
    let delivery = if broadcast.volatile {
        Delivery::Volatile
    } else {
        Delivery::Policy
    };
    let cork = Cork::new();
    let frame = cork.broadcast(frame.clone());
    let mut asked = 0;
    for socket in recipients.into_iter().filter_map(socket_of) {
        if !collector.ask(&socket.0, id) {
            continue;
        }
        match socket.0.try_send(&frame, delivery) {
            Ok(Sent::Dropped) | Err(_) => {
                socket.0.acks.give_up(id);
            }
            Ok(_) => asked += 1,
        }
    }
    asked
}

/// The rooms that have usable names; nobody is in others.
fn named(rooms: &impl Rooms) -> Vec<Room> {
    let mut names = Vec::new();
    rooms.append_to(&mut names);
    names
        .iter()
        .filter_map(|name| Room::new(name).ok())
        .collect()
}

/// The socket that a pool holds as a connection.
pub(crate) fn socket_of(connection: AnyConnection) -> Option<Socket> {
    let any: Arc<dyn std::any::Any + Send + Sync> = connection;
    any.downcast::<SocketCore>().ok().map(Socket)
}
