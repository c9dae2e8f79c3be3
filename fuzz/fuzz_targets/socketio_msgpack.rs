//! Any bytes as a message of the msgpack parser.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::{
    Input,
    checks::socketio::{self, Message},
};
use switchboard_wire::{Limits, Parser};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let how = input.byte();
    let limits = if how & 2 == 0 {
        Limits::default()
    } else {
        input.limits()
    };
    let message = Message::Binary(Bytes::copy_from_slice(input.0));
    socketio::messages(how & 1 == 0, Parser::Msgpack, &limits, &[message]);
});
