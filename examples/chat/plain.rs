//! The way in over plain WebSockets: one text message, one JSON object.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use switchboard::prelude::*;

use crate::{
    chat::Chat,
    presence::Presence,
    protocol::{Answer, Broadcast, DrainNode, Join, Leave, Private, Rename, Say},
    rules::{Code, Name, namespace},
    way::Way,
};

/// Whoever names a namespace may enter; what it said about itself is kept with the connection.
pub(crate) fn admit(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
    let asked = request.namespace.as_ref();
    let Some(namespace) = asked.and_then(|name| namespace(name)) else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_NAMESPACE"));
    };
    let name = request.query("name").and_then(|name| Name::new(name).ok());
    let key = request.query("key");
    Ok(Admission::to(namespace).with(Asked { name, key }))
}

#[derive(Clone)]
struct Asked {
    name: Option<Name>,
    key: Option<String>,
}

/// The life of one connection. It is in the pool before this begins and until this returns.
pub(crate) async fn run(chat: Chat, mut socket: WebSocket) {
    let connection = socket.connection();
    let me = take_a_name(&chat, &connection);
    me.come_in(Way::Plain(chat.pool.clone(), connection.clone()));
    while let Some(event) = socket.next().await {
        let answer = match event {
            Event::Text(text) => received(&me, &text),
            Event::Binary(_) => Answer::refusal(Code::BadMessage, None),
            // Pings are answered by the library, and a close is followed by the end of the loop.
            _ => continue,
        };
        let frame = Frame::json(&answer).expect("texts and numbers are JSON");
        // Waits for room in the outbox: whoever does not read the answers is not read either.
        if connection.send(frame).await.is_err() {
            break;
        }
    }
    // `me` goes out of scope: the others are told, even if this task had panicked.
}

/// The name it asked for, one that is like it, or that of a guest. A page cannot see why a WebSocket was
/// refused, so a name that is taken is no reason.
fn take_a_name(chat: &Chat, connection: &AnyConnection) -> Presence {
    let address = connection.address();
    let asked = connection.metadata().remove::<Asked>();
    let key = asked.as_ref().and_then(|asked| asked.key.clone());
    let name = asked.and_then(|asked| asked.name.clone());
    let name = name.unwrap_or_else(|| Name::guest(&address.id));
    chat.claim_alike(address, name, key.as_ref())
}

fn received(me: &Presence, text: &str) -> Answer {
    me.chat().counters.received();
    match FromClient::read(text) {
        Ok(FromClient::Join(message)) => me.answer(message),
        Ok(FromClient::Leave(message)) => me.answer(message),
        Ok(FromClient::Say(message)) => me.answer(message),
        Ok(FromClient::Broadcast(message)) => me.answer(message),
        Ok(FromClient::Private(message)) => me.answer(message),
        Ok(FromClient::Name(message)) => me.answer(message),
        Ok(FromClient::Drain(message)) => me.answer(message),
        Err(about) => Answer::refusal(Code::BadMessage, about.as_deref()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum FromClient {
    Join(Join),
    Leave(Leave),
    Say(Say),
    Broadcast(Broadcast),
    Private(Private),
    Name(Rename),
    Drain(DrainNode),
}

impl FromClient {
    /// Reads one text message, in two steps, so that a refusal can name what it is about: first that it is
    /// an object with a `type`, then its members.
    fn read(text: &str) -> Result<Self, Option<String>> {
        let value: Value = serde_json::from_str(text).map_err(|_| None)?;
        let about = value.get("type").and_then(Value::as_str).map(str::to_owned);
        Self::deserialize(&value).map_err(|_| about)
    }
}
