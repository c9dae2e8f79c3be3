//! Plain texts: `<prefix><seq>:`, padded with `x`.

use crate::client::wire;

/// Checks that `payload` is `<prefix><seq>:`, padded with `x` to `size` bytes, and returns `seq`.
pub(super) fn check_padded(payload: &[u8], prefix: &[u8], size: usize) -> Option<u64> {
    if payload.len() != size {
        return None;
    }
    let (seq, rest) = number(payload.strip_prefix(prefix)?)?;
    is_padding(rest.strip_prefix(b":")?).then_some(seq)
}

/// The number in front, without needless zeros, and what follows it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(bytes.len());
    let (digits, rest) = bytes.split_at(digits);
    let mut seq = 0_u64;
    for &digit in digits {
        seq = seq.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    let canonical = digits.len() == 1 || (digits.len() > 1 && digits[0] != b'0');
    canonical.then_some((seq, rest))
}

/// Whether there is nothing but `x`.
pub(super) fn is_padding(bytes: &[u8]) -> bool {
    const PADDING: [u8; 4096] = [b'x'; 4096];
    bytes
        .chunks(PADDING.len())
        .all(|part| part == &PADDING[..part.len()])
}

/// `<seq>:`, padded to `size` bytes.
pub(super) fn padded(seq: u64, size: usize) -> String {
    let mut text = format!("{seq}:");
    text.push_str(&padding(size.saturating_sub(text.len())));
    text
}

/// So many `x`.
pub(super) fn padding(size: usize) -> String {
    "x".repeat(size)
}

/// Appends `<prefix><seq>:`, padded with `x` to `size` bytes, as a masked text frame.
pub(super) fn push_padded(out: &mut Vec<u8>, prefix: &str, seq: u64, size: usize) {
    let rest = padded(seq, size.saturating_sub(prefix.len()));
    wire::push_frame(out, wire::TEXT, format!("{prefix}{rest}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_messages_are_checked_to_the_byte() {
        assert_eq!(check_padded(b"b:17:xxxxx", b"b:", 10), Some(17));
        assert_eq!(check_padded(b"b:0:", b"b:", 4), Some(0));
        let wrong: [&[u8]; 7] = [
            b"b:17:xxxxy",
            b"b:17:xxxxxx",
            b"b:17:xxxx",
            b"b:07:xxxxx",
            b"b::xxxxxxx",
            b"c:17:xxxxx",
            b"b:1a:xxxxx",
        ];
        for payload in wrong {
            assert_eq!(check_padded(payload, b"b:", 10), None);
        }
        let mut long = b"b:5:".to_vec();
        long.resize(10_000, b'x');
        assert_eq!(check_padded(&long, b"b:", 10_000), Some(5));
        long[9_999] = b'y';
        assert_eq!(check_padded(&long, b"b:", 10_000), None);
    }
}
