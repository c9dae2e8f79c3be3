//! What a recorder sees of a server at work, and that `docs/metrics.md` says the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/recorder.rs"]
mod recorder;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use metrics::{Unit, set_default_local_recorder};
use recorder::Memory;
use switchboard_connection::{Rate, SlowConsumer};
use switchboard_pool::Drain;
use switchboard_server::{
    Ack, AckError, HandlerError, Io, IoConfig, Listener, ListenerConfig, Recovery, Socket,
    extract::{Auth, Data},
};
use switchboard_testkit::TestClient;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{advance, sleep},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Handlers of every kind, and of every bad kind.
fn server(config: IoConfig) -> Io {
    let io = Io::new(config).unwrap();
    io.on_connect(async |socket: Socket| socket.join("all"));
    io.on_disconnect(async || ());
    io.on("sleep", async |Data(seconds): Data<u64>| {
        sleep(Duration::from_secs(seconds)).await;
    });
    io.on("echo", async |Data(text): Data<String>, ack: Ack| {
        ack.send(&text)
    });
    io.on("fail", async || {
        Err::<(), _>(HandlerError::new("on purpose"))
    });
    io.on("panic", async |Data(text): Data<String>| {
        assert!(text.is_empty(), "on purpose");
    });
    let admin = io.of("/admin");
    admin.middleware(async |Auth(auth): Auth<serde_json::Value>| {
        sleep(Duration::from_secs(1)).await;
        match auth["token"].as_str() {
            Some("sesame") => Ok(()),
            _ => Err(HandlerError::new("not authorized")),
        }
    });
    io
}

fn config() -> IoConfig {
    IoConfig::default()
        .with_connection_state_recovery(Some(Recovery::default()))
        .with_max_http_buffer_size(10_000)
        .with_message_rate(Some(Rate::new(1_000, 20)))
        .with_slow_consumer(SlowConsumer::Close)
        .with_outbox_messages(8)
}

/// Waits until it is so; the clock runs by itself when nothing else is to do.
#[track_caller]
fn until(mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        for _ in 0..100_000 {
            if holds() {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{at}: it never came to be");
    }
}

/// The table of the docs: name, type, label.
fn documented() -> BTreeSet<(String, String, Vec<String>)> {
    include_str!("../../../docs/metrics.md")
        .lines()
        // What comes behind is the adapters'.
        .take_while(|line| *line != "## The way to other nodes")
        .filter(|line| line.starts_with("| `switchboard_"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let label = cells[3].split('`').nth(1).map(str::to_owned);
            let name = cells[1].trim_matches('`').to_owned();
            (name, cells[2].to_owned(), label.into_iter().collect())
        })
        .collect()
}

/// A client that polls changes to a WebSocket.
async fn upgrade(io: &Io) -> WebSocketStream<DuplexStream> {
    let polls = TestClient::builder().polling().open(io).await;
    let sid = polls.greeting().sid.clone();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = io.clone();
    tokio::spawn(async move { server.serve_connection(theirs, None).await });
    let path = io.config().engine_path();
    let url = format!("ws://localhost{path}?EIO=4&transport=websocket&sid={sid}");
    let (mut socket, _) = client_async(url, ours).await.unwrap();
    socket.send(Message::text("2probe")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("3probe")
    );
    sleep(Duration::from_secs(2)).await;
    socket.send(Message::text("5")).await.unwrap();
    socket.send(Message::text("40")).await.unwrap();
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) if text.starts_with("40") => return socket,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_metric_of_the_docs_is_recorded_and_no_other() {
    let memory = Memory::default();
    let _recorder = set_default_local_recorder(&memory);
    let io = server(config());

    // Sessions, handlers, data.
    let client = TestClient::connect(&io).await;
    client.emit_with_ack::<String>("echo", "hello").await;
    client.emit("fail", &());
    client.emit("panic", "please");
    client.emit("echo", &7);
    client.emit("sleep", &1);
    io.to("all").emit("news", &1).unwrap();
    client.expect("news").await;
    for _ in 0..100 {
        client.emit("nothing", &());
    }
    client
        .emit_with_ack::<String>("echo", "after the pause")
        .await;
    let socket = io.root().everybody().local_sockets().pop().unwrap();
    let (answer, ()) = tokio::join!(socket.emit_with_ack::<u32, _>("question", &1), async {
        client.expect_question("question").await.reply(&2);
    });
    assert_eq!(answer.unwrap(), 2);
    let late = socket.timeout(Duration::from_secs(1));
    let late = late.emit_with_ack::<u32, _>("question", &1).await;
    assert!(matches!(late, Err(AckError::TimedOut)));

    // Ways in.
    client
        .refused("/admin", &serde_json::json!({"token": "wrong"}))
        .await;
    client
        .enter("/admin", &serde_json::json!({"token": "sesame"}))
        .await;
    drop(upgrade(&io).await);
    client.drop_transport();
    until(|| memory.value("switchboard_connections") < 1.0).await;
    let client = client.reconnect(&io).await;
    let lost = serde_json::json!({"pid": "nobody's"});
    drop(TestClient::builder().auth(&lost).connect(&io).await);

    // Bad peers.
    let bad = TestClient::builder().open(&io).await;
    bad.send("49");
    bad.expect_end().await;
    let rude = TestClient::connect(&io).await;
    rude.emit("echo", &"x".repeat(20_000));
    until(|| memory.value("switchboard_rule_breaks_total{protocol=socketio}") > 0.0).await;
    let silent = TestClient::builder().buffer(1024).connect(&io).await;
    silent.stop_reading();
    until(|| memory.value("switchboard_heartbeats_missed_total{protocol=socketio}") > 0.0).await;
    let polls = TestClient::builder().polling().connect(&io).await;
    polls.stop_reading();
    let socket = io.root().to(polls.id()).local_sockets().pop().unwrap();
    // The poll that waits takes the first one with it.
    socket.try_emit("news", &0).unwrap();
    sleep(Duration::from_millis(10)).await;
    for number in 0..20 {
        socket.emit_volatile("stale", &number).ok();
        socket.try_emit("news", &number).ok();
    }
    until(|| memory.value("switchboard_messages_lost_total{protocol=socketio}") > 0.0).await;

    // The end.
    until(|| memory.value("switchboard_namespaces") > 0.0).await;
    let draining = io.drain(Drain::per_second(100)).unwrap();
    assert!(TestClient::builder().try_connect(&io).await.is_err());
    draining.await;
    io.close().await;
    drop(client);

    let emitted: BTreeSet<_> = memory
        .emitted()
        .into_iter()
        .map(|(name, kind, labels)| (name, kind.to_owned(), labels))
        .collect();
    assert_eq!(emitted, documented());
    for (name, value) in [("connections", 0.0), ("sessions{transport=polling}", 0.0)] {
        assert!((memory.value(&format!("switchboard_{name}")) - value).abs() < f64::EPSILON);
    }
}

#[tokio::test(start_paused = true)]
async fn each_name_is_described_with_the_unit_that_it_ends_in() {
    let memory = Memory::default();
    let _recorder = set_default_local_recorder(&memory);
    let _io = server(config());
    let described = memory.described();
    let kinds: BTreeMap<_, _> = documented()
        .into_iter()
        .map(|(name, kind, _)| (name, kind))
        .collect();
    assert!(described.keys().eq(kinds.keys()));
    for (name, (kind, unit)) in described {
        assert_eq!(kinds[&name], kind, "{name}");
        let stem = name.trim_end_matches("_total");
        let expected = match stem.rsplit('_').next() {
            Some("seconds") => Unit::Seconds,
            Some("bytes") => Unit::Bytes,
            _ => Unit::Count,
        };
        assert_eq!(unit, Some(expected), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn times_are_those_that_passed() {
    let memory = Memory::default();
    let _recorder = set_default_local_recorder(&memory);
    let io = server(config());
    let patient = TestClient::builder().deadline(Duration::from_mins(1));
    let client = patient.connect(&io).await;
    let near = |samples: Vec<f64>, expected: &[f64]| {
        let same = samples.len() == expected.len()
            && samples
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 0.2);
        assert!(same, "{samples:?} are not {expected:?}");
    };
    assert!((memory.value("switchboard_sessions{transport=websocket}") - 1.0).abs() < 0.1);
    client.emit("sleep", &2);
    client.emit("sleep", &3);
    client.emit_with_ack::<String>("echo", "hello").await;
    near(
        memory.samples("switchboard_handler_duration_seconds{kind=event}"),
        &[2.0, 3.0, 0.0],
    );
    near(
        memory.samples("switchboard_handler_wait_seconds"),
        &[0.0, 2.0, 5.0],
    );

    let socket = io.root().everybody().local_sockets().pop().unwrap();
    let (answer, ()) = tokio::join!(socket.emit_with_ack::<u32, _>("question", &1), async {
        let question = client.expect_question("question").await;
        sleep(Duration::from_secs(4)).await;
        question.reply(&2);
    });
    answer.unwrap();
    near(memory.samples("switchboard_ack_duration_seconds"), &[4.0]);

    let wrong = serde_json::json!({"token": "wrong"});
    client.refused("/admin", &wrong).await;
    near(
        memory.samples("switchboard_entry_duration_seconds{outcome=refused}"),
        &[1.0],
    );
    assert!(
        memory
            .samples("switchboard_entry_duration_seconds{outcome=accepted}")
            .is_empty()
    );

    io.to("all").emit("news", &1).unwrap();
    near(memory.samples("switchboard_broadcast_recipients"), &[1.0]);
    advance(Duration::from_secs(1)).await;
    client.close();
    until(|| memory.value("switchboard_connections") < 1.0).await;
    near(
        memory.samples("switchboard_connection_duration_seconds"),
        &[11.0],
    );
    assert!(
        memory
            .value("switchboard_sessions{transport=websocket}")
            .abs()
            < 0.1
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_transport_moves_the_session_from_one_gauge_to_the_other() {
    let memory = Memory::default();
    let _recorder = set_default_local_recorder(&memory);
    let io = server(config());
    let upgraded = tokio::spawn({
        let io = io.clone();
        async move { upgrade(&io).await }
    });
    until(|| memory.value("switchboard_sessions{transport=polling}") > 0.5).await;
    until(|| memory.value("switchboard_sessions{transport=websocket}") > 0.5).await;
    assert!(
        memory
            .value("switchboard_sessions{transport=polling}")
            .abs()
            < 0.1
    );
    let took = memory.samples("switchboard_upgrade_duration_seconds");
    assert!(took.len() == 1 && took[0] >= 2.0, "{took:?}");
    drop(upgraded.await.unwrap());
    until(|| memory.value("switchboard_sessions{transport=websocket}") < 0.5).await;
    assert!(
        memory
            .value("switchboard_sessions{transport=polling}")
            .abs()
            < 0.1
    );
}

#[tokio::test]
async fn raw_websockets_are_counted_under_their_own_label() {
    let memory = Memory::default();
    let _recorder = set_default_local_recorder(&memory);
    let listener = Listener::bind("127.0.0.1:0", ListenerConfig::default());
    let listener = listener.await.unwrap();
    let address = listener.local_addr().unwrap();
    let _server = listener
        .serve(|mut socket| async move { while socket.next().await.is_some() {} })
        .unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "GET /namespace/chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    // A frame of an opcode that there is not.
    stream.write_all(&[0x83, 0x80, 0, 0, 0, 0]).await.unwrap();
    let counted = until(|| memory.value("switchboard_rule_breaks_total{protocol=raw}") > 0.0);
    tokio::time::timeout(Duration::from_secs(30), counted)
        .await
        .unwrap();
    assert!(
        memory
            .value("switchboard_rule_breaks_total{protocol=socketio}")
            .abs()
            < 0.1
    );
}
