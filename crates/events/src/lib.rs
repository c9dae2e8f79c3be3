//! A Rust type for each Socket.IO event, and the same types in TypeScript.
//!
//! An event is a name and a list of arguments. Written by hand on both sides they drift apart: one
//! side renames a field, the other reads `undefined`. Here a type says it once, the compiler checks
//! the Rust side, and a generated file lets `tsc` check the clients.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use switchboard_events::{Event, Incoming};
//!
//! /// Somebody came in. Travels as `["user-joined", {"userId": …, "room": …}]`.
//! #[derive(Serialize, Deserialize, Event)]
//! #[serde(rename_all = "camelCase")]
//! struct UserJoined {
//!     user_id: String,
//!     room: String,
//! }
//!
//! /// A client says something, and is told whether it was taken.
//! #[derive(Serialize, Deserialize, Event)]
//! #[event(name = "say", ack = Accepted)]
//! struct SendMessage(String, String);
//!
//! #[derive(Serialize, Deserialize)]
//! struct Accepted {
//!     id: u64,
//! }
//!
//! assert_eq!(UserJoined::NAME, "user-joined");
//!
//! // Each field of a tuple struct is an argument of its own.
//! let message = SendMessage("lobby".into(), "hello".into());
//! let arguments = serde_json::to_string(&message.outgoing())?;
//! assert_eq!(arguments, r#"["lobby","hello"]"#);
//!
//! let Incoming(SendMessage(room, text)) = serde_json::from_str(&arguments)?;
//! assert_eq!((room.as_str(), text.as_str()), ("lobby", "hello"));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Where to start
//!
//! - [`Event`], the trait and its derive: names, forms, attributes.
//! - [`Reply`] and [`NoAck`]: what the other side acknowledges with.
//! - [`Outgoing`] and [`Incoming`]: an event as the list of its arguments, for whoever encodes packets.
#![cfg_attr(
    feature = "typescript",
    doc = "- [`TypeScript`]: the interfaces for `socket.io-client`."
)]
#![cfg_attr(
    not(feature = "typescript"),
    doc = "- `TypeScript`, with the feature `typescript`: the interfaces for `socket.io-client`."
)]

mod arguments;
mod event;
mod reply;
mod spread;
#[cfg(feature = "typescript")]
mod typescript;

pub use arguments::{Incoming, Outgoing};
pub use event::{Event, Shape};
pub use reply::{NoAck, Reply};
pub use switchboard_events_derive::Event;
#[cfg(feature = "typescript")]
pub use ts_rs;
#[cfg(feature = "typescript")]
pub use typescript::{Direction, Parameters, ReplyParameters, TypeScript, TypeScriptError};

/// What the derive names; no part of the interface.
#[doc(hidden)]
pub mod __private {
    use serde::{Serialize, de::DeserializeOwned};

    /// The derive for `switchboard::events`, where the facade re-exports this crate.
    pub use switchboard_events_derive::FacadeEvent;

    /// What [`Event`](crate::Event) asks of a type, in one word.
    pub trait Carried: Serialize + DeserializeOwned + Send + 'static {}

    impl<T: Serialize + DeserializeOwned + Send + 'static> Carried for T {}
}
