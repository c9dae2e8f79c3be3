//! No secret is ever logged: everything is captured, at every level, while clients say secrets wherever they
//! can.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use switchboard_pool::Drain;
use switchboard_server::{
    Ack, AdmitClient, DisconnectReason, HandlerError, Handshake, Io, IoConfig, Recovery, Socket,
    extract::{Auth, Data},
};
use switchboard_testkit::{RawClient, TestClient};
use switchboard_wire::Args;
use tokio::time::sleep;
use tokio_tungstenite::{client_async, tungstenite::Message};
use tracing_subscriber::fmt::format::FmtSpan;

/// Where each of them is said.
const SECRETS: [&str; 11] = [
    "s3cretquery",
    "s3cretcookie",
    "s3cretauthorization",
    "s3cretauth",
    "s3cretevent",
    "s3cretack",
    "s3cretbinary",
    "s3cretroom",
    "s3cretnamespace",
    "s3cretpacket",
    "s3cretmadeupsid",
];

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything of every crate, and what is logged by `log`; but for the clients' own WebSockets, which are
    /// not the server's.
    fn capture() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        tracing_log::LogTracer::builder()
            .ignore_crate("tungstenite::handshake::client")
            .ignore_crate("tungstenite::protocol")
            .ignore_crate("tokio_tungstenite")
            .init()
            .unwrap();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[derive(Debug)]
struct Hook;

#[async_trait::async_trait]
impl AdmitClient for Hook {
    async fn admit(&self, handshake: &Handshake) -> Result<(), HandlerError> {
        match handshake.query("refuse") {
            Some(_) => Err(HandlerError::new(format!("not with {}", handshake.url()))),
            None => Ok(()),
        }
    }
}

fn server() -> Io {
    let config = IoConfig::default()
        .with_connection_state_recovery(Some(Recovery::default()))
        .with_max_http_buffer_size(10_000)
        .with_outbox_messages(8)
        .with_max_rooms_per_socket(Some(1));
    let io = Io::builder(config).with_admit(Hook).build().unwrap();
    io.on_connect(async |socket: Socket| socket.join("s3cretroom"));
    io.on_disconnect(async |_: DisconnectReason| ());
    io.on("echo", async |args: Args, ack: Ack| ack.send(&args));
    io.on("number", async |Data(_): Data<u32>| ());
    io.on("read", async |args: Args| {
        args.read::<u32>()?;
        Ok::<_, HandlerError>(())
    });
    io.on("auth", async |socket: Socket| {
        socket.auth::<u32>()?;
        Ok::<_, HandlerError>(())
    });
    io.on("unwrap", async |args: Args| {
        args.read::<u32>().unwrap();
    });
    io.on("ask", async |socket: Socket| {
        socket
            .emit_with_ack::<u32, _>("question", "s3cretevent")
            .await?;
        Ok::<_, HandlerError>(())
    });
    io.on("join", async |socket: Socket, Data(room): Data<String>| {
        socket.join(room)
    });
    let admin = io.of("/admin");
    admin.middleware(async |Auth(auth): Auth<serde_json::Value>| {
        if auth["kind"] == "read" {
            serde_json::from_value::<u32>(auth["token"].clone())?;
        }
        Err::<(), _>(HandlerError::new(format!("not with {auth}")))
    });
    io.of("/typed").middleware(async |Auth(_): Auth<u32>| ());
    io
}

async fn talk(io: &Io, client: TestClient) {
    for event in ["echo", "number", "read", "auth", "unwrap", "unheard"] {
        client.emit(event, "s3cretevent");
        client.emit(event, &json!({"s3cretevent": ["s3cretevent"]}));
        let bytes = serde_bytes::Bytes::new(b"s3cretbinary");
        client.emit(event, &("s3cretevent", bytes));
    }
    client.emit("join", "s3cretroom");
    client.emit("join", &"s3cretroom".repeat(100));
    client.emit("ask", &());
    client.expect_question("question").await.reply("s3cretack");
    let answer: Args = client.emit_with_ack("echo", "s3cretevent").await;
    assert_eq!(answer.read::<String>().unwrap(), "s3cretevent");
    io.root().everybody().sockets_join(["s3cretroom2"]).await;
    io.to("s3cretroom").emit("news", "s3cretevent").unwrap();
    client.expect("news").await;
    let token = json!({"token": "s3cretauth"});
    client.refused("/admin", &token).await;
    client
        .refused("/admin", &json!({"token": "s3cretauth", "kind": "read"}))
        .await;
    client.refused("/typed", &token).await;
    client.refused("/s3cretnamespace", &token).await;
    client.drop_transport();
    while io
        .root()
        .everybody()
        .local_sockets()
        .iter()
        .any(|socket| **socket.id() == *client.id())
    {
        sleep(Duration::from_millis(10)).await;
    }
    let client = client.reconnect(io).await;
    // A slow consumer.
    client.stop_reading();
    let socket = io.root().to(client.id()).local_sockets().pop().unwrap();
    for _ in 0..50 {
        socket.try_emit("news", &"s3cretevent".repeat(1_000)).ok();
    }
    while socket.is_connected() {
        sleep(Duration::from_secs(1)).await;
    }
}

/// Tells the session's id.
async fn misbehave(client: RawClient, packet: &str) -> String {
    client.send("40{\"token\":\"s3cretauth\"}");
    client.send(packet);
    client.send_binary("s3cretbinary");
    sleep(Duration::from_secs(1)).await;
    client.greeting().sid.clone()
}

/// A client that polls, and then changes to a WebSocket, or is told that it may not.
async fn upgrade(io: &Io, packet: &str) -> String {
    let polls = TestClient::builder().polling().open(io).await;
    let sid = polls.greeting().sid.clone();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = io.clone();
    tokio::spawn(async move { server.serve_connection(theirs, None).await });
    let path = io.config().engine_path();
    let url = format!("ws://localhost{path}?EIO=4&transport=websocket&sid={sid}");
    let (mut socket, _) = client_async(url, ours).await.unwrap();
    socket.send(Message::text("2probe")).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket.send(Message::text(packet)).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    sid
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_logged() {
    std::panic::set_hook(Box::new(|_| {}));
    let log = Log::capture();
    let io = server();
    let builder = || {
        TestClient::builder()
            .query("token", "s3cretquery")
            .header("cookie", "session=s3cretcookie")
            .header("authorization", "Bearer s3cretauthorization")
            .auth(&json!({"token": "s3cretauth"}))
    };
    let mut secrets: Vec<String> = SECRETS.map(str::to_owned).to_vec();
    for polls in [false, true] {
        let builder = || {
            if polls {
                builder().polling()
            } else {
                builder()
            }
        };
        let client = builder().connect(&io).await;
        secrets.extend(client.pid().map(str::to_owned));
        talk(&io, client).await;
        for packet in [
            "42[\"echo\",s3cretpacket",
            "4s3cretpacket",
            "9s3cretpacket",
            "45s3cretpacket-",
            "451-[\"echo\",{\"_placeholder\":true,\"num\":0},\"s3cretpacket\"]",
        ] {
            secrets.push(misbehave(builder().open(&io).await, packet).await);
        }
        // Requests that are refused.
        let made_up = builder().query("sid", "s3cretmadeupsid");
        assert!(made_up.try_connect(&io).await.is_err());
        assert!(
            builder()
                .query("refuse", "1")
                .try_connect(&io)
                .await
                .is_err()
        );
        let origin = builder().header("origin", "https://s3cretquery.example");
        drop(origin.try_connect(&io).await);
        let pid = builder().auth(&json!({"pid": "s3cretauth", "offset": "s3cretauth"}));
        drop(pid.connect(&io).await);
    }
    secrets.push(upgrade(&io, "5").await);
    secrets.push(upgrade(&io, "4s3cretpacket").await);
    let last = builder().connect(&io).await;
    io.drain(Drain::per_second(100)).unwrap().await;
    assert!(builder().try_connect(&io).await.is_err());
    io.close().await;
    drop(last);

    let text = log.text();
    for said in documented() {
        assert!(text.contains(&said), "nobody said `{said}`");
    }
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

/// What must have been logged, so that silence proves something.
fn documented() -> Vec<String> {
    [
        "session{client=",
        "handler{kind=\"event\"",
        "entry{socket=",
        "request{method=GET",
        "session opened",
        "session ended",
        "socket entered",
        "socket left",
        "socket refused",
        "slow consumer",
        "upgraded to a WebSocket",
        "not upgraded to a WebSocket",
        "handler failed",
        "handler not called",
        "handler panicked",
        "bad packet",
        "refused",
        "recovered=true",
        "not joined",
        "drain begins",
        "drain ended",
    ]
    .map(str::to_owned)
    .to_vec()
}
