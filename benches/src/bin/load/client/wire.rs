//! Just enough WebSocket for a client: masked frames out, unmasked frames in.

/// Text message.
pub(crate) const TEXT: u8 = 0x1;
/// Binary message.
pub(crate) const BINARY: u8 = 0x2;
/// Close frame.
pub(crate) const CLOSE: u8 = 0x8;
/// Ping frame.
pub(crate) const PING: u8 = 0x9;
/// Pong frame.
pub(crate) const PONG: u8 = 0xa;

/// Any mask but zero, so that servers unmask in earnest.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Appends one whole masked frame.
pub(crate) fn push_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    if let Ok(length @ 0..126) = u8::try_from(payload.len()) {
        out.push(0x80 | length);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        out.push(0xfe);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(0xff);
        out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(&MASK);
    out.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// The front of what a server sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Parsed<'a> {
    /// No whole frame yet.
    Partial,
    /// Not a frame a server may send here: masked, fragmented or compressed.
    Invalid,
    /// One frame, `length` bytes with its header.
    Frame {
        opcode: u8,
        payload: &'a [u8],
        length: usize,
    },
}

/// Parses one frame at the front of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let [first, second, rest @ ..] = bytes else {
        return Parsed::Partial;
    };
    if first & 0xf0 != 0x80 || second & 0x80 != 0 {
        return Parsed::Invalid;
    }
    let (header, length) = match (second, rest) {
        (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        (127, rest) if let Some(length) = rest.first_chunk() => {
            let length = u64::from_be_bytes(*length);
            match usize::try_from(length) {
                Ok(length @ ..=0x1000_0000) => (10, length),
                _ => return Parsed::Invalid,
            }
        }
        (126 | 127, _) => return Parsed::Partial,
        (&short, _) => (2, usize::from(short)),
    };
    match bytes.get(header..header + length) {
        Some(payload) => Parsed::Frame {
            opcode: first & 0x0f,
            payload,
            length: header + length,
        },
        None => Parsed::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x81];
        match payload.len() {
            short @ 0..126 => bytes.push(u8::try_from(short).unwrap()),
            middle @ 126..65_536 => {
                bytes.push(126);
                bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn frames_of_every_length_form_parse_once_whole() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let bytes = server_frame(&payload);
            for cut in [0, 1, 2, bytes.len() / 2, bytes.len() - 1] {
                assert_eq!(parse(&bytes[..cut.min(bytes.len() - 1)]), Parsed::Partial);
            }
            let whole = Parsed::Frame {
                opcode: TEXT,
                payload: &payload,
                length: bytes.len(),
            };
            assert_eq!(parse(&bytes), whole);
        }
    }

    #[test]
    fn masked_fragmented_compressed_and_absurd_frames_are_invalid() {
        for bytes in [[0x81, 0x81], [0x01, 0x01], [0xc1, 0x01]] {
            assert_eq!(parse(&bytes), Parsed::Invalid);
        }
        assert_eq!(
            parse(&[0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0]),
            Parsed::Invalid
        );
    }

    #[test]
    fn frames_sent_are_masked() {
        let mut out = Vec::new();
        push_frame(&mut out, TEXT, b"hello");
        assert_eq!(out[..2], [0x81, 0x85]);
        assert_eq!(out[2..6], MASK);
        let plain: Vec<_> = out[6..]
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(b, k)| b ^ k)
            .collect();
        assert_eq!(plain, b"hello");
    }
}
