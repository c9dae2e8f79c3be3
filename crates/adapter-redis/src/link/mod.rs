//! The way to Redis: one side publishes, one listens; each looks after its own connection.
//!
//! [`Link`] puts the two together. [`lane`] publishes what a bounded [`queue`] holds; [`subscriber`] reads what
//! comes with a reader of its own ([`resp`]) and keeps what is wanted in [`topics`]; a [`probe`] goes from the
//! one to the other through Redis.

mod backoff;
mod command;
mod dial;
mod health;
mod lane;
mod locate;
mod probe;
mod queue;
mod resp;
mod stats;
mod subscriber;
#[cfg(test)]
mod tests;
mod topics;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use redis::{Cmd, Value};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use crate::{
    config::RedisConfig,
    error::{BusError, StartError},
};

pub(crate) use health::Away;
pub(crate) use locate::Locator;
pub(crate) use queue::Outgoing;
pub use resp::fuzz_reader;
pub use stats::BusStats;
pub(crate) use stats::Stats;
pub(crate) use subscriber::Sink;
pub(crate) use topics::Topic;

use health::Health;
use lane::Lane;
use probe::Probe;
use subscriber::Subscriber;
use topics::Topics;

/// How long what waits may take to go out at the end.
pub(crate) const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// One connection to publish and, where something is listened to, one to listen.
#[derive(Debug)]
pub(crate) struct Link {
    locator: Arc<Locator>,
    stats: Arc<Stats>,
    health: Health,
    lane: Lane,
    topics: Option<Arc<Topics>>,
    subscriber: Mutex<Option<Subscriber>>,
}

impl Link {
    /// A link that only publishes.
    pub(crate) fn publishing(config: &RedisConfig) -> Result<Self, StartError> {
        let locator = Arc::new(Locator::new(config)?);
        Ok(Self::start(config, locator, Arc::new(Stats::new()), None))
    }

    /// A link that listens too: what comes goes to `sink`. `probe_channel` is of this node alone.
    pub(crate) fn listening(
        config: &RedisConfig,
        locator: Arc<Locator>,
        stats: Arc<Stats>,
        probe_channel: String,
        sink: Arc<dyn Sink>,
    ) -> Self {
        Self::start(config, locator, stats, Some((probe_channel, sink)))
    }

    fn start(
        config: &RedisConfig,
        locator: Arc<Locator>,
        stats: Arc<Stats>,
        listener: Option<(String, Arc<dyn Sink>)>,
    ) -> Self {
        let health = Health::new(stats.connected.clone());
        let probe = listener
            .as_ref()
            .map(|(channel, _)| Arc::new(Probe::new(channel.clone())));
        let lane = Lane::start(
            config,
            lane::Parts {
                locator: Arc::clone(&locator),
                stats: Arc::clone(&stats),
                health: health.part(),
                probe: probe.clone(),
            },
        );
        let subscriber = listener.map(|(_, sink)| {
            let parts = subscriber::Parts {
                locator: Arc::clone(&locator),
                stats: Arc::clone(&stats),
                health: health.part(),
                probe,
                sink,
            };
            Subscriber::start(config, parts)
        });
        Self {
            locator,
            stats,
            health,
            lane,
            topics: subscriber.as_ref().map(Subscriber::topics),
            subscriber: Mutex::new(subscriber),
        }
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.watch().borrow().is_none()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Away> {
        self.health.watch()
    }

    /// Queues a message; counts it when it cannot.
    pub(crate) fn publish(&self, message: Outgoing) {
        if let Err(error) = self.try_publish(message) {
            tracing::debug!(%error, "a message was not published");
        }
    }

    /// The same for one that is worth nothing later.
    pub(crate) fn publish_volatile(&self, message: Outgoing) {
        if self.lane.is_connected() {
            self.publish(message);
        } else {
            self.stats.dropped_away.add(1);
        }
    }

    /// Queues a message, and waits until Redis has taken it.
    pub(crate) async fn deliver(&self, mut message: Outgoing) -> Result<(), BusError> {
        if !self.lane.is_connected() {
            return Err(BusError::Away);
        }
        let (done, taken) = oneshot::channel();
        message.done = Some(done);
        self.try_publish(message)?;
        taken.await.unwrap_or(Err(BusError::Closed))
    }

    /// The same, and says why not.
    pub(crate) fn try_publish(&self, message: Outgoing) -> Result<(), BusError> {
        let result = self.lane.push(message);
        match &result {
            Ok(()) => {}
            Err(BusError::Full) => self.stats.dropped_full.add(1),
            Err(_) => self.stats.dropped_closed.add(1),
        }
        result
    }

    pub(crate) fn subscribe(&self, topics: impl IntoIterator<Item = Topic>) {
        if let Some(own) = &self.topics {
            own.add(topics);
        }
    }

    pub(crate) fn unsubscribe(&self, topics: impl IntoIterator<Item = Topic>) {
        if let Some(own) = &self.topics {
            own.remove(topics);
        }
    }

    /// Waits until Redis is there and has confirmed all subscriptions.
    pub(crate) async fn ready(&self) {
        let mut away = self.watch();
        loop {
            if let Some(topics) = &self.topics {
                topics.when_all_confirmed().await;
            }
            if away.borrow_and_update().is_none() {
                return;
            }
            if away.changed().await.is_err() {
                return;
            }
        }
    }

    /// How many connections listen to `channel`, on all nodes of a cluster.
    pub(crate) async fn count_listeners(&self, channel: &str) -> Result<usize, BusError> {
        let mut command = redis::cmd("PUBSUB");
        command.arg("NUMSUB").arg(channel);
        if !self.locator.is_cluster() {
            return Ok(listeners(&self.lane.ask(&command).await?));
        }
        let nodes = self.locator.nodes().await?;
        let asked = nodes.iter().map(|node| self.count_at(node, &command));
        let counts = futures_util::future::join_all(asked).await;
        Ok(counts.into_iter().flatten().sum())
    }

    async fn count_at(&self, node: &dial::Place, command: &Cmd) -> Result<usize, BusError> {
        let mut node = self.locator.open(node, self.locator.login()).await?;
        Ok(listeners(&node.ask(command).await?))
    }

    /// Listens no more.
    pub(crate) fn deafen(&self) {
        self.subscriber.lock().take();
    }

    /// Lets out what waits, for a bounded time, and ends.
    pub(crate) async fn close(&self) {
        self.lane.close(Instant::now() + CLOSE_WITHIN).await;
    }
}

pub(crate) fn locator(config: &RedisConfig) -> Result<Arc<Locator>, StartError> {
    Ok(Arc::new(Locator::new(config)?))
}

/// What `PUBSUB NUMSUB` with one channel answers: its name and the number.
fn listeners(answer: &Value) -> usize {
    let Value::Array(parts) = answer else {
        return 0;
    };
    match parts.get(1) {
        Some(Value::Int(count)) => usize::try_from(*count).unwrap_or(0),
        _ => 0,
    }
}
