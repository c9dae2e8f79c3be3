//! Text and binary messages through one decoder of the JSON parser.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::{Input, checks::socketio};
use switchboard_wire::{Limits, Parser};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let how = input.byte();
    let limits = if how & 2 == 0 {
        Limits::default()
    } else {
        input.limits()
    };
    let messages = input.messages();
    socketio::messages(how & 1 == 0, Parser::Json, &limits, &messages);
});
