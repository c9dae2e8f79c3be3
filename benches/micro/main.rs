//! Instructions of single steps, in user space, counted by callgrind.
//!
//! Each case does its step [`OPERATIONS`] times: move the decimal point by four digits to have the
//! instructions of one. What a case needs is made before the count begins and dropped after it ended.

mod broadcast;
mod encode;
mod enqueue;
mod fake;
mod membership;
mod sockets;

use gungraun::{Callgrind, LibraryBenchmarkConfig, main};

use broadcast::fan_out;
use encode::frame;
use enqueue::queue;
use membership::pool;

/// How often a case does its step, and how many connections a crowd has.
const OPERATIONS: usize = 10_000;

/// The namespace of all connections.
const NAMESPACE: &str = "bench";

/// A text of `len` bytes.
fn text(len: usize) -> String {
    "x".repeat(len)
}

main!(
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::with_args(["--cache-sim=no"]));
    library_benchmark_groups = queue, fan_out, frame, pool
);
