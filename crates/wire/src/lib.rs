//! Engine.IO 4 and Socket.IO 5 as values: codecs without I/O, runtime or clock.
//!
//! A server, a client, a cluster's messages and a test all have to read and write the same packets.
//! Here they are, as plain functions from bytes to values and back, true to what the packages of
//! `socket.io` 4.8 accept and refuse. Nothing waits, nothing is sent, and bytes of a peer never panic.
//!
//! Engine.IO is the envelope: see [`engine`]. Socket.IO is inside. A [`Decoder`] per connection turns
//! messages into [`Packet`]s; a [`Parser`] writes them.
//!
//! ```
//! use switchboard_wire::{Body, Decoder, Limits, Parser};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut decoder = Decoder::server();
//! let packet = decoder.text(Parser::Json, &Limits::default(), r#"2/chat,7["say","hi",3]"#)?;
//! let packet = packet.ok_or("an event was expected")?;
//! let Body::Event(event) = packet.body else { return Err("an event was expected".into()) };
//! assert_eq!((packet.namespace.as_str(), event.name.as_str(), event.id), ("/chat", "say", Some(7)));
//! assert_eq!(event.args.read::<(String, u8)>()?, ("hi".to_owned(), 3));
//!
//! let ack = Parser::Json.ack("/chat", 7, &("seen", true))?;
//! assert_eq!(ack.text.as_deref(), Some(r#"43/chat,7["seen",true]"#));
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! - What the reference parsers refuse, is refused; what they accept, is accepted. The exceptions are
//!   stricter, and named where they are made.
//! - Arguments stay the text they came as, until someone reads them: [`Args::read`].
//! - A peer's packet costs what [`Limits`] say. Lengths that are only claimed cost nothing.
//! - Binary data is found at any depth, whatever serialises as bytes: in JSON it becomes attachments.

mod args;
pub mod cluster;
mod decode;
mod encode;
pub mod engine;
mod json;
mod key;
mod msgpack;
mod name;
mod packet;
mod spread;
mod text;
mod value;

pub use args::{ArgError, Args};
pub use decode::{DecodeError, Decoder, Limits, MAX_DEPTH};
pub use encode::{EncodeError, Encoded, Parser};
pub use name::{EventName, Name};
pub use packet::{Body, ConnectError, Event, Packet};
pub use serde_json::Number;
pub use text::Text;
pub use value::Value;
