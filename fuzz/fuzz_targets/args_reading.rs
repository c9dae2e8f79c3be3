//! Arguments of a peer, read into types of all shapes.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::{
    Input,
    checks::{oracle, reading, socketio},
};
use switchboard_wire::{Encoded, Parser, Value};

fuzz_target!(|data: &[u8]| {
    let [how, rest @ ..] = data else { return };
    let (parser, encoded) = match how % 4 {
        0 => {
            // Whatever both read without loss, they read as the same of each type.
            if let Ok(value) = serde_json::from_slice::<Value>(rest) {
                reading::the_same(&oracle::without_placeholders(value));
            }
            return;
        }
        1 => (
            Parser::Json,
            Encoded {
                text: Some(format!("42[\"e\",{}]", String::from_utf8_lossy(rest))),
                binary: Vec::new(),
            },
        ),
        2 => {
            let mut input = Input(rest);
            let binary = vec![
                Bytes::copy_from_slice(input.bytes()),
                Bytes::copy_from_slice(input.bytes()),
            ];
            let text = String::from_utf8_lossy(input.0);
            (
                Parser::Json,
                Encoded {
                    text: Some(format!("452-[\"e\",{text}]")),
                    binary,
                },
            )
        }
        _ => {
            let mut message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data".to_vec();
            message.extend_from_slice(rest);
            (
                Parser::Msgpack,
                Encoded {
                    text: None,
                    binary: vec![message.into()],
                },
            )
        }
    };
    if let Ok(Some(packet)) = socketio::read(true, parser, &encoded)
        && let Some(args) = socketio::args(&packet)
    {
        reading::everything(args);
    }
});
