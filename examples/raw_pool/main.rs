//! The README of `@soketi/connections`, line by line, in Rust.
//!
//! ```sh
//! cargo run --example raw_pool             # listens on ws://localhost:8080; PORT overrides
//! cargo run --example raw_pool -- --demo   # the same, and a tour that dials it, prints each step, ends
//! ```
//!
//! Clients of that README connect unchanged, from a browser's console or from Node:
//!
//! ```js
//! const ws = new WebSocket('ws://localhost:8080');
//! ws.addEventListener('message', ({ data }) => console.log(data));
//! ws.addEventListener('open', () => ws.send('Hello world!'));
//! ```
//!
//! Each is greeted, and what one says all of them hear. Ctrl-C or SIGTERM drains and ends.
//!
//! This file is the server: the README's connection and pool as a listener gives them to you. `tour.rs`
//! has every snippet of the README, on connections that it dials and a pool that it fills itself; there
//! the comments name the snippet beside its Rust twin.

mod tour;

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::bail;
use switchboard::prelude::*;
use switchboard_examples::{StopSignals, log_to_stderr, port};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let demo = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--demo") => true,
        Some(other) => bail!("unknown argument {other}; the only one is --demo"),
    };

    let mut signals = StopSignals::listen()?;
    let server = listen(port(8080)?).await?;
    println!("listening on ws://localhost:{}", server.local_addr().port());

    if demo {
        tour::run(&server).await?;
    } else {
        println!("{}: draining", signals.next().await);
    }

    // "Draining the pool": at most 10 a second, with that reason and code.
    let farewell = Disconnect::new(1000, "Closed by the server.");
    let report = server
        .shutdown(Drain::per_second(10).disconnect(farewell))
        .await?;
    println!("{} closed, {} left", report.closed, report.left.len());
    Ok(())
}

/// A server at `ws://localhost:<port>/`, where every connection is in the namespace "default".
async fn listen(port: u16) -> anyhow::Result<Server> {
    let config = ListenerConfig::default().with_path("/");
    let listener = Listener::bind(("127.0.0.1", port), config)
        .await?
        .with_admit(admit());
    let pool = listener.pool().clone();

    let server = listener.serve(move |mut connection| {
        let pool = pool.clone();
        async move {
            // "Connections": the id and the namespace were decided in `admit`. The pool holds the
            // connection from here until this block ends.
            let address = connection.address().clone();

            // connection.send('Hello world!'). What fails here ends the loop below too.
            connection.send("Hello world!").await.ok();

            // connection.on('message', …)
            while let Some(event) = connection.next().await {
                if let Event::Text(message) = event {
                    println!("server: {} says {message}", address.id);
                    // pool.broadcastMessage('default', …)
                    pool.namespace("default").send(message);
                }
            }
        }
    })?;
    Ok(server)
}

/// Gives out '1', '2', '3' …: an id has to be unique in its namespace.
fn admit() -> impl Fn(&UpgradeRequest<'_>) -> Result<Admission, Refusal> + Send + Sync {
    let last = AtomicU64::new(0);
    move |_| {
        let number = last.fetch_add(1, Ordering::Relaxed) + 1;
        let id = ConnectionId::new(number.to_string()).expect("digits are a name");
        Ok(Admission::new(Address::new(
            id,
            Namespace::from_static("default"),
        )))
    }
}
