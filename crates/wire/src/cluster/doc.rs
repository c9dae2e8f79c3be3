//! A message that was checked once, and is then walked by its fields, whichever encoding it is.
//!
//! Node looks at the first byte: `{` begins JSON, all else is msgpack
//! (`@socket.io/redis-adapter` 8.3.0, `dist/index.js`, `onrequest`; `dist/sharded-adapter.js`).

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Number, value::RawValue};

use super::error::{ClusterError, ClusterLimits};
use crate::{
    Args, EventName, Value,
    args::Argument,
    decode::checked_name,
    json,
    msgpack::{Item, Reader},
};

/// Levels around the arguments: the message, its data, the packet.
const AROUND: usize = 3;

/// One value of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Doc<'a> {
    /// Known to be JSON.
    Json(&'a [u8]),
    Msgpack(Reader<'a>),
}

impl<'a> Doc<'a> {
    /// Checks that `message` is one value and nothing else, within the limits.
    pub(super) fn parse(limits: &ClusterLimits, message: &'a [u8]) -> Result<Self, ClusterError> {
        if message.first() == Some(&b'{') {
            Self::json(limits, message)
        } else {
            Self::msgpack(limits, message)
        }
    }

    pub(super) fn json(limits: &ClusterLimits, message: &'a [u8]) -> Result<Self, ClusterError> {
        if message.len() > limits.max_message_bytes {
            return Err(ClusterError::TooLarge);
        }
        let text = str::from_utf8(message).map_err(|_| ClusterError::Malformed)?;
        let value: &RawValue = serde_json::from_str(text).map_err(|_| ClusterError::Malformed)?;
        let levels = levels(limits);
        if message.len() / 2 > levels && json::depth(message) > levels {
            return Err(ClusterError::TooDeep);
        }
        Ok(Self::Json(value.get().as_bytes()))
    }

    pub(super) fn msgpack(limits: &ClusterLimits, message: &'a [u8]) -> Result<Self, ClusterError> {
        if message.len() > limits.max_message_bytes {
            return Err(ClusterError::TooLarge);
        }
        let reader = Reader::new(message, levels(limits));
        let mut end = reader;
        end.skip()?;
        if end.rest().is_empty() {
            Ok(Self::Msgpack(reader))
        } else {
            Err(ClusterError::Malformed)
        }
    }

    /// The fields of an object; `None` if it is something else. What is `undefined` is not there.
    pub(super) fn fields(self) -> Option<Fields<'a>> {
        match self {
            Self::Json([b'{', rest @ ..]) => Some(Fields::Json(rest)),
            Self::Json(_) => None,
            Self::Msgpack(mut reader) => match reader.item() {
                Ok(Item::Map(len)) => Some(Fields::Msgpack(reader, len)),
                _ => None,
            },
        }
    }

    /// The elements of a list; `None` if it is something else.
    pub(super) fn elements(self) -> Option<Elements<'a>> {
        match self {
            Self::Json([b'[', rest @ ..]) => Some(Elements::Json(rest)),
            Self::Json(_) => None,
            Self::Msgpack(mut reader) => match reader.item() {
                Ok(Item::Array(len)) => Some(Elements::Msgpack(reader, len)),
                _ => None,
            },
        }
    }

    pub(super) fn is_null(self) -> bool {
        match self {
            Self::Json(json) => json == b"null",
            Self::Msgpack(mut reader) => matches!(reader.item(), Ok(Item::Nil | Item::Undefined)),
        }
    }

    /// Whether JavaScript takes it for true.
    pub(super) fn is_truthy(self) -> bool {
        match self {
            Self::Json(json) => match json.first() {
                Some(b'n' | b'f') => false,
                Some(b'"') => json != br#""""#,
                Some(b'[' | b'{' | b't') => true,
                _ => self.number().is_some_and(|number| number != 0.0),
            },
            Self::Msgpack(mut reader) => match reader.item() {
                Ok(Item::Bool(value)) => value,
                Ok(Item::Nil | Item::Undefined) | Err(_) => false,
                Ok(Item::Text(text)) => !text.is_empty(),
                Ok(Item::Unsigned(_) | Item::Signed(_) | Item::Float(_)) => self
                    .number()
                    .is_some_and(|number| number != 0.0 && !number.is_nan()),
                Ok(_) => true,
            },
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a JavaScript number is a double"
    )]
    fn number(self) -> Option<f64> {
        match self {
            Self::Json(json) => serde_json::from_slice::<Number>(json).ok()?.as_f64(),
            Self::Msgpack(mut reader) => match reader.item().ok()? {
                Item::Unsigned(number) => Some(number as f64),
                Item::Signed(number) => Some(number as f64),
                Item::Float(number) => Some(number),
                _ => None,
            },
        }
    }

    /// A count or type: an integer that is not negative, whatever its form.
    pub(super) fn unsigned(self) -> Option<u64> {
        let number = self.number()?;
        let fits = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it fits"
        )]
        fits.then_some(number as u64)
    }

    /// Milliseconds, whatever fraction there is.
    pub(super) fn millis(self) -> Option<u64> {
        let millis = self.number().filter(|millis| *millis >= 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; what is too large becomes the largest"
        )]
        Some(millis as u64)
    }

    pub(super) fn bool(self) -> Option<bool> {
        match self {
            Self::Json(b"true") => Some(true),
            Self::Json(b"false") => Some(false),
            Self::Json(_) => None,
            Self::Msgpack(mut reader) => match reader.item() {
                Ok(Item::Bool(value)) => Some(value),
                _ => None,
            },
        }
    }

    /// A text; a lone surrogate in it is replaced.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(json) => text_of_json(json),
            Self::Msgpack(mut reader) => match reader.item() {
                Ok(Item::Text(text)) => Some(text),
                _ => None,
            },
        }
    }

    /// A text, or the text of a number: JavaScript may use numbers as rooms.
    pub(super) fn name(self) -> Option<Cow<'a, str>> {
        if let Some(text) = self.text() {
            return Some(text);
        }
        if let Self::Msgpack(mut reader) = self {
            match reader.item() {
                Ok(Item::Unsigned(number)) => return Some(number.to_string().into()),
                Ok(Item::Signed(number)) => return Some(number.to_string().into()),
                _ => {}
            }
        }
        if let Self::Json(json) = self
            && let Ok(number) = serde_json::from_slice::<Number>(json)
            && (number.is_u64() || number.is_i64())
        {
            return Some(number.to_string().into());
        }
        let number = self.number().filter(|number| number.is_finite())?;
        Some(EventName::of_number(number).as_str().to_owned().into())
    }

    /// As an argument to read.
    pub(super) fn value(self) -> Option<Value> {
        match self {
            Self::Json(json) => Argument::Json(json),
            Self::Msgpack(reader) => Argument::Msgpack(reader),
        }
        .value()
        .ok()
    }

    /// As the list of one argument. `message` is what this is a part of.
    pub(super) fn argument(self, message: &Bytes) -> Args {
        match self {
            Self::Json(json) => Args::of_json(message.slice_ref(json), false),
            Self::Msgpack(reader) => Args::of_msgpack(message.slice_ref(reader.rest()), 1),
        }
    }

    /// As an event's name and arguments. `message` is what this is a part of.
    pub(super) fn event(self, message: &Bytes) -> Result<(EventName, Args), ClusterError> {
        let (name, args) = self.call(message)?;
        Ok((checked_name(name)?, args))
    }

    /// The same where no name is reserved.
    pub(super) fn call(self, message: &Bytes) -> Result<(EventName, Args), ClusterError> {
        let mut elements = self.elements().ok_or(ClusterError::InvalidField("data"))?;
        let name = elements.next().and_then(Doc::name);
        let name = EventName::new(name.ok_or(ClusterError::InvalidEventName)?);
        let args = match elements {
            Elements::Json(rest) => Args::of_json(message.slice_ref(rest), false),
            Elements::Msgpack(reader, len) => {
                Args::of_msgpack(message.slice_ref(reader.rest()), len)
            }
        };
        Ok((name, args))
    }
}

fn levels(limits: &ClusterLimits) -> usize {
    limits.max_depth.min(crate::MAX_DEPTH) + AROUND
}

fn text_of_json(json: &[u8]) -> Option<Cow<'_, str>> {
    let [b'"', plain @ .., b'"'] = json else {
        return None;
    };
    if !plain.contains(&b'\\') {
        return str::from_utf8(plain).ok().map(Cow::Borrowed);
    }
    if let Ok(text) = serde_json::from_slice(json) {
        return Some(Cow::Owned(text));
    }
    // What only JavaScript takes for text comes out of this as what it says, surrogates replaced.
    let mut out = Vec::new();
    crate::msgpack::write_json(&mut out, str::from_utf8(json).ok()?, &[], 0).ok()?;
    match Reader::new(&out, 0).item() {
        Ok(Item::Text(text)) => Some(text.into_owned().into()),
        _ => None,
    }
}

/// The fields of an object that are left.
pub(super) enum Fields<'a> {
    Json(&'a [u8]),
    Msgpack(Reader<'a>, usize),
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Cow<'a, str>, Doc<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Json(rest) => {
                let (key, value, left) = json::field(rest)?;
                *rest = left;
                Some((text_of_json(key)?, Doc::Json(value)))
            }
            Self::Msgpack(reader, left) => loop {
                *left = left.checked_sub(1)?;
                let mut key = *reader;
                reader.skip().ok()?;
                if reader.skip_undefined().ok()? {
                    continue;
                }
                let value = *reader;
                reader.skip().ok()?;
                // What is no key in JavaScript either is passed over.
                if let Ok(key) = key.key() {
                    return Some((key, Doc::Msgpack(value)));
                }
            },
        }
    }
}

/// The elements of a list that are left.
pub(super) enum Elements<'a> {
    Json(&'a [u8]),
    Msgpack(Reader<'a>, usize),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Doc<'a>;

    fn next(&mut self) -> Option<Doc<'a>> {
        match self {
            Self::Json(rest) => {
                let (value, left) = json::next(rest)?;
                *rest = left;
                Some(Doc::Json(value))
            }
            Self::Msgpack(reader, left) => {
                *left = left.checked_sub(1)?;
                let value = *reader;
                reader.skip().ok()?;
                Some(Doc::Msgpack(value))
            }
        }
    }
}
