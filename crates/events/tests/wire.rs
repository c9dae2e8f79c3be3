//! What travels for which type, both ways.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use switchboard_events::{Event, Incoming, NoAck, Outgoing, Reply, Shape};

fn travels_as<E: Event + PartialEq + Debug>(event: &E, arguments: Value) {
    let sent = serde_json::to_value(event.outgoing()).expect("it serialises");
    assert_eq!(sent, arguments);
    let Incoming(received) = serde_json::from_value(arguments).expect("it deserialises");
    assert_eq!(event, &received);
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(rename_all = "camelCase")]
struct UserJoined {
    user_id: String,
    room: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(name = "say", ack = (bool, String))]
struct Say(String, u32);

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
struct Typing;

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
struct Rename(String);

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
struct MovedTo((f64, f64));

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "kind")]
enum Change {
    Added { id: u32 },
    Removed,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
struct Update<T> {
    value: T,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
struct Pair<A, B>(A, B)
where
    A: Clone;

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
struct Scaled(#[serde(with = "tenths")] f64, #[serde(skip)] u32, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(into = "String", from = "String")]
struct Joined(String, String);

impl From<String> for Joined {
    fn from(both: String) -> Self {
        let (one, other) = both.split_once('/').unwrap_or((&both, ""));
        Self(one.into(), other.into())
    }
}

impl From<Joined> for String {
    fn from(joined: Joined) -> Self {
        format!("{}/{}", joined.0, joined.1)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
mod tenths {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(value * 10.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(f64::deserialize(from)? / 10.0)
    }
}

#[test]
fn a_struct_of_named_fields_is_one_argument() {
    let joined = UserJoined {
        user_id: "ann".into(),
        room: None,
    };
    travels_as(&joined, json!([{ "userId": "ann", "room": null }]));
    assert_eq!(UserJoined::SHAPE, Shape::Whole);
}

#[test]
fn each_field_of_a_tuple_struct_is_an_argument() {
    travels_as(&Say("hi".into(), 3), json!(["hi", 3]));
    travels_as(&Rename("ann".into()), json!(["ann"]));
    travels_as(&MovedTo((1.5, 2.5)), json!([[1.5, 2.5]]));
}

#[test]
fn a_unit_struct_has_no_argument() {
    travels_as(&Typing, json!([]));
}

#[test]
fn an_enum_is_one_argument() {
    travels_as(
        &Change::Added { id: 1 },
        json!([{ "kind": "Added", "id": 1 }]),
    );
    travels_as(&Change::Removed, json!([{ "kind": "Removed" }]));
}

#[test]
fn generic_types_are_events_where_their_parameters_allow_it() {
    travels_as(&Update { value: 3_u8 }, json!([{ "value": 3 }]));
    travels_as(&Pair(1_u8, String::from("b")), json!([1, "b"]));
}

#[test]
fn attributes_of_serde_hold_for_the_fields_of_a_tuple_struct() {
    travels_as(&Scaled(0.5, 0, "kg".into()), json!([5.0, "kg"]));
}

#[test]
fn a_tuple_struct_with_a_form_of_its_own_is_one_argument() {
    travels_as(&Joined("a".into(), "b".into()), json!(["a/b"]));
}

#[test]
fn names_are_kebab_case_unless_told() {
    assert_eq!(UserJoined::NAME, "user-joined");
    assert_eq!(Say::NAME, "say");
    assert_eq!(MovedTo::NAME, "moved-to");
}

#[test]
fn only_events_with_an_ack_expect_one() {
    const { assert!(<<Say as Event>::Ack as Reply>::EXPECTED) };
    const { assert!(!<<UserJoined as Event>::Ack as Reply>::EXPECTED) };
    assert_eq!(
        serde_json::to_value((true, "ok".to_owned()).reply_arguments()).unwrap(),
        json!([true, "ok"])
    );
    assert_eq!(NoAck::from(()), NoAck::from_arguments(()));
}

#[test]
fn wrong_arguments_are_errors() {
    for arguments in [
        json!([]),
        json!(["hi"]),
        json!(["hi", "3"]),
        json!({}),
        json!(null),
    ] {
        let read = serde_json::from_value::<Incoming<Say>>(arguments.clone());
        assert!(read.is_err(), "{arguments}");
    }
}

/// Promises a tuple struct and is none.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Liar {
    value: u32,
}

impl Event for Liar {
    const NAME: &'static str = "liar";
    const SHAPE: Shape = Shape::Fields;
    type Ack = NoAck;
    type Arguments = (u32,);
}

#[test]
fn a_broken_promise_is_an_error_and_no_panic() {
    let error = serde_json::to_string(&Outgoing(&Liar { value: 1 })).unwrap_err();
    assert!(error.to_string().contains("tuple struct"), "{error}");
}

proptest! {
    #[test]
    fn whatever_is_sent_is_received(text in ".*", number: u32, room in proptest::option::of(".*")) {
        let say = Say(text.clone(), number);
        let sent = serde_json::to_string(&say.outgoing()).unwrap();
        prop_assert_eq!(serde_json::from_str::<Incoming<Say>>(&sent).unwrap(), Incoming(say));

        let joined = UserJoined { user_id: text, room };
        let sent = serde_json::to_string(&joined.outgoing()).unwrap();
        prop_assert_eq!(serde_json::from_str::<Incoming<UserJoined>>(&sent).unwrap(), Incoming(joined));
    }
}
