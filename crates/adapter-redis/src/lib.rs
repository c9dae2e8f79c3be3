//! x
mod adapter;
mod classic;
mod config;
mod envelope;
mod error;
mod link;
mod members;
mod questions;

pub use adapter::RedisAdapter;
pub use config::{ConfigError, RedisConfig, RedisUrl, Secret, TlsFiles, Topology};
pub use error::{BusError, StartError};
pub use link::BusStats;
#[doc(hidden)]
pub use link::fuzz_reader;
