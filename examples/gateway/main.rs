//! A NestJS gateway in Rust: rooms that one joins, leaves and speaks in, with the settings and the wire of the
//! README "WebSocket Service". A client written for that README works unchanged.
//!
//! ```sh
//! cargo run --example gateway             # http://127.0.0.1:3000, or PORT
//! curl localhost:3000/usage               # connections, rooms, messages; also /live and /ready
//! ```
//!
//! | file | twin of |
//! |---|---|
//! | `main.rs` | `WebSocketModule.forRoot({…})` |
//! | `gateway.rs` | the class `ChatGateway` with its `@SubscribeMessage` methods |
//! | `service.rs` | the class `WebSocketService` |
//!
//! Rooms with a capacity, closed rooms and records of clients and rooms need state that all nodes share; they
//! are not part of this example.

mod gateway;
mod service;

use std::time::Duration;

use http::{Request, Response, StatusCode};
use switchboard::{
    prelude::{Drain, Listener},
    server::{Body, LoggerConfig},
    socketio::{Io, ServicePreset},
};
use switchboard_examples::{StopSignals, port};
use tracing_subscriber::EnvFilter;

/// The README's object. All of it may be left out: these are the defaults.
///
/// `retryConfig` is for the store, of which there is none here; `keepAlive` for the kernel, but a dead peer is
/// noticed by its missing heartbeats first.
const SETTINGS: &str = r#"{
    "enabled": true,
    "debug": false,
    "path": "/socket.io",
    "port": 3000,
    "transports": ["websocket", "polling"],
    "pingInterval": 25000,
    "pingTimeout": 5000,
    "maxConnections": 1000,
    "ssl": false,
    "keepAlive": true,
    "retryConfig": { "attempts": 3, "delay": 1000, "maxDelay": 5000, "timeout": 10000 },
    "logger": { "level": "info", "pretty": true }
}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = ServicePreset::from_json(SETTINGS)?;
    log(settings.logging());
    if !settings.enabled {
        return Ok(());
    }
    let port = port(settings.port)?;
    let io = Io::new(settings.into_io_config())?;
    gateway::install(&io);

    let health = io.clone();
    let listener = Listener::bind(("127.0.0.1", port), io.config().listener_config()).await?;
    let listener = listener.with_http(move |request| {
        let response = answer(&health, &request);
        async move { response }
    });
    let server = listener.with_io(io).serve_io()?;
    let mut signals = StopSignals::listen()?;
    println!("listening on http://{}/", server.local_addr());

    let signal = signals.next().await;
    println!("{signal}: closing");
    let drain = Drain::per_second(100).until(Duration::from_secs(25));
    tokio::select! {
        report = server.shutdown(drain) => println!("bye; {} closed", report?.closed),
        again = signals.next() => anyhow::bail!("{again} again: ended in the middle of the drain"),
    }
    Ok(())
}

/// What is logged, and how; `RUST_LOG` may ask for more.
fn log(logger: LoggerConfig) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| logger.filter().into());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if logger.pretty {
        lines.init();
    } else {
        lines.with_ansi(false).compact().init();
    }
}

/// `/live`, `/ready` and `/usage`; nothing else is here.
fn answer<B>(io: &Io, request: &Request<B>) -> Response<Body> {
    let health = io.health(request.method(), request.uri().path());
    health.unwrap_or_else(|| {
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    })
}
