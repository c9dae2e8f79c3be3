//! The settings of a Socket.IO server.
//!
//! An options object that a Node server was given loads as it is: the same names, camel case, times in
//! milliseconds. Limits of ours stand beside them. Start at [`IoConfig`]; it loads from
//! [JSON](IoConfig::from_json), [TOML](IoConfig::from_toml) and the
//! [environment](IoConfig::from_env). [`ServicePreset`] is the same server under the settings of a
//! packaged WebSocket service.

mod check;
mod cookie;
mod cors;
mod env;
mod io;
mod load;
#[cfg(feature = "logging")]
mod logging;
mod parts;
mod service;
mod setters;
mod switch;
#[cfg(test)]
mod tests;

pub use check::IoConfigError;
pub use cookie::{CookieConfig, SameSite};
pub use cors::{CorsConfig, CorsOrigin};
pub use io::IoConfig;
pub use load::LoadError;
pub use parts::{EngineTransport, HandlerQueue, HttpCompression, Recovery};
pub use service::{LogLevel, LoggerConfig, RetryConfig, ServicePreset, SslConfig};
pub use switchboard_wire::Parser;
