//! Node, and how values are shown.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Encoded, Parser, Value,
    cluster::{Flags, Options, RemoteSocket, To, classic::Writer},
};

pub(crate) const NODE: Writer<'static> = Writer {
    uid: "rust",
    namespace: "/",
};

/// A run of the script.
pub(crate) struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    pub(crate) fn start() -> Self {
        let scripts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-node"));
        assert!(
            scripts
                .join("node_modules/@socket.io/redis-adapter")
                .exists(),
            "npm packages are missing: run `cargo xtask setup`"
        );
        let mut child = Command::new("node")
            .arg("cluster.mjs")
            .current_dir(scripts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// Gives a command, and takes the list of its answer.
    pub(crate) fn ask(&mut self, command: &Json, list: &str) -> Vec<Json> {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{command}").unwrap();
        stdin.flush().unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let mut answer: Json = serde_json::from_str(&line).unwrap();
        match answer[list].take() {
            Json::Array(items) => items,
            _ => panic!("{answer}"),
        }
    }

    pub(crate) fn receive(&mut self, adapter: &str, items: &[Json]) -> Vec<Json> {
        self.ask(
            &json!({"do": "receive", "adapter": adapter, "items": items}),
            "items",
        )
    }

    pub(crate) fn perform(&mut self, by: &str) -> Vec<Json> {
        self.ask(&json!({"do": "perform", "by": by}), "items")
    }
}

impl Drop for Node {
    /// At the end of its input the script ends.
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

pub(crate) fn bytes(hex: &Json) -> Bytes {
    let hex = hex.as_str().unwrap();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A value as the script shows it: numbers are doubles.
pub(crate) fn tag(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(number) => json!(number.as_f64()),
        Value::String(text) => json!(text),
        Value::Array(elements) => elements.iter().map(tag).collect(),
        Value::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), tag(value)))
                .collect(),
        ),
        Value::Binary(bytes) => json!({"$bytes": hex(bytes)}),
    }
}

/// What the script shows, its numbers as doubles too.
pub(crate) fn doubles(value: &Json) -> Json {
    match value {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(elements) => elements.iter().map(doubles).collect(),
        Json::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, value)| (key.clone(), doubles(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

pub(crate) fn tags(args: &Args) -> Json {
    args.values().iter().map(tag).collect()
}

pub(crate) fn on(channel: &str, written: &[u8]) -> Json {
    json!({"channel": channel, "hex": hex(written)})
}

pub(crate) fn event(name: &str, args: &Args) -> Encoded {
    Parser::Json.event("/", None, name, args, None).unwrap()
}

pub(crate) fn argument(value: impl Into<Value>) -> Args {
    Args::from_values(vec![value.into()])
}

pub(crate) fn to<'a>(rooms: &'a [String], except: &'a [String]) -> To<'a> {
    To::new(rooms, except)
}

pub(crate) fn remote(id: &str) -> RemoteSocket {
    RemoteSocket {
        id: id.into(),
        handshake: serde_json::from_value(json!({"auth": {"token": "x"}})).unwrap(),
        rooms: names(&[id, "é"]),
        data: serde_json::from_value(json!({"n": 1})).unwrap(),
    }
}

/// Each label of what was performed, once.
pub(crate) fn labelled<'a>(items: &'a [Json], label: &str) -> &'a Json {
    let mut found = items.iter().filter(|item| item["label"] == label);
    let item = found.next().unwrap_or_else(|| panic!("{label}"));
    assert!(found.next().is_none(), "{label}");
    item
}

/// What every adapter publishes for events: arguments and options.
pub(crate) fn performed_events() -> Vec<(&'static str, &'static str, Json, Options)> {
    let plain = |rooms: &[&str]| Options {
        rooms: names(rooms),
        ..Options::default()
    };
    let odd = Options {
        except: names(&["room3"]),
        flags: Flags::default()
            .with_volatile(true)
            .with_compress(Some(false)),
        ..plain(&["room1", "42"])
    };
    vec![
        (
            "emit",
            "hello",
            json!([1.0, "2", {"a": [true, null, 1.5]}]),
            plain(&[]),
        ),
        ("room", "hello", json!([]), plain(&["room1"])),
        (
            "rooms",
            "hello",
            json!(["2026-11-21T01:50:06.852Z", null, {}]),
            odd,
        ),
        (
            "binary",
            "bin",
            json!([{"$bytes": "010203"}, {"x": {"$bytes": "0405"}}]),
            plain(&[]),
        ),
    ]
}
