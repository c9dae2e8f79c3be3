//! The events, the same in every namespace.

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use serde::de::DeserializeOwned;
use switchboard::{
    prelude::ConnectionId,
    server::Handshake,
    socketio::{
        Ack, Args, Data, DisconnectReason, HandlerError, Handlers, Namespace, Socket, State, Value,
    },
};

type Handled = Result<(), HandlerError>;

/// Why each socket left, by namespace and id.
#[derive(Default)]
pub(crate) struct Reasons(DashMap<(String, ConnectionId), &'static str>);

pub(crate) fn install(handlers: &Handlers) {
    handlers
        .on("echo", async |socket: Socket, args: Args| {
            socket.emit("echo", &args).await
        })
        .on("echo-ack", async |args: Args, ack: Ack| ack.send(&args))
        .on("ask", ask)
        .on("never-ack", async || {})
        .on("handshake", handshake)
        .on(
            "set-data",
            async |socket: Socket, Data(data): Data<Value>, ack: Ack| {
                socket.set_data(data);
                ack.send(&"ok")
            },
        )
        .on("kick", async |socket: Socket| {
            socket.disconnect(false);
        })
        .on("kick-hard", async |socket: Socket| {
            socket.disconnect(true);
        })
        .on("drop", async |socket: Socket| socket.abort())
        .on("reason", reason)
        .on_disconnect(remember);
    install_rooms(handlers);
}

fn install_rooms(handlers: &Handlers) {
    handlers
        .on("join", join)
        .on(
            "leave",
            async |socket: Socket, Data(room): Data<String>, ack: Ack| {
                socket.leave(&room);
                ack.send(&"ok")
            },
        )
        .on("rooms", async |socket: Socket, ack: Ack| {
            ack.send(&socket.rooms())
        })
        .on("to-room", async |socket: Socket, args: Args| {
            let (event, rest) = event_at(&args, 1)?;
            socket.to(text(&args, 0)?).emit(&event, &rest)?;
            Handled::Ok(())
        })
        .on("in-room", async |namespace: Namespace, args: Args| {
            let (event, rest) = event_at(&args, 1)?;
            namespace.in_(text(&args, 0)?).emit(&event, &rest)?;
            Handled::Ok(())
        })
        .on("to-rooms", async |namespace: Namespace, args: Args| {
            let (event, rest) = event_at(&args, 2)?;
            let rooms: Vec<String> = read(&args, 0)?;
            let except: Vec<String> = read(&args, 1)?;
            namespace.to(rooms).except(except).emit(&event, &rest)?;
            Handled::Ok(())
        })
        .on("broadcast", async |socket: Socket, args: Args| {
            let (event, rest) = event_at(&args, 0)?;
            socket.broadcast().emit(&event, &rest)?;
            Handled::Ok(())
        })
        .on("all", async |namespace: Namespace, args: Args| {
            let (event, rest) = event_at(&args, 0)?;
            namespace.emit(&event, &rest)?;
            Handled::Ok(())
        })
        .on("emit-ack-all", emit_ack_all);
}

async fn join(socket: Socket, Data(room): Data<String>, ack: Ack) -> Handled {
    socket.join(room)?;
    Ok(ack.send(&"ok")?)
}

async fn ask(socket: Socket, Data(question): Data<Value>) -> Handled {
    let answer: Args = socket.emit_with_ack("question", &question).await?;
    Ok(socket.emit("answer", &answer).await?)
}

async fn emit_ack_all(
    namespace: Namespace,
    Data((event, argument, within)): Data<(String, Value, u64)>,
    ack: Ack,
) -> Handled {
    let within = Duration::from_millis(within);
    let answers = namespace
        .timeout(within)
        .emit_with_ack::<Value, _>(&event, &argument)
        .await?;
    let err = (answers.missing > 0).then_some("operation has timed out");
    Ok(ack.send(&Gathered {
        err,
        responses: answers.answers,
    })?)
}

#[derive(serde::Serialize)]
struct Gathered {
    err: Option<&'static str>,
    responses: Vec<Value>,
}

async fn handshake(socket: Socket, handshake: Arc<Handshake>, ack: Ack) -> Handled {
    let query: serde_json::Map<_, _> = handshake
        .queries()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let auth: Option<Value> = socket.auth()?;
    Ok(ack.send(&serde_json::json!({
        "query": query,
        "auth": auth.unwrap_or(Value::Object(Vec::new())),
        "address": handshake.address(),
        "hasHeaders": handshake.headers().next().is_some(),
    }))?)
}

async fn reason(
    socket: Socket,
    Data(id): Data<ConnectionId>,
    State(reasons): State<Reasons>,
    ack: Ack,
) -> Handled {
    let key = (socket.namespace().name().to_owned(), id);
    let reason = reasons.0.get(&key).map(|found| *found);
    Ok(ack.send(&reason)?)
}

async fn remember(socket: Socket, reason: DisconnectReason, State(reasons): State<Reasons>) {
    let key = (socket.namespace().name().to_owned(), socket.id().clone());
    reasons.0.insert(key, reason.as_str());
}

/// An event's name and the arguments after it.
pub(crate) fn event_at(args: &Args, index: usize) -> Result<(String, Args), HandlerError> {
    let rest = args.values().into_iter().skip(index + 1).collect();
    Ok((text(args, index)?, Args::from_values(rest)))
}

pub(crate) fn text(args: &Args, index: usize) -> Result<String, HandlerError> {
    read(args, index)
}

fn read<T: DeserializeOwned>(args: &Args, index: usize) -> Result<T, HandlerError> {
    Ok(args.get(index)?)
}
