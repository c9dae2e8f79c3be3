//! A server for load generators, on the product's public API alone and with its default settings; only
//! the limits on message and connection rates are lifted.
//!
//! `bench-server --mode raw --port PORT [--workers N]` listens on 127.0.0.1 and prints a line that
//! contains `listening`. What a client may send stands in `benches/README.md`.

use std::fmt::Write as _;

use clap::{Parser, ValueEnum};
use switchboard::prelude::*;

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
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Plain WebSockets on `/`.
    Raw,
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
    match options.mode {
        Mode::Raw => runtime.block_on(raw(options.port)),
    }
}

async fn raw(port: u16) -> anyhow::Result<()> {
    let config = ListenerConfig::default()
        .with_path("/")
        .with_connect_rate(None)
        .with_connection(ConnectionConfig::default().with_message_rate(None));
    let everybody = Namespace::from_static("/");
    let namespace = everybody.clone();
    let listener = Listener::bind(("127.0.0.1", port), config)
        .await?
        .with_admit(move |_: &UpgradeRequest<'_>| Ok(Admission::to(namespace.clone())));
    let pool = listener.pool().clone();
    let _server = listener.serve(move |socket| serve(socket, pool.clone(), everybody.clone()))?;
    println!("listening on 127.0.0.1:{port}");
    std::future::pending().await
}

async fn serve(mut socket: WebSocket, pool: Pool, everybody: Namespace) {
    let connection = socket.connection();
    while let Some(event) = socket.next().await {
        let Event::Text(text) = event else { continue };
        if let Some(rest) = text.strip_prefix("bcast:") {
            if let Some(frame) = padded(rest) {
                pool.namespace(&everybody).send(frame);
            }
        } else if let Some(rest) = text.strip_prefix("room:") {
            if let Some((room, rest)) = rest.split_once(':')
                && let Some(frame) = padded(rest)
            {
                pool.namespace(&everybody).to(room).send(frame);
            }
        } else if let Some(name) = text.strip_prefix("join:") {
            let Ok(room) = Room::new(name) else { continue };
            if pool.join(&connection, &room).is_ok() {
                connection.send(format!("joined:{name}")).await.ok();
            }
        } else if text.starts_with("echo:") {
            connection.send(text).await.ok();
        }
    }
}

/// The frame for `<P>:<seq>`: `b:<seq>:` padded with `x` to P bytes.
fn padded(request: &str) -> Option<Frame> {
    let (size, seq) = request.split_once(':')?;
    let size = size
        .parse::<usize>()
        .ok()
        .filter(|size| *size <= 1_000_000)?;
    let mut text = String::with_capacity(size);
    write!(text, "b:{seq}:").ok()?;
    text.push_str(&"x".repeat(size.saturating_sub(text.len())));
    Some(Frame::text(text))
}
