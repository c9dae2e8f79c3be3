//! "Emitting messages", "Getting all connection id's connected", "Getting all rooms in the adapter".
//!
//! The tutorial shows lines; here each is what an event does, so that a client can try it. They are installed
//! in `/` and in `/chats` alike.

use serde_json::json;
use switchboard::socketio::{Ack, Data, HandlerError, Handlers, Namespace, Socket};

use crate::users::{User, room_of};

type Handled = Result<(), HandlerError>;

pub(crate) fn install(handlers: &Handlers) {
    // "1. sending messages to all clients"
    //   io.emit("all", { message: "hello all clients" });
    handlers.on("emit-to-all", async |io: Namespace| {
        io.emit("all", &json!({"message": "hello all clients"}))?;
        Handled::Ok(())
    });

    // "2. sending messages to clients that belong to a certain room"
    //   io.to("room42").emit("hello", "to all clients in 'room42' room");
    // It may be several rooms; who is in more than one of them hears it once.
    handlers.on(
        "emit-to-rooms",
        async |io: Namespace, Data(rooms): Data<Vec<String>>| {
            if rooms.is_empty() {
                // Naming no room would mean everybody.
                return Handled::Ok(());
            }
            let text = format!("to all clients in '{}' room", rooms.join("', '"));
            io.to(rooms).emit("hello", &text)?;
            Ok(())
        },
    );

    // "3. sending messages to all connected users except the sender"
    //   socket.broadcast.emit("hello", "to all clients except sender");
    handlers.on("emit-to-others", async |socket: Socket| {
        let text = "to all clients except sender";
        socket.broadcast().emit("hello", text)?;
        Handled::Ok(())
    });

    // "4. sending messages to all users in the room except the sender"
    //   socket.broadcast.to(room).emit("new-message", { room, user });
    handlers.on("emit-to-others-in-room", async |socket: Socket| {
        if let Some(room) = room_of(&socket) {
            let message = json!({"room": room, "user": User::of(&socket)});
            socket.broadcast().to(room).emit("new-message", &message)?;
        }
        Handled::Ok(())
    });

    // "Getting all connection id's connected"
    //   const sockets = await io.of("/").adapter.sockets(new Set());
    //   const sockets = await io.of("/").adapter.sockets(new Set(["room1", "room2"]));
    handlers.on(
        "sockets",
        async |of: Namespace, Data(rooms): Data<Vec<String>>, ack: Ack| {
            let sockets = of.adapter().sockets(rooms).await;
            ack.send(&sockets.value)
        },
    );
    //   const sockets = await io.in("room3").allSockets();
    handlers.on(
        "all-sockets",
        async |io: Namespace, Data(room): Data<String>, ack: Ack| {
            let sockets = io.in_(room).all_sockets().await;
            ack.send(&sockets.value)
        },
    );

    // "Getting all rooms in the adapter"
    //   const rooms = await io.of("/").adapter.allRooms();
    handlers.on("all-rooms", async |of: Namespace, ack: Ack| {
        let rooms = of.adapter().all_rooms().await;
        ack.send(&rooms.value)
    });
}
