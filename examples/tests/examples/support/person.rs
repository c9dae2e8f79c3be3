//! A person in the chat: a client in Rust.

use serde_json::{Value, json};
use switchboard::{connection::Closed, prelude::*};

use super::{Example, soon};

/// An open connection to the chat.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) socket: WebSocket,
    pub(crate) id: String,
    /// The first message.
    pub(crate) welcome: Value,
}

impl Person {
    /// Connects and takes the welcome, which has to be the first message.
    pub(crate) async fn connect(chat: &Example, namespace: &str, name: &str) -> Self {
        let url = format!("ws://{}/namespace/{namespace}?name={name}", chat.host());
        let endpoint = Endpoint::new(ConnectionConfig::default()).unwrap();
        let mut socket = soon("the handshake", endpoint.dial(url).connect())
            .await
            .unwrap();
        let welcome = message(&mut socket).await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        let id = welcome["you"]["id"].as_str().expect("an id").to_owned();
        Self {
            socket,
            id,
            welcome,
        }
    }

    pub(crate) async fn send(&self, message: Value) {
        self.socket.send(message.to_string()).await.unwrap();
    }

    /// The next message with these members; others are skipped.
    pub(crate) async fn expect(&mut self, wanted: Value) -> Value {
        self.find(&wanted.to_string(), |message| {
            wanted
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, value)| message[key] == *value)
        })
        .await
    }

    /// The next message that `fits`; others are skipped.
    pub(crate) async fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        soon(what, async {
            loop {
                let message = message(&mut self.socket).await;
                if fits(&message) {
                    return message;
                }
            }
        })
        .await
    }

    /// The next message that answers a message of one's own.
    pub(crate) async fn answer(&mut self) -> Value {
        let id = self.id.clone();
        self.find("an answer", |message| match message["type"].as_str() {
            Some("report" | "error" | "draining") => true,
            Some("changed") => message["who"]["id"] == *id,
            _ => false,
        })
        .await
    }

    /// Sends a message and returns its answer.
    pub(crate) async fn ask(&mut self, message: Value) -> Value {
        self.send(message).await;
        self.answer().await
    }

    /// Joins `room`.
    pub(crate) async fn join(&mut self, room: &str) {
        let answer = self.ask(json!({"type": "join", "room": room})).await;
        assert_eq!(answer["type"], "changed", "{answer}");
    }

    /// Reads to the end.
    pub(crate) async fn closed(&mut self) -> Closed {
        soon("the close", async {
            loop {
                let event = self.socket.next().await.expect("a close comes last");
                if let Event::Close(closed) = event {
                    return closed;
                }
            }
        })
        .await
    }
}

async fn message(socket: &mut WebSocket) -> Value {
    loop {
        match soon("a message", socket.next()).await {
            Some(Event::Text(text)) => return serde_json::from_str(&text).unwrap(),
            Some(Event::Ping(_)) => {}
            other => panic!("no message but {other:?}"),
        }
    }
}
