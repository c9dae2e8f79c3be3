//! What handlers may take as parameters.

use std::{ops::Deref, sync::Arc};

use serde::de::DeserializeOwned;
use switchboard_wire::{ArgError, Args, EventName};

use crate::io::{
    handshake::Handshake,
    incoming::{Ack, Incoming, What},
    io::Io,
    namespace::Namespace,
    reason::DisconnectReason,
    socket::Socket,
};

pub use crate::io::typed::{AckWith, Typed};

/// A parameter of a handler: what can be taken from an event.
pub trait FromEvent: Sized + Send {
    /// Takes it, or says why the handler cannot be called.
    fn from_event(event: &Incoming) -> Result<Self, Rejected>;
}

/// Why a handler was not called. It is logged at debug level and counted; the socket goes on.
///
/// To answer a client whose data is no good, take `Result<Data<T>, Rejected>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// The arguments are not what the handler reads.
    #[error("bad data: {0}")]
    Data(String),
    /// No value of this type was given to [`IoBuilder::with_state`](crate::IoBuilder::with_state).
    #[error("no state of type {0}")]
    State(&'static str),
    /// The parameter belongs to another kind of handler.
    #[error("{0} is not there for this kind of handler")]
    Kind(&'static str),
}

impl Rejected {
    /// The stable code for logs and clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Data(_) => "BAD_DATA",
            Self::State(_) => "NO_STATE",
            Self::Kind(_) => "WRONG_HANDLER",
        }
    }
}

impl From<ArgError> for Rejected {
    fn from(error: ArgError) -> Self {
        Self::Data(error.to_string())
    }
}

/// The event's data as a type of yours: a tuple takes all arguments, anything else the first.
///
/// What is missing reads as `null`, so an `Option` may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data<T>(pub T);

impl<T: DeserializeOwned + Send> FromEvent for Data<T> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(Self(event.args().read()?))
    }
}

/// What the client sent to enter the namespace (`auth`), as a type of yours. Absent reads as `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned + Send> FromEvent for Auth<T> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(Self(event.socket.auth()?))
    }
}

/// A value that all handlers share, from [`IoBuilder::with_state`](crate::IoBuilder::with_state).
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromEvent for State<T> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        let state = event.socket.core().namespace().core().state.get::<T>();
        state
            .map(Self)
            .ok_or(Rejected::State(std::any::type_name::<T>()))
    }
}

impl<T: FromEvent> FromEvent for Result<T, Rejected> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(T::from_event(event))
    }
}

impl<T: FromEvent> FromEvent for Option<T> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(T::from_event(event).ok())
    }
}

impl FromEvent for Incoming {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(event.clone())
    }
}

impl FromEvent for Socket {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(event.socket.clone())
    }
}

impl FromEvent for Namespace {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(event.socket.namespace())
    }
}

impl FromEvent for Io {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(event.socket.io())
    }
}

impl FromEvent for Arc<Handshake> {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(Arc::clone(event.socket.handshake()))
    }
}

/// The arguments as they came; none where there is no event.
impl FromEvent for Args {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(event.args().clone())
    }
}

/// Does nothing where there is no event.
impl FromEvent for Ack {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        Ok(match &event.what {
            What::Event { ack, .. } => ack.clone(),
            _ => Ack::default(),
        })
    }
}

impl FromEvent for EventName {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        match &event.what {
            What::Event { name, .. } => Ok(name.clone()),
            _ => Err(Rejected::Kind("the event's name")),
        }
    }
}

impl FromEvent for DisconnectReason {
    fn from_event(event: &Incoming) -> Result<Self, Rejected> {
        match event.what {
            What::Disconnect(reason) => Ok(reason),
            _ => Err(Rejected::Kind("the reason of a disconnect")),
        }
    }
}
