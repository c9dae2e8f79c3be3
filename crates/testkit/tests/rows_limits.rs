//! The acceptance rows C13 and N19 of `docs/seeds.md`: every limit answers with a code of its own. Clients in
//! memory, under paused time; what HTTP answers is in `crates/server/tests/rows_http.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{net::SocketAddr, time::Duration};

use switchboard_server::{Ack, Io, IoConfig, JoinError, ServicePreset, Socket, extract::Data};
use switchboard_testkit::{ConnectFailure, TestClient};
use tokio::time::sleep;

fn io(config: IoConfig) -> Io {
    Io::new(config).unwrap()
}

/// A server whose clients join what they name, and are told the code of what failed.
fn joinable(config: IoConfig) -> Io {
    let io = io(config);
    let join = async |socket: Socket, Data(rooms): Data<Vec<String>>, ack: Ack| {
        let code = socket.join(rooms).err().map(|error| error.code());
        ack.send(&code)
    };
    io.on("join", join);
    io
}

async fn join(client: &TestClient, rooms: &[&str]) -> Option<String> {
    client.emit_with_ack("join", rooms).await
}

/// Status and body of a refusal.
async fn refused(client: switchboard_testkit::ClientBuilder, io: &Io) -> (u16, String) {
    match client.try_connect(io).await {
        Err(ConnectFailure::Http { status, body }) => (status, body),
        other => panic!("not refused by HTTP: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn n19_the_1001st_connection_of_a_packaged_service_is_refused() {
    let config = ServicePreset::default().into_io_config();
    assert_eq!(config.max_connections, Some(1_000));
    let io = io(config);
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        clients.push(TestClient::connect(&io).await);
    }
    assert_eq!(io.usage().connections, io.usage().max_connections);
    let answer = (503, r#"{"code":"TOO_MANY_CONNECTIONS"}"#.to_owned());
    assert_eq!(refused(TestClient::builder(), &io).await, answer);
    assert_eq!(refused(TestClient::builder().polling(), &io).await, answer);
    assert_eq!((io.clients(), io.usage().refused), (1_000, 2));

    // Who is in is not disturbed, and a place that is free is given away.
    assert_eq!(io.emit("news", &1).unwrap().queued, 1_000);
    for client in &clients {
        assert_eq!(client.expect_as::<u32>("news").await, 1);
    }
    clients.pop().unwrap().close();
    while io.clients() == 1_000 {
        sleep(Duration::from_millis(10)).await;
    }
    clients.push(TestClient::connect(&io).await);
    assert_eq!(refused(TestClient::builder(), &io).await, answer);
}

#[tokio::test(start_paused = true)]
async fn c13_names_have_a_length() {
    let io = joinable(IoConfig::default());
    let client = TestClient::connect(&io).await;
    let (longest, longer) = ("x".repeat(256), "ö".repeat(129));
    assert_eq!(join(&client, &[&longest]).await, None);
    assert_eq!(join(&client, &[&longer]).await.unwrap(), "BAD_NAME");
    assert_eq!(join(&client, &[""]).await.unwrap(), "BAD_NAME");
    // Of several rooms those before the bad one are joined.
    assert_eq!(join(&client, &["a", "", "b"]).await.unwrap(), "BAD_NAME");
    let socket = io.root().everybody().local_sockets().pop().unwrap();
    let rooms = socket.rooms();
    assert_eq!(rooms.len(), 3, "its own, the longest, and `a`: {rooms:?}");

    io.of_dynamic(|_: &str, _: &_| true);
    let namespace = format!("/{}", "x".repeat(255));
    assert_eq!(client.enter(&namespace, &()).await.namespace(), namespace);
    let namespace = format!("/{}", "x".repeat(256));
    let refusal = client.refused(&namespace, &()).await;
    assert_eq!(refusal.message, "Invalid namespace");
}

#[tokio::test(start_paused = true)]
async fn c13_messages_have_a_size_both_ways() {
    let config = IoConfig::default()
        .with_max_http_buffer_size(1_000)
        .with_outbox_bytes(1_000);
    let io = io(config);
    io.on("echo", async |Data(text): Data<String>, ack: Ack| {
        ack.send(&text)
    });
    let client = TestClient::connect(&io).await;
    let (fits, long) = ("x".repeat(900), "x".repeat(1_000));
    assert_eq!(client.emit_with_ack::<String>("echo", &fits).await, fits);
    let socket = io.root().everybody().local_sockets().pop().unwrap();
    let error = socket.emit("news", &long).await.unwrap_err();
    assert_eq!(error.code(), "TOO_LARGE");
    let report = io.emit("news", &long).unwrap();
    assert_eq!((report.too_large, report.queued), (1, 0));
    assert!(socket.is_connected(), "it did nothing wrong");

    let raw = TestClient::builder().open(&io).await;
    raw.send("40");
    raw.expect_text().await;
    raw.send(&format!(r#"42["echo","{long}"]"#));
    raw.expect_end().await;
    assert_eq!(raw.close_code(), Some(1009));
    assert_eq!(client.emit_with_ack::<String>("echo", "on").await, "on");
}

#[tokio::test(start_paused = true)]
async fn c13_rooms_namespaces_and_addresses_have_a_number() {
    let config = IoConfig::default()
        .with_max_rooms_per_socket(Some(2))
        .with_max_namespaces_per_connection(2)
        .with_max_connections_per_address(Some(1));
    let io = joinable(config);
    io.of("/a");
    io.of("/b");
    let home = SocketAddr::from(([192, 0, 2, 1], 1));
    let client = TestClient::builder().peer(home).connect(&io).await;

    assert_eq!(join(&client, &["1", "2"]).await, None);
    assert_eq!(join(&client, &["2"]).await, None, "it is in that already");
    assert_eq!(join(&client, &["3"]).await.unwrap(), "TOO_MANY_ROOMS");
    let socket = io.root().everybody().local_sockets().pop().unwrap();
    assert_eq!(
        socket.join("3").unwrap_err(),
        JoinError::TooManyRooms { limit: 2 }
    );
    socket.leave("1");
    assert_eq!(join(&client, &["3"]).await, None, "a place is free");

    let second = client.enter("/a", &()).await;
    let refusal = client.refused("/b", &()).await;
    assert_eq!(refusal.message, "Too many namespaces");
    second.leave();
    client.enter("/b", &()).await;

    let answer = (429, r#"{"code":"TOO_MANY_CONNECTIONS"}"#.to_owned());
    assert_eq!(refused(TestClient::builder().peer(home), &io).await, answer);
    let elsewhere = SocketAddr::from(([192, 0, 2, 2], 1));
    TestClient::builder().peer(elsewhere).connect(&io).await;
}
