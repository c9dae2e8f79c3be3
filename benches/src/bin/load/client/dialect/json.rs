//! Socket.IO packets as JSON, each in one text frame.

use super::{
    Incoming,
    raw::{is_padding, number, padding},
};
use crate::client::wire;

/// A broadcast, around its number and its padding.
const FRONT: &[u8] = br#"42["b",{"seq":"#;
const MIDDLE: &[u8] = br#","pad":""#;
const BACK: &[u8] = br#""}]"#;
/// An echo, around its text.
const ECHO: &[u8] = br#"42["echo",""#;
const ECHO_BACK: &[u8] = br#""]"#;

pub(super) fn read(opcode: u8, payload: &[u8], entered: bool) -> Incoming {
    if opcode != wire::TEXT {
        return Incoming::Wrong;
    }
    match payload {
        [b'0', b'{', ..] if !entered => Incoming::Answer(wire::TEXT, b"40"),
        [b'4', b'0', b'{', ..] if !entered => Incoming::Entered,
        [b'2'] => Incoming::Answer(wire::TEXT, b"3"),
        [b'4', b'2', ..] if entered => Incoming::Message,
        [b'6'] => Incoming::Nothing,
        _ => Incoming::Wrong,
    }
}

pub(super) fn push_event(out: &mut Vec<u8>, name: &str, text: &str) {
    let packet = format!(r#"42["{name}","{text}"]"#);
    wire::push_frame(out, wire::TEXT, packet.as_bytes());
}

pub(super) fn push_broadcast(out: &mut Vec<u8>, seq: u64, size: usize) {
    let pad = padding(pad(seq, size));
    let packet = format!(r#"42["bcast",{{"seq":{seq},"pad":"{pad}"}}]"#);
    wire::push_frame(out, wire::TEXT, packet.as_bytes());
}

pub(super) fn push_to_room(out: &mut Vec<u8>, room: &str, seq: u64, size: usize) {
    let pad = padding(pad(seq, size));
    let packet = format!(r#"42["room",{{"room":"{room}","seq":{seq},"pad":"{pad}"}}]"#);
    wire::push_frame(out, wire::TEXT, packet.as_bytes());
}

/// Bytes of padding in broadcast `seq`.
fn pad(seq: u64, size: usize) -> usize {
    let digits = seq.checked_ilog10().unwrap_or(0) as usize + 1;
    size.saturating_sub(FRONT.len() + digits + MIDDLE.len() + BACK.len())
}

/// Bytes of text in an echo.
pub(super) fn room(size: usize) -> usize {
    size.saturating_sub(ECHO.len() + ECHO_BACK.len())
}

pub(super) fn read_broadcast(payload: &[u8], size: usize) -> Option<u64> {
    if payload.len() != size {
        return None;
    }
    let (seq, rest) = number(payload.strip_prefix(FRONT)?)?;
    let pad = rest.strip_prefix(MIDDLE)?.strip_suffix(BACK)?;
    is_padding(pad).then_some(seq)
}

pub(super) fn read_echo(payload: &[u8], size: usize) -> Option<u64> {
    if payload.len() != size {
        return None;
    }
    let text = payload.strip_prefix(ECHO)?.strip_suffix(ECHO_BACK)?;
    let (seq, rest) = number(text)?;
    is_padding(rest.strip_prefix(b":")?).then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_the_way_in_are_answered() {
        let text = wire::TEXT;
        assert_eq!(
            read(text, br#"0{"sid":"a"}"#, false),
            Incoming::Answer(text, b"40")
        );
        assert_eq!(read(text, br#"40{"sid":"b"}"#, false), Incoming::Entered);
        assert_eq!(read(text, b"2", true), Incoming::Answer(text, b"3"));
        assert_eq!(read(text, br#"42["b",1]"#, true), Incoming::Message);
        assert_eq!(read(text, br#"42["b",1]"#, false), Incoming::Wrong);
        assert_eq!(read(text, br#"44{"message":"no"}"#, false), Incoming::Wrong);
        assert_eq!(read(wire::BINARY, b"x", true), Incoming::Wrong);
    }

    #[test]
    fn broadcasts_are_checked_to_the_byte() {
        let good = br#"42["b",{"seq":17,"pad":"xxx"}]"#;
        assert_eq!(read_broadcast(good, good.len()), Some(17));
        assert_eq!(good.len() - 3 + pad(17, good.len()), good.len());
        let wrong: [&[u8]; 5] = [
            br#"42["b",{"seq":17,"pad":"xxy"}]"#,
            br#"42["b",{"seq":07,"pad":"xxx"}]"#,
            br#"42["c",{"seq":17,"pad":"xxx"}]"#,
            br#"42["b",{"pad":"xxx","seq":17}]"#,
            br#"42["b",{"seq":"7","pad":"xx"}]"#,
        ];
        for payload in wrong {
            assert_eq!(read_broadcast(payload, good.len()), None);
        }
    }
}
