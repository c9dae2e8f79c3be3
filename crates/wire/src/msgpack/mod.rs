//! The msgpack parser: a packet is one map `{type, data, nsp, id?}` in one binary message.
//!
//! Binary data stays where it is, so types 5 and 6 do not exist. What other fields say is passed over.
//!
//! Wire format: `socket.io-msgpack-parser` 3.0.2, that is, `notepack.io` 2.2, whose extensions are read
//! together with those of `notepack.io` 3.

mod date;
mod de;
mod decode;
mod encode;
mod of_json;
mod reader;
mod ser;
mod text_only;
mod write;

pub(crate) use decode::decode;
pub(crate) use encode::{encode, encode_bare, encode_object};
pub(crate) use of_json::{OfJsonError, write_json};
pub(crate) use reader::{Item, Reader};
pub(crate) use ser::Serializer;
pub(crate) use write::{write_bool, write_list, write_map, write_str, write_unsigned};
