//! Texts that JSON writes as they are.
//!
//! Most texts need no escape. Those are found and copied many bytes at a time, by which a small event costs
//! a third less than through `serde_json`; all others are `serde_json`'s business.

/// Bytes that are looked at together: what the compiler compares with a few instructions.
const CHUNK: usize = 16;

/// Whether a text stands in JSON as it is: no quote, no backslash, no control character.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let (chunks, rest) = text.as_chunks::<CHUNK>();
    let mut last = [b' '; CHUNK];
    last[..rest.len()].copy_from_slice(rest);
    chunks.iter().all(is_plain_chunk) && is_plain_chunk(&last)
}

/// Without an early end, so that it needs no branch for each byte.
fn is_plain_chunk(chunk: &[u8; CHUNK]) -> bool {
    let odd = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    chunk.iter().fold(0, |found, byte| found | odd(*byte)) == 0
}

/// The length, quotes included, of the string that `json` begins with, if it has no escape.
pub(super) fn plain_len(json: &[u8]) -> Option<usize> {
    let [b'"', rest @ ..] = json else {
        return None;
    };
    let len = memchr::memchr(b'"', rest)?;
    is_plain(&rest[..len]).then_some(len + 2)
}

/// The contents of the string that `json` is, if it has no escape.
pub(crate) fn plain_string(json: &[u8]) -> Option<&str> {
    let [b'"', text @ .., b'"'] = json else {
        return None;
    };
    match memchr::memchr(b'\\', text) {
        None => str::from_utf8(text).ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_what_serde_json_writes_as_it_is() {
        for at in [0, 1, 15, 16, 17, 31, 40] {
            for byte in 0..=0x7f_u8 {
                let mut text = "x".repeat(40).into_bytes();
                text.insert(at, byte);
                let json = serde_json::to_vec(str::from_utf8(&text).unwrap()).unwrap();
                let plain = json[1..json.len() - 1] == text;
                assert_eq!(is_plain(&text), plain, "{byte:#x} at {at}");
                assert_eq!(plain_len(&json), plain.then_some(json.len()), "{byte:#x}");
                assert_eq!(plain_string(&json).is_some(), plain, "{byte:#x}");
            }
        }
        assert!(is_plain("é漢🦀".as_bytes()));
        assert_eq!(plain_len(b"\"a"), None);
        assert_eq!(plain_len(b"a\""), None);
        assert_eq!(plain_len(b"\"\" "), Some(2));
    }
}
