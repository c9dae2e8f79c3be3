//! Listens to one server, on a connection that carries nothing but subscriptions and pings.
//!
//! So there are no replies that could reach a wrong caller, whatever Redis pushes. Each new connection
//! subscribes everything that is wanted, then a probe must come through Redis before it counts as alive.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use switchboard_connection::Cork;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tracing::{debug, error, info, warn};

use super::{
    backoff::Backoff,
    dial::{Login, Place},
    health::Part,
    locate::Locator,
    probe::Probe,
    resp::{Kind, ProtocolError, Push, Reader},
    stats::Stats,
    topics::{Topic, Topics},
};
use crate::{config::RedisConfig, error::BusError};

/// Gets what comes. Called one message after another; as long as it works, nothing more is read.
pub(crate) trait Sink: Send + Sync + 'static {
    fn message(&self, topic: &Topic, channel: &Bytes, payload: Bytes);

    /// A subscription was taken away by Redis, as when its slot has moved.
    fn lost(&self, _topic: &Topic) {}
}

/// The listening side of a link. Dropped, it ends at once.
#[derive(Debug)]
pub(crate) struct Subscriber {
    topics: Arc<Topics>,
    task: JoinHandle<()>,
}

/// What a subscriber is made of.
pub(crate) struct Parts {
    pub(crate) locator: Arc<Locator>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) health: Part,
    pub(crate) probe: Option<Arc<Probe>>,
    pub(crate) sink: Arc<dyn Sink>,
}

impl Subscriber {
    pub(crate) fn start(config: &RedisConfig, parts: Parts) -> Self {
        let topics = Arc::new(Topics::default());
        if let Some(probe) = &parts.probe {
            topics.add([Topic::channel(probe.channel().clone())]);
        }
        let mut work = Work {
            topics: Arc::clone(&topics),
            parts,
            max_message_size: config.max_message_size,
            interval: config.probe_interval,
            limit: config.probe_interval * 3,
            response_timeout: config.response_timeout,
            connect_timeout: config.connect_timeout,
        };
        let mut backoff = Backoff::new(config.reconnect_min_delay, config.reconnect_max_delay);
        let task = tokio::spawn(async move {
            loop {
                let was_alive = work.session().await;
                if was_alive {
                    backoff.reset();
                }
                sleep(backoff.next()).await;
            }
        });
        Self { topics, task }
    }

    pub(crate) fn topics(&self) -> Arc<Topics> {
        Arc::clone(&self.topics)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Work {
    topics: Arc<Topics>,
    parts: Parts,
    max_message_size: usize,
    interval: Duration,
    limit: Duration,
    response_timeout: Duration,
    connect_timeout: Duration,
}

/// Why a session of listening has ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("redis closed the connection")]
    Closed,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error("redis refused: {0}")]
    Refused(String),
    #[error("probes do not come back")]
    Silent,
    #[error("nothing came for too long")]
    Idle,
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// How many topics go into one command.
const TOPICS_AT_ONCE: usize = 512;

impl Work {
    /// Connects and listens until that ends. Answers whether the subscription was ever alive.
    async fn session(&mut self) -> bool {
        let mut alive = false;
        let end = match self.connect().await {
            Ok((place, stream)) => {
                debug!(%place, "listens to redis");
                let end = self.listen(stream, &mut alive).await;
                self.parts.health.set(false);
                if alive {
                    self.parts.stats.subscriber_breaks.add(1);
                }
                end
            }
            Err(error) => error,
        };
        if alive {
            info!(error = %end, "lost the subscriptions at redis");
        } else {
            warn!(error = %end, "cannot listen to redis");
        }
        alive
    }

    async fn connect(&self) -> Result<(Place, Box<dyn super::dial::Stream>), End> {
        let locator = &self.parts.locator;
        let place = locator.find().await?;
        let stream = locator.dialer().dial(&place).await?;
        Ok((place, stream))
    }

    async fn listen(&mut self, stream: Box<dyn super::dial::Stream>, alive: &mut bool) -> End {
        let (mut input, mut output) = tokio::io::split(stream);
        let mut reader = Reader::new(self.max_message_size);
        let mut session = Session {
            work: self,
            out: BytesMut::new(),
            // A first ping shows that the login was taken.
            pings: 1,
            topics_told: false,
            probed: false,
            alive: false,
        };
        session.begin();
        let started = Instant::now();
        let mut heard = started;
        let mut ticks = interval(session.work.interval.min(session.work.response_timeout));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let writing = !session.out.is_empty();
            let end = tokio::select! {
                read = input.read_buf(reader.buffer()) => match read {
                    Ok(0) => Some(End::Closed),
                    Ok(_) => {
                        heard = Instant::now();
                        session.take(&mut reader).err()
                    }
                    Err(error) => Some(error.into()),
                },
                written = output.write_buf(&mut session.out), if writing => {
                    written.err().map(End::Io)
                }
                () = session.work.topics.changed(), if !writing => {
                    session.tell();
                    None
                }
                _ = ticks.tick() => session.check(started, heard).err(),
            };
            *alive = session.alive;
            if let Some(end) = end {
                return end;
            }
        }
    }
}

/// One connection.
struct Session<'a> {
    work: &'a mut Work,
    /// What is to be written.
    out: BytesMut,
    /// Answers to pings that are to come.
    pings: usize,
    topics_told: bool,
    /// A probe was asked for, after all subscriptions were there.
    probed: bool,
    alive: bool,
}

impl Session<'_> {
    fn begin(&mut self) {
        login(&mut self.out, self.work.parts.locator.login());
        command(&mut self.out, &[b"PING"]);
        if let Some(probe) = &self.work.parts.probe {
            probe.begin();
        }
        self.work.topics.begin();
    }

    /// Tells Redis of changes in what is wanted.
    fn tell(&mut self) {
        if self.pings > 0 && !self.topics_told {
            // Not before the login was taken: then all this would be refused.
            return;
        }
        self.topics_told = true;
        let changes = self.work.topics.take_changes(TOPICS_AT_ONCE);
        // One command for each stretch of the same kind; of shards one each, for each is another slot.
        for group in changes
            .chunk_by(|(a, one), (b, two)| one == two && a.kind == b.kind && a.kind != Kind::Shard)
        {
            let (first, subscribe) = &group[0];
            let mut words: Vec<&[u8]> = vec![verb(first.kind, *subscribe)];
            words.extend(group.iter().map(|(topic, _)| &topic.name[..]));
            command(&mut self.out, &words);
        }
        if changes.len() == TOPICS_AT_ONCE {
            self.work.topics.wake();
        }
        self.settle();
    }

    /// Takes what has been read: one turn for all of it.
    fn take(&mut self, reader: &mut Reader) -> Result<(), End> {
        let _turn = Cork::new();
        while let Some(push) = reader.next()? {
            self.push(push)?;
        }
        Ok(())
    }

    fn push(&mut self, push: Push) -> Result<(), End> {
        let parts = &self.work.parts;
        match push {
            Push::Message {
                kind,
                topic,
                channel,
                payload,
            } => match &parts.probe {
                Some(probe) if channel == *probe.channel() => self.probe_came(&payload),
                _ => {
                    parts.stats.received.add(1);
                    let topic = Topic { kind, name: topic };
                    let call = || parts.sink.message(&topic, &channel, payload);
                    if catch_unwind(AssertUnwindSafe(call)).is_err() {
                        error!("a message of another node made a handler panic");
                    }
                }
            },
            Push::Oversized { channel } => {
                parts.stats.oversized.add(1);
                warn!(channel = %channel.escape_ascii(), "a message is larger than maxMessageSize");
            }
            Push::Subscribed { kind, topic } => {
                self.work.topics.subscribed(&Topic { kind, name: topic });
                self.settle();
            }
            Push::Unsubscribed { kind, topic } => {
                let topic = Topic { kind, name: topic };
                if self.work.topics.unsubscribed(&topic) {
                    parts.sink.lost(&topic);
                }
            }
            Push::Pong => {
                self.pings = self.pings.saturating_sub(1);
                if !self.topics_told {
                    self.tell();
                }
            }
            Push::Okay => {}
            Push::Error(text) => {
                return Err(End::Refused(String::from_utf8_lossy(&text).into_owned()));
            }
        }
        Ok(())
    }

    /// All subscriptions are there: now a probe is to show that they live.
    fn settle(&mut self) {
        if self.probed || !self.topics_told || !self.work.topics.all_confirmed() {
            return;
        }
        self.probed = true;
        match &self.work.parts.probe {
            Some(probe) => probe.want(),
            None => self.is_alive(),
        }
    }

    fn probe_came(&mut self, payload: &[u8]) {
        let parts = &self.work.parts;
        let number = std::str::from_utf8(payload)
            .ok()
            .and_then(|text| text.parse().ok());
        let came = number.zip(parts.probe.as_ref());
        let Some(lag) = came.and_then(|(number, probe)| probe.came(number, Instant::now())) else {
            return;
        };
        parts.stats.lag(lag);
        if self.probed {
            self.is_alive();
        }
    }

    fn is_alive(&mut self) {
        if !self.alive {
            self.alive = true;
            info!(topics = self.work.topics.len(), "hears redis");
            self.work.parts.health.set(true);
        }
    }

    fn check(&mut self, started: Instant, heard: Instant) -> Result<(), End> {
        let (now, limit) = (Instant::now(), self.work.limit);
        if let Some(probe) = &self.work.parts.probe
            && probe.is_overdue(now, limit)
        {
            return Err(End::Silent);
        }
        if !self.topics_told && now.duration_since(started) > self.work.connect_timeout {
            return Err(End::Idle);
        }
        if now.duration_since(heard) > limit.max(self.work.connect_timeout) {
            return Err(End::Idle);
        }
        if now.duration_since(heard) > self.work.interval && self.pings == 0 {
            self.pings += 1;
            command(&mut self.out, &[b"PING"]);
        }
        Ok(())
    }
}

fn verb(kind: Kind, subscribe: bool) -> &'static [u8] {
    match (kind, subscribe) {
        (Kind::Channel, true) => b"SUBSCRIBE",
        (Kind::Channel, false) => b"UNSUBSCRIBE",
        (Kind::Pattern, true) => b"PSUBSCRIBE",
        (Kind::Pattern, false) => b"PUNSUBSCRIBE",
        (Kind::Shard, true) => b"SSUBSCRIBE",
        (Kind::Shard, false) => b"SUNSUBSCRIBE",
    }
}

fn login(out: &mut BytesMut, login: &Login) {
    match (&login.user, &login.password) {
        (Some(user), Some(password)) => {
            command(out, &[b"AUTH", user.as_bytes(), password.as_bytes()]);
        }
        (None, Some(password)) => command(out, &[b"AUTH", password.as_bytes()]),
        (_, None) => {}
    }
}

fn command(out: &mut BytesMut, words: &[&[u8]]) {
    out.put_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.put_slice(format!("${}\r\n", word.len()).as_bytes());
        out.put_slice(word);
        out.put_slice(b"\r\n");
    }
    debug_assert!(out.has_remaining());
}
