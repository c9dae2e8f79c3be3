//! Polling bodies, read and written: any text as a body, and a body out of any parts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::{Input, checks::engine};
use switchboard_wire::engine::{Packet, Part, decode_payload};

fuzz_target!(|data: &[u8]| {
    let [how, data @ ..] = data else { return };
    if how % 2 == 0 {
        engine::payload(&String::from_utf8_lossy(data));
    } else {
        written(&mut Input(data));
    }
});

fn written(input: &mut Input<'_>) {
    let mut parts = Vec::new();
    while !input.0.is_empty() {
        let kind = input.byte() % 8;
        // Who sends the separator in a text over polling has two packets, in Node too.
        let text = input.text().replace('\u{1e}', "");
        parts.push((kind, text));
    }
    let parts: Vec<_> = parts
        .iter()
        .map(|(kind, text)| match kind {
            0 => Part::Packet(Packet::Open(text)),
            1 => Part::Packet(Packet::Close),
            2 => Part::Packet(Packet::Ping(text)),
            3 => Part::Packet(Packet::Pong(text)),
            4 => Part::Packet(Packet::Message(text)),
            5 => Part::Packet(Packet::Upgrade),
            6 => Part::Packet(Packet::Noop),
            _ => Part::Binary(text.clone().into_bytes()),
        })
        .collect();
    if parts.is_empty() {
        return;
    }
    let body = engine::write(&parts);
    let again: Result<Vec<_>, _> = decode_payload(&body).collect();
    assert_eq!(again, Ok(parts));
}
