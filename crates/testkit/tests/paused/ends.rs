//! How sockets end: why, who is told, and what is left.

use std::time::Duration;

use serde_json::json;
use switchboard_connection::Rate;
use switchboard_pool::Drain;
use switchboard_server::{
    AckError, DisconnectReason, HandlerError, Io, IoConfig, Socket, extract::Data,
};
use switchboard_testkit::{Reason, TestClient};
use tokio::time::{sleep, timeout};

use crate::support::{Journal, fail, io, only_socket, secs, sockets, transports, until};

/// Notes the reason of each end.
fn note_ends(io: &Io) -> Journal {
    let journal = Journal::default();
    let log = journal.clone();
    io.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        let log = log.clone();
        async move {
            assert!(!socket.is_connected());
            log.note(reason);
        }
    });
    journal
}

/// Has a client end in some way; its handlers must be told this reason, once, and nothing be left.
async fn ends_with(
    config: IoConfig,
    end: impl AsyncFn(&'static str, &Io, &TestClient),
    expected: [&str; 2],
) {
    for ((transport, builder), expected) in transports().into_iter().zip(expected) {
        let io = io(config.clone());
        let journal = note_ends(&io);
        let client = builder.connect(&io).await;
        end(transport, &io, &client).await;
        until(|| journal.len() > 0).await;
        sleep(secs(100)).await;
        assert_eq!(journal.all(), [expected], "{transport}");
        assert!(io.root().is_empty(), "{transport}");
    }
}

const BOTH: fn(&'static str) -> [&'static str; 2] = |reason| [reason, reason];

#[tokio::test(start_paused = true)]
async fn client_namespace_disconnect() {
    let end = async |_: &str, _: &Io, client: &TestClient| client.leave();
    ends_with(
        IoConfig::default(),
        end,
        BOTH("client namespace disconnect"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn server_namespace_disconnect() {
    for close in [false, true] {
        let end = async |transport: &str, io: &Io, client: &TestClient| {
            only_socket(io).disconnect(close);
            assert_eq!(
                client.expect_disconnect().await,
                Reason::ServerDisconnect,
                "{transport}"
            );
            assert!(!client.is_connected());
        };
        ends_with(
            IoConfig::default(),
            end,
            BOTH("server namespace disconnect"),
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn server_shutting_down() {
    let end = async |transport: &str, io: &Io, client: &TestClient| {
        let (reason, ()) = tokio::join!(client.expect_disconnect(), io.close());
        assert_eq!(reason, Reason::TransportClose, "{transport}");
        if transport == "websocket" {
            assert_eq!(client.close_code(), Some(1001));
        }
    };
    ends_with(IoConfig::default(), end, BOTH("server shutting down")).await;
    let end = async |transport: &str, io: &Io, client: &TestClient| {
        io.drain(Drain::per_second(10)).unwrap().await;
        let reason = client.expect_disconnect().await;
        assert_eq!(reason, Reason::TransportClose, "{transport}");
    };
    ends_with(IoConfig::default(), end, BOTH("server shutting down")).await;
}

#[tokio::test(start_paused = true)]
async fn transport_close_and_transport_error() {
    let end = async |_: &str, _: &Io, client: &TestClient| client.close();
    ends_with(IoConfig::default(), end, BOTH("transport close")).await;
    let end = async |_: &str, _: &Io, client: &TestClient| client.drop_transport();
    ends_with(
        IoConfig::default(),
        end,
        ["transport close", "transport error"],
    )
    .await;
    let end = async |_: &str, io: &Io, client: &TestClient| {
        only_socket(io).abort();
        assert!(client.expect_disconnect().await.reconnects());
    };
    ends_with(IoConfig::default(), end, BOTH("transport close")).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_too_large_is_a_transport_error() {
    let end = async |_: &str, _: &Io, client: &TestClient| {
        client.emit("large", &"x".repeat(3000));
        assert!(client.expect_disconnect().await.reconnects());
        assert!(client.close_code().is_none_or(|code| code == 1009));
    };
    let config = IoConfig::default().with_max_http_buffer_size(2000);
    ends_with(config, end, BOTH("transport error")).await;
}

#[tokio::test(start_paused = true)]
async fn ping_timeout() {
    let end = async |_: &str, io: &Io, client: &TestClient| {
        client.stop_reading();
        sleep(secs(40)).await;
        assert_eq!(io.root().len(), 1);
        sleep(secs(10)).await;
        assert_eq!(io.root().len(), 0);
        client.read_again();
    };
    ends_with(IoConfig::default(), end, BOTH("ping timeout")).await;
}

/// What a bad client sends, over both transports.
async fn bad_packet_ends_with(packet: &str, expected: [&str; 2]) {
    for ((transport, builder), expected) in transports().into_iter().zip(expected) {
        let io = io(IoConfig::default());
        let journal = note_ends(&io);
        let client = builder.open(&io).await;
        client.send("40");
        client.expect_text().await;
        client.send(packet);
        client.expect_end_within(secs(20)).await;
        until(|| journal.len() > 0).await;
        sleep(secs(100)).await;
        assert_eq!(journal.all(), [expected], "{packet}, {transport}");
        assert_eq!(io.clients(), 0, "{packet}, {transport}");
    }
}

#[tokio::test(start_paused = true)]
async fn parse_error_forced_close_and_a_ping_of_the_client() {
    bad_packet_ends_with("x", BOTH("parse error")).await;
    bad_packet_ends_with("2", BOTH("transport error")).await;
    bad_packet_ends_with("1", BOTH("transport close")).await;
    bad_packet_ends_with("42abc", BOTH("forced close")).await;
    bad_packet_ends_with(r#"42["connect"]"#, BOTH("forced close")).await;
    let elsewhere = r#"42/elsewhere,["event"]"#;
    bad_packet_ends_with(elsewhere, ["forced close", "forced server close"]).await;
}

#[tokio::test(start_paused = true)]
async fn attachments_that_do_not_come_are_a_forced_close() {
    bad_packet_ends_with(
        r#"451-["event",{"_placeholder":true,"num":0}]"#,
        BOTH("forced close"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn too_fast_is_a_forced_server_close_where_it_closes() {
    let config = IoConfig::default()
        .with_message_rate(Some(Rate::new(10, 10)))
        .with_on_rate_limit(switchboard_connection::OnRateLimit::Close);
    let io = io(config);
    let journal = note_ends(&io);
    let client = TestClient::connect(&io).await;
    for number in 0..100 {
        client.emit("number", &number);
    }
    assert_eq!(client.expect_disconnect().await, Reason::TransportClose);
    assert_eq!(client.close_code(), Some(1008));
    until(|| journal.all() == ["forced server close"]).await;
}

#[tokio::test(start_paused = true)]
async fn who_joins_nothing_is_closed() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        let client = builder.open(&io).await;
        client.expect_silence(secs(44)).await;
        assert_eq!(
            client.expect_end().await,
            Reason::TransportClose,
            "{transport}"
        );
        until(|| io.clients() == 0).await;
        // Who was in once is not.
        let client = TestClient::connect(&io).await;
        client.leave();
        sleep(secs(200)).await;
        assert_eq!(io.clients(), 1, "{transport}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_sends_away_those_who_are_just_coming() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        let connect = || {
            let (builder, io) = (builder.clone(), io.clone());
            async move { builder.try_connect(&io).await }
        };
        let coming: Vec<_> = (0..50).map(|_| tokio::spawn(connect())).collect();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        timeout(secs(60), io.close()).await.expect("all have gone");
        let mut came = 0;
        for client in coming {
            if let Ok(client) = client.await.unwrap() {
                came += 1;
                client.all_until_disconnect(secs(60)).await;
            }
        }
        assert_eq!(io.clients(), 0, "{transport}: {came} came");
        assert!(io.root().is_empty(), "{transport}");
        let late = connect().await;
        let text = late.expect_err("nobody comes after a close").to_string();
        assert!(text.contains("503"), "{transport}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_refuses_those_who_are_just_coming() {
    let io = io(IoConfig::default());
    io.middleware(async || sleep(secs(5)).await);
    let early = TestClient::builder().open(&io).await;
    early.send("40");
    sleep(secs(1)).await;
    let report = io.drain(Drain::per_second(10)).unwrap().await;
    assert_eq!(report.begun, 0);
    // Its middleware says yes, but the node takes nobody: it comes back elsewhere.
    assert_eq!(
        early.expect_end_within(secs(30)).await,
        Reason::TransportClose
    );
    assert_eq!(early.close_code(), Some(1001));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_handler_leaves_the_rest_alone() {
    let io = io(IoConfig::default());
    io.on_connect(async || fail("connect"));
    io.on("event", async || fail("event"));
    io.on("event", async |socket: Socket| {
        socket.emit("second", &()).await
    });
    io.on("ask", async |socket: Socket| {
        let answer: u32 = socket.emit_with_ack("question", &()).await?;
        assert!(answer > 100, "after an answer, on purpose");
        Ok::<_, HandlerError>(())
    });
    io.on_disconnect(async || fail("disconnect"));
    let journal = note_ends(&io);
    let client = TestClient::connect(&io).await;
    client.emit("event", &());
    client.expect("second").await;
    client.emit("ask", &());
    client.expect_question("question").await.reply(&1);
    client.emit("event", &());
    client.expect("second").await;
    client.leave();
    until(|| journal.all() == ["client namespace disconnect"]).await;
}

/// Panics when it is dropped before its time.
struct Fuse(bool);

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(self.0, "a destructor, on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn disconnect_handlers_run_once_even_if_the_session_s_task_panics() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        let journal = note_ends(&io);
        io.on("work", async || sleep(secs(30)).await);
        io.of("/fuse").middleware(async || {
            let mut fuse = Fuse(false);
            sleep(secs(8)).await;
            fuse.0 = true;
        });
        let client = builder.connect(&io).await;
        client.emit("work", &());
        let entering = client.try_enter("/fuse", &());
        // Gone in the middle of the middleware, which is dropped.
        assert!(timeout(secs(2), entering).await.is_err());
        client.drop_transport();
        until(|| io.root().is_empty()).await;
        until(|| journal.len() == 1).await;
        sleep(secs(100)).await;
        assert_eq!(journal.len(), 1, "{transport}");
        assert_eq!(io.clients(), 0, "{transport}");
        timeout(secs(60), io.close())
            .await
            .expect("nothing is left");
    }
}

#[tokio::test(start_paused = true)]
async fn questions_fail_when_the_client_leaves() {
    for leave in [
        |client: &TestClient, _: &Socket| client.leave(),
        |client: &TestClient, _: &Socket| client.drop_transport(),
        |_: &TestClient, socket: &Socket| {
            socket.disconnect(false);
        },
    ] {
        let io = io(IoConfig::default());
        let client = TestClient::connect(&io).await;
        let socket = only_socket(&io);
        let leaving = async {
            client.expect_question("question").await;
            client.expect_question("to all").await;
            leave(&client, &socket);
        };
        let timed = socket.timeout(Duration::MAX);
        let everybody = io.timeout(secs(1000));
        let (one, all, ()) = tokio::join!(
            timed.emit_with_ack::<(), _>("question", &()),
            everybody.emit_with_ack::<u32, _>("to all", &()),
            leaving,
        );
        assert!(matches!(one, Err(AckError::Disconnected)), "{one:?}");
        let all = all.unwrap();
        assert_eq!((all.answers.len(), all.missing), (0, 1));
        let late = socket.emit_with_ack::<(), _>("late", &()).await;
        assert!(matches!(late, Err(AckError::Disconnected)), "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn questions_are_forgotten_after_their_time() {
    let io = io(IoConfig::default().with_max_pending_acks(10));
    let clients = [
        TestClient::connect(&io).await,
        TestClient::builder().polling().connect(&io).await,
    ];
    // The table of each has room for ten: were a single one kept, the next round would be refused.
    for round in 0..5 {
        let all = sockets(&io);
        let one = all.iter().flat_map(|socket| {
            (0..5).map(move |_| async move {
                socket
                    .timeout(secs(1))
                    .emit_with_ack::<(), _>("one", &round)
                    .await
            })
        });
        let broadcasts = (0..5).map(|_| async {
            io.timeout(secs(1))
                .emit_with_ack::<(), _>("all", &round)
                .await
        });
        let (one, all) = tokio::join!(
            futures_util::future::join_all(one),
            futures_util::future::join_all(broadcasts),
        );
        for answer in one {
            assert!(
                matches!(answer, Err(AckError::TimedOut)),
                "{round}: {answer:?}"
            );
        }
        for answers in all {
            assert_eq!(answers.unwrap().missing, 2, "{round}");
        }
        for client in &clients {
            let asked = client.received_so_far();
            assert_eq!(asked.len(), 10, "{round}");
            for late in &asked {
                late.reply(&json!("late"));
            }
        }
    }
    // Whoever does not wait to the end is forgotten as well.
    let socket = sockets(&io).remove(0);
    for _ in 0..30 {
        let _ = timeout(secs(1), socket.emit_with_ack::<(), _>("dropped", &())).await;
        let _ = timeout(
            secs(1),
            io.timeout(secs(9)).emit_with_ack::<(), _>("dropped", &()),
        )
        .await;
    }
    let timed = socket.timeout(secs(1));
    let many = (0..11).map(|_| timed.emit_with_ack::<(), ()>("many", &()));
    let asked = futures_util::future::join_all(many).await;
    let is_refused = |asked: &&Result<(), AckError>| {
        matches!(asked, Err(AckError::TooManyPending { limit: 10 }))
    };
    assert_eq!(asked.iter().filter(is_refused).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_end_is_handled_unless_the_server_ended_it() {
    for (kick, handled) in [(false, 5), (true, 1)] {
        let io = io(IoConfig::default());
        let journal = note_ends(&io);
        let log = journal.clone();
        io.on("work", move |Data(number): Data<u32>| {
            let log = log.clone();
            async move {
                sleep(secs(1)).await;
                log.note(number);
            }
        });
        let client = TestClient::connect(&io).await;
        for number in 0..5 {
            client.emit("work", &number);
        }
        sleep(Duration::from_millis(500)).await;
        if kick {
            only_socket(&io).disconnect(false);
        } else {
            client.leave();
        }
        sleep(secs(30)).await;
        assert_eq!(journal.len(), handled + 1, "{:?}", journal.all());
        assert!(
            journal
                .all()
                .last()
                .unwrap()
                .ends_with("namespace disconnect")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sent_before_it_knew_that_it_was_out_is_ignored() {
    let io = io(IoConfig::default());
    let client = TestClient::connect(&io).await;
    // Many more namespaces than it may be in, one after another.
    for number in 0..200 {
        let name = format!("/n-{number}");
        io.of(&name);
        let inside = client.enter(&name, &()).await;
        io.of(&name).disconnect_sockets(false).await;
        assert!(io.of(&name).is_empty());
        inside.emit("late", &());
        assert_eq!(inside.expect_disconnect().await, Reason::ServerDisconnect);
        client.emit("still", &());
    }
    client.expect_silence(secs(10)).await;
    assert_eq!(io.clients(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_the_newest_namespaces_that_it_was_taken_out_of_are_remembered() {
    let config = IoConfig::default().with_max_namespaces_per_connection(4);
    for (number, ends) in [(9, false), (7, false), (0, true)] {
        let io = io(config.clone());
        let client = TestClient::builder().open(&io).await;
        client.send("40");
        client.expect_text().await;
        for number in 0..10 {
            let name = format!("/n-{number}");
            let namespace = io.of(&name);
            client.send(&format!("40{name}"));
            client.expect_text().await;
            namespace.disconnect_sockets(false).await;
            assert_eq!(client.expect_text().await, format!("1{name},"));
        }
        client.send(&format!(r#"42/n-{number},["late"]"#));
        if ends {
            client.expect_end().await;
        } else {
            client.expect_silence(secs(20)).await;
        }
    }
}
