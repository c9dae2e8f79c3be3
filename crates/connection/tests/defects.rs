//! What `@soketi/connections` does wrong, connection by connection, and we do not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{collections::HashMap, time::Duration};

use common::{
    BINARY, TEXT, config, endpoint, masked, over_pipe, over_tcp, read_all, soon, with_oracle,
};
use futures_util::{SinkExt, StreamExt};
use switchboard_connection::{
    Closed, Connection, ConnectionExt, Delivery, Disconnect, Event, Frame, Initiator, SendError,
    SendJsonError, WebSocketHandle,
};
use tokio::time::{Instant, sleep};
use tungstenite::Message;

async fn every_verb_is_refused(connection: &WebSocketHandle) {
    let closed = Err(SendError::Closed);
    let late = || Disconnect::new(4444, "late");
    assert_eq!(connection.send("late").await, closed);
    assert_eq!(connection.send_then_close("late", late()).await, closed);
    assert_eq!(connection.send_error("late", late()).await, closed);
    assert_eq!(
        connection.send_error_then_close("late", late()).await,
        closed
    );
    for json in [
        connection.send_json(&1).await,
        connection.send_json_then_close(&1, late()).await,
    ] {
        assert!(matches!(json, Err(SendJsonError::Send(SendError::Closed))));
    }
    for delivery in [Delivery::Policy, Delivery::Refuse, Delivery::Volatile] {
        let refused = connection.try_send(&Frame::text("late"), delivery);
        assert_eq!(refused, Err(SendError::Closed));
    }
    assert_eq!(connection.ping(b"late"), Err(SendError::Closed));
    assert_eq!(connection.ready(1).await, closed);
}

#[tokio::test]
async fn c18_sends_after_a_close_are_refused_and_reach_nobody() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    let handle = std::sync::Arc::clone(socket.handle());
    socket.send("before").await.unwrap();
    socket.close(Disconnect::new(4000, "first"));
    every_verb_is_refused(&handle).await;
    let reading = read_all(socket);
    let (frames, close) = soon(peer.frames_and_close()).await;
    assert_eq!(frames.len(), 1);
    assert_eq!(close, (4000, "first".into()));
    let closed = soon(reading).await.unwrap();
    every_verb_is_refused(&handle).await;
    assert_eq!(handle.closed().await, closed, "and changed nothing");
    assert_eq!(soon(peer.frames()).await, []);
}

#[tokio::test]
async fn c18_a_close_works_once() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    assert!(socket.close(Disconnect::new(4000, "first")));
    assert!(!socket.close(Disconnect::new(4001, "second")));
    assert!(socket.is_closed());
    let reading = read_all(socket);
    let (frames, close) = soon(peer.frames_and_close()).await;
    assert_eq!((frames.len(), close), (0, (4000, "first".into())));
    assert_eq!(soon(peer.frames()).await, [], "one close frame");
    let closed = Closed::new(Initiator::Local, Disconnect::new(4000, "first"), true);
    assert_eq!(soon(reading).await.unwrap(), closed);
}

#[tokio::test]
async fn c18_a_close_flushes_first() {
    let (socket, mut peer) = over_pipe(&endpoint(config()), 16);
    for n in 0..100 {
        let frame = Frame::text(n.to_string());
        socket.try_send(&frame, Delivery::Refuse).unwrap();
    }
    socket.close(Disconnect::NORMAL);
    let (frames, close) = soon(peer.frames_and_close()).await;
    let texts: Vec<_> = frames.iter().map(|frame| frame.text().to_owned()).collect();
    let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!((texts, close.0), (expected, 1000));
}

#[tokio::test(start_paused = true)]
async fn c18_the_idle_time_counts_from_the_accept() {
    let config = config().with_ping_interval(Duration::ZERO);
    let endpoint = endpoint(config);
    let (socket, mut peer) = over_pipe(&endpoint, 1_024);
    let start = Instant::now();
    let closed = read_all(socket).await.unwrap();
    assert_eq!(closed.disconnect, Disconnect::TIMED_OUT);
    let took = start.elapsed();
    let expected = Duration::from_mins(2)..Duration::from_millis(120_200);
    assert!(expected.contains(&took), "{took:?}");
    let (_, close) = peer.frames_and_close().await;
    assert_eq!(close, (1001, "TIMED_OUT".into()));
}

#[tokio::test(start_paused = true)]
async fn c18_what_arrives_counts_against_idleness_and_what_we_send_does_not() {
    let config = config().with_ping_interval(Duration::ZERO);
    let (socket, mut peer) = over_pipe(&endpoint(config), 1 << 20);
    let handle = std::sync::Arc::clone(socket.handle());
    let start = Instant::now();
    let reading = read_all(socket);
    sleep(Duration::from_secs(100)).await;
    peer.send(&masked(TEXT, b"here")).await;
    while handle.send("are you?").await.is_ok() {
        sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(reading.await.unwrap().disconnect, Disconnect::TIMED_OUT);
    let took = start.elapsed();
    assert!((220..=230).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn c18_a_value_that_is_no_json_is_an_error_and_sends_nothing() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    let value = HashMap::from([(vec![1], "keys must be texts")]);
    let error = socket.send_json(&value).await.unwrap_err();
    assert!(matches!(error, SendJsonError::Encode(_)), "{error:?}");
    let error = socket
        .send_json_then_close(&value, Disconnect::NORMAL)
        .await
        .unwrap_err();
    assert!(matches!(error, SendJsonError::Encode(_)), "{error:?}");
    assert!(!socket.is_closed(), "left as it was");
    socket.send_json("a text is quoted").await.unwrap();
    let frame = soon(peer.frame()).await.unwrap();
    assert_eq!(frame.text(), r#""a text is quoted""#);
}

/// The README's server: a handler per connection that greets, answers and closes.
#[tokio::test]
async fn c18_the_usage_of_the_readme_works() {
    let (mut socket, mut client) = with_oracle(&endpoint(config())).await;
    let server = tokio::spawn(async move {
        socket.send("welcome").await.unwrap();
        while let Some(event) = socket.next().await {
            match event {
                Event::Text(text) if text == "quit" => {
                    let bye = Disconnect::new(4000, "as you wish");
                    socket.send_error("bye", bye).await.unwrap();
                }
                Event::Text(text) => socket.send_json(&[text]).await.unwrap(),
                Event::Close(closed) => return Some(closed),
                _ => {}
            }
        }
        None
    });
    for message in ["hello", "quit"] {
        client.send(Message::text(message)).await.unwrap();
    }
    let mut received = Vec::new();
    while let Some(Ok(message)) = soon(client.next()).await {
        received.push(message.into_text().unwrap().to_string());
    }
    assert_eq!(
        received,
        [
            "welcome",
            r#"["hello"]"#,
            r#"{"message":"bye","code":4000,"reason":"as you wish"}"#,
            "as you wish",
        ]
    );
    let closed = soon(server).await.unwrap().expect("a close");
    assert!(closed.clean);
}

/// The original forgets to await the inner send of its JSON verb, so that failures are unhandled.
#[tokio::test(start_paused = true)]
async fn c18_json_waits_for_room_as_other_messages_do() {
    let config = config().with_outbox_bytes(64);
    let (socket, mut peer) = over_pipe(&endpoint(config), 1);
    let bytes = vec![7; 50];
    socket.send(bytes.clone()).await.unwrap();
    let json = socket.send_json("does not fit yet");
    let (sent, frame) = tokio::join!(json, peer.frame());
    sent.unwrap();
    let frame = frame.unwrap();
    assert_eq!((frame.first, frame.payload), (BINARY, bytes));
    assert_eq!(peer.frame().await.unwrap().text(), r#""does not fit yet""#);
}
