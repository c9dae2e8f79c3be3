//! Any text as one Engine.IO packet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::checks::engine;

fuzz_target!(|text: &str| engine::packet(text));
