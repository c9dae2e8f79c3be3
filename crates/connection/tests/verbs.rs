//! What each verb puts on the wire, and which events a peer's frames become.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{
    BINARY, CLOSE, PING, PONG, TEXT, address, close_payload, config, endpoint, masked, over_pipe,
    over_tcp, soon, tcp_pair,
};
use serde_json::json;
use switchboard_connection::{
    Closed, Connection, ConnectionExt, Disconnect, Event, Frame, Initiator, WebSocketError,
};

#[tokio::test]
async fn c1_send_then_close_gives_one_message_and_one_close() {
    let endpoint = endpoint(config());
    let bye = || Disconnect::new(1000, "bye");
    for verb in 0..3 {
        let (mut socket, mut peer) = over_tcp(&endpoint).await;
        let expected = match verb {
            0 => {
                socket.send_then_close("only", bye()).await.unwrap();
                "only"
            }
            1 => {
                let value = json!({"n": 1});
                socket.send_json_then_close(&value, bye()).await.unwrap();
                r#"{"n":1}"#
            }
            _ => {
                socket.send_error_then_close("no", bye()).await.unwrap();
                r#"{"message":"no","code":1000,"reason":"bye"}"#
            }
        };
        let (frames, close) = soon(peer.frames_and_close()).await;
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].text(), expected);
        assert_eq!(close, (1000, "bye".into()));
        let closed = Closed::new(Initiator::Local, bye(), true);
        let event = soon(socket.next()).await;
        assert!(
            matches!(&event, Some(Event::Close(by)) if *by == closed),
            "{event:?}"
        );
        assert!(soon(socket.next()).await.is_none());
        assert_eq!(soon(peer.frames()).await, [], "nothing after the close");
    }
}

#[tokio::test]
async fn c5_text_bytes_and_json_arrive_exactly_as_given() {
    let (socket, mut peer) = over_tcp(&endpoint(config())).await;
    for len in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 200_000] {
        let text = "ä".repeat(len / 2) + if len % 2 == 1 { "x" } else { "" };
        let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
        let reading = async { (peer.frame().await.unwrap(), peer.frame().await.unwrap()) };
        let sending = async {
            socket.send(text.as_str()).await.unwrap();
            socket.send(bytes.clone()).await.unwrap();
        };
        let ((), (first, second)) = soon(async { tokio::join!(sending, reading) }).await;
        assert_eq!((first.text(), first.mask), (text.as_str(), None));
        assert_eq!((second.first, second.payload), (BINARY, bytes));
    }
    let value = json!({"type": "hello", "data": ["world", null, 1.5]});
    socket.send_json(&value).await.unwrap();
    let frame = soon(peer.frame()).await.unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(frame.text()).unwrap(),
        value
    );
    let made = Frame::text("made before");
    socket.send(&made).await.unwrap();
    assert_eq!(soon(peer.frame()).await.unwrap().text(), "made before");
}

#[tokio::test]
async fn c5_close_code_and_reason_arrive_exactly_as_given() {
    let endpoint = endpoint(config());
    for (code, reason, wire) in [
        (1000, "", (1000, "")),
        (1013, "SLOW", (1013, "SLOW")),
        (3000, "grüße", (3000, "grüße")),
        (4999, "the last", (4999, "the last")),
        // Never on the wire: the frame is empty.
        (1005, "", (1005, "")),
        (1006, "lost", (1005, "")),
    ] {
        let (socket, mut peer) = over_tcp(&endpoint).await;
        assert!(socket.close(Disconnect::new(code, reason)));
        let (frames, (code, reason)) = soon(peer.frames_and_close()).await;
        assert_eq!((frames.len(), code, reason.as_str()), (0, wire.0, wire.1));
    }
}

#[tokio::test]
async fn c6_an_error_is_wrapped_and_then_closes() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    let disconnect = Disconnect::new(4009, "\"no\" \u{1F512}");
    socket
        .send_error("not allowed", disconnect.clone())
        .await
        .unwrap();
    assert!(socket.is_closed());
    let (frames, close) = soon(peer.frames_and_close()).await;
    let body: serde_json::Value = serde_json::from_str(frames[0].text()).unwrap();
    assert_eq!(
        body,
        json!({"message": "not allowed", "code": 4009, "reason": disconnect.reason()})
    );
    assert_eq!(close, (4009, disconnect.reason().to_owned()));
    assert!(matches!(
        soon(socket.next()).await,
        Some(Event::Close(closed)) if closed.disconnect == disconnect
    ));
}

#[tokio::test]
async fn c7_to_remote_names_id_namespace_and_node() {
    let endpoint = endpoint(config());
    let (socket, _peer) = over_pipe(&endpoint, 64);
    let json = serde_json::to_value(socket.to_remote()).unwrap();
    assert_eq!(
        json,
        json!({"id": "pipe", "namespace": "tests", "node": endpoint.node_id().as_str()})
    );
}

#[tokio::test]
async fn c9_a_new_connection_knows_its_request_and_its_peer() {
    let endpoint = endpoint(config());
    let (server, client) = tcp_pair().await;
    let client_addr = client.local_addr().unwrap();
    let dialling = tokio_tungstenite::client_async("ws://chat.example/room?user=ada", client);
    let accepting = async {
        let handshake = endpoint.handshake(server).await.unwrap();
        let request = handshake.request();
        assert_eq!(request.uri().path(), "/room");
        assert_eq!(request.uri().query(), Some("user=ada"));
        assert_eq!(request.headers()["host"], "chat.example");
        handshake.accept(address("new")).await.unwrap()
    };
    let (socket, dialled) = soon(async { tokio::join!(accepting, dialling) }).await;
    dialled.unwrap();
    assert_eq!(*socket.address(), address("new"));
    assert_eq!(socket.peer_addr(), Some(client_addr));
    assert_eq!(endpoint.stats().opened, 1);
}

#[tokio::test]
async fn c9_events_come_in_order_and_the_close_last() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    let bytes = [
        masked(TEXT, b"text"),
        masked(PING, b"ping"),
        masked(BINARY, &[0, 255]),
        masked(PONG, b"pong"),
        masked(CLOSE, &close_payload(4001, "bye")),
        masked(TEXT, b"after the close nothing counts"),
    ];
    peer.send(&bytes.concat()).await;
    let mut events = Vec::new();
    while let Some(event) = soon(socket.next()).await {
        events.push(event);
    }
    let closed = Closed::new(Initiator::Peer, Disconnect::new(4001, "bye"), true);
    assert!(
        matches!(
            &events[..],
            [
                Event::Text(text),
                Event::Ping(asked),
                Event::Binary(binary),
                Event::Pong(answer),
                Event::Close(close),
            ] if text == "text" && asked == "ping" && binary[..] == [0, 255] && answer == "pong"
                && *close == closed
        ),
        "{events:?}"
    );
    assert!(socket.next().await.is_none(), "and none after");
    assert_eq!(socket.closed().await, closed);
    let frames = soon(peer.frames()).await;
    assert_eq!((frames[0].first, &*frames[0].payload), (PONG, &b"ping"[..]));
    assert_eq!(frames[1].close(), (4001, "bye".into()));
    assert_eq!(frames.len(), 2);
}

#[tokio::test]
async fn c9_an_error_comes_before_its_close() {
    let (mut socket, mut peer) = over_tcp(&endpoint(config())).await;
    peer.send(&masked(0x83, b"")).await;
    let event = soon(socket.next()).await;
    assert!(
        matches!(
            event,
            Some(Event::Error(WebSocketError::Protocol("unknown opcode")))
        ),
        "{event:?}"
    );
    let disconnect = Disconnect::new(1002, "unknown opcode");
    assert_eq!(
        soon(peer.frame()).await.unwrap().close(),
        (1002, "unknown opcode".into())
    );
    drop(peer);
    let event = soon(socket.next()).await;
    let Some(Event::Close(closed)) = event else {
        panic!("{event:?}");
    };
    assert_eq!(
        (closed.by, closed.disconnect),
        (Initiator::Local, disconnect)
    );
    assert!(socket.next().await.is_none());
}
