//! The adapter, as a server sees it.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_adapter::{
    Adapter, AdapterError, Answer, BusStatus, Capabilities, LocalDelivery, MAX_NOTICE, Publication,
    SocketDetails, Target,
};
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName, cluster::To};
use tokio::time::Instant;

use crate::{
    classic::Node,
    config::RedisConfig,
    error::StartError,
    link::{BusStats, Locator, Stats, locator},
};

/// Makes one server a node of a cluster, over Redis. All nodes speak as Node's `@socket.io/redis-adapter` does
/// and may be of either make.
///
/// ```no_run
/// use switchboard_adapter_redis::{RedisAdapter, RedisConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let adapter = RedisAdapter::new(RedisConfig::new("redis://127.0.0.1:6379"))?;
/// // Then `Io::builder(config).with_adapter(adapter)`.
/// # Ok(())
/// # }
/// ```
///
/// # What it promises
///
/// - Messages of one node and namespace arrive in the order they were published, each at most once.
/// - While Redis is away, local traffic goes on; what is published waits within the bounds of
///   [`RedisConfig`], volatile messages are dropped, and every loss is counted ([`stats`](Self::stats)). Redis
///   is looked for until it is there. What others publish meanwhile is missed.
/// - Questions end after `requestsTimeout`, or after the time given; what other nodes of ours do is named.
/// - [`close`](Adapter::close) lets out what waits for at most two seconds.
#[derive(Debug)]
pub struct RedisAdapter {
    config: RedisConfig,
    locator: Arc<Locator>,
    stats: Arc<Stats>,
    node: OnceLock<Arc<Node>>,
    started: Instant,
}

impl RedisAdapter {
    /// An adapter that connects when a server takes it.
    pub fn new(config: RedisConfig) -> Result<Self, StartError> {
        Ok(Self {
            locator: locator(&config)?,
            stats: Arc::new(Stats::new()),
            node: OnceLock::new(),
            started: Instant::now(),
            config,
        })
    }

    /// What has been carried and lost.
    pub fn stats(&self) -> BusStats {
        self.stats.read()
    }

    /// Which node this is, once a server has taken the adapter.
    pub fn id(&self) -> Option<&NodeId> {
        Some(&self.node.get()?.id)
    }

    /// Waits until Redis is there and this node hears what it wants to hear. Never, without a server.
    ///
    /// Dropped, nothing is changed.
    pub async fn ready(&self) {
        match self.node().and_then(|node| node.link()) {
            Some(link) => link.ready().await,
            None => std::future::pending().await,
        }
    }

    fn node(&self) -> Option<&Arc<Node>> {
        self.node.get().filter(|node| !node.is_closed())
    }
}

#[async_trait]
impl Adapter for RedisAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_others(true).with_nodes(true)
    }

    fn attach(&self, node: &NodeId, local: Weak<dyn LocalDelivery>) {
        self.node.get_or_init(|| {
            let (locator, stats) = (Arc::clone(&self.locator), Arc::clone(&self.stats));
            Node::start(&self.config, locator, stats, node, local)
        });
    }

    fn open_namespace(&self, namespace: &Namespace) {
        if let Some(node) = self.node() {
            node.open(namespace);
        }
    }

    fn close_namespace(&self, namespace: &Namespace) {
        if let Some(node) = self.node() {
            node.close_namespace(namespace);
        }
    }

    fn publish(&self, publication: &Publication<'_>) {
        if let Some(node) = self.node() {
            node.publish(publication);
        }
    }

    async fn ask(&self, question: &Publication<'_>, within: Duration) -> Answer<Vec<Args>> {
        match self.node() {
            Some(node) => node.ask(question, within).await,
            None => Answer::complete(Vec::new()),
        }
    }

    async fn sockets(&self, namespace: &Namespace, target: &Target) -> Answer<Vec<ConnectionId>> {
        match self.node() {
            Some(node) => node.sockets(namespace, target).await,
            None => Answer::complete(Vec::new()),
        }
    }

    async fn fetch_sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<SocketDetails>> {
        match self.node() {
            Some(node) => node.fetch_sockets(namespace, target).await,
            None => Answer::complete(Vec::new()),
        }
    }

    async fn all_rooms(&self, namespace: &Namespace) -> Answer<Vec<Room>> {
        match self.node() {
            Some(node) => node.all_rooms(namespace).await,
            None => Answer::complete(Vec::new()),
        }
    }

    async fn server_count(&self, namespace: &Namespace) -> Answer<usize> {
        match self.node() {
            Some(node) => node.server_count(namespace).await,
            None => Answer::complete(1),
        }
    }

    async fn join(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError> {
        let Some(node) = self.node() else {
            return Ok(());
        };
        let to = To::new(&target.rooms, &target.except);
        let asked = node.request(namespace, |writer| writer.join(&to, rooms));
        asked
            .await
            .map_err(|error| AdapterError::new("join", error))
    }

    async fn leave(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError> {
        let Some(node) = self.node() else {
            return Ok(());
        };
        let to = To::new(&target.rooms, &target.except);
        let asked = node.request(namespace, |writer| writer.leave(&to, rooms));
        asked
            .await
            .map_err(|error| AdapterError::new("leave", error))
    }

    async fn disconnect(
        &self,
        namespace: &Namespace,
        target: &Target,
        close: bool,
    ) -> Result<(), AdapterError> {
        let Some(node) = self.node() else {
            return Ok(());
        };
        let to = To::new(&target.rooms, &target.except);
        let asked = node.request(namespace, |writer| writer.disconnect(&to, close));
        asked
            .await
            .map_err(|error| AdapterError::new("disconnect", error))
    }

    fn server_side_emit(&self, namespace: &Namespace, event: &EventName, args: &Args) {
        if let Some(node) = self.node() {
            node.server_side_emit(namespace, event, args);
        }
    }

    async fn server_side_ask(
        &self,
        namespace: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Answer<Vec<Args>> {
        match self.node() {
            Some(node) => node.server_side_ask(namespace, event, args).await,
            None => Answer::complete(Vec::new()),
        }
    }

    fn notify(&self, node: &NodeId, notice: Bytes) -> Result<(), AdapterError> {
        if notice.len() > MAX_NOTICE {
            return Err(AdapterError::new("notify", "the notice is too long"));
        }
        let Some(own) = self.node() else {
            return Err(AdapterError::new("notify", "this node is not attached"));
        };
        let sent = own.notify(node, notice);
        sent.map_err(|why| AdapterError::new("notify", why))
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.node().map_or_else(Vec::new, |node| node.members.all())
    }

    fn leaving(&self) {
        if let Some(node) = self.node() {
            node.leaving();
        }
    }

    fn status(&self) -> BusStatus {
        let link = self.node().and_then(|node| node.link());
        let away = link.map_or(Some(self.started), |link| *link.watch().borrow());
        away.map_or(BusStatus::Connected, |since| BusStatus::Away { since })
    }

    async fn close(&self) {
        if let Some(node) = self.node.get() {
            node.close().await;
        }
    }
}
