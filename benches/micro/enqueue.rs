//! One frame into one outbox, under a cork: what a recipient costs besides the write.

use gungraun::{library_benchmark, library_benchmark_group};
use switchboard::connection::Frame;

use crate::{sockets::Sockets, text};

fn empty() -> (Sockets, Frame) {
    (Sockets::new(), Frame::text(text(128)))
}

fn one_waits() -> (Sockets, Frame) {
    let (sockets, frame) = empty();
    sockets.send(&frame);
    (sockets, frame)
}

fn empty_run() -> (Sockets, Frame) {
    let sockets = Sockets::new();
    let frame = sockets.broadcast(128);
    (sockets, frame)
}

fn run_waits() -> (Sockets, Frame) {
    let (sockets, first) = empty_run();
    sockets.send(&first);
    let next = sockets.broadcast(128);
    (sockets, next)
}

#[library_benchmark]
#[bench::broadcast_first(setup = empty_run)]
#[bench::broadcast_one_more(setup = run_waits)]
#[bench::single_first(setup = empty)]
#[bench::single_one_more(setup = one_waits)]
fn try_send((sockets, frame): (Sockets, Frame)) -> (Sockets, Frame) {
    sockets.send(&frame);
    (sockets, frame)
}

library_benchmark_group!(name = queue, benchmarks = try_send);
