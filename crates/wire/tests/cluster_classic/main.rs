//! The classic adapter, against bytes that `@socket.io/redis-adapter` 8.3.0 published.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;
mod requests;

use std::fmt::Write;

use bytes::Bytes;
use serde_json::Value as Json;
use switchboard_wire::{Args, Encoded, Parser, cluster::classic::Writer};

const NODE: Writer<'static> = Writer {
    uid: "8Mbtna",
    namespace: "/",
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn bytes(hex: &str) -> Bytes {
    let hex: String = hex.split_whitespace().collect();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn text(written: Vec<u8>) -> String {
    String::from_utf8(written).unwrap()
}

/// The packet as either parser encodes it.
fn packets(name: &str, args: &Args) -> [Encoded; 2] {
    [Parser::Json, Parser::Msgpack].map(|parser| parser.event("/", None, name, args, None).unwrap())
}

fn args(values: Json) -> Args {
    let Json::Array(values) = values else {
        panic!("a list")
    };
    Args::from_values(
        values
            .into_iter()
            .map(|value| serde_json::from_value(value).unwrap())
            .collect(),
    )
}

fn values(args: &Args) -> Json {
    serde_json::to_value(args.values()).unwrap()
}
