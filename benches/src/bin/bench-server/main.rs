//! A server for load generators, on the product's public API alone and with its default settings; only
//! the limits on message and connection rates are lifted.
//!
//! `bench-server --mode raw|sio|sio-msgpack --port PORT [--workers N] [--redis URL]` listens on 127.0.0.1 and prints
//! a line that contains `listening`. What a client may send stands in `benches/README.md`.

mod raw;
mod sio;

use clap::{Parser, ValueEnum};
use switchboard::socketio;

#[derive(Parser)]
struct Options {
    /// What is spoken.
    #[arg(long, value_enum, default_value = "raw")]
    mode: Mode,
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// Worker threads; default: one per processor this process may use.
    #[arg(long)]
    workers: Option<usize>,
    /// A Redis over which several of these are one cluster; Socket.IO only.
    #[arg(long)]
    redis: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Plain WebSockets on `/`.
    Raw,
    /// Socket.IO on `/socket.io/`, packets as JSON.
    Sio,
    /// Socket.IO on `/socket.io/`, packets as `MessagePack`.
    SioMsgpack,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let workers = options
        .workers
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let runtime = match workers {
        Some(1) | None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        Some(workers) => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()?,
    };
    let redis = options.redis;
    anyhow::ensure!(
        redis.is_none() || !matches!(options.mode, Mode::Raw),
        "--redis needs Socket.IO"
    );
    match options.mode {
        Mode::Raw => runtime.block_on(raw::run(options.port)),
        Mode::Sio => runtime.block_on(sio::run(options.port, socketio::Parser::Json, redis)),
        Mode::SioMsgpack => {
            runtime.block_on(sio::run(options.port, socketio::Parser::Msgpack, redis))
        }
    }
}
