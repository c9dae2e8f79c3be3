//! Many nodes act as one, over Redis.
//!
//! A client of one server can reach a client of another only if the servers speak to each other. With a
//! [`RedisAdapter`] they do, as Node's `@socket.io/redis-adapter` 8 does, byte for byte: a cluster may hold
//! servers of either make, and a team moves one process at a time. An [`Emitter`] speaks to all clients from
//! a process that has none.
//!
//! # Start here
//!
//! [`RedisAdapter`] is what a server takes, [`RedisConfig`] says where Redis is. Inside, `link` looks after the
//! connections: one publishes from a bounded queue in batches, one listens with a reader of its own; each
//! comes back by itself, and a probe through Redis shows that what was subscribed is heard. `classic` speaks
//! the protocol over it.
//!
//! # What travels where
//!
//! | channel (`key` is `socket.io`) | what |
//! |---|---|
//! | `key#/chat#`, `key#/chat#room#` | events of the namespace `/chat`, for all or for one room |
//! | `key-request#/chat#`, `key-response#/chat#…` | questions to all nodes and their answers, joins, disconnects |
//! | `switchboard:key:nodes` | heartbeats of nodes of ours |
//! | `switchboard:key:node:…` | one node of ours: notices, and answers with the name of who answers |
//! | `switchboard:key:probe:…` | a node's probes, which only itself hears |
//!
//! Node's servers hear nothing on the channels that begin with `switchboard:`.

mod adapter;
mod classic;
mod config;
mod emitter;
mod envelope;
mod error;
mod link;
mod members;
mod questions;

pub use adapter::RedisAdapter;
pub use config::{ConfigError, RedisConfig, RedisUrl, Secret, TlsFiles, Topology};
pub use emitter::{Emitter, EmitterError};
pub use error::{BusError, StartError};
pub use link::BusStats;
#[doc(hidden)]
pub use link::fuzz_reader;
