//! The README's `ChatGateway`: what each message of a client does.

use std::{sync::Arc, time::SystemTime};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use switchboard::socketio::{Data, HandlerError, Io, Rejected, Socket, Value};

use crate::service::WebSocketService;

type Handled = Result<(), HandlerError>;

pub(crate) fn install(io: &Io) {
    io.on_connect(async |client: Socket, service: WebSocketService| {
        service.handle_connection(&client);
    });
    subscribe(io, "join-room", handle_join_room);
    subscribe(io, "leave-room", handle_leave_room);
    subscribe(io, "send-message", handle_message);
    io.on_disconnect(async |client: Socket, service: WebSocketService| {
        service.handle_disconnect(&client);
    });
}

/// `@SubscribeMessage('join-room')`: the room hears of it, the newcomer too.
async fn handle_join_room(client: Socket, service: WebSocketService, room: String) -> Handled {
    service.join_room(&client, &room)?;
    let news = json!({"userId": client.id(), "room": room});
    service.broadcast_to_room(&room, "user-joined", &news)
}

/// `@SubscribeMessage('leave-room')`: who leaves is gone already when the room hears of it.
async fn handle_leave_room(client: Socket, service: WebSocketService, room: String) -> Handled {
    service.leave_room(&client, &room);
    let news = json!({"userId": client.id(), "room": room});
    service.broadcast_to_room(&room, "user-left", &news)
}

/// What is to be said, and where. As in the README, one need not be in the room.
#[derive(Deserialize)]
struct Message {
    room: String,
    /// Anything; when it is missing, no member `message` is sent on.
    #[serde(default)]
    message: Option<Value>,
}

/// `@SubscribeMessage('send-message')`
async fn handle_message(client: Socket, service: WebSocketService, payload: Message) -> Handled {
    let message = NewMessage {
        user_id: client.id().as_str(),
        message: payload.message,
        timestamp: iso(SystemTime::now()),
    };
    service.broadcast_to_room(&payload.room, "new-message", &message)
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMessage<'a> {
    user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
    timestamp: String,
}

/// As JavaScript's `toISOString()`: `2026-02-03T04:05:06.007Z`.
fn iso(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Calls `handler` with what clients send as `event`. When it fails, or the payload is no good, the client
/// gets `error` with a `message`.
fn subscribe<T, F, Fut>(io: &Io, event: &str, handler: F)
where
    T: DeserializeOwned + Send + 'static,
    F: Fn(Socket, WebSocketService, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Handled> + Send + 'static,
{
    let handler = Arc::new(handler);
    io.on(
        event,
        move |client: Socket, service: WebSocketService, payload: Result<Data<T>, Rejected>| {
            let handler = Arc::clone(&handler);
            async move {
                let result = match payload {
                    Ok(Data(payload)) => handler(client.clone(), service.clone(), payload).await,
                    Err(rejected) => Err(rejected.into()),
                };
                if let Err(error) = &result {
                    let told = json!({"message": error.message()});
                    service.send_to_client(client.id(), "error", &told)?;
                }
                // Counted and logged, too.
                result
            }
        },
    );
}
