//! The JSON parser: `<type>[<attachments>-][<namespace>,][<id>][<json>]`.
//!
//! Wire format: the Socket.IO protocol, version 5, as `socket.io-parser` 4.2.7 reads it.

mod attachments;
mod decode;
mod encode;
mod split;
mod text;

pub(crate) use attachments::{Bound, bind, check, has_placeholder, placeholder};
pub(crate) use decode::{Payload, TextPacket, decode};
pub(crate) use encode::{encode, encode_arguments, encode_bare, encode_object};
pub(crate) use split::{depth, field, next};
pub(crate) use text::plain_string;

/// The most attachments that the reference accepts in one packet.
pub(crate) const MAX_ATTACHMENTS: usize = 10;
