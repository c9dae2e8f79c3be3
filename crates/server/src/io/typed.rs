//! Events that are Rust types: [`switchboard_events::Event`].

use std::marker::PhantomData;

use switchboard_connection::Sent;
use switchboard_events::{Event, Incoming as Arguments, Reply};
use switchboard_pool::Report;
use switchboard_wire::EncodeError;

use crate::{
    extract::{FromEvent, Rejected},
    io::{
        ack::{AckError, Answers},
        emit::Timed,
        handler::Handler,
        handlers::Handlers,
        incoming::{Ack, Incoming},
        io::Io,
        namespace::{DynamicNamespace, Namespace},
        operators::{Broadcast, TimedBroadcast},
        send::EmitError,
        socket::Socket,
    },
};

/// An event as its type; the parameter of a handler given by `on_event`.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use switchboard_server::{Io, Socket, extract::{AckWith, Typed}};
/// use switchboard_events::Event;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(ack = u64)]
/// struct SendMessage { room: String, text: String }
///
/// #[derive(Serialize, Deserialize, Event)]
/// struct NewMessage(String);
///
/// # fn example(io: &Io) {
/// io.on_event::<SendMessage, _>(
///     async |socket: Socket, Typed(message): Typed<SendMessage>, ack: AckWith<SendMessage>| {
///         socket.to(&message.room).emit_event(&NewMessage(message.text))?;
///         ack.send(&1)
///     },
/// );
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed<E>(pub E);

impl<E: Event> FromEvent for Typed<E> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        let Arguments(event) = event.args().read::<Arguments<E>>()?;
        Ok(Self(event))
    }
}

/// Answers an event with the type that it is acknowledged with.
#[derive(Clone, Debug)]
pub struct AckWith<E>(Ack, PhantomData<fn(E)>);

impl<E: Event> AckWith<E> {
    /// Answers; only the first answer is sent. See [`Ack::send`].
    pub fn send(&self, reply: &E::Ack) -> Result<(), EmitError> {
        self.0.send(reply.reply_arguments())
    }

    /// Whether the client asked for an answer and has none yet.
    pub fn is_wanted(&self) -> bool {
        self.0.is_wanted()
    }
}

impl<E: Event> FromEvent for AckWith<E> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(Self(Ack::from_event(event)?, PhantomData))
    }
}

impl Handlers {
    /// Called for each event of this type; see [`Typed`](crate::extract::Typed).
    pub fn on_event<E: Event, M>(&self, handler: impl Handler<M>) -> &Self {
        self.on(E::NAME, handler)
    }
}

macro_rules! on_event {
    ($($type:ty, $self:ident => $handlers:expr;)*) => {$(
        impl $type {
            /// Called for each event of this type; see [`Typed`](crate::extract::Typed).
            pub fn on_event<E: Event, M>(&$self, handler: impl Handler<M>) -> &Self {
                $handlers.on_event::<E, M>(handler);
                $self
            }
        }
    )*};
}

on_event! {
    Namespace, self => self.handlers();
    DynamicNamespace, self => self.handlers();
    Io, self => self.root().handlers();
}

/// Events that are types.
impl Socket {
    /// Sends an event; see [`emit`](Self::emit).
    pub async fn emit_event<E: Event + Sync>(&self, event: &E) -> Result<(), EmitError> {
        self.emit(E::NAME, &event.outgoing()).await
    }

    /// Sends an event if there is room; see [`try_emit`](Self::try_emit).
    pub fn try_emit_event<E: Event>(&self, event: &E) -> Result<Sent, EmitError> {
        self.try_emit(E::NAME, &event.outgoing())
    }

    /// Sends an event and waits for its answer; see [`emit_with_ack`](Self::emit_with_ack).
    pub async fn emit_event_with_ack<E: Event + Sync>(
        &self,
        event: &E,
    ) -> Result<E::Ack, AckError> {
        let within = self.core().namespace().core().config.ack_timeout;
        self.timeout(within).emit_event_with_ack(event).await
    }
}

impl Timed {
    /// Sends an event and waits for its answer; see [`emit_with_ack`](Self::emit_with_ack).
    pub async fn emit_event_with_ack<E: Event + Sync>(
        &self,
        event: &E,
    ) -> Result<E::Ack, AckError> {
        let reply = self.emit_with_ack(E::NAME, &event.outgoing()).await?;
        Ok(E::Ack::from_arguments(reply))
    }
}

impl Broadcast {
    /// Sends an event to each; see [`emit`](Self::emit).
    pub fn emit_event<E: Event>(&self, event: &E) -> Result<Report, EncodeError> {
        self.emit(E::NAME, &event.outgoing())
    }
}

impl TimedBroadcast {
    /// Asks each; see [`emit_with_ack`](Self::emit_with_ack).
    pub async fn emit_event_with_ack<E: Event + Sync>(
        &self,
        event: &E,
    ) -> Result<Answers<E::Ack>, EncodeError> {
        let answers = self.emit_with_ack(E::NAME, &event.outgoing()).await?;
        Ok(answers.map(E::Ack::from_arguments))
    }
}

impl Namespace {
    /// Sends an event to everybody; see [`emit`](Self::emit).
    pub fn emit_event<E: Event>(&self, event: &E) -> Result<Report, EncodeError> {
        self.everybody().emit_event(event)
    }
}

impl Io {
    /// Sends an event to everybody in `/`; see [`emit`](Self::emit).
    pub fn emit_event<E: Event>(&self, event: &E) -> Result<Report, EncodeError> {
        self.root().emit_event(event)
    }
}
