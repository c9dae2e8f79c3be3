//! What the examples share, so that each of them shows only its own subject.
//!
//! Each example is a program of its own: `cargo run --example chat`, `cargo run --example raw_pool`.

mod client_files;
mod stop;

use anyhow::Context;

pub use client_files::client_dir;
pub use stop::StopSignals;

/// The port to listen on: `PORT` from the environment, or `default`. Port 0 lets the system choose.
pub fn port(default: u16) -> anyhow::Result<u16> {
    number("PORT", default)
}

/// A number from the environment, or `default` where `name` is not set.
pub fn number<T>(name: &str, default: T) -> anyhow::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{name} is not a usable number: {text}")),
        Err(_) => Ok(default),
    }
}

/// Writes what the library logs to the standard error: warnings, or what `RUST_LOG` asks for.
pub fn log_to_stderr() {
    use tracing_subscriber::{EnvFilter, filter::LevelFilter};
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
