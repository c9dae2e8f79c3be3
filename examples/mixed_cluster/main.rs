//! One node of a cluster in which nodes of Node take part: start some of these and some of
//! `tests-node/cluster-node.mjs` on one Redis, and any client can have any of them do each operation.
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1:6379 NAME=rust cargo run --example mixed_cluster
//! ```
//!
//! A client joins a room with the event `join`, sets its data with `set-data`, and orders with `op` what its
//! node is to do: an object with `op` and what that needs (`Order`), answered by an ack.

mod op;

use std::time::Duration;

use switchboard::{
    prelude::*,
    redis::{Emitter, RedisAdapter, RedisConfig},
    socketio::{Ack, Data, HandlerError, Io, IoConfig, Socket, Value},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    switchboard_examples::log_to_stderr();
    let port = switchboard_examples::port(0)?;
    let name = std::env::var("NAME").unwrap_or_else(|_| "rust".to_owned());
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let specific = std::env::var("SPECIFIC_CHANNEL").is_ok();
    let redis = RedisConfig::new(url)
        .with_requests_timeout(Duration::from_secs(2))
        .with_publish_on_specific_response_channel(specific);
    let emitter = Emitter::new(redis.clone())?;
    let io = Io::builder(IoConfig::default())
        .with_adapter(RedisAdapter::new(redis)?)
        .with_state(emitter.clone())
        .build()?;
    for namespace in [io.root(), io.of("/admin")] {
        serve(&namespace, &name);
    }
    // Answered once this node hears the others.
    let _ = io.root().server_count().await;
    emitter.ready().await;
    let listener = Listener::bind(("127.0.0.1", port), io.config().listener_config()).await?;
    let address = listener.local_addr()?;
    let _server = listener.with_io(io.clone()).serve_io()?;
    println!("listening on http://{address}");
    tokio::signal::ctrl_c().await?;
    io.close().await;
    Ok(())
}

fn serve(namespace: &switchboard::socketio::Namespace, name: &str) {
    namespace
        .on(
            "join",
            async |socket: Socket, Data(room): Data<String>, ack: Ack| {
                socket.join(room)?;
                ack.send(&"ok")?;
                Ok::<_, HandlerError>(())
            },
        )
        .on(
            "set-data",
            async |socket: Socket, Data(data): Data<Value>, ack: Ack| {
                socket.set_data(data);
                ack.send(&"ok")
            },
        )
        .on("op", op::run);
    let name = name.to_owned();
    namespace.on_server_side("ask", move |event| {
        let name = name.clone();
        async move { event.reply(&name) }
    });
    namespace.on_server_side("say", async |event| {
        event
            .namespace()
            .local()
            .emit("server-said", event.args())
            .map(drop)
    });
}
