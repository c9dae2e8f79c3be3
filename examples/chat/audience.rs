//! Many people at once: those of the plain WebSockets, and those of Socket.IO.

use switchboard::{events::Event, prelude::*};

use crate::{chat::Chat, fate::Fate, rules::socket_io_name, way::plain};

/// The members of a room, perhaps but one.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is sent before `send`"]
pub(crate) struct Audience<'a> {
    chat: &'a Chat,
    namespace: &'a Namespace,
    room: &'a str,
    except: Option<&'a ConnectionId>,
    volatile: bool,
}

impl<'a> Audience<'a> {
    pub(crate) fn new(chat: &'a Chat, namespace: &'a Namespace, room: &'a str) -> Self {
        Self {
            chat,
            namespace,
            room,
            except: None,
            volatile: false,
        }
    }

    pub(crate) fn except(mut self, id: &'a ConnectionId) -> Self {
        self.except = Some(id);
        self
    }

    /// For what is stale a moment later.
    pub(crate) fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Sends a message to each, encoded once for each way. Never waits.
    pub(crate) fn send<E: Event>(&self, message: &E) -> Fate {
        let mut fate = self.send_plain(message);
        fate += self.send_socket_io(message);
        if !self.volatile {
            self.chat.counters.dropped(fate.dropped);
        }
        fate
    }

    fn send_plain<E: Event>(&self, message: &E) -> Fate {
        let pool = &self.chat.pool;
        if !pool.has_namespace(self.namespace) {
            return Fate::default();
        }
        let mut recipients = pool.namespace(self.namespace).to(self.room);
        if let Some(id) = self.except {
            recipients = recipients.except(id);
        }
        if self.volatile {
            recipients = recipients.volatile();
        }
        recipients.send(plain(message)).into()
    }

    fn send_socket_io<E: Event>(&self, message: &E) -> Fate {
        let Some(namespace) = self.chat.io().get(&socket_io_name(self.namespace)) else {
            return Fate::default();
        };
        let mut recipients = namespace.to(self.room);
        if let Some(id) = self.except {
            recipients = recipients.except(id);
        }
        if self.volatile {
            recipients = recipients.volatile();
        }
        let report = recipients.emit_event(message);
        report.expect("texts and numbers can be written").into()
    }
}
