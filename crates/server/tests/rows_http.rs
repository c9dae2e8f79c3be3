//! Acceptance rows of `docs/seeds.md` on real sockets: what HTTP answers (C13, C15), and raw WebSockets beside
//! Socket.IO (N1, N5, N7, N8, N13).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{PING, Peer, ask, bind, connect, next_text, soon, until, with_connection};
use futures_util::SinkExt;
use switchboard_connection::{ConnectionConfig, ConnectionExt, Disconnect, Event, Initiator};
use switchboard_server::{Ack, Io, IoConfig, ListenerConfig, Server, Socket, extract::Data};
use tokio_tungstenite::tungstenite::Message;

const PATH: &str = "/namespace/a";
const PONG: u8 = 0x8A;

/// A Socket.IO server with its health beside it.
async fn io_server(config: IoConfig) -> (Server, Io) {
    let io = Io::new(config).unwrap();
    let health = io.clone();
    let listener = bind(io.config().listener_config()).await;
    let listener = listener.with_http(move |request| {
        let answer = health.health(request.method(), request.uri().path());
        async move { answer.unwrap_or_default() }
    });
    (listener.with_io(io.clone()).serve_io().unwrap(), io)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: switchboard.test\r\n\r\n")
}

/// A Socket.IO client that is in the namespace `/`.
async fn enter(server: &Server) -> common::Client {
    let path = "/socket.io/?EIO=4&transport=websocket";
    let mut client = connect(server.local_addr(), path).await;
    assert!(next_text(&mut client).await.starts_with("0{"));
    client.send(Message::text("40")).await.unwrap();
    assert!(next_text(&mut client).await.starts_with("40{"));
    client
}

#[tokio::test]
async fn c13_limits_answer_over_http_with_their_codes() {
    let config = IoConfig::default()
        .with_max_connections(Some(2))
        .with_max_http_buffer_size(100)
        .with_retry_after(Duration::from_millis(2_500));
    let (server, io) = io_server(config).await;
    let poll = get("/socket.io/?EIO=4&transport=polling");
    let opened = ask(server.local_addr(), &poll).await.unwrap();
    assert_eq!(opened.status, 200);
    let _second = enter(&server).await;

    let refused = ask(server.local_addr(), &poll).await.unwrap();
    assert_eq!(refused.told(), (503, "TOO_MANY_CONNECTIONS"));
    assert_eq!(refused.header("retry-after"), Some("3"));
    assert_eq!(io.usage().refused, 1);

    let sid = opened.body.split('"').nth(3).unwrap();
    let body = "x".repeat(101);
    let post = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: switchboard.test\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(server.local_addr(), post).await.unwrap().status, 413);

    // Names, of raw WebSockets.
    let raw = common::echo_server(ListenerConfig::default()).await;
    let long = format!("/namespace/{}", "x".repeat(257));
    let refused = ask(raw.local_addr(), common::upgrade(&long)).await.unwrap();
    assert_eq!(refused.told(), (400, "INVALID_NAMESPACE"));
}

#[tokio::test]
async fn c15_usage_and_health_are_served_over_http() {
    let (server, io) = io_server(IoConfig::default().with_max_connections(Some(10))).await;
    let usage = async || {
        let reply = ask(server.local_addr(), get("/usage")).await.unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        reply.body
    };
    let nothing = r#"{"connections":0,"maxConnections":10,"refused":0,"sockets":0,"namespaces":1,"rooms":0,"messagesReceived":0,"messagesSent":0,"errors":0}"#;
    assert_eq!(usage().await, nothing);

    io.of("/secret-plans");
    io.on("join", async |socket: Socket, Data(room): Data<String>| {
        socket.join(room)
    });
    io.on("done", async |ack: Ack| ack.send(&()));
    let mut clients = [enter(&server).await, enter(&server).await];
    for client in &mut clients {
        for packet in [
            "40/secret-plans,",
            r#"42["join","anns-room"]"#,
            r#"421["done"]"#,
        ] {
            client.send(Message::text(packet)).await.unwrap();
        }
        assert!(next_text(client).await.starts_with("40/secret-plans,"));
        assert_eq!(next_text(client).await, "431[]");
    }
    io.to("anns-room").emit("news", &1).unwrap();
    assert_eq!(
        usage().await,
        r#"{"connections":2,"maxConnections":10,"refused":0,"sockets":4,"namespaces":2,"rooms":1,"messagesReceived":8,"messagesSent":2,"errors":0}"#
    );

    drop(clients);
    until("all are gone", || io.clients() == 0).await;
    let after = usage().await;
    assert!(
        after.contains(r#""connections":0"#) && after.contains(r#""rooms":0"#),
        "{after}"
    );
    assert!(after.contains(r#""messagesReceived":8"#), "{after}");

    for (path, status) in [("/live", 200), ("/ready", 200)] {
        assert_eq!(
            ask(server.local_addr(), get(path)).await.unwrap().status,
            status
        );
    }
    io.close().await;
    let ready = ask(server.local_addr(), get("/ready")).await.unwrap();
    assert_eq!(ready.told(), (503, "not ready"));
    assert_eq!(
        ask(server.local_addr(), get("/live")).await.unwrap().status,
        200
    );
}

/// A listener for raw WebSockets whose handler tells what it sees.
async fn watched() -> (Server, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let log = Arc::clone(&seen);
    let listener = bind(ListenerConfig::default()).await;
    let server = listener.serve(move |mut socket| {
        let log = Arc::clone(&log);
        let say = move |word: String| log.lock().unwrap().push(word);
        async move {
            say("open".to_owned());
            while let Some(event) = socket.next().await {
                say(match event {
                    Event::Ping(payload) => format!("ping {}", payload.len()),
                    Event::Close(closed) => format!("close {:?} {}", closed.by, closed.clean),
                    other => format!("{other:?}"),
                });
            }
        }
    });
    (server.unwrap(), seen)
}

#[tokio::test]
async fn n1_a_raw_connection_is_counted_and_its_open_ping_close_and_error_are_observed() {
    let (server, seen) = watched().await;
    let take = || std::mem::take(&mut *seen.lock().unwrap());
    let mut peer = Peer::join(server.local_addr(), PATH).await;
    peer.send(PING, b"1234").await;
    assert_eq!(soon(peer.frame()).await.unwrap(), (PONG, b"1234".to_vec()));
    assert_eq!(server.stats().connections, 1);
    peer.send(common::CLOSE, &1000_u16.to_be_bytes()).await;
    peer.ended().await;
    until("it is gone", || server.stats().connections == 0).await;
    assert_eq!(take(), ["open", "ping 4", "close Peer true"]);

    let mut peer = Peer::join(server.local_addr(), PATH).await;
    // No client may send an opcode that does not exist.
    peer.send(0x83, b"?").await;
    assert_eq!(peer.closed().await.unwrap().0, 1002);
    drop(peer);
    until("it is gone", || server.stats().connections == 0).await;
    let error = r#"Error(Protocol("unknown opcode"))"#;
    assert_eq!(take(), ["open", error, "close Local false"]);
    assert_eq!(server.stats().totals.failed, 1);
}

#[tokio::test]
async fn n8_a_raw_connection_that_is_closed_says_so_in_the_words_of_the_seed() {
    let server = common::echo_server(ListenerConfig::default()).await;
    let peer = Peer::join(server.local_addr(), PATH).await;
    let connection = server
        .pool()
        .connections("a")
        .iter()
        .next()
        .unwrap()
        .clone();
    // N7: while it is open, sending succeeds.
    connection.send("hello").await.unwrap();
    connection.close(Disconnect::NORMAL);
    let error = connection.send("too late").await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.code()),
        ("WebSocket is not open", "CLOSED")
    );
    drop(peer);
    connection.closed().await;
    assert!(connection.send("later").await.is_err());
}

#[tokio::test]
async fn n13_a_close_that_the_peer_does_not_answer_says_so() {
    let short = ConnectionConfig::default().with_close_grace(Duration::from_millis(50));
    let server = common::echo_server(with_connection(short)).await;
    let mut peer = Peer::join(server.local_addr(), PATH).await;
    let connection = server
        .pool()
        .connections("a")
        .iter()
        .next()
        .unwrap()
        .clone();
    let closed = soon(connection.close_and_wait(Disconnect::NORMAL)).await;
    assert_eq!((closed.by, closed.clean), (Initiator::Local, false));
    assert!(
        !connection.close(Disconnect::NORMAL),
        "it is closed already"
    );
    // It was told.
    assert_eq!(peer.closed().await.unwrap().0, 1000);
}
