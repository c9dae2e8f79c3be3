//! Lists: async functions whose parameters say what they need of an event.
//!
//! ```
//! # use switchboard_server::{Ack, Socket, extract::Data};
//! # #[derive(serde::Deserialize)] struct Message { room: String, text: String }
//! async fn message(socket: Socket, Data(message): Data<Message>, ack: Ack) {
//!     socket.to(&*message.room).emit("message", &message.text).ok();
//!     ack.send(&"sent").ok();
//! }
//! ```
//!
//! Each parameter is a [`FromEvent`](crate::extract::FromEvent). A handler returns nothing, or a `Result`
//! whose error is logged and counted; where it decides about entry, a middleware, the error goes to the
//! client.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use switchboard_wire::Value;

use crate::{
    extract::{FromEvent, Rejected},
    io::incoming::Incoming,
};

/// Why a handler failed, or why a middleware refuses.
///
/// Made by `?` from any error, or from a text. The client of a refused connection gets
/// `connect_error` with this message and data.
#[derive(Clone, Debug, PartialEq)]
pub struct HandlerError {
    message: String,
    data: Option<Value>,
}

impl HandlerError {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }

    /// Adds what a program can read, such as `{"code": 401}`.
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What a program can read.
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}

impl<E: std::error::Error> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// What a handler may return.
pub trait Outcome {
    /// As a result.
    fn into_result(self) -> Result<(), HandlerError>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<E: Into<HandlerError>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), HandlerError> {
        self.map_err(Into::into)
    }
}

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// A handler whose parameters are forgotten.
pub(crate) type Erased = Arc<dyn Fn(&Incoming) -> Result<Running, Rejected> + Send + Sync>;

/// Implemented by functions of up to eight [`FromEvent`] parameters that return a future of an
/// [`Outcome`]. `M` only tells these functions apart.
pub trait Handler<M>: Send + Sync + 'static {
    /// Calls the function with what its parameters take from `event`.
    #[doc(hidden)]
    fn call(&self, event: &Incoming) -> Result<Running, Rejected>;
}

pub(crate) fn erase<M, H: Handler<M>>(handler: H) -> Erased {
    Arc::new(move |event| handler.call(event))
}

/// Calls what a user wrote; `None`, and a line in the log, when it panics.
pub(crate) fn guarded<R>(call: impl FnOnce() -> R) -> Option<R> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
    result
        .inspect_err(|panic| {
            let panic = crate::trace::redacted(message(&**panic));
            tracing::error!(panic, "a callback panicked");
        })
        .ok()
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
}

macro_rules! handler {
    ($($parameter:ident),*) => {
        impl<F, Fut, $($parameter,)*> Handler<($($parameter,)*)> for F
        where
            F: Fn($($parameter),*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            Fut::Output: Outcome,
            $($parameter: FromEvent,)*
        {
            fn call(&self, event: &Incoming) -> Result<Running, Rejected> {
                let _ = event;
                let future = self($($parameter::from_event(event)?),*);
                Ok(Box::pin(async move { future.await.into_result() }))
            }
        }
    };
}

handler!();
handler!(A);
handler!(A, B);
handler!(A, B, C);
handler!(A, B, C, D);
handler!(A, B, C, D, E);
handler!(A, B, C, D, E, G);
handler!(A, B, C, D, E, G, H);
handler!(A, B, C, D, E, G, H, I);

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
