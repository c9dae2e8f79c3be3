//! Ids of Engine.IO sessions.

use std::{
    borrow::Borrow,
    fmt, io,
    sync::atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// An id of 20 characters: 96 random bits of the operating system, then a counter.
///
/// Whoever knows a session's id speaks for it, so it is a secret: `Debug` shows only its end. The
/// counter makes two ids of one process differ whatever the random source does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sid([u8; 20]);

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl Sid {
    /// A new id.
    ///
    /// # Errors
    ///
    /// The operating system gives no random bytes: no id can be trusted then.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 15];
        getrandom::fill(&mut bytes[..12])?;
        let count = COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes[12..].copy_from_slice(&count[1..]);
        let mut text = [0; 20];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(20), "15 bytes are 20 characters");
        Ok(Self(text))
    }

    /// Reads what a client sent; `None` when it cannot be an id of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = text.as_bytes().try_into().ok()?;
        let usable = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        bytes.iter().all(usable).then_some(Self(bytes))
    }

    pub(crate) fn as_str(&self) -> &str {
        // Both ways to make one leave only ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Borrow<[u8; 20]> for Sid {
    fn borrow(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid(…{})", &self.as_str()[16..])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_and_are_read_back() {
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let sid = Sid::random().unwrap();
            assert_eq!(sid.as_str().len(), 20);
            assert_eq!(Sid::parse(sid.as_str()), Some(sid));
            assert!(seen.insert(sid));
        }
    }

    #[test]
    fn the_first_sixteen_characters_are_random_and_the_rest_counts() {
        let (a, b) = (Sid::random().unwrap(), Sid::random().unwrap());
        assert_ne!(a.as_str()[..16], b.as_str()[..16]);
        let count = |sid: Sid| {
            let bytes = URL_SAFE_NO_PAD.decode(sid.as_str()).unwrap();
            u32::from_be_bytes([0, bytes[12], bytes[13], bytes[14]])
        };
        assert!(count(b) > count(a));
    }

    #[test]
    fn foreign_texts_are_no_ids() {
        for text in [
            "",
            "__proto__",
            "constructor",
            "AAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAé",
        ] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn logs_do_not_show_the_secret() {
        let sid = Sid::parse("abcdefghijklmnopAAAB").unwrap();
        assert_eq!(format!("{sid:?}"), "Sid(…AAAB)");
    }
}
