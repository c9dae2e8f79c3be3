//! Any text as the greeting of a server.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_fuzz::checks::engine;

fuzz_target!(|text: &str| engine::open(text));
