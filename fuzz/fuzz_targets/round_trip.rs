//! Any packet, written with either parser and read again: the same. And one value reads the same into
//! any type, whichever way it came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::{
    Input,
    checks::{oracle, reading, socketio},
};
use switchboard_wire::{Args, Body, ConnectError, Packet, Parser, Value};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let how = input.byte();
    let parser = if how & 1 == 0 {
        Parser::Json
    } else {
        Parser::Msgpack
    };
    let namespace = format!("/{}", input.text().replace(',', ""));
    if how & 6 == 6 {
        let value = input.value(6, false);
        reading::the_same(&oracle::without_placeholders(value));
        return;
    }
    if how & 6 == 4 {
        // Joining and refusing. Such packets have no attachments.
        let data = input.value(6, false);
        let message = input.text();
        let auth = Value::Object(vec![(input.text(), data.clone())]);
        let auth = Args::from_values(vec![auth]);
        for body in [
            Body::Connect(None),
            Body::Connect(Some(auth)),
            Body::Disconnect,
            Body::ConnectError(ConnectError {
                message: message.clone(),
                data: Some(data),
            }),
            Body::ConnectError(ConnectError {
                message,
                data: None,
            }),
        ] {
            let namespace = namespace.as_str().into();
            socketio::again(false, parser, &Packet { namespace, body });
        }
        return;
    }
    let id = (how & 8 == 0).then(|| input.u64());
    let name = input.text();
    let count = input.byte() % 5;
    let values: Vec<_> = (0..count)
        .map(|_| oracle::without_placeholders(input.value(6, true)))
        .collect();
    socketio::round_trip(parser, &namespace, id, &name, &values);
});
