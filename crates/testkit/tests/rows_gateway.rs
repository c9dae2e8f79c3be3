//! The acceptance rows N1 to N15 of `docs/seeds.md`: what a packaged WebSocket service promises of its
//! connections. Clients in memory, under paused time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use switchboard_connection::{SendError, Sent, SlowConsumer};
use switchboard_server::{DisconnectReason, HandlerError, Io, IoConfig, Socket, extract::Data};
use switchboard_testkit::{Reason, TestClient};
use tokio::{
    io::DuplexStream,
    time::{Instant, sleep},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

fn io(config: IoConfig) -> Io {
    Io::new(config).unwrap()
}

/// Waits for what happens in other tasks; with paused time this takes none.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// Words in the order they were said.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn say(&self, word: impl Into<String>) {
        self.0.lock().unwrap().push(word.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A server that tells `log` who comes and goes.
fn observed(config: IoConfig, log: &Log) -> Io {
    let io = io(config);
    let (opened, closed) = (log.clone(), log.clone());
    io.on_connect(move || {
        let log = opened.clone();
        async move { log.say("open") }
    });
    io.on_disconnect(move |reason: DisconnectReason| {
        let log = closed.clone();
        async move { log.say(reason.as_str()) }
    });
    io
}

/// What the server warns of, with all fields.
struct Warnings(Log);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }

    fn event(&self, event: &tracing::Event<'_>) {
        self.0.say(format!("{event:?}"));
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// The one socket there is.
fn only(io: &Io) -> Socket {
    let mut sockets = io.root().everybody().local_sockets();
    assert_eq!(sockets.len(), 1);
    sockets.pop().unwrap()
}

/// A WebSocket without a client's manners: heartbeats and pings are in the test's hands.
async fn websocket(io: &Io) -> WebSocketStream<DuplexStream> {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let io = io.clone();
    tokio::spawn(async move { io.serve_connection(server, None).await });
    let url = "ws://localhost/socket.io/?EIO=4&transport=websocket";
    let (mut socket, _) = client_async(url, client).await.unwrap();
    assert!(text(&mut socket).await.starts_with("0{"));
    socket.send(Message::text("40")).await.unwrap();
    assert!(text(&mut socket).await.starts_with("40{"));
    socket
}

async fn text(socket: &mut WebSocketStream<DuplexStream>) -> String {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        other => panic!("no text but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn n1_a_new_connection_is_counted_and_its_open_close_error_and_ping_are_observed() {
    let log = Log::default();
    let io = observed(IoConfig::default(), &log);
    let client = TestClient::connect(&io).await;
    until("it is seen", || log.len() == 1).await;
    assert_eq!((io.clients(), io.usage().connections), (1, 1));
    client.close();
    until("its end is seen", || log.len() == 2).await;
    assert_eq!(log.take(), ["open", "transport close"]);

    // An error: what it sends is no packet.
    let client = TestClient::builder().open(&io).await;
    client.send("40");
    client.expect_text().await;
    client.send("4nonsense");
    client.expect_end().await;
    until("its end is seen", || log.len() == 2).await;
    assert_eq!(log.take(), ["open", "forced close"]);
    assert_eq!(io.usage().errors, 1);

    // A ping that nobody answers.
    let client = TestClient::connect(&io).await;
    client.stop_reading();
    until("its end is seen", || log.len() == 2).await;
    assert_eq!(log.take(), ["open", "ping timeout"]);
    assert_eq!((io.clients(), io.usage().connections), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn n2_a_heartbeat_goes_out_at_each_interval() {
    let interval = Duration::from_secs(7);
    let io = io(IoConfig::default().with_ping_interval(interval));
    let mut socket = websocket(&io).await;
    for beat in 0..10 {
        let before = Instant::now();
        assert_eq!(text(&mut socket).await, "2");
        let waited = before.elapsed();
        // Timers of a node are looked at every 50 ms.
        let late = waited.checked_sub(interval).expect("not too early");
        assert!(
            late <= Duration::from_millis(100),
            "beat {beat}: {waited:?}"
        );
        socket.send(Message::text("3")).await.unwrap();
    }
    assert_eq!(io.clients(), 1);
}

#[tokio::test(start_paused = true)]
async fn n3_each_way_to_close_brings_the_count_back_to_zero() {
    let io = io(IoConfig::default());
    let ends: [fn(&TestClient); 3] = [
        TestClient::close,
        TestClient::drop_transport,
        TestClient::stop_reading,
    ];
    for end in ends {
        for polls in [false, true] {
            let client = TestClient::builder();
            let client = if polls { client.polling() } else { client };
            let client = client.connect(&io).await;
            assert_eq!((io.usage().connections, io.usage().sockets), (1, 1));
            end(&client);
            until("it is gone", || io.usage().connections == 0).await;
            assert_eq!((io.clients(), io.usage().sockets), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn n4_errors_are_counted_and_keep_their_message() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(Warnings(log.clone()));
    let io = io(IoConfig::default());
    io.on("fail", async |Data(why): Data<String>| {
        Err::<(), _>(HandlerError::new(why))
    });
    io.on("panic", async |Data(why): Data<String>| {
        assert!(why.is_empty(), "{why}");
    });
    io.middleware(
        async |socket: Socket| match socket.handshake().query("why") {
            Some(why) => Err(HandlerError::new(why)),
            None => Ok(()),
        },
    );

    let client = TestClient::connect(&io).await;
    client.emit("fail", "the database is away");
    until("it is counted", || io.usage().errors == 1).await;
    client.emit("panic", "on purpose");
    until("it is counted", || io.usage().errors == 2).await;
    let told = log.take();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("the database is away") && told[0].contains(client.id()));
    assert!(told[1].contains("on purpose") && told[1].contains(client.id()));

    // A client that is refused gets the message itself.
    let refused = TestClient::builder().query("why", "not today");
    assert_eq!(refused.refused(&io).await.message, "not today");
    assert_eq!((io.usage().errors, io.root().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn n5_a_ping_of_the_peer_is_answered_with_what_it_carries() {
    let io = io(IoConfig::default());
    let mut socket = websocket(&io).await;
    for payload in ["", "are you there?"] {
        let ping = Message::Ping(payload.as_bytes().to_vec().into());
        socket.send(ping).await.unwrap();
        match socket.next().await {
            Some(Ok(Message::Pong(answer))) => assert_eq!(answer, payload.as_bytes()),
            other => panic!("no pong but {other:?}"),
        }
    }
    assert_eq!(io.clients(), 1);
}

#[tokio::test(start_paused = true)]
async fn n7_sending_on_an_open_connection_succeeds() {
    let io = io(IoConfig::default());
    let client = TestClient::connect(&io).await;
    let socket = only(&io);
    socket.emit("one", &1).await.unwrap();
    assert_eq!(socket.try_emit("two", &2).unwrap(), Sent::Queued);
    assert_eq!(client.expect_as::<u32>("one").await, 1);
    assert_eq!(client.expect_as::<u32>("two").await, 2);
}

#[tokio::test(start_paused = true)]
async fn n8_sending_on_a_closed_connection_fails_with_the_text_of_the_seed() {
    let io = io(IoConfig::default());
    let ends: [fn(&TestClient, &Socket); 3] = [
        |client, _| client.leave(),
        |client, _| client.drop_transport(),
        |_, socket| assert!(socket.disconnect(true)),
    ];
    for end in ends {
        let client = TestClient::connect(&io).await;
        let socket = only(&io);
        end(&client, &socket);
        until("it is closed", || !socket.is_connected()).await;
        let errors = [
            socket.emit("late", &1).await.unwrap_err(),
            socket.try_emit("late", &1).unwrap_err(),
            socket.emit_volatile("late", &1).unwrap_err(),
        ];
        for error in errors {
            let told = (error.to_string(), error.code());
            assert_eq!(told, ("WebSocket is not open".to_owned(), "CLOSED"));
        }
        until("it is gone", || io.clients() == 0 || io.root().is_empty()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn n9_a_failing_send_reaches_its_caller() {
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("cannot be written"))
        }
    }

    let config = IoConfig::default()
        .with_outbox_bytes(8 * 1024)
        .with_slow_consumer(SlowConsumer::Wait)
        .with_write_timeout(Duration::from_mins(10))
        .with_ping_timeout(Duration::from_mins(10));
    let io = io(config);
    let client = TestClient::builder().buffer(512).connect(&io).await;
    let socket = only(&io);
    let code_of = async |event: &str, data: &str| {
        let sent = socket.emit(event, data).await;
        sent.err().map(|error| error.code())
    };
    assert_eq!(
        socket.emit("broken", &Broken).await.unwrap_err().code(),
        "CANNOT_ENCODE"
    );
    assert!(io.emit("broken", &Broken).is_err());
    assert_eq!(
        code_of("connect", "a reserved name").await,
        Some("CANNOT_ENCODE")
    );
    assert_eq!(
        code_of("large", &"x".repeat(9_000)).await,
        Some("TOO_LARGE")
    );

    // It takes nothing any more: sends succeed while there is room, and then say that there is none.
    client.stop_reading();
    let mut failed = None;
    for _ in 0..100 {
        failed = code_of("more", &"x".repeat(1_000)).await;
        if failed.is_some() {
            break;
        }
    }
    assert_eq!(failed, Some("TIMED_OUT"));
    assert!(socket.is_connected());
}

#[tokio::test(start_paused = true)]
async fn n10_a_broadcast_reaches_all() {
    let io = io(IoConfig::default());
    let mut clients = Vec::new();
    for number in 0..20 {
        let client = TestClient::builder();
        let client = if number % 2 == 0 {
            client
        } else {
            client.polling()
        };
        clients.push(client.connect(&io).await);
    }
    let report = io.emit("news", &"for all").unwrap();
    assert_eq!(report.queued, 20);
    assert!(report.is_complete());
    for client in &clients {
        assert_eq!(client.expect_as::<String>("news").await, "for all");
        assert!(client.received_so_far().is_empty(), "once");
    }
}

#[tokio::test(start_paused = true)]
async fn n11_failures_of_a_broadcast_are_reported_per_target() {
    let config = IoConfig::default().with_outbox_bytes(8 * 1024);
    let io = io(config);
    let (ann, bob) = (
        TestClient::connect(&io).await,
        TestClient::connect(&io).await,
    );
    let slow = TestClient::builder().buffer(512).connect(&io).await;
    slow.stop_reading();
    let text = "x".repeat(1_000);
    let mut rounds = 0;
    let outcomes = loop {
        rounds += 1;
        let outcomes = io.root().everybody().emit_each("news", &text).unwrap();
        if outcomes.iter().any(|(_, sent)| sent.is_err()) {
            break outcomes;
        }
        assert!(rounds < 100, "the slow one takes everything");
        // The others read meanwhile.
        sleep(Duration::from_millis(10)).await;
    };
    let told: Vec<_> = outcomes
        .iter()
        .map(|(socket, sent)| (socket.id().as_str(), *sent))
        .collect();
    let expected = [
        (ann.id(), Ok(Sent::Queued)),
        (bob.id(), Ok(Sent::Queued)),
        (slow.id(), Err(SendError::SlowConsumer)),
    ];
    assert_eq!(told, expected);
    // Who failed cost the others nothing.
    for client in [&ann, &bob] {
        for _ in 0..rounds {
            assert_eq!(client.expect_as::<String>("news").await, text);
        }
    }
    until("the slow one is gone", || io.root().len() == 2).await;
    assert_eq!(io.usage().messages_sent, rounds * 3 - 1);
    // The short form counts the same.
    let report = io.emit("news", &text).unwrap();
    assert_eq!((report.queued, report.slow, report.recipients()), (2, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn n12_disconnecting_closes_the_connection_and_lowers_the_count() {
    let log = Log::default();
    let io = observed(IoConfig::default(), &log);
    let (ann, bob) = (
        TestClient::connect(&io).await,
        TestClient::connect(&io).await,
    );
    let id = ann.id().parse().unwrap();
    let socket = io.root().socket(&id).unwrap();
    socket.emit("last", &"words").await.unwrap();
    assert!(socket.disconnect(true));
    assert_eq!(ann.expect_as::<String>("last").await, "words");
    assert_eq!(ann.expect_disconnect().await, Reason::ServerDisconnect);
    until("the count is lower", || io.usage().connections == 1).await;
    until("its end is seen", || log.len() == 3).await;
    assert_eq!(log.take()[2], "server namespace disconnect");
    io.emit("news", &1).unwrap();
    assert_eq!(bob.expect_as::<u32>("news").await, 1);
}

#[tokio::test(start_paused = true)]
async fn n13_a_close_that_does_nothing_says_so() {
    let io = io(IoConfig::default());
    let client = TestClient::connect(&io).await;
    let socket = only(&io);
    assert!(socket.disconnect(true));
    assert!(!socket.disconnect(true), "it is on its way out");
    assert!(!socket.disconnect(false), "it has left");
    assert_eq!(client.expect_disconnect().await, Reason::ServerDisconnect);
    until("it is gone", || io.clients() == 0).await;
    assert!(!socket.disconnect(true), "nothing is left to close");

    // Whoever has gone by itself cannot be sent away.
    let client = TestClient::connect(&io).await;
    let socket = only(&io);
    client.drop_transport();
    until("it is gone", || io.clients() == 0).await;
    assert!(!socket.disconnect(false) && !socket.disconnect(true));
}

#[tokio::test(start_paused = true)]
async fn n14_everyone_can_be_disconnected_in_one_call() {
    let io = io(IoConfig::default());
    let mut clients = Vec::new();
    for number in 0..20 {
        let client = TestClient::builder();
        let client = if number % 2 == 0 {
            client
        } else {
            client.polling()
        };
        clients.push(client.connect(&io).await);
    }
    io.disconnect_sockets(true).await;
    for client in &clients {
        assert_eq!(client.expect_disconnect().await, Reason::ServerDisconnect);
    }
    until("all are gone", || io.clients() == 0).await;
    assert_eq!(io.usage().connections, 0);
    assert!(io.is_ready(), "others may come");
}

#[tokio::test(start_paused = true)]
async fn n15_the_number_of_connections_can_be_asked_for() {
    let io = io(IoConfig::default());
    io.of("/chat");
    let counts = || (io.clients(), io.root().len(), io.usage().sockets);
    assert_eq!(counts(), (0, 0, 0));
    let ann = TestClient::connect(&io).await;
    assert_eq!(counts(), (1, 1, 1));
    let bob = TestClient::connect(&io).await;
    let chat = bob.enter("/chat", &()).await;
    assert_eq!(counts(), (2, 2, 3));
    assert_eq!(io.of("/chat").len(), 1);
    assert_eq!(io.all_sockets().await.value.len(), 2);
    chat.leave();
    until("one has left", || io.of("/chat").is_empty()).await;
    assert_eq!(counts(), (2, 2, 2));
    ann.close();
    bob.close();
    until("all are gone", || counts() == (0, 0, 0)).await;
}
