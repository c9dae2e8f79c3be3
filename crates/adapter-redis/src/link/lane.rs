//! Publishes to one server: takes what waits, in batches, and keeps a connection for it.
//!
//! One batch is under way at a time, so the order is that of the queue, also over a broken connection. A
//! batch that was under way then is not sent again: a message arrives at most once.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use redis::{Cmd, Pipeline, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at},
};
use tracing::{debug, info, warn};

use super::{
    backoff::Backoff,
    command::{Conversation, ask},
    health::Part,
    locate::{Locator, is_master, role},
    probe::Probe,
    queue::{Outgoing, Queue},
    stats::Stats,
};
use crate::{config::RedisConfig, error::BusError};

/// The publishing side of a link. Dropped, it ends at once.
#[derive(Debug)]
pub(crate) struct Lane {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: Queue,
    locator: Arc<Locator>,
    stats: Arc<Stats>,
    probe: Option<Arc<Probe>>,
    probe_interval: Duration,
    response_timeout: Duration,
    connection: watch::Sender<Option<MultiplexedConnection>>,
    /// Somebody found the connection dead.
    broken: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

/// What a lane is made of.
pub(crate) struct Parts {
    pub(crate) locator: Arc<Locator>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) health: Part,
    pub(crate) probe: Option<Arc<Probe>>,
}

impl Lane {
    pub(crate) fn start(config: &RedisConfig, parts: Parts) -> Self {
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue_messages, config.queue_bytes),
            locator: parts.locator,
            stats: parts.stats,
            probe: parts.probe,
            probe_interval: config.probe_interval,
            response_timeout: config.response_timeout,
            connection: watch::channel(None).0,
            broken: Notify::new(),
        });
        let backoff = Backoff::new(config.reconnect_min_delay, config.reconnect_max_delay);
        let task = tokio::spawn(run(Arc::clone(&shared), parts.health, backoff));
        Self {
            shared,
            task: Mutex::new(Some(task)),
        }
    }

    /// Queues a message. Never waits.
    pub(crate) fn push(&self, message: Outgoing) -> Result<(), BusError> {
        self.shared.queue.push(message)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.shared.connection.borrow().is_some()
    }

    /// Sends one command, apart from what is published.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, BusError> {
        let connection = self.shared.connection.borrow().clone();
        let mut connection = connection.ok_or(BusError::Away)?;
        let answer = ask(&mut connection, command, self.shared.response_timeout).await;
        if let Err(BusError::Unanswered(_)) = answer {
            self.shared.broken.notify_one();
        }
        answer
    }

    /// Takes nothing more and lets out what waits, until `deadline`; counts the rest.
    pub(crate) async fn close(&self, deadline: Instant) {
        self.shared.queue.close();
        let task = self.task.lock().take();
        if let Some(mut task) = task
            && timeout_at(deadline, &mut task).await.is_err()
        {
            task.abort();
        }
        self.shared.drop_rest();
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut() {
            task.abort();
        }
    }
}

async fn run(shared: Arc<Shared>, mut health: Part, mut backoff: Backoff) {
    while !shared.queue.is_finished() {
        match shared.connect().await {
            Ok(mut conversation) => {
                debug!("publishes to redis");
                backoff.reset();
                shared.connection.send_replace(Some(conversation.handle()));
                health.set(true);
                let end = shared.serve(&mut conversation).await;
                shared.connection.send_replace(None);
                health.set(false);
                let Err(error) = end else { return };
                shared.stats.publisher_breaks.add(1);
                info!(%error, "lost the connection for publishing to redis");
            }
            Err(error) => warn!(%error, "cannot reach redis"),
        }
        sleep(backoff.next()).await;
    }
}

impl Shared {
    async fn connect(&self) -> Result<Conversation, BusError> {
        let place = self.locator.find().await?;
        let mut conversation = self.locator.open(&place, self.locator.login()).await?;
        if self.locator.checks_role() && !is_master(&conversation.ask(&role()).await?) {
            return Err(BusError::Refused(format!("{place} is no master")));
        }
        Ok(conversation)
    }

    /// Publishes until the connection breaks, or the queue is closed and empty.
    async fn serve(&self, conversation: &mut Conversation) -> Result<(), BusError> {
        let mut ticks = interval_at(Instant::now(), self.probe_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let batch = self.queue.take_batch();
            if !batch.is_empty() {
                self.send(conversation, batch).await?;
                continue;
            }
            if self.queue.is_finished() {
                return Ok(());
            }
            tokio::select! {
                () = self.queue.filled() => {}
                _ = ticks.tick() => self.check(conversation).await?,
                () = wanted(self.probe.as_ref()) => self.check(conversation).await?,
                () = self.broken.notified() => return Err(BusError::Away),
                () = conversation.ended() => return Err(BusError::Away),
            }
        }
    }

    async fn send(
        &self,
        conversation: &mut Conversation,
        batch: Vec<Outgoing>,
    ) -> Result<(), BusError> {
        let mut commands = Pipeline::with_capacity(batch.len());
        for message in &batch {
            commands
                .cmd(if message.to_shard {
                    "SPUBLISH"
                } else {
                    "PUBLISH"
                })
                .arg(&message.channel[..])
                .arg(&message.payload[..]);
        }
        // Whoever drops this future, the messages are accounted for.
        let mut under_way = UnderWay(self, batch);
        let replies = conversation.ask_all(&commands).await?;
        let batch = std::mem::take(&mut under_way.1);
        self.settle(batch, replies)
    }

    fn settle(&self, batch: Vec<Outgoing>, replies: Vec<Value>) -> Result<(), BusError> {
        let (mut taken, mut end) = (0, Ok(()));
        for (message, reply) in batch.into_iter().zip(replies) {
            let Value::ServerError(error) = reply else {
                taken += 1;
                message.finish(Ok(()));
                continue;
            };
            let code = error.code();
            self.stats.dropped_unanswered.add(1);
            message.finish(Err(BusError::Refused(error.to_string())));
            if matches!(code, "READONLY" | "LOADING" | "MASTERDOWN" | "NOAUTH") {
                end = Err(BusError::Refused(error.to_string()));
            } else {
                warn!(%error, "redis refused a message");
            }
        }
        self.stats.published.add(taken);
        end
    }

    /// Sends a probe, and asks whether this is still the master where that can change.
    async fn check(&self, conversation: &mut Conversation) -> Result<(), BusError> {
        let Some(probe) = &self.probe else {
            return conversation.ask(&redis::cmd("PING")).await.map(drop);
        };
        let number = probe.send(Instant::now());
        let mut commands = Pipeline::new();
        let text = number.to_string();
        commands.cmd("PUBLISH").arg(&probe.channel()[..]).arg(text);
        if self.locator.checks_role() {
            commands.add_command(role());
        }
        let replies = match conversation.ask_all(&commands).await {
            Ok(replies) => replies,
            Err(error) => {
                probe.failed(number);
                return Err(error);
            }
        };
        if let Value::Int(_) = replies[0] {
            probe.taken(number);
        } else {
            probe.failed(number);
        }
        if replies.get(1).is_some_and(|answer| !is_master(answer)) {
            return Err(BusError::Refused("no longer the master".to_owned()));
        }
        Ok(())
    }

    fn drop_rest(&self) {
        let rest = self.queue.take_all();
        self.stats.dropped_closed.add(rest.len());
        for message in rest {
            message.finish(Err(BusError::Closed));
        }
    }
}

async fn wanted(probe: Option<&Arc<Probe>>) {
    match probe {
        Some(probe) => probe.wanted().await,
        None => std::future::pending().await,
    }
}

/// Messages of which nobody knows whether they went out, when dropped.
struct UnderWay<'a>(&'a Shared, Vec<Outgoing>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let batch = std::mem::take(&mut self.1);
        self.0.stats.dropped_unanswered.add(batch.len());
        for message in batch {
            message.finish(Err(BusError::Unanswered("no reply from redis".into())));
        }
    }
}
