//! Engine.IO 4: the envelope around Socket.IO, over WebSockets or HTTP long-polling.
//!
//! A text packet is one digit and its data. A binary message is a bare binary frame over WebSockets,
//! and `b` with base64 in a polling body, where packets are joined by the byte `0x1e`.
//!
//! ```
//! use switchboard_wire::engine::{self, Packet, Part};
//!
//! assert_eq!(Packet::decode("2probe"), Ok(Packet::Ping("probe")));
//! assert_eq!(Packet::Pong("probe").encode(), "3probe");
//!
//! let mut body = String::new();
//! engine::push_text(&mut body, r#"42["hello"]"#);
//! engine::push_binary(&mut body, b"\x01\x02");
//! assert_eq!(body, "42[\"hello\"]\u{1e}bAQI=");
//!
//! let parts: Result<Vec<Part<'_>>, _> = engine::decode_payload(&body).collect();
//! assert_eq!(parts?, [Part::Packet(Packet::Message(r#"2["hello"]"#)), Part::Binary(vec![1, 2])]);
//! # Ok::<(), engine::DecodeError>(())
//! ```
//!
//! Wire format: the Engine.IO protocol, version 4, as `engine.io-parser` 5.2 reads it.

mod error;
mod open;
mod packet;
mod payload;

pub use error::RequestError;
pub use open::Open;
pub use packet::{DecodeError, Packet};
pub use payload::{Part, decode_payload, push_binary, push_text};
