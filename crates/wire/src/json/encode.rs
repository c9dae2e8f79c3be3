//! Writes packets as text, their bytes as attachments.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::Formatter;

use super::{MAX_ATTACHMENTS, text::is_plain};
use crate::{
    encode::{EVENT, EncodeError, Encoded, Head},
    spread::{self, List},
};

/// Room for a small event; a larger one grows.
const ROOM: usize = 224;

/// Puts a placeholder where bytes are serialised, at any depth, and keeps the bytes.
#[derive(Debug, Default)]
struct Detach {
    attachments: Vec<Bytes>,
}

impl Formatter for &mut Detach {
    fn write_byte_array<W>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        write!(
            writer,
            r#"{{"_placeholder":true,"num":{}}}"#,
            self.attachments.len()
        )?;
        self.attachments.push(Bytes::copy_from_slice(value));
        Ok(())
    }
}

/// An event (with a name) or ack.
pub(crate) fn encode<T: Serialize + ?Sized>(
    head: Head<'_>,
    name: Option<&str>,
    data: &T,
    offset: Option<&str>,
) -> Result<Encoded, EncodeError> {
    let names = head.namespace.len() + name.map_or(0, str::len);
    let mut out = begin(head, names + ROOM);
    let binary = arguments(&mut out, name, data, offset)?;
    let mut text = finish(out)?;
    if binary.len() > MAX_ATTACHMENTS {
        return Err(EncodeError::TooManyAttachments(binary.len()));
    }
    if !binary.is_empty() {
        let kind = if head.kind == EVENT { 5 } else { 6 };
        text.replace_range(1..2, &format!("{kind}{}-", binary.len()));
    }
    Ok(Encoded {
        text: Some(text),
        binary,
    })
}

/// A packet whose data is one object; bytes in it are arrays of numbers, since such packets have no
/// attachments.
pub(crate) fn encode_object<T: Serialize + ?Sized>(
    head: Head<'_>,
    data: &T,
) -> Result<Encoded, EncodeError> {
    let mut out = begin(head, head.namespace.len() + ROOM);
    let start = out.len();
    serde_json::to_writer(&mut out, data).map_err(|error| failed(&error))?;
    if out.get(start) != Some(&b'{') {
        return Err(EncodeError::NotAnObject);
    }
    Ok(Encoded {
        text: Some(finish(out)?),
        binary: Vec::new(),
    })
}

/// A packet without data.
pub(crate) fn encode_bare(head: Head<'_>) -> Encoded {
    let out = begin(head, head.namespace.len() + 8);
    Encoded {
        text: finish(out).ok(),
        binary: Vec::new(),
    }
}

/// The list of arguments alone, `[…]`, and what was detached from it, however much.
pub(crate) fn encode_arguments<T: Serialize + ?Sized>(
    data: &T,
) -> Result<(Vec<u8>, Vec<Bytes>), EncodeError> {
    let mut out = Vec::with_capacity(ROOM);
    let binary = arguments(&mut out, None, data, None)?;
    Ok((out, binary))
}

fn arguments<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    name: Option<&str>,
    data: &T,
    offset: Option<&str>,
) -> Result<Vec<Bytes>, EncodeError> {
    let mut list = Array {
        out,
        detach: Detach::default(),
        next: b'[',
    };
    let written = (|| {
        if let Some(name) = name {
            list.text(name)?;
        }
        spread::append(&mut list, data)?;
        if let Some(offset) = offset {
            list.text(offset)?;
        }
        Ok(())
    })();
    written.map_err(|error: serde_json::Error| failed(&error))?;
    if list.next == b'[' {
        list.out.push(b'[');
    }
    list.out.push(b']');
    Ok(list.detach.attachments)
}

/// The list of arguments as it is written.
struct Array<'a> {
    out: &'a mut Vec<u8>,
    detach: Detach,
    /// What stands before the next element.
    next: u8,
}

impl spread::List for Array<'_> {
    type Error = serde_json::Error;

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        self.out.push(self.next);
        self.next = b',';
        let out = &mut *self.out;
        value.serialize(&mut serde_json::Serializer::with_formatter(
            out,
            &mut self.detach,
        ))
    }

    /// Looks at many bytes at a time, which `serde_json` does not: `benches/micro` has the difference.
    fn text(&mut self, text: &str) -> Result<(), Self::Error> {
        if !is_plain(text.as_bytes()) {
            return self.value(text);
        }
        self.out.reserve(text.len() + 3);
        self.out.extend_from_slice(&[self.next, b'"']);
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
        self.next = b',';
        Ok(())
    }
}

/// `4`, the type, the namespace unless it is `/`, and the id.
fn begin(head: Head<'_>, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(room);
    out.push(b'4');
    out.push(b'0' + head.kind);
    if !matches!(head.namespace, "/" | "") {
        out.extend_from_slice(head.namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = head.id {
        push_number(&mut out, id);
    }
    out
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

fn finish(out: Vec<u8>) -> Result<String, EncodeError> {
    String::from_utf8(out).map_err(|error| EncodeError::Value(error.to_string()))
}

fn failed(error: &serde_json::Error) -> EncodeError {
    EncodeError::Value(error.to_string())
}
