//! Placeholders, and the attachments they stand for.
//!
//! A placeholder is an object with `"_placeholder": true` and a number `num`, wherever it is; it binds
//! the attachment of that number. Of a name that comes twice the last counts, as in JavaScript.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

use crate::Value;

/// Whether every placeholder in `argument` finds its attachment. Nothing is built for the answer.
pub(crate) fn check(argument: &[u8], attachments: usize) -> bool {
    let mut json = serde_json::Deserializer::from_slice(argument);
    Check { attachments }
        .deserialize(&mut json)
        .is_ok_and(|found| found.valid)
}

/// Whether there may be a placeholder in `json`. An escape may hide its name.
pub(crate) fn has_placeholder(json: &[u8]) -> bool {
    const NAME: &[u8] = b"_placeholder";
    json.iter().enumerate().any(|(at, byte)| match byte {
        b'_' => json[at..].starts_with(NAME),
        b'\\' => json.get(at + 1) == Some(&b'u'),
        _ => false,
    })
}

/// What a placeholder stands for.
pub(crate) enum Bound<'a> {
    Attachment(&'a Bytes),
    /// Nothing that is there.
    Undefined,
}

/// What `object` stands for; `None` if it is no placeholder.
pub(crate) fn placeholder<'a>(object: &[u8], attachments: &'a [Bytes]) -> Option<Bound<'a>> {
    let (mut truth, mut num) = (false, None);
    let mut rest = object.get(1..)?;
    while let Some((key, value, left)) = super::split::field(rest) {
        match serde_json::from_slice(key) {
            Ok(Key::Placeholder) => truth = value == b"true",
            Ok(Key::Num) => num = serde_json::from_slice(value).ok(),
            _ => {}
        }
        rest = left;
    }
    let bytes = |num| match place(num, attachments.len())? {
        Place::Attachment(index) => attachments.get(index),
        Place::Nothing => None,
    };
    truth.then(|| {
        num.and_then(bytes)
            .map_or(Bound::Undefined, Bound::Attachment)
    })
}

/// What a number in range means.
enum Place {
    Attachment(usize),
    /// A fraction, which the reference accepts: `undefined`.
    Nothing,
}

/// What `num` means: `None` if it is out of range.
fn place(num: f64, attachments: usize) -> Option<Place> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most as many as a packet may have"
    )]
    let count = attachments as f64;
    if !(num >= 0.0 && num < count) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    let index = num as usize;
    Some(if num.fract() == 0.0 {
        Place::Attachment(index)
    } else {
        Place::Nothing
    })
}

/// Puts the attachments where their placeholders are.
pub(crate) fn bind(value: &mut Value, attachments: &[Bytes]) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                bind(element, attachments);
            }
        }
        Value::Object(fields) if is_placeholder(fields) => {
            let num = value_of(fields, "num")
                .and_then(Value::as_f64)
                .unwrap_or(-1.0);
            let bytes = match place(num, attachments.len()) {
                Some(Place::Attachment(index)) => attachments.get(index),
                Some(Place::Nothing) | None => None,
            };
            *value = bytes.map_or(Value::Null, |bytes| Value::Binary(bytes.clone()));
        }
        Value::Object(fields) => {
            for (_, value) in fields {
                bind(value, attachments);
            }
        }
        _ => {}
    }
}

fn is_placeholder(fields: &[(String, Value)]) -> bool {
    value_of(fields, "_placeholder") == Some(&Value::Bool(true))
}

fn value_of<'a>(fields: &'a [(String, Value)], key: &str) -> Option<&'a Value> {
    fields
        .iter()
        .rev()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// Walks a value, whose depth `serde_json` bounds.
#[derive(Clone, Copy)]
struct Check {
    attachments: usize,
}

/// What a [`Check`] saw of a value.
struct Found {
    /// All placeholders in it are good.
    valid: bool,
    /// The value is `true`.
    truth: bool,
    /// The value is a number.
    number: Option<f64>,
}

impl Found {
    const OTHER: Self = Self {
        valid: true,
        truth: false,
        number: None,
    };
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Found, E> {
        Ok(Found {
            truth,
            ..Found::OTHER
        })
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Found, E> {
        #[expect(clippy::cast_precision_loss, reason = "compared with a small number")]
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Found, E> {
        #[expect(clippy::cast_precision_loss, reason = "compared with a small number")]
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Found, E> {
        Ok(Found {
            number: Some(number),
            ..Found::OTHER
        })
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Found, E> {
        Ok(Found::OTHER)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Found, E> {
        Ok(Found::OTHER)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Found, A::Error> {
        let mut valid = true;
        while let Some(element) = elements.next_element_seed(self)? {
            valid &= element.valid;
        }
        Ok(Found {
            valid,
            ..Found::OTHER
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Found, A::Error> {
        let (mut valid, mut placeholder, mut num) = (true, false, None);
        while let Some(key) = fields.next_key::<Key>()? {
            let value = fields.next_value_seed(self)?;
            match key {
                Key::Placeholder => placeholder = value.truth,
                Key::Num => num = value.number,
                Key::Other => {}
            }
            valid &= value.valid;
        }
        // What else is in a placeholder goes away with it.
        if placeholder {
            valid = num.is_some_and(|num| place(num, self.attachments).is_some());
        }
        Ok(Found {
            valid,
            ..Found::OTHER
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum Key {
    #[serde(rename = "_placeholder")]
    Placeholder,
    #[serde(rename = "num")]
    Num,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_checked_and_bound() {
        let bytes = [Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        for (json, expected) in [
            (
                r#"{"_placeholder":true,"num":1}"#,
                Some(Value::Binary(bytes[1].clone())),
            ),
            (
                r#"{"num":0.0,"_placeholder":true}"#,
                Some(Value::Binary(bytes[0].clone())),
            ),
            (
                r#"{"_placeholder":true,"num":-0}"#,
                Some(Value::Binary(bytes[0].clone())),
            ),
            (
                r#"{"_placeholder":true,"num":9,"num":1}"#,
                Some(Value::Binary(bytes[1].clone())),
            ),
            (r#"{"_placeholder":true,"num":0.5}"#, Some(Value::Null)),
            (
                r#"{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":7}}"#,
                Some(Value::Binary(bytes[0].clone())),
            ),
            (r#"{"_placeholder":true,"num":2}"#, None),
            (r#"{"_placeholder":true,"num":-1}"#, None),
            (r#"{"_placeholder":true,"num":"0"}"#, None),
            (r#"{"_placeholder":true,"num":null}"#, None),
            (r#"{"_placeholder":true,"num":"splice"}"#, None),
            (r#"{"_placeholder":true}"#, None),
            (r#"[[{"a":{"_placeholder":true,"num":1e9}}]]"#, None),
        ] {
            assert_eq!(check(json.as_bytes(), 2), expected.is_some(), "{json}");
            if let Some(expected) = expected {
                let mut value = serde_json::from_str(json).unwrap();
                bind(&mut value, &bytes);
                assert_eq!(value, expected, "{json}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_placeholder_stays() {
        for json in [
            r#"{"_placeholder":1,"num":9}"#,
            r#"{"_placeholder":"true"}"#,
            r#"{"num":9}"#,
        ] {
            assert!(check(json.as_bytes(), 1), "{json}");
            let mut value: Value = serde_json::from_str(json).unwrap();
            bind(&mut value, &[Bytes::new()]);
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }
}
