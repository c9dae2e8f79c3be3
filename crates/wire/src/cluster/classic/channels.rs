//! The names of the classic adapter's channels.
//!
//! `@socket.io/redis-adapter` 8.3.0, `dist/index.js`, constructor, `onmessage` and `onrequest`.

/// The channels of one namespace under one key.
///
/// ```
/// use switchboard_wire::cluster::classic::{Channel, Channels};
///
/// let channels = Channels::new("socket.io", "/admin");
/// assert_eq!(channels.request(), "socket.io-request#/admin#");
/// assert_eq!(channels.room("lobby"), "socket.io#/admin#lobby#");
/// assert_eq!(channels.parse("socket.io#/admin#lobby#"), Some(Channel::Broadcast { room: Some("lobby") }));
/// assert_eq!(channels.parse("socket.io#/#"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    broadcast: String,
    request: String,
    response: String,
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel<'a> {
    /// Events. With a `room`, they are for its members at most, so a node without any need not decode
    /// them. Whom they really mean, the message says.
    Broadcast {
        /// The room that the channel's name ends with.
        room: Option<&'a str>,
    },
    /// Requests to all nodes.
    Request,
    /// Answers: to everybody, or to the node that `uid` names.
    Response {
        /// Whom it is for.
        uid: Option<&'a str>,
    },
}

impl Channels {
    /// Of `namespace`, under `key`. Node's default key is `socket.io`.
    pub fn new(key: &str, namespace: &str) -> Self {
        Self {
            broadcast: format!("{key}#{namespace}#"),
            request: format!("{key}-request#{namespace}#"),
            response: format!("{key}-response#{namespace}#"),
        }
    }

    /// Events for everybody, or for other than exactly one room.
    pub fn broadcast(&self) -> &str {
        &self.broadcast
    }

    /// Events for one room.
    pub fn room(&self, room: &str) -> String {
        format!("{}{room}#", self.broadcast)
    }

    /// Where an event for `rooms` is published.
    pub fn of_rooms(&self, rooms: &[String]) -> String {
        match rooms {
            [room] => self.room(room),
            _ => self.broadcast.clone(),
        }
    }

    /// What to `PSUBSCRIBE` to for all events of the namespace.
    ///
    /// Node leaves characters that have a meaning in patterns as they are; here they are escaped, so that
    /// only this namespace matches.
    pub fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.broadcast.len() + 1);
        for char in self.broadcast.chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern.push('*');
        pattern
    }

    /// Requests. `SUBSCRIBE` to it exactly once per namespace and process: Node counts subscribers to
    /// know how many answers to await.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// Answers for everybody.
    pub fn response(&self) -> &str {
        &self.response
    }

    /// Answers for one node. Everybody subscribes to its own: which one is used, the answerer decides.
    pub fn own_response(&self, uid: &str) -> String {
        format!("{}{uid}#", self.response)
    }

    /// What `channel` is for; `None` if it belongs to another namespace or key.
    pub fn parse<'a>(&self, channel: &'a str) -> Option<Channel<'a>> {
        if let Some(rest) = channel.strip_prefix(&*self.broadcast) {
            return match rest {
                "" => Some(Channel::Broadcast { room: None }),
                _ => rest
                    .strip_suffix('#')
                    .map(|room| Channel::Broadcast { room: Some(room) }),
            };
        }
        if let Some(rest) = channel.strip_prefix(&*self.response) {
            return match rest {
                "" => Some(Channel::Response { uid: None }),
                _ => rest
                    .strip_suffix('#')
                    .map(|uid| Channel::Response { uid: Some(uid) }),
            };
        }
        (channel == self.request).then_some(Channel::Request)
    }
}
