//! Clients that were away for a while, and the traps of connection state recovery.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use switchboard_server::{
    DisconnectReason, HandlerError, Io, IoConfig, Recovery, Socket, extract::Data,
};
use switchboard_testkit::{Reason, TestClient};
use switchboard_wire::Value;
use tokio::time::sleep;

use crate::support::{Journal, io, only_socket, secs, sockets, transports, until};

fn recovering(recovery: Recovery) -> Io {
    io(IoConfig::default().with_connection_state_recovery(Some(recovery)))
}

fn recovering_by_default() -> Io {
    recovering(Recovery::default())
}

/// Cuts the transport and waits until the server knows.
async fn lose(io: &Io, client: &TestClient) {
    let members = io.root().len();
    client.drop_transport();
    until(|| io.root().len() < members).await;
}

async fn numbers(client: &TestClient, expected: impl IntoIterator<Item = u32>) {
    for number in expected {
        assert_eq!(client.expect_as::<u32>("number").await, number);
    }
    client.expect_silence(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn rooms_data_and_id_come_back_and_middlewares_do_not_run_again() {
    for (transport, builder) in transports() {
        let io = recovering_by_default();
        let asked = Arc::new(AtomicUsize::new(0));
        let calls = Arc::clone(&asked);
        io.middleware(move |socket: Socket| {
            calls.fetch_add(1, Ordering::SeqCst);
            socket.set_data("of ann");
            async move { socket.join(["a", "b"]).map_err(HandlerError::from) }
        });
        let journal = Journal::default();
        let log = journal.clone();
        io.on_connect(move |socket: Socket| {
            let log = log.clone();
            async move { log.note(socket.is_recovered()) }
        });
        let client = builder.connect(&io).await;
        let socket = only_socket(&io);
        socket.join("c").unwrap();
        socket.leave("b");
        let mut rooms = socket.rooms();
        lose(&io, &client).await;
        let back = client.reconnect(&io).await;
        assert_eq!(
            (back.id(), back.pid()),
            (client.id(), client.pid()),
            "{transport}"
        );
        let socket = only_socket(&io);
        let mut restored = socket.rooms();
        rooms.sort_unstable();
        restored.sort_unstable();
        assert_eq!(restored, rooms, "{transport}");
        assert_eq!(socket.data(), Value::from("of ann"), "{transport}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{transport}");
        until(|| journal.all() == ["false", "true"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_returns_before_it_is_missed_is_the_same_client() {
    for (transport, builder) in transports() {
        let io = recovering_by_default();
        let journal = Journal::default();
        let log = journal.clone();
        io.on_disconnect(move |reason: DisconnectReason| {
            let log = log.clone();
            async move { log.note(reason) }
        });
        io.on_connect(async |socket: Socket| socket.join("room"));
        let client = builder.connect(&io).await;
        io.emit("number", &0).unwrap();
        numbers(&client, [0]).await;
        // It reads no more, and nobody knows.
        client.stop_reading();
        sleep(secs(1)).await;
        for number in 1..4 {
            io.to("room").emit("number", &number).unwrap();
        }
        let back = client.reconnect(&io).await;
        assert_eq!(back.id(), client.id(), "{transport}");
        assert!(only_socket(&io).is_recovered(), "{transport}");
        numbers(&back, 1..4).await;
        io.to("room").emit("number", &4).unwrap();
        numbers(&back, [4]).await;
        until(|| io.clients() == 1).await;
        assert_eq!(journal.all(), ["transport close"], "{transport}");
        back.expect_silence(secs(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_that_return_at_once_are_one() {
    let io = recovering_by_default();
    let client = TestClient::connect(&io).await;
    for round in 0..20 {
        lose(&io, &client).await;
        let returns = (0..3).map(|_| client.try_reconnect(&io));
        let back = futures_util::future::join_all(returns).await;
        until(|| io.root().len() == 1).await;
        let same = back
            .iter()
            .flatten()
            .filter(|back| back.id() == client.id());
        let alive: Vec<_> = same.filter(|back| back.is_connected()).collect();
        assert_eq!(alive.len(), 1, "{round}");
        assert!(only_socket(&io).is_recovered(), "{round}");
        assert_eq!(only_socket(&io).id().as_str(), client.id());
        for other in back.iter().flatten().filter(|back| !back.is_connected()) {
            // It comes back by itself, with its own session.
            assert!(other.expect_disconnect().await.reconnects(), "{round}");
        }
        drop(back);
        until(|| io.root().is_empty()).await;
        let back = client.reconnect(&io).await;
        assert_eq!(back.id(), client.id(), "{round}");
        drop(back);
        until(|| io.root().is_empty()).await;
        let back = client.reconnect(&io).await;
        back.stop_reading();
        let _held = back;
    }
}

#[tokio::test(start_paused = true)]
async fn who_returns_after_the_window_starts_afresh() {
    for (away, recovers) in [(119, true), (121, false)] {
        let io = recovering_by_default();
        let client = TestClient::connect(&io).await;
        lose(&io, &client).await;
        sleep(secs(away)).await;
        let back = client.reconnect(&io).await;
        assert_eq!(back.id() == client.id(), recovers, "{away}");
        assert_eq!(only_socket(&io).is_recovered(), recovers, "{away}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_sent_away_or_left_starts_afresh() {
    for end in ["kick", "close", "leave"] {
        let io = recovering_by_default();
        let client = TestClient::connect(&io).await;
        match end {
            "leave" => client.leave(),
            end => drop(only_socket(&io).disconnect(end == "close")),
        }
        until(|| io.root().is_empty()).await;
        let back = client.reconnect(&io).await;
        assert_ne!(back.id(), client.id(), "{end}");
        assert!(!only_socket(&io).is_recovered(), "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_server_ended_without_a_kick_comes_back() {
    let io = recovering_by_default();
    for end in ["abort", "ping timeout", "bad packet"] {
        let client = TestClient::connect(&io).await;
        match end {
            "abort" => only_socket(&io).abort(),
            "ping timeout" => client.stop_reading(),
            _ => drop(client.try_enter("no slash", &()).await),
        }
        if end == "bad packet" {
            client.drop_transport();
        }
        until(|| io.root().is_empty()).await;
        let back = client.reconnect(&io).await;
        assert_eq!(back.id(), client.id(), "{end}");
        back.leave();
        until(|| io.root().is_empty()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_returns_with_a_pid_or_an_offset_that_is_not_its_own() {
    let io = recovering_by_default();
    let client = TestClient::connect(&io).await;
    io.emit("number", &0).unwrap();
    numbers(&client, [0]).await;
    let offset = client.last_offset().unwrap();
    let (life, number) = offset.rsplit_once('.').unwrap();
    lose(&io, &client).await;
    let pid = client.pid().unwrap();
    let number: u64 = number.parse().unwrap();
    let ahead = format!("{life}.{}", number + 1);
    for auth in [
        json!({"pid": "", "offset": offset}),
        json!({"pid": "__proto__", "offset": offset}),
        json!({"pid": 7, "offset": offset}),
        json!({"pid": [pid], "offset": offset}),
        json!({"pid": pid, "offset": 1}),
        json!({"pid": pid, "offset": ""}),
        json!({"pid": pid, "offset": "other.1"}),
        json!({"pid": pid, "offset": ahead}),
        json!({"pid": pid, "offset": format!("{life}.-1")}),
        json!({"pid": pid, "offset": format!("{life}.99999999999999999999")}),
        json!({"offset": offset}),
    ] {
        let other = TestClient::builder().auth(&auth).connect(&io).await;
        assert_ne!(other.id(), client.id(), "{auth}");
        other.leave();
    }
    // And with all that, the session still waits for its own client.
    assert_eq!(client.reconnect(&io).await.id(), client.id());
}

#[tokio::test(start_paused = true)]
async fn no_text_of_the_application_passes_for_an_offset() {
    let io = recovering_by_default();
    let client = TestClient::connect(&io).await;
    let socket = only_socket(&io);
    // (a) No event at all.
    lose(&io, &client).await;
    io.emit("number", &1).unwrap();
    let client = client.reconnect(&io).await;
    assert!(only_socket(&io).is_recovered());
    numbers(&client, [1]).await;
    // (b) A volatile event whose last argument is a text.
    assert!(!socket.is_connected());
    let socket = only_socket(&io);
    socket.emit_volatile("volatile", "text").unwrap();
    io.volatile().emit("volatile", "text").unwrap();
    io.volatile().emit("bare", &()).unwrap();
    for event in ["volatile", "volatile", "bare"] {
        client.expect(event).await;
    }
    lose(&io, &client).await;
    io.emit("number", &2).unwrap();
    let client = client.reconnect(&io).await;
    assert!(only_socket(&io).is_recovered());
    numbers(&client, [2]).await;
    // (d) Twice in a row, without an event between.
    let mut now = client.clone();
    for _ in 0..3 {
        lose(&io, &now).await;
        now = now.reconnect(&io).await;
        assert_eq!(now.id(), client.id());
    }
}

#[tokio::test(start_paused = true)]
async fn volatile_events_and_questions_are_not_sent_again() {
    let io = recovering_by_default();
    let client = TestClient::connect(&io).await;
    io.emit("number", &0).unwrap();
    numbers(&client, [0]).await;
    lose(&io, &client).await;
    io.volatile().emit("volatile", &()).unwrap();
    let asked = io
        .timeout(secs(1))
        .emit_with_ack::<(), _>("question", &())
        .await;
    assert_eq!(asked.unwrap().missing, 0);
    io.emit("number", &1).unwrap();
    io.except(client.id()).emit("number", &99).unwrap();
    io.to("elsewhere").emit("number", &99).unwrap();
    io.to(client.id()).emit("number", &2).unwrap();
    numbers(&client.reconnect(&io).await, 1..3).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_before_the_answer() {
    for (transport, builder) in transports() {
        let io = recovering_by_default();
        let client = builder.clone().connect(&io).await;
        lose(&io, &client).await;
        for number in 0..3 {
            io.emit("number", &number).unwrap();
        }
        let raw = builder.open(&io).await;
        raw.send(&format!("40{}", json!({"pid": client.pid()})));
        for number in 0..3 {
            let text = raw.expect_text().await;
            assert!(
                text.starts_with(&format!(r#"2["number",{number},"#)),
                "{transport}: {text}"
            );
        }
        let answer = raw.expect_text().await;
        let expected = format!(r#"0{{"sid":"{}""#, client.id());
        assert!(answer.starts_with(&expected), "{transport}: {answer}");
    }
}

/// Broadcasts from several threads while clients are cut and return.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_is_missed_once_and_in_order_while_others_broadcast() {
    const SENDERS: usize = 3;
    const EVENTS: usize = 3_000;
    let recovery = Recovery::default().with_max_buffered_packets(100_000);
    let config = IoConfig::default()
        .with_outbox_messages(100_000)
        .with_outbox_bytes(64 * 1024 * 1024)
        .with_connection_state_recovery(Some(recovery));
    let io = io(config);
    io.on_connect(async |socket: Socket| socket.join("room"));
    let mut client = TestClient::builder().deadline(secs(60)).connect(&io).await;
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let io = io.clone();
            tokio::spawn(async move {
                for number in 0..EVENTS {
                    match number % 3 {
                        0 => drop(io.emit("number", &(sender, number))),
                        1 => drop(io.to(["room", "other"]).emit("number", &(sender, number))),
                        _ => drop(io.except("other").emit("number", &(sender, number))),
                    }
                    if number % 10 == 0 {
                        sleep(std::time::Duration::from_millis(1)).await;
                    }
                }
            })
        })
        .collect();
    let mut next = [0; SENDERS];
    let mut returns = 0;
    while next != [EVENTS; SENDERS] {
        for _ in 0..200 {
            if next == [EVENTS; SENDERS] {
                break;
            }
            let event = client.next().await.expect("another event");
            let (sender, number, _) = event.read::<(usize, usize, String)>();
            assert_eq!(number, next[sender], "of {sender}, after {returns} returns");
            next[sender] += 1;
        }
        // What it got and has not looked at is lost with it, as in a real client: only its offset counts.
        client.drop_transport();
        for event in client.received_so_far() {
            let (sender, number, _) = event.read::<(usize, usize, String)>();
            assert_eq!(number, next[sender], "of {sender}, after {returns} returns");
            next[sender] += 1;
        }
        let back = client.reconnect(&io).await;
        assert_eq!(back.id(), client.id(), "after {returns} returns");
        client = back;
        returns += 1;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    assert!(returns > 3, "{returns}");
}

#[tokio::test(start_paused = true)]
async fn the_log_is_bounded_in_events_and_in_bytes() {
    let small = Recovery::default().with_max_buffered_packets(10);
    let thin = Recovery::default().with_max_buffered_bytes(1000);
    for (recovery, text, kept) in [(small, "x".to_owned(), 10), (thin, "x".repeat(250), 3)] {
        for missed in [kept, kept + 1] {
            let io = recovering(recovery.clone());
            let client = TestClient::connect(&io).await;
            lose(&io, &client).await;
            for number in 0..missed {
                io.emit("number", &(number, &text)).unwrap();
            }
            let back = client.reconnect(&io).await;
            assert_eq!(
                back.id() == client.id(),
                missed == kept,
                "{missed} of {kept}"
            );
            let expected = if missed == kept { kept } else { 0 };
            assert_eq!(back.received_so_far().len(), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_missed_events_come_back_and_more_than_the_outbox_holds_do_not() {
    for (bytes, recovers) in [(1024 * 1024, true), (100 * 1024, false)] {
        for (transport, builder) in transports() {
            let config = IoConfig::default()
                .with_outbox_bytes(bytes)
                .with_connection_state_recovery(Some(Recovery::default()));
            let io = io(config);
            let client = builder.connect(&io).await;
            lose(&io, &client).await;
            for number in 0..10_000 {
                io.emit("number", &number).unwrap();
            }
            let back = client.reconnect(&io).await;
            assert_eq!(back.id() == client.id(), recovers, "{transport}");
            let got: Vec<_> = back
                .received_so_far()
                .iter()
                .map(|e| e.read::<u32>())
                .collect();
            let expected = if recovers { 0..10_000 } else { 0..0 };
            assert!(
                got.iter().copied().eq(expected),
                "{transport}: {}",
                got.len()
            );
            back.expect_silence(secs(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn saved_sessions_are_bounded_over_all_namespaces() {
    let io = recovering(Recovery::default().with_max_sessions(5));
    io.of_dynamic(regex::Regex::new("^/n-").unwrap());
    let mut clients = Vec::new();
    for number in 0..8 {
        let name = if number % 2 == 0 {
            "/".to_owned()
        } else {
            "/n-1".to_owned()
        };
        clients.push(TestClient::builder().namespace(name).connect(&io).await);
    }
    for client in &clients {
        client.drop_transport();
        sleep(secs(1)).await;
    }
    assert_eq!(io.clients(), 0);
    // Each time the oldest of the same namespace has gone: 1, 0 and 3.
    let mut back = Vec::new();
    for client in &clients {
        let again = client.reconnect(&io).await;
        back.push(again.id() == client.id());
        std::mem::forget(again);
    }
    assert_eq!(back, [false, false, true, false, true, true, true, true]);
    // With all of them in, there is room again, for whoever leaves last.
    let client = TestClient::connect(&io).await;
    lose(&io, &client).await;
    assert_eq!(client.reconnect(&io).await.id(), client.id());
    // None at all is a choice.
    let io = recovering(Recovery::default().with_max_sessions(0));
    let client = TestClient::connect(&io).await;
    lose(&io, &client).await;
    assert_ne!(client.reconnect(&io).await.id(), client.id());
}

#[tokio::test(start_paused = true)]
async fn saved_sessions_of_namespaces_that_are_gone_do_not_count() {
    let io = recovering(
        Recovery::default()
            .with_max_sessions(3)
            .with_max_disconnection_duration(secs(30)),
    );
    io.of_dynamic(regex::Regex::new("^/n-").unwrap());
    for number in 0..20 {
        let name = format!("/n-{number}");
        let client = TestClient::builder().namespace(name).connect(&io).await;
        client.drop_transport();
        sleep(secs(50)).await;
    }
    assert_eq!(io.namespaces().len(), 1);
    let clients = [
        TestClient::connect(&io).await,
        TestClient::connect(&io).await,
        TestClient::connect(&io).await,
    ];
    for client in &clients {
        client.drop_transport();
    }
    until(|| io.root().is_empty()).await;
    for client in &clients {
        assert_eq!(client.reconnect(&io).await.id(), client.id());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_outlives_a_client_that_is_lost_on_its_way_in() {
    let io = recovering(Recovery::default().with_skip_middlewares(false));
    let slow = Arc::new(AtomicUsize::new(0));
    let seconds = Arc::clone(&slow);
    io.middleware(move || {
        let wait = seconds.load(Ordering::SeqCst);
        async move { sleep(secs(wait as u64)).await }
    });
    let client = TestClient::connect(&io).await;
    lose(&io, &client).await;
    io.emit("number", &0).unwrap();
    slow.store(5, Ordering::SeqCst);
    let entering = client.try_reconnect(&io);
    assert!(tokio::time::timeout(secs(2), entering).await.is_err());
    until(|| io.clients() == 0).await;
    slow.store(0, Ordering::SeqCst);
    let back = client.reconnect(&io).await;
    assert_eq!(back.id(), client.id());
    numbers(&back, [0]).await;
    // Refused, it is over.
    lose(&io, &back).await;
    slow.store(100, Ordering::SeqCst);
    let refused = TestClient::builder()
        .deadline(secs(60))
        .auth(&json!({"pid": client.pid()}))
        .refused(&io)
        .await;
    assert_eq!(refused.message, "timed out");
    slow.store(0, Ordering::SeqCst);
    assert_ne!(client.reconnect(&io).await.id(), client.id());
}

#[tokio::test(start_paused = true)]
async fn a_direct_emit_is_kept_too_and_a_handler_of_a_returned_client_works() {
    let io = recovering_by_default();
    io.on("next", async |socket: Socket, Data(number): Data<u32>| {
        socket.emit("number", &number).await?;
        socket.try_emit("number", &(number + 1))?;
        Ok::<_, HandlerError>(())
    });
    let client = TestClient::connect(&io).await;
    client.stop_reading();
    sleep(secs(1)).await;
    client.emit("next", &5);
    sleep(secs(1)).await;
    let client = client.reconnect(&io).await;
    numbers(&client, [5, 6]).await;
    client.emit("next", &7);
    numbers(&client, [7, 8]).await;
    assert_eq!(sockets(&io).len(), 1);
    io.close().await;
    assert_eq!(client.expect_disconnect().await, Reason::TransportClose);
}
