//! The events that concern the whole cluster, the same in every namespace.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use serde::Serialize;
use switchboard::{
    adapter::Answer,
    prelude::{ConnectionId, Room},
    socketio::{
        Ack, Answers, Args, Data, HandlerError, Handlers, Namespace, RemoteSocket, ServerSideEvent,
        Value,
    },
};

use crate::events::{event_at, text};

type Handled = Result<(), HandlerError>;

/// What other servers have said to this one, by namespace: the arguments of each `sse-ping`.
type Log = Arc<DashMap<String, Vec<Vec<Value>>>>;

/// `name` is how this server answers a `sse-ping`.
pub(crate) fn install(handlers: &Handlers, name: &str) {
    install_questions(handlers);
    install_orders(handlers);
    install_server_side(handlers, name);
}

fn install_questions(handlers: &Handlers) {
    handlers
        .on("c:fetch", fetch)
        .on("c:sockets", sockets)
        .on("c:all-rooms", all_rooms)
        .on("c:count", async |namespace: Namespace, ack: Ack| {
            ack.send(&namespace.server_count().await.value)
        })
        .on("c:emit-ack", emit_ack);
}

fn install_orders(handlers: &Handlers) {
    handlers
        .on(
            "c:join",
            async |namespace: Namespace, Data((to, rooms)): Data<(Vec<String>, Vec<String>)>| {
                namespace.in_(to).sockets_join(rooms).await;
            },
        )
        .on(
            "c:leave",
            async |namespace: Namespace, Data((to, rooms)): Data<(Vec<String>, Vec<String>)>| {
                namespace.in_(to).sockets_leave(rooms).await;
            },
        )
        .on(
            "c:disconnect",
            async |namespace: Namespace, Data((to, close)): Data<(Vec<String>, Option<bool>)>| {
                let close = close.unwrap_or_default();
                namespace.in_(to).disconnect_sockets(close).await;
            },
        )
        .on("c:local", async |namespace: Namespace, args: Args| {
            let (event, rest) = event_at(&args, 0)?;
            namespace.local().emit(&event, &rest)?;
            Handled::Ok(())
        });
}

fn install_server_side(handlers: &Handlers, name: &str) {
    let (log, name) = (Log::default(), name.to_owned());
    let pings = Arc::clone(&log);
    handlers
        .on_server_side("sse-ping", move |event: ServerSideEvent| {
            let namespace = event.namespace().name().to_owned();
            let args = event.args().values();
            let first = args.first().cloned().unwrap_or_default();
            pings.entry(namespace).or_default().push(args);
            let answer = format!("pong:{name}:{}", shown(&first));
            async move { event.reply(&answer) }
        })
        .on_server_side("sse-silent", async |_: ServerSideEvent| {})
        .on("c:sse", async |namespace: Namespace, args: Args| {
            let (event, rest) = event_at(&args, 0)?;
            Handled::Ok(namespace.server_side_emit(&event, &rest)?)
        })
        .on("c:sse-ack", sse_ack)
        .on("c:sse-log", move |namespace: Namespace, ack: Ack| {
            let found = log.get(namespace.name()).map(|found| found.clone());
            async move { ack.send(&found.unwrap_or_default()) }
        });
}

/// As JavaScript joins it to a text, for what is sent here.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

#[derive(Serialize)]
struct Sockets {
    err: Option<String>,
    sockets: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    id: ConnectionId,
    rooms: Vec<Room>,
    data: serde_json::Value,
    auth: serde_json::Value,
    query: serde_json::Value,
}

impl From<&RemoteSocket> for Told {
    fn from(socket: &RemoteSocket) -> Self {
        Self {
            id: socket.id().clone(),
            rooms: socket.rooms().to_vec(),
            data: socket.data().clone(),
            auth: socket.handshake()["auth"].clone(),
            query: socket.handshake()["query"].clone(),
        }
    }
}

async fn fetch(namespace: Namespace, Data(rooms): Data<Vec<String>>, ack: Ack) -> Handled {
    let answer = namespace.in_(rooms).fetch_sockets().await;
    Ok(ack.send(&Sockets {
        err: silence(&answer),
        sockets: answer.value.iter().map(Told::from).collect(),
    })?)
}

#[derive(Serialize)]
struct Ids {
    err: Option<String>,
    ids: Vec<ConnectionId>,
}

async fn sockets(namespace: Namespace, Data(rooms): Data<Vec<String>>, ack: Ack) -> Handled {
    let answer = namespace.adapter().sockets(rooms).await;
    Ok(ack.send(&Ids {
        err: silence(&answer),
        ids: answer.value,
    })?)
}

#[derive(Serialize)]
struct RoomNames {
    err: Option<String>,
    rooms: Vec<Room>,
}

async fn all_rooms(namespace: Namespace, ack: Ack) -> Handled {
    let answer = namespace.all_rooms().await;
    Ok(ack.send(&RoomNames {
        err: silence(&answer),
        rooms: answer.value,
    })?)
}

#[derive(Serialize)]
struct Responses {
    err: Option<String>,
    responses: Vec<Value>,
}

async fn sse_ack(namespace: Namespace, args: Args, ack: Ack) -> Handled {
    let (event, rest) = event_at(&args, 0)?;
    let answers: Answers<Value> = namespace.server_side_emit_with_ack(&event, &rest).await?;
    let came = answers.answers.len();
    let err = (!answers.is_complete()).then(|| {
        let asked = came + answers.silent_nodes;
        format!("timeout reached: only {came} responses received out of {asked}")
    });
    Ok(ack.send(&Responses {
        err,
        responses: answers.answers,
    })?)
}

async fn emit_ack(namespace: Namespace, args: Args, ack: Ack) -> Handled {
    let (rooms, _, argument, within) = args.read::<(Vec<String>, Value, Value, u64)>()?;
    let event = text(&args, 1)?;
    let asking = namespace.in_(rooms).timeout(Duration::from_millis(within));
    let answers: Answers<Value> = asking.emit_with_ack(&event, &argument).await?;
    let err = (!answers.is_complete()).then(|| "operation has timed out".to_owned());
    Ok(ack.send(&Responses {
        err,
        responses: answers.answers,
    })?)
}

fn silence<T>(answer: &Answer<T>) -> Option<String> {
    let count = answer.silent_nodes;
    (!answer.is_complete()).then(|| format!("timeout reached: {count} servers did not answer"))
}
