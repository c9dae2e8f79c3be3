//! x
mod config;
mod error;
mod link;
pub use config::{
    ConfigError, Mode, RedisConfig, RedisUrl, Secret, SubscriptionMode, TlsFiles, Topology,
};
pub use error::{BusError, StartError};
pub use link::BusStats;
#[doc(hidden)]
pub use link::fuzz_reader;
