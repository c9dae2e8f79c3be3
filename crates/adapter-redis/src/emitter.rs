//! Publishes to a cluster's sockets from a process that has none.

use std::sync::Arc;

use serde::Serialize;
use switchboard_connection::Namespace;
use switchboard_wire::{
    Args, EncodeError, Parser,
    cluster::{Flags, PublishError, To, classic::Channels, emitter},
};

use crate::{
    config::RedisConfig,
    error::{BusError, StartError},
    link::{BusStats, Link, Outgoing},
};

/// Speaks to the clients of all nodes without being one: for workers, jobs, the command line. The same as Node's
/// `@socket.io/redis-emitter` on the wire, so nodes of either make hear it.
///
/// ```no_run
/// use switchboard_adapter_redis::{Emitter, RedisConfig};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let emitter = Emitter::new(RedisConfig::new("redis://127.0.0.1:6379"))?;
/// emitter.to("lobby").emit("news", &("hello", 1))?;
/// emitter.of("/admin")?.sockets_join(&["ops"]).await?;
/// emitter.close().await;
/// # Ok(())
/// # }
/// ```
///
/// Cheap to clone. Needs a tokio runtime. [`emit`](Self::emit) never waits: while Redis is away, what is emitted
/// waits within the bounds of [`RedisConfig`], and losses are counted ([`stats`](Self::stats)).
///
/// Each of `to`, `except`, `of`, `volatile`, `compress` gives a new emitter and leaves this one as it is.
#[derive(Clone, Debug)]
pub struct Emitter {
    link: Arc<Link>,
    key: Arc<str>,
    namespace: Namespace,
    rooms: Vec<String>,
    except: Vec<String>,
    flags: Flags,
}

/// Why an emitter did not emit. Nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitterError {
    /// The data cannot be written as JSON.
    #[error("the data cannot be encoded")]
    Encode(#[from] EncodeError),
    /// The event cannot be written for other nodes.
    #[error("the event cannot be published")]
    Publish(#[from] PublishError),
    /// The way to Redis did not take it.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl EmitterError {
    /// The stable code for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Encode(_) => "NOT_ENCODABLE",
            Self::Publish(error) => error.code(),
            Self::Bus(error) => error.code(),
        }
    }
}

impl Emitter {
    /// An emitter for the namespace `/`. Must be called on a tokio runtime.
    pub fn new(config: RedisConfig) -> Result<Self, StartError> {
        Ok(Self {
            link: Arc::new(Link::publishing(&config)?),
            key: config.key.into(),
            namespace: Namespace::from_static("/"),
            rooms: Vec::new(),
            except: Vec::new(),
            flags: Flags::default(),
        })
    }

    /// Waits until Redis is there. Dropped, nothing is changed.
    pub async fn ready(&self) {
        self.link.ready().await;
    }

    /// What has been carried and lost, by this emitter and its clones.
    pub fn stats(&self) -> BusStats {
        self.link.stats().read()
    }

    /// Speaks to another namespace, without rooms and exceptions. A missing `/` is added.
    pub fn of(&self, namespace: &str) -> Result<Self, switchboard_connection::NameError> {
        let namespace = if namespace.starts_with('/') {
            Namespace::new(namespace)?
        } else {
            Namespace::new(format!("/{namespace}"))?
        };
        Ok(Self {
            link: Arc::clone(&self.link),
            key: Arc::clone(&self.key),
            namespace,
            rooms: Vec::new(),
            except: Vec::new(),
            flags: Flags::default(),
        })
    }

    /// To the members of a room, or of several: one call each.
    pub fn to(&self, room: impl Into<String>) -> Self {
        let mut emitter = self.clone();
        emitter.rooms.push(room.into());
        emitter.rooms.dedup();
        emitter
    }

    /// The same as [`to`](Self::to).
    pub fn in_(&self, room: impl Into<String>) -> Self {
        self.to(room)
    }

    /// Not to the members of a room.
    pub fn except(&self, room: impl Into<String>) -> Self {
        let mut emitter = self.clone();
        emitter.except.push(room.into());
        emitter
    }

    /// What follows may be dropped: here while Redis is away, at nodes for clients that are busy.
    pub fn volatile(&self) -> Self {
        let mut emitter = self.clone();
        emitter.flags = emitter.flags.with_volatile(true);
        emitter
    }

    /// Whether nodes that compress should.
    pub fn compress(&self, compress: bool) -> Self {
        let mut emitter = self.clone();
        emitter.flags = emitter.flags.with_compress(Some(compress));
        emitter
    }

    /// Emits an event. `data` becomes the arguments: a tuple several, anything else one.
    ///
    /// Never waits. `Ok` says that it is in the queue to Redis.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, data: &T) -> Result<(), EmitterError> {
        let packet = Parser::Json.event(self.namespace.as_str(), None, event, data, None)?;
        let message = emitter::broadcast(self.namespace.as_str(), &packet, &self.target())?;
        let outgoing = Outgoing::new(self.channels().of_rooms(&self.rooms), message);
        if self.flags.volatile {
            self.link.publish_volatile(outgoing);
            return Ok(());
        }
        Ok(self.link.try_publish(outgoing)?)
    }

    /// Puts the sockets that are meant into rooms. Ready when Redis has it; dropped before, it may still go out.
    pub async fn sockets_join(&self, rooms: &[impl AsRef<str>]) -> Result<(), EmitterError> {
        self.request(emitter::join(&self.target(), rooms)?).await
    }

    /// Takes them out of rooms.
    pub async fn sockets_leave(&self, rooms: &[impl AsRef<str>]) -> Result<(), EmitterError> {
        self.request(emitter::leave(&self.target(), rooms)?).await
    }

    /// Disconnects them: from the namespace, or with `close` from everything.
    pub async fn disconnect_sockets(&self, close: bool) -> Result<(), EmitterError> {
        self.request(emitter::disconnect(&self.target(), close)?)
            .await
    }

    /// Tells the servers themselves something, not their clients.
    pub async fn server_side_emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<(), EmitterError> {
        let args = Args::of(data)?;
        self.request(emitter::server_side_emit(event, &args)?).await
    }

    /// Lets out what waits, for at most two seconds, and ends this emitter and its clones.
    pub async fn close(&self) {
        self.link.close().await;
    }

    async fn request(&self, message: Vec<u8>) -> Result<(), EmitterError> {
        let channel = self.channels().request().to_owned();
        Ok(self.link.deliver(Outgoing::new(channel, message)).await?)
    }

    fn target(&self) -> To<'_> {
        To::new(&self.rooms, &self.except).with_flags(self.flags)
    }

    fn channels(&self) -> Channels {
        Channels::new(&self.key, self.namespace.as_str())
    }
}
