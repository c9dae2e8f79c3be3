//! A text that a packet may keep a part of.

use std::str::Utf8Error;

use bytes::{Buf, Bytes};

/// The text of one Socket.IO message: an Engine.IO message without its digit.
///
/// Made from a `String` it is not copied, and the arguments of the packet go on using it; made from a
/// `&str` it is.
///
/// ```
/// use switchboard_wire::Text;
///
/// let received = String::from(r#"42["hello"]"#);
/// assert_eq!(Text::of_message(received), Text::from(r#"2["hello"]"#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Bytes);

impl Text {
    /// The text inside an Engine.IO message: all but its first byte, the digit.
    pub fn of_message(message: impl Into<Self>) -> Self {
        let mut text = message.into();
        if text.0.first().is_some_and(u8::is_ascii) {
            text.0.advance(1);
        }
        text
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl TryFrom<Bytes> for Text {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}
