//! Socket.IO: the same commands as events.

use serde::{Deserialize, Serialize};
use switchboard::{
    prelude::*,
    redis::{RedisAdapter, RedisConfig},
    socketio::{Data, HandlerError, Io, IoConfig, Namespace, Parser, Socket},
};

/// What a broadcast carries. Clients look for `seq` near the front, so the order counts.
#[derive(Deserialize, Serialize)]
struct Message {
    seq: u64,
    pad: String,
}

#[derive(Deserialize)]
struct ToRoom {
    room: String,
    seq: u64,
    pad: String,
}

pub(crate) async fn run(port: u16, parser: Parser, redis: Option<String>) -> anyhow::Result<()> {
    let config = IoConfig::default()
        .with_parser(parser)
        .with_message_rate(None)
        .with_control_rate(None)
        .with_connect_rate(None);
    let mut io = Io::builder(config);
    if let Some(url) = redis {
        io = io.with_adapter(RedisAdapter::new(RedisConfig::new(url))?);
    }
    let io = io.build()?;
    io.root()
        .on(
            "bcast",
            async |namespace: Namespace, Data(message): Data<Message>| {
                namespace.emit("b", &message).map(drop)
            },
        )
        .on(
            "room",
            async |namespace: Namespace, Data(to): Data<ToRoom>| {
                let ToRoom { room, seq, pad } = to;
                namespace
                    .to(room)
                    .emit("b", &Message { seq, pad })
                    .map(drop)
            },
        )
        .on("join", join)
        .on("echo", async |socket: Socket, Data(text): Data<String>| {
            socket.emit("echo", &text).await
        });
    let listener = Listener::bind(("127.0.0.1", port), io.config().listener_config()).await?;
    let _server = listener.with_io(io).serve_io()?;
    println!("listening on 127.0.0.1:{port}");
    std::future::pending().await
}

async fn join(socket: Socket, Data(room): Data<String>) -> Result<(), HandlerError> {
    socket.join(room.as_str())?;
    Ok(socket.emit("joined", &room).await?)
}
