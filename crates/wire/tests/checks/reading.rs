//! Arguments read into types of all shapes.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use switchboard_wire::{ArgError, Args, Body, Encoded, Packet, Parser, Value};

use super::socketio;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Record {
    id: u32,
    name: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    inner: Option<Box<Record>>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Newtype(i16);

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Unit;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Pair(bool, Option<char>);

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Choice {
    Unit,
    One(Option<u8>),
    Two(u8, String),
    Named { x: f64, y: Option<bool> },
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Other(Value),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Tagged {
    Join { room: String },
    Leave,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Flat {
    id: Option<u64>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strict {
    a: (),
    b: [u8; 2],
}

macro_rules! for_each_type {
    ($do:ident) => {
        $do!(
            (),
            bool,
            u8,
            i8,
            u16,
            i32,
            u64,
            i64,
            u128,
            i128,
            f64,
            char,
            String,
            Bytes,
            ByteBuf,
            Value,
            serde_json::Value,
            Option<bool>,
            Option<Option<u8>>,
            Vec<u8>,
            Vec<Value>,
            [i32; 3],
            (u8, String),
            (Value, Option<Value>, Option<Vec<f64>>),
            BTreeMap<String, Value>,
            BTreeMap<i64, Option<bool>>,
            BTreeMap<u8, u8>,
            BTreeMap<bool, Value>,
            BTreeMap<char, Value>,
            Record,
            Newtype,
            Unit,
            Pair,
            Choice,
            Vec<Choice>,
            BTreeMap<String, Choice>,
            Untagged,
            Tagged,
            Flat,
            Strict
        )
    };
}

/// Reads everything as everything. Nothing panics; what goes wrong names an argument.
pub fn everything(args: &Args) {
    let many = args.len();
    assert_eq!(args.is_empty(), many == 0);
    assert!(args.values().len() <= many);
    macro_rules! read {
        ($($type:ty),*) => {
            $(
                for at in 0..=many.min(4) {
                    checked(args.get::<$type>(at));
                }
                checked(args.read::<$type>());
                checked(args.read::<($type, $type)>());
            )*
        };
    }
    for_each_type!(read);
    checked(args.get::<f32>(0));
    checked(args.read::<Args>());
}

fn checked<T>(result: Result<T, ArgError>) {
    if let Err(error) = result {
        assert!(!error.code().is_empty() && !error.to_string().is_empty());
    }
}

/// A value without bytes reads the same from the text it came as, from text with attachments, and from
/// msgpack; and as `serde_json` reads it from the same text.
pub fn the_same(value: &Value) {
    let json = Args::of(&(value,)).expect("a value");
    let text = serde_json::to_string(value).expect("a value");
    let bound = bound(&text);
    let msgpack = msgpack(value);
    macro_rules! read {
        ($($type:ty),*) => {
            $(
                let expected = serde_json::from_slice::<$type>(text.as_bytes()).ok();
                same::<$type>(expected.as_ref(), &json, "from text", value);
                same::<$type>(expected.as_ref(), &bound, "with attachments", value);
                same::<$type>(expected.as_ref(), &msgpack, "from msgpack", value);
            )*
        };
    }
    for_each_type!(read);
}

fn same<T>(expected: Option<&T>, args: &Args, how: &str, value: &Value)
where
    T: DeserializeOwned + PartialEq + fmt::Debug,
{
    let found = args.get::<T>(0);
    let kind = std::any::type_name::<T>();
    assert_eq!(
        found.as_ref().ok(),
        expected,
        "{kind} {how}: {found:?} of {value:?}"
    );
    let found = args.read::<(T,)>().ok().map(|(found,)| found);
    assert_eq!(found.as_ref(), expected, "{kind} {how}, of {value:?}");
}

/// As the argument of a packet that has an attachment.
fn bound(json: &str) -> Args {
    let encoded = Encoded {
        text: Some(format!("451-[\"e\",{json}]")),
        binary: vec![Bytes::from_static(b"x")],
    };
    event(Parser::Json, &encoded)
}

fn msgpack(value: &Value) -> Args {
    let encoded = Parser::Msgpack.event("/", None, "e", &(value,), None);
    event(Parser::Msgpack, &encoded.expect("a value"))
}

fn event(parser: Parser, encoded: &Encoded) -> Args {
    match socketio::read(true, parser, encoded) {
        Ok(Some(Packet {
            body: Body::Event(event),
            ..
        })) => event.args,
        other => panic!("{other:?}"),
    }
}
