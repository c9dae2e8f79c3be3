//! Frames of a peer, in pieces of any size: nothing panics, nothing outgrows the limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_connection::fuzz_decoder;

fuzz_target!(|data: &[u8]| {
    let [how, bytes @ ..] = data else { return };
    let server = how & 0x80 == 0;
    fuzz_decoder(bytes, server, usize::from(how & 0x7F));
});
