//! A chat: rooms, who is here, private messages, broadcasts, live counts, and a drain one can watch. The
//! page is part of the program. It uses the stock `socket.io-client` from npm; where there is none, plain
//! WebSockets. Both are served on one port, and people of both meet in the same rooms.
//!
//! ```sh
//! cargo run --example chat               # http://127.0.0.1:8080/
//! PORT=3000 cargo run --example chat     # another port; 0 lets the system choose
//! RUST_LOG=debug cargo run --example chat
//! SOCKET_IO_CLIENT=off cargo run --example chat    # plain WebSockets only, no npm
//! ```
//!
//! Open the address in two tabs: each tab is a person of its own. `/?namespace=team-7` is a chat apart
//! from the others, `/?plain` uses a plain WebSocket. Ctrl-C or SIGTERM closes everybody at a pace
//! (`DRAIN_PER_SECOND`, 100 by default) and then ends; pages show that and come back to the next process.
//!
//! The first run installs `socket.io-client` with npm (for at most `NPM_SECONDS`, 60 by default) below
//! cargo's target directory; `SOCKET_IO_CLIENT` names another directory to find it or to install it in.
//!
//! Where to start reading:
//!
//! | file | is |
//! |---|---|
//! | `main.rs` | start-up and the end |
//! | `socket_io.rs` | the way in over Socket.IO: handlers |
//! | `plain.rs` | the way in over plain WebSockets: one loop |
//! | `actions.rs` | what each message does, whatever way it came |
//! | `presence.rs` | one person: name, welcome, changes, farewell |
//! | `people.rs` | who is here, by name, and in which rooms |
//! | `chat.rs`, `audience.rs`, `way.rs` | what all share; telling many, and telling one |
//! | `numbers.rs` | counters, and the tick that tells them |
//! | `drain.rs` | closing everybody at a pace, with progress |
//! | `protocol.rs`, `rules.rs` | the messages, and what is allowed in them; see `PROTOCOL.md` |
//! | `client.rs` | brings `socket.io-client` in |
//! | `page.rs`, `memory.rs` | the files of the page, a figure for it |

mod actions;
mod audience;
mod chat;
mod client;
mod drain;
mod fate;
mod memory;
mod numbers;
mod page;
mod people;
mod plain;
mod presence;
mod protocol;
mod rules;
mod socket_io;
mod way;

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use switchboard::{
    prelude::*,
    socketio::{HandlerError, Io, IoConfig, Recovery},
};
use switchboard_examples::{StopSignals, log_to_stderr, number, port};

use crate::{
    chat::{Chat, Shared},
    rules::{MAX_MESSAGE, MAX_ROOMS},
};

/// Orchestrators kill what has not ended some time after SIGTERM; Kubernetes after 30 s.
const LONGEST_GOODBYE: Duration = Duration::from_secs(25);

/// One room more than people may join: the chat keeps one of its own, see [`chat::WELCOMED`].
const ROOMS: usize = MAX_ROOMS + 1;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let per_second = number("DRAIN_PER_SECOND", 100)?;
    let npm = Duration::from_secs(number("NPM_SECONDS", 60)?);
    let client = client::find_or_install(npm).await;

    let node = NodeId::random();
    let pool = Pool::new(PoolConfig::default().with_max_rooms_per_connection(ROOMS));
    let io = Io::builder(socket_io(client))
        .with_node_id(node.clone())
        .with_state(Shared::new(pool.clone(), node))
        .build()?;
    io.middleware(async || {
        Err::<(), _>(HandlerError::new(
            "Enter a namespace of the chat, such as /chat",
        ))
    });
    socket_io::install(&io);

    let chat = Chat::of(io.clone()).context("the state was given above")?;
    let listener = Listener::bind(("127.0.0.1", port(8080)?), plain_websockets())
        .await?
        .with_pool(pool)
        .with_io(io)
        .with_admit(plain::admit)
        .with_http(async |request| page::answer(request.method(), request.uri().path()));
    let sessions = chat.clone();
    let server = listener.serve(move |socket| plain::run(sessions.clone(), socket))?;
    let ticker = tokio::spawn(chat.clone().tick());

    let mut signals = StopSignals::listen()?;
    println!("listening on http://{}/", server.local_addr());
    let signal = signals.next().await;
    println!(
        "{signal}: closing {per_second} connections a second, {} are open",
        chat.connections()
    );

    let goodbye = async {
        // The pages see how far it is. Without that wish the next line alone would do.
        chat.say_goodbye(per_second, LONGEST_GOODBYE).await;
        server
            .shutdown(Drain::per_second(per_second).until(Duration::from_secs(1)))
            .await
    };
    tokio::select! {
        report = goodbye => println!("bye; {} left behind", report?.left.len()),
        again = signals.next() => anyhow::bail!("{again} again: ended in the middle of the drain"),
    }
    ticker.abort();
    Ok(())
}

/// The settings of Socket.IO; the browser's client is served from `client`.
fn socket_io(client: Option<PathBuf>) -> IoConfig {
    // Middlewares decide about names, also of those who come back to one that was taken meanwhile.
    let recovery = Recovery::default().with_skip_middlewares(false);
    let config = IoConfig::default()
        .with_connection_state_recovery(Some(recovery))
        .with_max_http_buffer_size(MAX_MESSAGE)
        .with_max_rooms_per_socket(Some(ROOMS))
        .with_retry_after(drain::REOPEN_AFTER);
    match client {
        Some(directory) => config.with_client_dir(directory),
        None => config,
    }
}

/// The settings of the listener, and of plain WebSockets.
fn plain_websockets() -> ListenerConfig {
    let connection = ConnectionConfig::default()
        .with_max_message_size(MAX_MESSAGE)
        .with_max_frame_size(MAX_MESSAGE);
    ListenerConfig::default()
        .with_connection(connection)
        .with_retry_after(drain::REOPEN_AFTER)
}
