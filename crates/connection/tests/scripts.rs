//! Random scripts of sends, pings and a close: tungstenite receives what was accepted, in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{config, endpoint, read_all, soon, tcp_pair};
use futures_util::StreamExt;
use proptest::prelude::*;
use switchboard_connection::{
    Connection, ConnectionExt, Cork, Delivery, Disconnect, Frame, Sent, SlowConsumer, Transport,
    WebSocket,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tungstenite::{Message, protocol::Role};

#[derive(Clone, Debug)]
enum Step {
    /// Waits for room if it must.
    Send(Message),
    /// Does what the policy says.
    TrySend(Message),
    /// Some at once.
    Turn(Vec<Message>),
    Ping(u8),
    Yield,
}

fn message() -> impl Strategy<Value = Message> {
    let len = prop_oneof![4 => 0_usize..300, 1 => 0_usize..70_000];
    (any::<bool>(), len, b'a'..=b'z').prop_map(|(text, len, fill)| {
        if text {
            Message::text(char::from(fill).to_string().repeat(len))
        } else {
            Message::binary(vec![fill; len])
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => message().prop_map(Step::Send),
        3 => message().prop_map(Step::TrySend),
        2 => proptest::collection::vec(message(), 0..20).prop_map(Step::Turn),
        1 => any::<u8>().prop_map(Step::Ping),
        2 => Just(Step::Yield),
    ]
}

fn frame(message: &Message) -> Frame {
    match message {
        Message::Text(text) => Frame::text(text),
        message => Frame::binary(message.clone().into_data()),
    }
}

/// Runs the script and returns the messages that were accepted.
async fn run(socket: &WebSocket, steps: Vec<Step>) -> Vec<Message> {
    let mut accepted = Vec::new();
    let offer = |accepted: &mut Vec<Message>, message: Message| match socket
        .try_send(&frame(&message), Delivery::Policy)
    {
        Ok(Sent::Queued) => accepted.push(message),
        Ok(Sent::Dropped) => {}
        other => panic!("{other:?}"),
    };
    for step in steps {
        match step {
            Step::Send(message) => {
                socket.send(frame(&message)).await.unwrap();
                accepted.push(message);
            }
            Step::TrySend(message) => offer(&mut accepted, message),
            Step::Turn(messages) => {
                let _turn = Cork::new();
                for message in messages {
                    offer(&mut accepted, message);
                }
            }
            Step::Ping(byte) => drop(socket.ping(&[byte])),
            Step::Yield => tokio::task::yield_now().await,
        }
    }
    accepted
}

async fn script<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    socket: WebSocket,
    client: S,
    steps: Vec<Step>,
) {
    let mut client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
    let receiving = tokio::spawn(async move {
        let mut messages = Vec::new();
        while let Some(Ok(message)) = client.next().await {
            messages.push(message);
        }
        messages
    });
    let accepted = run(&socket, steps).await;
    socket.close(Disconnect::new(4000, "end"));
    let closed = soon(read_all(socket)).await.unwrap();
    assert!(closed.clean);
    let mut received = soon(receiving).await.unwrap();
    let close = received.pop();
    assert!(matches!(&close, Some(Message::Close(Some(frame))) if frame.reason == "end"));
    received.retain(|message| !message.is_ping());
    assert!(
        received == accepted,
        "{} of {}",
        received.len(),
        accepted.len()
    );
}

fn block_on(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn over_tcp(steps in proptest::collection::vec(step(), 0..40)) {
        block_on(async {
            let endpoint = endpoint(limits());
            let (server, client) = tcp_pair().await;
            let socket = endpoint.accepted(server.into(), &[], common::address("tcp"));
            script(socket, client, steps).await;
        });
    }

    #[test]
    fn over_a_pipe_with_little_room(
        steps in proptest::collection::vec(step(), 0..30),
        buffer in prop_oneof![1_usize..64, 64_usize..100_000],
    ) {
        block_on(async {
            let endpoint = endpoint(limits());
            let (server, client) = tokio::io::duplex(buffer);
            let transport = Transport::stream(server, None);
            let socket = endpoint.accepted(transport, &[], common::address("pipe"));
            script(socket, client, steps).await;
        });
    }
}

fn limits() -> switchboard_connection::ConnectionConfig {
    config()
        .with_outbox_bytes(80_000)
        .with_outbox_messages(16)
        .with_slow_consumer(SlowConsumer::DropNewest)
}
