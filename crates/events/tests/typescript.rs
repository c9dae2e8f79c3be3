//! The rendered file, letter by letter. `golden/events.ts` is what `tsc` was shown together with
//! `golden/client.ts`: after a change of the golden file, do that again.

use std::collections::HashMap;
use std::{env, fs, process};

use serde::{Deserialize, Serialize};
use switchboard_events::{Direction, Event, TypeScript, TypeScriptError};
use ts_rs::TS;

/// Somebody came in.
#[derive(Serialize, Deserialize, Event, TS)]
#[serde(rename_all = "camelCase")]
struct UserJoined {
    /// Who it is.
    user_id: String,
    room: Option<String>,
    since: u64,
}

#[derive(Serialize, Deserialize, Event)]
struct Say(String, u32);

#[derive(Serialize, Deserialize, Event)]
struct Typing;

#[derive(Serialize, Deserialize, Event, TS)]
#[event(ack = Result<Accepted, Refused>)]
struct SendMessage {
    room: String,
    message: String,
    labels: HashMap<String, Vec<Label>>,
}

#[derive(Serialize, Deserialize, Event)]
#[event(name = "history", ack = (Vec<Message>, bool))]
struct History(String, Option<Page>);

#[derive(Serialize, Deserialize, Event)]
#[event(ack = ())]
struct Ping;

#[derive(Serialize, Deserialize, Event, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RoomChanged {
    Renamed { name: String },
    Closed,
}

#[derive(Serialize, Deserialize, Event, TS)]
struct Update<T> {
    value: T,
}

#[derive(Serialize, Deserialize, Event)]
#[event(name = "file")]
struct File(String, #[serde(skip)] (), Blob);

#[derive(Serialize, Deserialize, TS)]
#[ts(type = "ArrayBuffer")]
struct Blob(Vec<u8>);

#[derive(Serialize, Deserialize, TS)]
struct Accepted {
    id: u64,
}

#[derive(Serialize, Deserialize, TS)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Refused {
    RoomFull,
    RoomClosed,
}

#[derive(Serialize, Deserialize, TS)]
struct Label {
    text: String,
    color: Color,
}

#[derive(Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Green,
}

#[derive(Serialize, Deserialize, TS)]
struct Message {
    from: String,
    text: String,
    replies: Vec<Message>,
}

#[derive(Serialize, Deserialize, TS)]
struct Page {
    before: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<Color>,
}

/// What clients send with the handshake.
#[derive(Serialize, Deserialize, TS)]
struct Auth {
    token: String,
}

fn events() -> TypeScript {
    TypeScript::new()
        .client_to_server::<SendMessage>()
        .client_to_server::<History>()
        .client_to_server::<Typing>()
        .client_to_server::<Ping>()
        .client_to_server::<File>()
        .server_to_client::<UserJoined>()
        .server_to_client::<Say>()
        .server_to_client::<Typing>()
        .server_to_client::<RoomChanged>()
        .server_to_client::<Update<Message>>()
        .declare::<Auth>()
}

#[test]
fn the_file_is_as_expected() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/events.ts");
    let rendered = events().render().unwrap();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(golden, &rendered).unwrap();
    }
    assert_eq!(rendered, fs::read_to_string(golden).unwrap());
}

#[test]
fn the_order_of_the_calls_does_not_matter() {
    let one = TypeScript::new()
        .server_to_client::<UserJoined>()
        .server_to_client::<Say>()
        .client_to_server::<SendMessage>();
    let other = TypeScript::new()
        .client_to_server::<SendMessage>()
        .server_to_client::<Say>()
        .server_to_client::<UserJoined>()
        .server_to_client::<Say>();
    assert_eq!(one.render().unwrap(), other.render().unwrap());
}

#[test]
fn without_events_no_event_fits() {
    let rendered = TypeScript::new().render().unwrap();
    assert!(rendered.contains("export interface ServerToClientEvents {\n}\n"));
}

#[test]
fn two_events_of_one_name_are_an_error_in_one_direction_only() {
    #[derive(Serialize, Deserialize, Event)]
    #[event(name = "say")]
    struct Shout(String);

    let both = TypeScript::new()
        .server_to_client::<Say>()
        .client_to_server::<Shout>();
    assert!(both.render().is_ok());

    let error = both.client_to_server::<Say>().render().unwrap_err();
    assert!(
        matches!(
            error,
            TypeScriptError::DuplicateEvent {
                name: "say",
                direction: Direction::ClientToServer
            }
        ),
        "{error}"
    );
}

#[test]
fn two_types_of_one_name_are_an_error_if_they_differ() {
    mod same {
        #[derive(ts_rs::TS)]
        #[expect(dead_code, reason = "only its type counts")]
        pub(crate) struct Auth {
            token: String,
        }
    }
    mod other {
        #[derive(ts_rs::TS)]
        #[expect(dead_code, reason = "only its type counts")]
        pub(crate) struct Label(u32);

        #[derive(ts_rs::TS)]
        pub(crate) struct ServerToClientEvents;
    }

    // The same but for the documentation is not the same.
    let error = events().declare::<same::Auth>().render().unwrap_err();
    assert_eq!(error.to_string(), "two types are named `Auth`");
    let error = events().declare::<other::Label>().render().unwrap_err();
    assert_eq!(error.to_string(), "two types are named `Label`");
    let error = events()
        .declare::<other::ServerToClientEvents>()
        .render()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "two types are named `ServerToClientEvents`"
    );
}

#[test]
fn a_file_that_says_the_same_is_left_alone() {
    let directory = env::temp_dir().join(format!("switchboard-events-{}", process::id()));
    let path = directory.join("deep/events.ts");

    events().write_to(&path).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        events().render().unwrap()
    );

    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    events().write_to(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), long_ago);

    fs::write(&path, "old").unwrap();
    events().write_to(&path).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        events().render().unwrap()
    );

    fs::remove_dir_all(directory).unwrap();
}
