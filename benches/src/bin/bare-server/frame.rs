//! Client frames in, server frames out, and the messages of the contract.

/// Largest message taken from a client; a longer one closes the connection.
const MAX_MESSAGE: usize = 1 << 20;

/// The front of what a client sent.
pub(crate) enum Parsed<'a> {
    Partial,
    Invalid,
    Frame {
        opcode: u8,
        payload: &'a [u8],
        length: usize,
    },
}

/// Parses one masked, unfragmented client frame and unmasks it in place.
pub(crate) fn parse(bytes: &mut [u8]) -> Parsed<'_> {
    let [first, second, ..] = *bytes else {
        return Parsed::Partial;
    };
    if first & 0xf0 != 0x80 || second & 0x80 == 0 {
        return Parsed::Invalid;
    }
    let (start, length) = match (second & 0x7f, &bytes[2..]) {
        (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        (127, rest) if let Some(length) = rest.first_chunk() => {
            let length = u64::from_be_bytes(*length);
            (10, usize::try_from(length).unwrap_or(usize::MAX))
        }
        (126 | 127, _) => return Parsed::Partial,
        (short, _) => (2, usize::from(short)),
    };
    if length > MAX_MESSAGE {
        return Parsed::Invalid;
    }
    let Some(frame) = bytes.get_mut(start..start + 4 + length) else {
        return Parsed::Partial;
    };
    let (mask, payload) = frame.split_at_mut(4);
    // Sixteen bytes at a time, so that the compiler uses wide registers.
    let wide: [u8; 16] = std::array::from_fn(|index| mask[index % 4]);
    let (chunks, rest) = payload.as_chunks_mut::<16>();
    for chunk in chunks {
        for (byte, key) in chunk.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    for (byte, key) in rest.iter_mut().zip(wide) {
        *byte ^= key;
    }
    Parsed::Frame {
        opcode: first & 0x0f,
        payload,
        length: start + 4 + length,
    }
}

/// Splits at the first colon.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    Some((&bytes[..colon], &bytes[colon + 1..]))
}

pub(crate) fn size_and_seq(trigger: &[u8]) -> Option<(usize, &[u8])> {
    let (size, seq) = split(trigger)?;
    let size = std::str::from_utf8(size).ok()?.parse().ok()?;
    (size <= MAX_MESSAGE).then_some((size, seq))
}

/// `b:<seq>:`, padded with `x` to `size` bytes.
pub(crate) fn push_padded(out: &mut Vec<u8>, size: usize, seq: &[u8]) {
    let padding = vec![b'x'; size.saturating_sub(seq.len() + 3)];
    push_frame(out, 0x81, &[b"b:", seq, b":", &padding]);
}

pub(crate) fn push_frame(out: &mut Vec<u8>, first: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(first);
    if let Ok(length @ 0..126) = u8::try_from(length) {
        out.push(length);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_carry_the_three_length_forms() {
        for (length, header) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut out = Vec::new();
            push_frame(&mut out, 0x81, &[&vec![b'x'; length]]);
            assert_eq!(out.len(), header + length);
        }
    }

    #[test]
    fn padding_reaches_the_size_asked_for() {
        let mut out = Vec::new();
        push_padded(&mut out, 12, b"7");
        assert_eq!(out, b"\x81\x0cb:7:xxxxxxxx");
    }

    #[test]
    fn client_frames_are_unmasked_and_partial_ones_wait() {
        let whole = [0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];
        for cut in 0..whole.len() {
            assert!(matches!(parse(&mut whole[..cut].to_vec()), Parsed::Partial));
        }
        let mut bytes = whole.to_vec();
        let Parsed::Frame {
            opcode: 1,
            payload,
            length: 8,
        } = parse(&mut bytes)
        else {
            panic!("a whole frame");
        };
        assert_eq!(payload, b"hi");
    }

    #[test]
    fn unmasked_fragmented_and_oversized_frames_are_refused() {
        assert!(matches!(parse(&mut [0x81, 0x01, b'x']), Parsed::Invalid));
        assert!(matches!(
            parse(&mut [0x01, 0x81, 0, 0, 0, 0, b'x']),
            Parsed::Invalid
        ));
        let mut huge = [0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0];
        assert!(matches!(parse(&mut huge), Parsed::Invalid));
    }
}
