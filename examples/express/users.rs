//! "Managing users who joins" and "Private messages broadcasting".

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use switchboard::{
    prelude::ConnectionId,
    socketio::{Data, HandlerError, Io, Socket, State},
};

/// A user, with the tutorial's names on the wire (`sockedId` is its own spelling).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(rename = "sockedId")]
    socket_id: ConnectionId,
}

impl User {
    //   const user: User = {
    //     username: (socket.handshake.query as any).username,
    //     sockedId: socket.id,
    //   };
    pub(crate) fn of(socket: &Socket) -> Self {
        Self {
            username: socket.handshake().query("username").map(str::to_owned),
            socket_id: socket.id().clone(),
        }
    }
}

/// All users of this node, in the order they came.
///
/// The tutorial's `let users: User[]`.
#[derive(Debug, Default)]
pub(crate) struct Users(Mutex<Vec<User>>);

impl Users {
    //   users = [...users, user];
    fn add(&self, user: User) {
        self.0.lock().push(user);
    }

    //   users = users.filter((user) => user.sockedId !== socket.id);
    fn remove(&self, id: &ConnectionId) -> Option<User> {
        let mut users = self.0.lock();
        let index = users.iter().position(|user| user.socket_id == *id)?;
        Some(users.remove(index))
    }
}

/// What a client sends. The tutorial's clients name a room too; the room of the handshake counts.
#[derive(Deserialize)]
struct Message {
    message: String,
}

type Handled = Result<(), HandlerError>;

pub(crate) fn install(io: &Io) {
    io.on_connect(connected);
    io.on("send-message", send_message);
    io.on_disconnect(disconnected);
}

async fn connected(socket: Socket, io: Io, State(users): State<Users>) -> Handled {
    let user = User::of(&socket);
    //   users = [...users, user];
    users.add(user.clone());
    //   socket.broadcast.emit("user-connected", { message: "user has connected.", user });
    let news = json!({"message": "user has connected.", "user": user});
    socket.broadcast().emit("user-connected", &news)?;
    //   io.emit("conn", { message: "you are added" });
    io.emit("conn", &json!({"message": "you are added"}))?;
    //   const room: string = (socket.handshake.query as any).room;
    //   socket.join(room);
    // Tutorial: who names no room lands in a room called "undefined", with all others who did not.
    if let Some(room) = room_of(&socket) {
        socket.join(room)?;
    }
    Ok(())
}

//   socket.on("send-message", (data: { message: string; room: string }) => {
//     io.sockets.in(room).emit("new-message", { msg: data.message });
//   });
async fn send_message(socket: Socket, io: Io, Data(data): Data<Message>) -> Handled {
    if let Some(room) = room_of(&socket) {
        let message = json!({"msg": data.message});
        io.in_(room).emit("new-message", &message)?;
    }
    Ok(())
}

//   socket.on("disconnect", () => {
//     socket.emit("user-disconnected", {
//       message: "user has disconnected.",
//       user: users.find((user) => (user.sockedId = socket.id)),
//     });
//     users = users.filter((user) => user.sockedId !== socket.id);
//   });
// Tutorial: `socket` has gone, so that emit reaches nobody; and `=` in `find` gives the first user of the list
// the id of the one who left, after which `filter` takes out the wrong one.
async fn disconnected(socket: Socket, State(users): State<Users>) -> Handled {
    if let Some(user) = users.remove(socket.id()) {
        let news = json!({"message": "user has disconnected.", "user": user});
        socket.broadcast().emit("user-disconnected", &news)?;
    }
    Ok(())
}

/// The room that the client named when it connected.
pub(crate) fn room_of(socket: &Socket) -> Option<&str> {
    socket.handshake().query("room")
}
