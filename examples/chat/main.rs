//! A chat over plain WebSockets: rooms, private messages, broadcasts, live counts, and a drain one can
//! watch. The page is part of the program.
//!
//! ```sh
//! cargo run --example chat               # http://127.0.0.1:8080/
//! PORT=3000 cargo run --example chat     # another port; 0 lets the system choose
//! RUST_LOG=debug cargo run --example chat
//! ```
//!
//! Open the address in two tabs: each tab is a person of its own. `/?namespace=team-7` is a chat apart
//! from the others. Ctrl-C or SIGTERM closes everybody at a pace (`DRAIN_PER_SECOND`, 100 by default)
//! and then ends; pages show that and come back to the next process.
//!
//! Where to start reading:
//!
//! | file | is |
//! |---|---|
//! | `main.rs` | start-up, who may enter, the end |
//! | `session.rs` | one connection: its messages and what each of them does |
//! | `chat.rs` | what the connections share: who is here, and telling the others |
//! | `numbers.rs` | counters, and the tick that tells them |
//! | `drain.rs` | closing everybody at a pace, with progress |
//! | `protocol.rs` | the messages, both ways, and what is allowed in them; see `PROTOCOL.md` |
//! | `page.rs`, `memory.rs` | the files of the page, a figure for it |

mod chat;
mod drain;
mod memory;
mod numbers;
mod page;
mod protocol;
mod session;

use std::time::Duration;

use http::StatusCode;
use switchboard::{
    pool::{Pool, PoolConfig},
    prelude::*,
};
use switchboard_examples::{StopSignals, log_to_stderr, number, port};

use crate::{
    chat::Chat,
    protocol::{MAX_MESSAGE, MAX_ROOMS, Name},
};

/// Orchestrators kill what has not ended some time after SIGTERM; Kubernetes after 30 s.
const LONGEST_GOODBYE: Duration = Duration::from_secs(25);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();
    let per_second = number("DRAIN_PER_SECOND", 100)?;

    // One room more than people may join: the chat keeps one of its own, see `chat::WELCOMED`.
    let rooms = PoolConfig::default().with_max_rooms_per_connection(MAX_ROOMS + 1);
    let connection = ConnectionConfig::default()
        .with_max_message_size(MAX_MESSAGE)
        .with_max_frame_size(MAX_MESSAGE);
    let config = ListenerConfig::default()
        .with_connection(connection)
        .with_retry_after(drain::REOPEN_AFTER);

    let chat = Chat::new(Pool::new(rooms));
    let listener = Listener::bind(("127.0.0.1", port(8080)?), config)
        .await?
        .with_pool(chat.pool().clone())
        .with_admit(admit)
        .with_http(async |request| page::answer(request.method(), request.uri().path()));

    let sessions = chat.clone();
    let server = listener.serve(move |socket| session::run(sessions.clone(), socket))?;
    let ticker = tokio::spawn(chat.clone().tick(server.endpoint().clone()));

    let mut signals = StopSignals::listen()?;
    println!("listening on http://{}/", server.local_addr());
    let signal = signals.next().await;
    println!(
        "{signal}: closing {per_second} connections a second, {} are open",
        chat.pool().len()
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

/// Whoever names a namespace may enter; the name to go by is kept with the connection.
fn admit(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
    let Some(namespace) = request.namespace.clone() else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_NAMESPACE"));
    };
    let id = ConnectionId::random();
    let asked = request.query("name").and_then(|name| Name::new(name).ok());
    let name = asked.unwrap_or_else(|| Name::guest(&id));
    Ok(Admission::new(Address::new(id, namespace)).with(name))
}
