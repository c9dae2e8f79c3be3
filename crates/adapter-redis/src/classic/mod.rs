//! The classic mode: what `createAdapter` of `@socket.io/redis-adapter` speaks.
//!
//! Each namespace that is open here is a [`Space`]: one pattern for events and three channels for requests and
//! answers. [`Node`] holds them, and what is of the whole process: the link, the other nodes of ours, the open
//! questions. What comes is sorted by the topic it came on ([`hear`]); requests of others are served in
//! [`serve`], own ones asked in [`ask`]; [`pulse`] is this node's task.

mod ask;
mod hear;
mod pulse;
mod serve;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use parking_lot::RwLock;
use switchboard_adapter::{Change, LocalDelivery, Publication};
use switchboard_connection::{Namespace, NodeId};
use switchboard_wire::{
    Args, EventName,
    cluster::{
        ClusterLimits, Flags, PublishError, To,
        classic::{Channels, Writer},
    },
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    config::RedisConfig,
    envelope::{Letter, OwnChannels},
    error::BusError,
    link::{Link, Locator, Outgoing, Sink, Stats, Topic},
    members::Members,
    questions::Questions,
};

/// A node's part in the cluster, from `attach` to `close`.
pub(crate) struct Node {
    pub(crate) config: RedisConfig,
    pub(crate) id: NodeId,
    /// Names this node in Node's messages. `@` shows that it is one of ours: no uid of Node's has it.
    pub(crate) uid: String,
    pub(crate) local: Weak<dyn LocalDelivery>,
    pub(crate) own: OwnChannels,
    pub(crate) limits: ClusterLimits,
    pub(crate) stats: Arc<Stats>,
    pub(crate) members: Members,
    pub(crate) questions: Questions,
    /// Questions of others that are being worked on.
    pub(crate) requests: Arc<Semaphore>,
    link: OnceLock<Link>,
    spaces: RwLock<Spaces>,
    pulse: OnceLock<JoinHandle<()>>,
    /// The list of namespaces has changed, which others should know.
    news: Arc<Notify>,
    leaving: AtomicBool,
    /// Redis was there at least once.
    was_connected: AtomicBool,
    closed: AtomicBool,
}

#[derive(Default)]
struct Spaces {
    by_name: HashMap<Namespace, Arc<Space>>,
    by_topic: HashMap<Topic, Route>,
}

/// A namespace that is open here.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) namespace: Namespace,
    pub(crate) channels: Channels,
}

/// What comes on a topic.
#[derive(Clone)]
pub(crate) enum Route {
    Events(Arc<Space>),
    Requests(Arc<Space>),
    Answers,
    Inbox,
    Beats,
}

impl Node {
    /// Begins to take part. Needs a tokio runtime.
    pub(crate) fn start(
        config: &RedisConfig,
        locator: Arc<Locator>,
        stats: Arc<Stats>,
        id: &NodeId,
        local: Weak<dyn LocalDelivery>,
    ) -> Arc<Self> {
        let uid = format!("@{}.{:08x}", id, fastrand::u32(..));
        let node = Arc::new(Self {
            own: OwnChannels::new(&config.key),
            limits: ClusterLimits {
                max_message_bytes: config.max_message_size,
                ..ClusterLimits::default()
            },
            members: Members::new(id.clone(), config.heartbeat_timeout),
            questions: Questions::new(format!("{:08x}-", fastrand::u32(..))),
            requests: Arc::new(Semaphore::new(config.max_requests)),
            link: OnceLock::new(),
            spaces: RwLock::default(),
            pulse: OnceLock::new(),
            news: Arc::default(),
            leaving: AtomicBool::new(false),
            was_connected: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            config: config.clone(),
            id: id.clone(),
            uid,
            local,
            stats,
        });
        let ears: Arc<dyn Sink> = Arc::new(Ears(Arc::downgrade(&node)));
        let probe = node.own.probe(&node.uid);
        let link = Link::listening(config, locator, Arc::clone(&node.stats), probe, ears);
        let link = node.link.get_or_init(|| link);
        {
            let mut spaces = node.spaces.write();
            for (name, route) in [
                (node.own.inbox(&node.uid), Route::Inbox),
                (node.own.beats(), Route::Beats),
            ] {
                let topic = Topic::channel(name);
                link.subscribe([topic.clone()]);
                spaces.by_topic.insert(topic, route);
            }
        }
        let task = tokio::spawn(pulse::run(Arc::downgrade(&node)));
        node.pulse.get_or_init(|| task);
        node
    }

    /// The way to Redis, until this node is closed.
    pub(crate) fn link(&self) -> Option<&Link> {
        self.link.get().filter(|_| !self.is_closed())
    }

    /// The way to Redis, when it is there and this node hears. At the start it is waited for; later an outage
    /// is an answer too.
    pub(crate) async fn connected(&self, deadline: Instant) -> Option<&Link> {
        let link = self.link()?;
        if !link.is_connected() && self.was_connected.load(Relaxed) {
            return None;
        }
        timeout_at(deadline, link.ready()).await.ok()?;
        Some(link)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    pub(crate) fn open(&self, namespace: &Namespace) {
        let Some(link) = self.link() else { return };
        let space = Arc::new(Space {
            namespace: namespace.clone(),
            channels: Channels::new(&self.config.key, namespace.as_str()),
        });
        let routes = self.routes(&space);
        let topics: Vec<_> = routes.iter().map(|(topic, _)| topic.clone()).collect();
        let mut spaces = self.spaces.write();
        spaces.by_name.insert(namespace.clone(), space);
        spaces.by_topic.extend(routes);
        // Under the lock, so that a close that follows is not overtaken.
        link.subscribe(topics);
        drop(spaces);
        self.news.notify_one();
    }

    pub(crate) fn close_namespace(&self, namespace: &Namespace) {
        let Some(link) = self.link() else { return };
        let mut spaces = self.spaces.write();
        let Some(space) = spaces.by_name.remove(namespace) else {
            return;
        };
        let routes = self.routes(&space);
        for (topic, _) in &routes {
            spaces.by_topic.remove(topic);
        }
        link.unsubscribe(routes.into_iter().map(|(topic, _)| topic));
        drop(spaces);
        self.news.notify_one();
    }

    /// What a namespace listens to: exactly once to its requests, for Node counts who does.
    fn routes(&self, space: &Arc<Space>) -> Vec<(Topic, Route)> {
        let channels = &space.channels;
        vec![
            (
                Topic::pattern(channels.pattern()),
                Route::Events(Arc::clone(space)),
            ),
            (
                Topic::channel(channels.request().to_owned()),
                Route::Requests(Arc::clone(space)),
            ),
            (
                Topic::channel(channels.response().to_owned()),
                Route::Answers,
            ),
            (
                Topic::channel(channels.own_response(&self.uid)),
                Route::Answers,
            ),
        ]
    }

    pub(crate) fn space(&self, namespace: &Namespace) -> Option<Arc<Space>> {
        self.spaces.read().by_name.get(namespace).cloned()
    }

    pub(crate) fn namespaces(&self) -> Vec<Namespace> {
        self.spaces.read().by_name.keys().cloned().collect()
    }

    pub(crate) fn writer<'a>(&'a self, space: &'a Space) -> Writer<'a> {
        Writer {
            uid: &self.uid,
            namespace: space.namespace.as_str(),
        }
    }

    pub(crate) fn publish(&self, publication: &Publication<'_>) {
        let (Some(link), Some(space)) = (self.link(), self.space(publication.namespace)) else {
            return;
        };
        let flags = Flags::default()
            .with_volatile(publication.volatile)
            .with_compress(publication.compress);
        let to = To::new(publication.rooms, publication.except).with_flags(flags);
        let Some(message) = written(self.writer(&space).broadcast(publication.packet, &to)) else {
            return;
        };
        let channel = space.channels.of_rooms(publication.rooms);
        let message = Outgoing::new(channel, message);
        if publication.volatile {
            link.publish_volatile(message);
        } else {
            link.publish(message);
        }
    }

    pub(crate) fn server_side_emit(&self, namespace: &Namespace, event: &EventName, args: &Args) {
        let (Some(link), Some(space)) = (self.link(), self.space(namespace)) else {
            return;
        };
        let message = self
            .writer(&space)
            .server_side_emit(None, event.as_str(), args);
        if let Some(message) = written(message) {
            link.publish(Outgoing::new(space.channels.request().to_owned(), message));
        }
    }

    /// Publishes a request that nobody answers, and waits until Redis has it.
    pub(crate) async fn request(
        &self,
        namespace: &Namespace,
        write: impl FnOnce(&Writer<'_>) -> Result<Vec<u8>, PublishError>,
    ) -> Result<(), BusError> {
        let link = self.link().ok_or(BusError::Closed)?;
        let Some(space) = self.space(namespace) else {
            return Ok(());
        };
        let Some(message) = written(write(&self.writer(&space))) else {
            return Ok(());
        };
        let channel = space.channels.request().to_owned();
        link.deliver(Outgoing::new(channel, message)).await
    }

    pub(crate) fn notify(&self, node: &NodeId, notice: Bytes) -> Result<(), &'static str> {
        let link = self.link().ok_or("the adapter is closed")?;
        if !link.is_connected() {
            return Err("the bus is away");
        }
        let uid = self.members.uid(node).ok_or("the node is not known")?;
        let letter = Letter::Notice(notice).encode(&self.id);
        link.publish(Outgoing::new(self.own.inbox(&uid), letter));
        Ok(())
    }

    pub(crate) fn leaving(&self) {
        self.leaving.store(true, Relaxed);
        self.news.notify_one();
    }

    /// Calls this node's server, if it is there and this node is not closed.
    pub(crate) fn local(&self) -> Option<Arc<dyn LocalDelivery>> {
        if self.is_closed() {
            return None;
        }
        self.local.upgrade()
    }

    pub(crate) fn changed(&self, changes: &[Change]) {
        for change in changes {
            if let Change::Left(node) = change {
                self.questions.gone(node);
            }
            if let Some(local) = self.local() {
                local.changed(change);
            }
        }
    }

    pub(crate) async fn close(&self) {
        if self.closed.swap(true, Relaxed) {
            return;
        }
        if let Some(task) = self.pulse.get() {
            task.abort();
        }
        let Some(link) = self.link.get() else { return };
        // First nobody counts on us, then we are gone.
        link.deafen();
        link.publish_volatile(self.goodbye());
        link.close().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(task) = self.pulse.get() {
            task.abort();
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("id", &self.id)
            .field("uid", &self.uid)
            .finish_non_exhaustive()
    }
}

/// What the link tells. Holds the node weakly: the node holds the link.
struct Ears(Weak<Node>);

impl Sink for Ears {
    fn message(&self, topic: &Topic, channel: &Bytes, payload: Bytes) {
        if let Some(node) = self.0.upgrade() {
            node.hear(topic, channel, &payload);
        }
    }
}

/// A message, or a line in the log: what cannot be written is the program's own data.
pub(crate) fn written(message: Result<Vec<u8>, PublishError>) -> Option<Vec<u8>> {
    message
        .inspect_err(|error| tracing::warn!(%error, "cannot be published to other nodes"))
        .ok()
}
