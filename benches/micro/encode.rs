//! A message into a frame and the frame dropped: allocating and freeing is part of it.

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group};
use serde::Serialize;
use switchboard::connection::Frame;

use crate::{OPERATIONS, text as text_of};

/// A typical event: 72 bytes of JSON.
#[derive(Serialize)]
struct Said {
    event: &'static str,
    room: &'static str,
    user: u64,
    text: &'static str,
}

fn event() -> Said {
    Said {
        event: "message",
        room: "lobby",
        user: 1_234_567,
        text: "Hello, world!",
    }
}

#[library_benchmark]
#[bench::bytes_16(args = (16), setup = text_of)]
#[bench::bytes_128(args = (128), setup = text_of)]
#[bench::kib_64(args = (64 * 1024), setup = text_of)]
fn text(message: String) -> String {
    for _ in 0..OPERATIONS {
        black_box(Frame::text(black_box(&message)));
    }
    message
}

#[library_benchmark]
#[bench::event(setup = event)]
fn json(event: Said) -> Said {
    for _ in 0..OPERATIONS {
        let frame = Frame::json(black_box(&event)).expect("texts and a number are JSON");
        black_box(frame);
    }
    event
}

library_benchmark_group!(name = frame, benchmarks = [text, json]);
