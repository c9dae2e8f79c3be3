//! Middlewares: of entries, and of events.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use switchboard_server::{
    DisconnectReason, HandlerError, Incoming, Io, IoConfig, Socket, What, extract::Data,
};
use switchboard_testkit::{Reason, TestClient};
use tokio::time::sleep;

use crate::support::{Journal, fail, io, secs, transports, until};

/// Notes who enters and who leaves.
fn note_all(io: &Io) -> Journal {
    let journal = Journal::default();
    let (came, left) = (journal.clone(), journal.clone());
    io.on_connect(move || {
        let came = came.clone();
        async move { came.note("came") }
    });
    io.on_disconnect(move |reason: DisconnectReason| {
        let left = left.clone();
        async move { left.note(reason) }
    });
    journal
}

/// A middleware that takes so long.
fn be_slow(io: &Io, seconds: u64) -> Arc<AtomicUsize> {
    let called = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&called);
    io.middleware(move || {
        calls.fetch_add(1, Ordering::SeqCst);
        async move { sleep(secs(seconds)).await }
    });
    called
}

#[tokio::test(start_paused = true)]
async fn they_run_in_order_until_one_refuses_with_message_and_data() {
    let io = io(IoConfig::default());
    let journal = note_all(&io);
    let order = Journal::default();
    for number in 0..4 {
        let order = order.clone();
        io.middleware(move |socket: Socket| {
            let order = order.clone();
            async move {
                sleep(secs(4 - number)).await;
                order.note(number);
                if number == 2 && socket.auth::<Value>()?["stays out"] == true {
                    let data = json!({"code": 401, "list": [1, null]});
                    let data: switchboard_wire::Value = serde_json::from_value(data).unwrap();
                    return Err(HandlerError::new("not today").with_data(data));
                }
                Ok(())
            }
        });
    }
    let builder = TestClient::builder().deadline(secs(60));
    let refused = builder
        .clone()
        .auth(&json!({"stays out": true}))
        .refused(&io)
        .await;
    assert_eq!(refused.message, "not today");
    let data = serde_json::to_value(refused.data).unwrap();
    assert_eq!(data, json!({"code": 401, "list": [1, null]}));
    assert_eq!(order.all(), ["0", "1", "2"]);
    assert!(io.root().is_empty());
    assert_eq!(journal.len(), 0);

    let _client = builder.connect(&io).await;
    assert_eq!(order.all(), ["0", "1", "2", "0", "1", "2", "3"]);
    until(|| journal.all() == ["came"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_may_try_again_and_keeps_its_other_namespaces() {
    let io = io(IoConfig::default());
    io.of("/vip").middleware(async |socket: Socket| {
        let auth: Value = socket.auth()?;
        (auth["key"] == 1)
            .then_some(())
            .ok_or(HandlerError::new("no"))
    });
    let client = TestClient::connect(&io).await;
    assert_eq!(
        client.refused("/vip", &json!({"key": 0})).await.message,
        "no"
    );
    let vip = client.enter("/vip", &json!({"key": 1})).await;
    io.of("/vip").emit("both", &()).unwrap();
    io.emit("both", &()).unwrap();
    vip.expect("both").await;
    client.expect("both").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_too_long_refuses() {
    let io = io(IoConfig::default());
    let journal = note_all(&io);
    be_slow(&io, 100);
    let refused = TestClient::builder().deadline(secs(60)).refused(&io).await;
    assert_eq!(refused.message, "timed out");
    assert_eq!(journal.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_connect_timeout_does_not_wait_for_them() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default().with_connect_timeout(secs(5)));
        let journal = note_all(&io);
        be_slow(&io, 8);
        let client = builder.open(&io).await;
        client.send("40");
        client.expect_silence(secs(4)).await;
        assert_eq!(
            client.expect_end().await,
            Reason::TransportClose,
            "{transport}"
        );
        sleep(secs(60)).await;
        assert_eq!((io.clients(), journal.len()), (0, 0), "{transport}");
        assert!(io.root().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_meanwhile_was_never_in() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        let journal = note_all(&io);
        let called = be_slow(&io, 8);
        let client = builder.open(&io).await;
        client.send("40");
        until(|| called.load(Ordering::SeqCst) == 1).await;
        drop(client);
        sleep(secs(60)).await;
        assert_eq!((io.clients(), journal.len()), (0, 0), "{transport}");
        assert!(io.root().is_empty(), "{transport}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_before_the_answer_closes() {
    for early in [r#"42["early"]"#, "41", r#"430["early"]"#] {
        let io = io(IoConfig::default());
        let journal = note_all(&io);
        be_slow(&io, 3);
        let client = TestClient::builder().open(&io).await;
        client.send("40");
        client.send(early);
        assert_eq!(client.expect_end().await, Reason::TransportClose, "{early}");
        assert_eq!(client.close_code(), Some(1008), "{early}");
        sleep(secs(60)).await;
        assert_eq!((io.clients(), journal.len()), (0, 0), "{early}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_connects_at_once_make_one_socket() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        let journal = note_all(&io);
        let called = be_slow(&io, 3);
        let client = builder.open(&io).await;
        client.send("40");
        client.send("40");
        assert!(
            client.expect_text().await.starts_with(r#"0{"sid""#),
            "{transport}"
        );
        client.expect_silence(secs(20)).await;
        assert_eq!(io.root().len(), 1, "{transport}");
        assert_eq!(called.load(Ordering::SeqCst), 1, "{transport}");
        assert_eq!(journal.all(), ["came"], "{transport}");
        // A third one, now that it is in, makes no sense.
        client.send("40");
        client.expect_end().await;
        until(|| journal.len() == 2).await;
        let reason = if transport == "polling" {
            "forced server close"
        } else {
            "forced close"
        };
        assert_eq!(journal.all(), ["came", reason]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_refuses_and_ends_nothing_else() {
    let io = io(IoConfig::default());
    io.of("/now").middleware(|| {
        fail("at once");
        std::future::ready(())
    });
    io.of("/later").middleware(async || {
        sleep(secs(1)).await;
        fail("later");
    });
    let client = TestClient::connect(&io).await;
    for namespace in ["/now", "/later"] {
        assert_eq!(
            client.refused(namespace, &()).await.message,
            "internal error"
        );
        assert!(io.of(namespace).is_empty());
    }
    client.expect_silence(secs(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_middleware_may_take_the_client_out() {
    let io = io(IoConfig::default());
    let journal = note_all(&io);
    io.middleware(async |socket: Socket| {
        socket.join("early").unwrap();
        socket.disconnect(false);
    });
    let refused = TestClient::builder().refused(&io).await;
    assert_eq!(refused.message, "disconnected by the server");
    sleep(secs(10)).await;
    assert!(io.root().is_empty());
    assert_eq!(io.all_rooms().await.value, []);
    assert_eq!(journal.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_middleware_joins_and_sends_holds_from_the_entry_on() {
    let io = io(IoConfig::default());
    io.middleware(async |socket: Socket| {
        socket.join(["a", "b", "c"])?;
        socket.leave("b");
        socket.emit("early", &1).await?;
        assert!(socket.io().root().is_empty(), "not in yet");
        Ok::<_, HandlerError>(())
    });
    let client = TestClient::connect(&io).await;
    assert_eq!(client.expect_as::<u32>("early").await, 1);
    for (room, expected) in [("a", 1), ("b", 0), ("c", 1)] {
        assert_eq!(
            io.to(room).emit("in", &room).unwrap().queued,
            expected,
            "{room}"
        );
    }
    assert_eq!(client.expect_as::<String>("in").await, "a");
    assert_eq!(client.expect_as::<String>("in").await, "c");
}

#[tokio::test(start_paused = true)]
async fn event_middlewares_stop_events_one_by_one_and_keep_the_socket() {
    let io = io(IoConfig::default());
    let journal = Journal::default();
    let (first, second, handled) = (journal.clone(), journal.clone(), journal.clone());
    io.event_middleware(move |event: Incoming| {
        let first = first.clone();
        async move {
            first.note("first");
            let What::Event { name, args, .. } = &event.what else {
                unreachable!("events only")
            };
            assert!(&**name != "panic", "on purpose");
            let number: u32 = args.get(0).unwrap_or_default();
            (number < 10)
                .then_some(())
                .ok_or(HandlerError::new("too large"))
        }
    });
    // What it cannot read does not pass.
    io.event_middleware(move |Data(number): Data<u32>| {
        let second = second.clone();
        async move { second.note(format!("second {number}")) }
    });
    io.on_any(move |Data(data): Data<Value>| {
        let handled = handled.clone();
        async move { handled.note(format!("handled {data}")) }
    });
    let client = TestClient::connect(&io).await;
    client.emit("number", &1);
    client.emit("number", &11);
    client.emit("panic", &2);
    client.emit("number", "no number");
    client.emit("number", &3);
    until(|| journal.len() >= 9).await;
    client.expect_silence(secs(10)).await;
    let expected = [
        "first",
        "second 1",
        "handled 1",
        "first",
        "first",
        "first",
        "first",
        "second 3",
        "handled 3",
    ];
    assert_eq!(journal.all(), expected);
}
