//! A chat beside REST routes in axum, on one port: sockets, HTTP handlers that send to sockets, health for
//! an orchestrator, and an end that brings nobody back in the same second.
//!
//! ```sh
//! cargo run --example axum                # http://127.0.0.1:8080/, in two tabs
//! curl -X POST localhost:8080/notify/ann -H 'content-type: application/json' -d '{"text":"Lunch!"}'
//! curl localhost:8080/usage
//! ```
//!
//! | file | is |
//! |---|---|
//! | `main.rs` | start-up and the end |
//! | `rest.rs` | the HTTP routes, and Socket.IO as a layer around them |
//! | `chat.rs` | the sockets: who enters, and what each event does |
//! | `index.html` | the page; the stock client comes from the server itself |
//!
//! `PORT` says where to listen, `DRAIN_PER_SECOND` (100) how fast everybody is sent away at SIGTERM or Ctrl-C,
//! `CLIENT_DIR` where the files of the stock client are, if not where `cargo xtask setup` puts them.

mod chat;
mod rest;

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use switchboard::{
    prelude::Drain,
    socketio::{Io, IoConfig},
};
use switchboard_examples::{StopSignals, client_dir, log_to_stderr, number, port};
use tokio::{net::TcpListener, sync::oneshot};

/// Orchestrators kill what has not ended some time after SIGTERM; Kubernetes after 30 s.
const LONGEST_GOODBYE: Duration = Duration::from_secs(25);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let per_second = number("DRAIN_PER_SECOND", 100)?;

    let mut config = IoConfig::default();
    if let Some(directory) = client_dir() {
        config = config.with_client_dir(directory);
    }
    let io = Io::builder(config)
        .with_state(chat::Messages::default())
        .build()?;
    chat::install(&io);

    let app = rest::routes(&io).into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind(("127.0.0.1", port(8080)?)).await?;
    let address = listener.local_addr()?;
    let mut signals = StopSignals::listen()?;
    let (stop, stopped) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        stopped.await.ok();
    });
    let server = tokio::spawn(server.into_future());
    println!("listening on http://{address}/");

    let signal = signals.next().await;
    let clients = io.clients();
    println!("{signal}: closing {per_second} of {clients} clients a second");
    let goodbye = async {
        // From here on `/ready` is 503 and newcomers are, too; all other requests are still answered.
        let drained = io.drain(Drain::per_second(per_second).until(LONGEST_GOODBYE))?;
        let report = drained.await;
        // Who is left at the deadline goes now.
        io.close().await;
        stop.send(()).ok();
        server.await.context("axum ends")??;
        anyhow::Ok(report)
    };
    tokio::select! {
        report = goodbye => println!("bye; {} closed at the pace", report?.closed),
        // Whoever asks twice does not want to wait.
        again = signals.next() => anyhow::bail!("{again} again: ended in the middle of the drain"),
    }
    Ok(())
}
