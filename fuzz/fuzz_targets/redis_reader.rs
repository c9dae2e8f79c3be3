//! What Redis sends to a subscriber, in pieces of any size: nothing panics, nothing outgrows the limit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_adapter_redis::fuzz_reader;

fuzz_target!(|data: &[u8]| {
    let [step, limit, bytes @ ..] = data else { return };
    fuzz_reader(bytes, usize::from(*step), usize::from(*limit));
});
