//! JSON text as msgpack, without a value in between.
//!
//! Numbers are written as `notepack.io` 3.0.1 writes them (see [`write_number`]), placeholders as the
//! bytes they stand for. A lone surrogate, which only an escape can say, becomes U+FFFD.

use std::borrow::Cow;

use bytes::Bytes;

use super::write::write_unsigned;
use super::write::{write_bytes, write_list, write_map, write_number, write_signed, write_str};

/// Why text has no msgpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OfJsonError {
    #[error("not JSON")]
    Invalid,
    #[error("nested too deeply")]
    TooDeep,
    #[error("placeholder without an attachment")]
    Placeholder,
}

/// Appends the one value that `json` says, nested `levels` deep at most.
pub(crate) fn write_json(
    out: &mut Vec<u8>,
    json: &str,
    attachments: &[Bytes],
    levels: usize,
) -> Result<(), OfJsonError> {
    let mut text = Text {
        json,
        at: 0,
        levels,
        attachments,
    };
    text.value(out)?;
    text.space();
    if text.at == json.len() {
        Ok(())
    } else {
        Err(OfJsonError::Invalid)
    }
}

struct Text<'a> {
    json: &'a str,
    at: usize,
    levels: usize,
    attachments: &'a [Bytes],
}

/// What matters of a value if the object around it is a placeholder.
#[derive(Clone, Copy)]
enum Seen {
    True,
    Number(f64),
    Other,
}

impl<'a> Text<'a> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Moves past `byte` if that is next.
    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), OfJsonError> {
        self.take(byte).then_some(()).ok_or(OfJsonError::Invalid)
    }

    fn value(&mut self, out: &mut Vec<u8>) -> Result<Seen, OfJsonError> {
        self.space();
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                write_str(out, &text);
                Ok(Seen::Other)
            }
            Some(b'[') => self.nested(out, Self::list),
            Some(b'{') => self.nested(out, Self::object),
            Some(b't') => self.literal(out, "true", 0xc3, Seen::True),
            Some(b'f') => self.literal(out, "false", 0xc2, Seen::Other),
            Some(b'n') => self.literal(out, "null", 0xc0, Seen::Other),
            Some(b'-' | b'0'..=b'9') => self.number(out),
            _ => Err(OfJsonError::Invalid),
        }
    }

    fn literal(
        &mut self,
        out: &mut Vec<u8>,
        word: &str,
        marker: u8,
        seen: Seen,
    ) -> Result<Seen, OfJsonError> {
        let rest = self.json.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(OfJsonError::Invalid);
        }
        self.at += word.len();
        out.push(marker);
        Ok(seen)
    }

    #[expect(clippy::cast_precision_loss, reason = "compared with a small number")]
    fn number(&mut self, out: &mut Vec<u8>) -> Result<Seen, OfJsonError> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let bytes = self.json.as_bytes().get(start..).unwrap_or_default();
        self.at += bytes.iter().take_while(|byte| is_part(byte)).count();
        let text = self.json.get(start..self.at).unwrap_or_default();
        if let Ok(number) = text.parse::<u64>() {
            write_unsigned(out, number);
            return Ok(Seen::Number(number as f64));
        }
        if let Ok(number) = text.parse::<i64>() {
            write_signed(out, number);
            return Ok(Seen::Number(number as f64));
        }
        let number = text.parse::<f64>().map_err(|_| OfJsonError::Invalid)?;
        write_number(out, number);
        Ok(Seen::Number(number))
    }

    fn nested(
        &mut self,
        out: &mut Vec<u8>,
        read: fn(&mut Self, &mut Vec<u8>) -> Result<(), OfJsonError>,
    ) -> Result<Seen, OfJsonError> {
        self.levels = self.levels.checked_sub(1).ok_or(OfJsonError::TooDeep)?;
        self.at += 1;
        read(self, out)?;
        self.levels += 1;
        Ok(Seen::Other)
    }

    fn list(&mut self, out: &mut Vec<u8>) -> Result<(), OfJsonError> {
        let start = out.len();
        out.push(0);
        let mut len = 0;
        if !self.take(b']') {
            loop {
                self.value(out)?;
                len += 1;
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b']')?;
        }
        put_marker(out, start, len, write_list);
        Ok(())
    }

    fn object(&mut self, out: &mut Vec<u8>) -> Result<(), OfJsonError> {
        let start = out.len();
        out.push(0);
        let (mut len, mut placeholder, mut num) = (0, false, None);
        if !self.take(b'}') {
            loop {
                self.space();
                let key = self.string()?;
                write_str(out, &key);
                self.expect(b':')?;
                let seen = self.value(out)?;
                len += 1;
                match &*key {
                    "_placeholder" => placeholder = matches!(seen, Seen::True),
                    "num" => num = Some(seen),
                    _ => {}
                }
                if !self.take(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        if placeholder && !self.attachments.is_empty() {
            out.truncate(start);
            return self.attachment(out, num);
        }
        put_marker(out, start, len, write_map);
        Ok(())
    }

    /// The rules are those of the JSON parser: a fraction in range is `undefined`.
    fn attachment(&self, out: &mut Vec<u8>, num: Option<Seen>) -> Result<(), OfJsonError> {
        let Some(Seen::Number(num)) = num else {
            return Err(OfJsonError::Placeholder);
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked; what is out of range finds nothing"
        )]
        let bytes = (num >= 0.0)
            .then(|| self.attachments.get(num as usize))
            .flatten()
            .ok_or(OfJsonError::Placeholder)?;
        if num.fract() == 0.0 {
            write_bytes(out, bytes);
        } else {
            out.push(0xc0);
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, OfJsonError> {
        if self.peek() != Some(b'"') {
            return Err(OfJsonError::Invalid);
        }
        self.at += 1;
        let rest = self.json.get(self.at..).unwrap_or_default();
        let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'));
        let end = end.ok_or(OfJsonError::Invalid)?;
        let (plain, rest) = rest.split_at(end);
        self.at += end;
        if rest.starts_with('"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(plain.to_owned()).map(Cow::Owned)
    }

    /// The rest of a string, from its first backslash on.
    fn escaped(&mut self, mut text: String) -> Result<String, OfJsonError> {
        loop {
            let rest = self.json.get(self.at..).unwrap_or_default();
            let end = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'));
            let end = end.ok_or(OfJsonError::Invalid)?;
            text.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes().get(end) == Some(&b'"') {
                return Ok(text);
            }
            let escape = self.peek().ok_or(OfJsonError::Invalid)?;
            self.at += 1;
            text.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return Err(OfJsonError::Invalid),
            });
        }
    }

    /// Behind `\u`. Two of them may be one character.
    fn unicode(&mut self) -> Result<char, OfJsonError> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) {
            let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
            if rest.starts_with(b"\\u") {
                let back = self.at;
                self.at += 2;
                let second = self.hex()?;
                if (0xdc00..0xe000).contains(&second) {
                    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                self.at = back;
            }
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, OfJsonError> {
        let digits = self.json.get(self.at..self.at + 4);
        let digits = digits.ok_or(OfJsonError::Invalid)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(OfJsonError::Invalid);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| OfJsonError::Invalid)
    }
}

/// Puts the marker of a list or map where a byte was kept for it.
fn put_marker(out: &mut Vec<u8>, start: usize, len: usize, write: fn(&mut Vec<u8>, usize)) {
    let mut marker = Vec::new();
    if len < 16 {
        // One byte, so what follows stays where it is.
        let content = out.len();
        write(out, len);
        out.swap_remove(start);
        debug_assert_eq!(out.len(), content);
    } else {
        write(&mut marker, len);
        out.splice(start..=start, marker);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn hex(json: &str, attachments: &[Bytes]) -> Result<String, OfJsonError> {
        let mut out = Vec::new();
        write_json(&mut out, json, attachments, 4)?;
        let mut hex = String::new();
        for byte in out {
            write!(hex, "{byte:02x}").unwrap();
        }
        Ok(hex)
    }

    #[test]
    fn values_are_written_as_notepack_does() {
        for (json, expected) in [
            ("null", "c0"),
            (" [ true , false ] ", "92c3c2"),
            (r#"{"a":[],"b":{}}"#, "82a16190a16280"),
            ("0", "00"),
            ("-0", "00"),
            ("-0.0", "00"),
            ("1.0", "01"),
            ("-1", "ff"),
            ("-33", "d0df"),
            ("128", "cc80"),
            ("65536", "ce00010000"),
            ("4294967296", "cf0000000100000000"),
            ("18446744073709551615", "cfffffffffffffffff"),
            ("18446744073709551616", "cb43f0000000000000"),
            ("-9223372036854775808", "d38000000000000000"),
            ("-9223372036854775809", "d38000000000000000"),
            ("-1e19", "cbc3e158e460913d00"),
            ("1e21", "cb444b1ae4d6e2ef50"),
            ("1e300", "cb7e37e43c8800759c"),
            ("1.5", "cb3ff8000000000000"),
            ("1e400", "cb7ff0000000000000"),
            (r#""a\n\u00e9\ud83d\ude00""#, "a8610ac3a9f09f9880"),
            (r#""\ud800x""#, "a4efbfbd78"),
            (r#""\ud800\u0041""#, "a4efbfbd41"),
        ] {
            assert_eq!(hex(json, &[]).as_deref(), Ok(expected), "{json}");
        }
    }

    #[test]
    fn long_lists_and_maps_get_longer_markers() {
        let list = |len: usize| format!("[[{}],7]", vec!["1"; len].join(","));
        assert!(hex(&list(15), &[]).unwrap().starts_with("929f01"));
        let sixteen = hex(&list(16), &[]).unwrap();
        assert!(sixteen.starts_with("92dc001001") && sixteen.ends_with("0107"));
        assert!(
            hex(&list(65_536), &[])
                .unwrap()
                .starts_with("92dd0001000001")
        );
        let map: Vec<_> = (0..16).map(|key| format!("\"{key}\":{key}")).collect();
        let map = hex(&format!("{{{}}}", map.join(",")), &[]).unwrap();
        assert!(map.starts_with("de0010a13000a13101"));
    }

    #[test]
    fn placeholders_are_bytes() {
        let bytes = [Bytes::from_static(b"\x01"), Bytes::from_static(b"\x02\x03")];
        for (json, expected) in [
            (r#"[{"_placeholder":true,"num":1}]"#, Ok("91c4020203")),
            (r#"{"x":{"num":0,"_placeholder":true}}"#, Ok("81a178c40101")),
            (r#"{"_placeholder":true,"num":0.5}"#, Ok("c0")),
            (
                r#"{"_placeholder":1}"#,
                Ok("81ac5f706c616365686f6c64657201"),
            ),
            (
                r#"{"_placeholder":true,"num":2}"#,
                Err(OfJsonError::Placeholder),
            ),
            (
                r#"{"_placeholder":true,"num":-1}"#,
                Err(OfJsonError::Placeholder),
            ),
            (r#"{"_placeholder":true}"#, Err(OfJsonError::Placeholder)),
        ] {
            assert_eq!(
                hex(json, &bytes).as_deref(),
                expected.as_ref().copied(),
                "{json}"
            );
        }
        assert!(hex(r#"{"_placeholder":true,"num":2}"#, &[]).is_ok());
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for json in [
            "",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{",
            "{\"",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{1:2}",
            "tru",
            "1 2",
            "x",
            "\"",
            "\"\\",
            "\"\\u12",
            "\"\\u12é4\"",
            "\"\\x\"",
            "--1",
            "1e",
            "[1}",
            "{\"a\":1]",
            "-",
        ] {
            assert_eq!(hex(json, &[]), Err(OfJsonError::Invalid), "{json}");
        }
        assert!(hex("[[[[1]]]]", &[]).is_ok());
        assert_eq!(hex("[[[[[1]]]]]", &[]), Err(OfJsonError::TooDeep));
    }
}
