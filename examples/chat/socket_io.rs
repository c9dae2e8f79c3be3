//! The way in over Socket.IO: one event with one argument, answered by its acknowledgement.

use std::{any::type_name, sync::Arc};

use serde::Deserialize;
use switchboard::{
    prelude::Address,
    socketio::{
        Ack, AckWith, Auth, EventName, FromEvent, HandlerError, Handshake, Incoming, Io, Rejected,
        Socket, Typed, Value,
    },
};

use crate::{
    actions::Action,
    chat::Chat,
    people::Taken,
    presence::Presence,
    protocol::{Answer, Broadcast, DrainNode, Join, Leave, Private, Rename, Say},
    rules::{Code, Name, namespace_of},
    way::Way,
};

/// The names of the events that clients send.
const EVENTS: [&str; 7] = [
    "join",
    "leave",
    "say",
    "broadcast",
    "private",
    "name",
    "drain",
];

/// Any usable name is a namespace of the chat: it begins with its first client and goes after its last.
pub(crate) fn install(io: &Io) {
    let namespaces = io.of_dynamic(|name: &str, _: &Handshake| namespace_of(name).is_some());
    namespaces
        .middleware(take_a_name)
        .on_connect(come_in)
        .on_event::<Join, _>(act::<Join>)
        .on_event::<Leave, _>(act::<Leave>)
        .on_event::<Say, _>(act::<Say>)
        .on_event::<Broadcast, _>(act::<Broadcast>)
        .on_event::<Private, _>(act::<Private>)
        .on_event::<Rename, _>(act::<Rename>)
        .on_event::<DrainNode, _>(act::<DrainNode>)
        .on_any(refuse_unknown)
        .on_disconnect(leave);
}

/// What a client says to enter (`auth`).
#[derive(Default, Deserialize)]
struct Asked {
    name: Option<String>,
    key: Option<String>,
}

/// Refuses whoever asks for a name that is taken; the error's data tells one that is free.
async fn take_a_name(
    chat: Chat,
    socket: Socket,
    asked: Result<Auth<Option<Asked>>, Rejected>,
) -> Result<(), HandlerError> {
    let Auth(asked) = asked.map_err(|_| refusal(Code::BadName, None))?;
    let Asked { name, key } = asked.unwrap_or_default();
    // Whoever continues a session goes by the name it had last.
    let name = match socket.data() {
        Value::String(name) => Some(name),
        _ => name,
    };
    let namespace = namespace_of(socket.namespace().name());
    let namespace = namespace.ok_or_else(|| HandlerError::new("Invalid namespace"))?;
    let address = Address::new(socket.id().clone(), namespace);
    let me = match name {
        Some(name) => {
            let name = Name::new(name).map_err(|code| refusal(code, None))?;
            let me = chat.claim(address, name, key);
            me.map_err(|Taken { free }| refusal(Code::NameTaken, Some(free)))?
        }
        None => chat.claim_alike(&address, Name::guest(&address.id), key.as_ref()),
    };
    // If it never comes in, the name is free again as soon as the socket is forgotten.
    socket.extensions().insert(me);
    Ok(())
}

/// What the client gets as `connect_error`.
fn refusal(code: Code, free: Option<Name>) -> HandlerError {
    let word = serde_json::to_value(code).unwrap_or_default();
    let mut data = vec![("code".to_owned(), word.as_str().unwrap_or_default().into())];
    data.extend(free.map(|free| ("free".to_owned(), free.as_str().into())));
    HandlerError::new(code.message()).with_data(Value::Object(data))
}

/// Who sent an event, for handlers that come after the middleware.
struct Me(Arc<Presence>);

impl FromEvent for Me {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        let me = event.socket.extensions().get();
        me.map(Self).ok_or(Rejected::State(type_name::<Presence>()))
    }
}

async fn come_in(Me(me): Me, socket: Socket) {
    me.come_in(Way::SocketIo(socket));
}

async fn leave(Me(me): Me) {
    me.leave();
}

/// Handles one message.
async fn act<A: Action>(Me(me): Me, message: Result<Typed<A>, Rejected>, ack: AckWith<A>) {
    me.chat().counters.received();
    let answer = match message {
        Ok(Typed(message)) => me.answer(message),
        Err(_) => Answer::refusal(Code::BadMessage, Some(A::NAME)),
    };
    // A client that has gone needs no answer.
    ack.send(&answer).ok();
}

/// Called for every event, before those of its name.
async fn refuse_unknown(chat: Chat, name: EventName, ack: Ack) {
    if !EVENTS.contains(&name.as_str()) {
        chat.counters.received();
        let answer = Answer::refusal(Code::BadMessage, Some(name.as_str()));
        ack.send(&answer).ok();
    }
}
