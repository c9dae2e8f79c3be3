//! What a request asks of an Engine.IO server: its query, headers, and body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_server::fuzz_request;

fuzz_target!(|data: &[u8]| fuzz_request(data));
