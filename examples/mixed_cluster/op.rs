//! What a client can have its node do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchboard::{
    redis::Emitter,
    socketio::{Ack, Args, Broadcast, Data, HandlerError, Namespace, Socket, State, Value},
};

/// An operation and what it needs.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Order {
    op: String,
    /// By an emitter instead of this node.
    emitter: bool,
    rooms: Vec<String>,
    except: Vec<String>,
    volatile: bool,
    compress: Option<bool>,
    event: String,
    args: Vec<Value>,
    /// Rooms to join or leave.
    names: Vec<String>,
    close: bool,
    timeout: u64,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            op: String::new(),
            emitter: false,
            rooms: Vec::new(),
            except: Vec::new(),
            volatile: false,
            compress: None,
            event: String::new(),
            args: Vec::new(),
            names: Vec::new(),
            close: false,
            timeout: 2_000,
        }
    }
}

#[derive(Serialize)]
struct Gathered<T> {
    err: Option<&'static str>,
    responses: T,
}

#[derive(Serialize)]
struct Told {
    id: String,
    rooms: Vec<String>,
    data: serde_json::Value,
    has_handshake: bool,
}

pub(crate) async fn run(
    socket: Socket,
    namespace: Namespace,
    Data(order): Data<Order>,
    State(emitter): State<Emitter>,
    ack: Ack,
) -> Result<(), HandlerError> {
    if order.emitter {
        emit_from_outside(&emitter, &namespace, &order).await?;
        return Ok(ack.send(&"ok")?);
    }
    let args = Args::from_values(order.args.clone());
    let target = target(&namespace, &order);
    match order.op.as_str() {
        "emit" => drop(target.emit(&order.event, &args)?),
        "broadcast" => drop(socket.broadcast().emit(&order.event, &args)?),
        "join" => target.sockets_join(order.names).await,
        "leave" => target.sockets_leave(order.names).await,
        "disconnect" => target.disconnect_sockets(order.close).await,
        "say" => namespace.server_side_emit("say", &args)?,
        "ask" => {
            let answers = namespace
                .server_side_emit_with_ack::<Value, _>("ask", &args)
                .await?;
            let err = (!answers.is_complete()).then_some("incomplete");
            let responses = answers.answers;
            return Ok(ack.send(&Gathered { err, responses })?);
        }
        "ack" => {
            let within = Duration::from_millis(order.timeout);
            let target = target.timeout(within);
            let answers = target
                .emit_with_ack::<Value, _>(&order.event, &args)
                .await?;
            let err = (answers.missing > 0).then_some("operation has timed out");
            let responses = answers.answers;
            return Ok(ack.send(&Gathered { err, responses })?);
        }
        "fetch" => {
            let sockets = target.fetch_sockets().await;
            let told = sockets.value.iter().map(|socket| Told {
                id: socket.id().to_string(),
                rooms: socket.rooms().iter().map(ToString::to_string).collect(),
                data: socket.data().clone(),
                has_handshake: socket.handshake()["query"]["EIO"] == "4",
            });
            return Ok(ack.send(&told.collect::<Vec<_>>())?);
        }
        "allSockets" => return Ok(ack.send(&target.all_sockets().await.value)?),
        "allRooms" => return Ok(ack.send(&namespace.all_rooms().await.value)?),
        "serverCount" => return Ok(ack.send(&namespace.server_count().await.value)?),
        _ => return Err(HandlerError::new("no such operation")),
    }
    Ok(ack.send(&"ok")?)
}

fn target(namespace: &Namespace, order: &Order) -> Broadcast {
    let mut target = namespace.to(&order.rooms).except(&order.except);
    if order.volatile {
        target = target.volatile();
    }
    if let Some(compress) = order.compress {
        target = target.compress(compress);
    }
    target
}

async fn emit_from_outside(
    emitter: &Emitter,
    namespace: &Namespace,
    order: &Order,
) -> Result<(), HandlerError> {
    let mut emitter = emitter.of(namespace.name())?;
    for room in &order.rooms {
        emitter = emitter.to(room);
    }
    for room in &order.except {
        emitter = emitter.except(room);
    }
    if order.volatile {
        emitter = emitter.volatile();
    }
    if let Some(compress) = order.compress {
        emitter = emitter.compress(compress);
    }
    let args = Args::from_values(order.args.clone());
    let done = match order.op.as_str() {
        "emit" => emitter.emit(&order.event, &args),
        "join" => emitter.sockets_join(&order.names).await,
        "leave" => emitter.sockets_leave(&order.names).await,
        "disconnect" => emitter.disconnect_sockets(order.close).await,
        "say" => emitter.server_side_emit("say", &args).await,
        _ => return Err(HandlerError::new("no such operation")),
    };
    Ok(done?)
}
