//! What must hold of any text that is taken for Engine.IO.

use switchboard_wire::engine::{
    DecodeError, Open, Packet, Part, decode_payload, push_binary, push_text,
};

const SEPARATOR: char = '\u{1e}';

/// One text packet, and one part of a polling body: what is read is written again and read as the same.
pub fn packet(text: &str) {
    let known = text.starts_with(|digit: char| ('0'..='6').contains(&digit));
    match Packet::decode(text) {
        Ok(packet) => {
            let written = packet.encode();
            assert!(known && text.starts_with(&written));
            assert_eq!(Packet::decode(&written), Ok(packet));
        }
        Err(DecodeError::Empty) => assert!(text.is_empty()),
        Err(error) => assert!(!known && error == DecodeError::UnknownType),
    }
    match (Part::decode(text), text.strip_prefix('b')) {
        (Ok(Part::Binary(payload)), Some(encoded)) => {
            assert!(payload.len() <= encoded.len());
            let mut body = String::new();
            push_binary(&mut body, &payload);
            assert_eq!(Part::decode(&body), Ok(Part::Binary(payload)));
        }
        (Err(DecodeError::NotBase64), Some(_)) => {}
        (Ok(Part::Packet(packet)), None) => assert_eq!(Packet::decode(text), Ok(packet)),
        (Err(error), None) => assert_eq!(Packet::decode(text), Err(error)),
        (part, _) => panic!("{part:?}"),
    }
}

/// A polling body: no more parts than separators say, nothing behind the first error, no more bytes
/// than came; and what was read, written into a body again, is read as the same.
pub fn payload(body: &str) {
    let parts: Vec<_> = decode_payload(body).collect();
    assert!(!parts.is_empty() && parts.len() <= 1 + body.matches(SEPARATOR).count());
    let good: Vec<_> = parts.iter().flatten().cloned().collect();
    assert!(good.len() + 1 >= parts.len());
    assert!(parts[..good.len()].iter().all(Result::is_ok));
    let held: usize = good.iter().map(size).sum();
    assert!(held <= body.len());
    if !good.is_empty() {
        let written = write(&good);
        let again: Result<Vec<_>, _> = decode_payload(&written).collect();
        assert_eq!(again, Ok(good));
    }
}

/// The body of these parts.
pub fn write(parts: &[Part<'_>]) -> String {
    let mut body = String::new();
    for part in parts {
        match part {
            Part::Packet(packet) => push_text(&mut body, &packet.encode()),
            Part::Binary(payload) => push_binary(&mut body, payload),
        }
    }
    body
}

fn size(part: &Part<'_>) -> usize {
    match part {
        Part::Packet(packet) => packet.encode().len(),
        Part::Binary(payload) => payload.len(),
    }
}

/// The greeting: what is read from a packet is written again and read as the same.
pub fn open(text: &str) {
    let Ok(Packet::Open(json)) = Packet::decode(text) else {
        return;
    };
    let Ok(open) = serde_json::from_str::<Open>(json) else {
        return;
    };
    let written = open.encode();
    let Ok(Packet::Open(json)) = Packet::decode(&written) else {
        panic!("{written}");
    };
    let again: Open = serde_json::from_str(json).expect("what was written");
    assert_eq!(again, open);
}
