//! The sockets: who enters, and what each event does.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use switchboard::socketio::{Ack, Auth, Data, HandlerError, Io, Rejected, Socket, State};

/// Most messages that are kept for `GET /messages`.
const KEPT: usize = 50;

/// Longest message, in characters.
const LONGEST: usize = 1_000;

type Handled = Result<(), HandlerError>;

/// Who somebody says to be. A service of your own would read a token here instead.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User(String);

impl User {
    /// A name of 1 to 32 characters.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = name.trim();
        let fits = (1..=32).contains(&name.chars().count());
        fits.then(|| Self(name.to_owned()))
    }

    /// The room of all sockets of this user: each tab and each phone is one of them.
    pub(crate) fn room(&self) -> String {
        format!("user:{}", self.0)
    }
}

/// What was said.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    from: User,
    text: String,
}

/// The last messages, for HTTP.
#[derive(Debug, Default)]
pub(crate) struct Messages(Mutex<VecDeque<Message>>);

impl Messages {
    pub(crate) fn all(&self) -> Vec<Message> {
        self.0.lock().iter().cloned().collect()
    }

    fn keep(&self, message: Message) {
        let mut messages = self.0.lock();
        if messages.len() == KEPT {
            messages.pop_front();
        }
        messages.push_back(message);
    }
}

/// What a client sends to enter: `io({ auth: { user: "ann" } })`.
#[derive(Deserialize)]
struct Card {
    user: String,
}

pub(crate) fn install(io: &Io) {
    io.middleware(enter);
    io.on_connect(async |socket: Socket| {
        socket.broadcast().emit("joined", &*user_of(&socket)?)?;
        Handled::Ok(())
    });
    io.on("message", say);
    io.on_disconnect(async |socket: Socket| {
        socket.broadcast().emit("left", &*user_of(&socket)?)?;
        Handled::Ok(())
    });
}

/// Whoever has a name comes in, and into the room of that name.
async fn enter(socket: Socket, card: Result<Auth<Card>, Rejected>) -> Handled {
    let user = card.ok().and_then(|Auth(card)| User::new(&card.user));
    let user = user.ok_or_else(|| HandlerError::new("a name, please"))?;
    socket.join(user.room())?;
    socket.extensions().insert(user);
    Ok(())
}

async fn say(
    socket: Socket,
    Data(text): Data<String>,
    State(messages): State<Messages>,
    ack: Ack,
) -> Handled {
    if text.is_empty() || text.chars().count() > LONGEST {
        return Ok(ack.send(&"NOT_SENT")?);
    }
    let message = Message {
        from: User::clone(&*user_of(&socket)?),
        text,
    };
    messages.keep(message.clone());
    socket.namespace().emit("message", &message)?;
    Ok(ack.send(&"SENT")?)
}

fn user_of(socket: &Socket) -> Result<std::sync::Arc<User>, HandlerError> {
    let user = socket.extensions().get();
    user.ok_or_else(|| HandlerError::new("entered without a name"))
}
