//! The chat's protocol over plain WebSockets, by clients in Rust: each promise of
//! `examples/chat/PROTOCOL.md`.

use crate::support::{Example, PLAIN, Person, Script};
use serde_json::{Value, json};
use switchboard::prelude::*;

async fn chat() -> Example {
    Example::start("chat", &[], &[PLAIN]).await
}

#[tokio::test]
async fn a_welcome_comes_first_and_tells_who_is_here() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada%20L").await;
    ada.join("tea").await;
    let bob = Person::connect(&chat, "team", "").await;

    assert_eq!(ada.welcome["you"]["name"], "Ada L");
    assert_eq!(bob.welcome["rooms"], json!([{"room": "tea", "members": 1}]));
    let people = bob.welcome["people"].as_array().unwrap();
    let of = |id: &str| people.iter().find(|person| person["id"] == id).unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!(
        *of(&ada.id),
        json!({"id": ada.id, "name": "Ada L", "rooms": ["tea"]})
    );
    assert_eq!(of(&bob.id)["rooms"], json!([]));
    assert!(of(&bob.id)["name"].as_str().unwrap().starts_with("Guest "));
    let arrived = ada.expect(json!({"type": "arrived"})).await;
    assert_eq!(arrived["who"]["id"], *bob.id);
}

#[tokio::test]
async fn c2_a_message_reaches_its_room_and_nobody_else() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    let mut bob = Person::connect(&chat, "team", "Bob").await;
    let mut cleo = Person::connect(&chat, "team", "Cleo").await;
    let mut dora = Person::connect(&chat, "other", "Dora").await;
    for person in [&mut ada, &mut bob, &mut dora] {
        person.join("tea").await;
    }

    let report = ada
        .ask(json!({"type": "say", "room": "tea", "text": "<b>hi</b>"}))
        .await;
    assert_eq!(
        report,
        json!({"type": "report", "about": "say", "queued": 2, "dropped": 0, "closed": 0, "absent": 0})
    );
    let heard = bob.expect(json!({"type": "message"})).await;
    assert_eq!(heard["kind"], "room");
    assert_eq!(heard["room"], "tea");
    assert_eq!(heard["to"], Value::Null);
    assert_eq!(heard["text"], "<b>hi</b>");
    assert_eq!(heard["from"], json!({"id": ada.id, "name": "Ada"}));
    assert!(heard["at"].as_u64().unwrap() > 1_600_000_000_000);

    // A broadcast goes to the namespace. It is the first message that Cleo hears, and Dora hears none
    // but her own.
    let report = ada.ask(json!({"type": "broadcast", "text": "all"})).await;
    assert_eq!(report["queued"], 3);
    let heard = cleo.expect(json!({"type": "message"})).await;
    assert_eq!(
        (&heard["kind"], &heard["text"]),
        (&json!("broadcast"), &json!("all"))
    );
    dora.ask(json!({"type": "name", "name": "Dora D"})).await;
    dora.send(json!({"type": "broadcast", "text": "alone"}))
        .await;
    assert_eq!(
        dora.expect(json!({"type": "message"})).await["text"],
        "alone"
    );
}

#[tokio::test]
async fn a_private_message_reaches_one_with_a_copy_to_the_sender() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    let mut bob = Person::connect(&chat, "team", "Bob").await;
    let mut cleo = Person::connect(&chat, "team", "Cleo").await;

    ada.send(json!({"type": "private", "to": bob.id, "text": "psst"}))
        .await;
    let copy = ada.expect(json!({"type": "message"})).await;
    assert_eq!(ada.answer().await["queued"], 1);
    let heard = bob.expect(json!({"type": "message"})).await;
    assert_eq!(heard, copy);
    assert_eq!(
        (&heard["kind"], &heard["to"]),
        (&json!("private"), &json!(bob.id))
    );

    // To oneself: one copy.
    ada.send(json!({"type": "private", "to": ada.id, "text": "note"}))
        .await;
    assert_eq!(ada.expect(json!({"type": "message"})).await["text"], "note");
    let next = ada.find("the report", |next| {
        next["type"] == "message" || next["type"] == "report"
    });
    assert_eq!(next.await["queued"], 1);
    ada.send(json!({"type": "broadcast", "text": "end"})).await;
    assert_eq!(ada.expect(json!({"type": "message"})).await["text"], "end");
    assert_eq!(cleo.expect(json!({"type": "message"})).await["text"], "end");

    // Ids are of a namespace.
    let mut dora = Person::connect(&chat, "other", "Dora").await;
    let answer = dora
        .ask(json!({"type": "private", "to": bob.id, "text": "psst"}))
        .await;
    assert_eq!(answer["code"], "NO_SUCH_CONNECTION");
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_harms_nobody() {
    let deep = "[".repeat(10_000);
    let texts = [
        ("nonsense", Value::Null),
        ("[]", Value::Null),
        ("{}", Value::Null),
        (&deep, Value::Null),
        (r#"{"type":7}"#, Value::Null),
        (r#"{"type":"say","room":"\ud800","text":"x"}"#, Value::Null),
        (r#"{"type":"dance"}"#, json!("dance")),
        (r#"{"type":"join"}"#, json!("join")),
        (r#"{"type":"join","room":7}"#, json!("join")),
        (r#"{"type":"drain","perSecond":1.5}"#, json!("drain")),
        (r#"{"type":"drain","perSecond":null}"#, json!("drain")),
    ];
    let chat = chat().await;
    let mut witness = Person::connect(&chat, "team", "Witness").await;
    let mut mallory = Person::connect(&chat, "team", "Mallory").await;
    for (text, about) in texts {
        mallory.socket.send(text).await.unwrap();
        let answer = mallory.answer().await;
        let shown: String = text.chars().take(80).collect();
        assert_eq!(answer["code"], "BAD_MESSAGE", "{shown}: {answer}");
        assert_eq!(answer["about"], about, "{shown}: {answer}");
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
    mallory.socket.send(vec![1_u8, 2, 3]).await.unwrap();
    assert_eq!(mallory.answer().await["code"], "BAD_MESSAGE");

    // What the rules allow just so, with a member that nobody asked for.
    let longest = "ä".repeat(2_000);
    let report = mallory
        .ask(json!({"type": "broadcast", "text": longest, "more": [1]}))
        .await;
    assert_eq!(report["queued"], 2);
    assert_eq!(
        witness.expect(json!({"type": "message"})).await["text"],
        longest
    );
}

#[tokio::test]
async fn each_broken_rule_has_its_code() {
    let long = |length: usize| "ä".repeat(length);
    let hidden = "\u{0}welcomed";
    let messages = [
        ("BAD_ROOM", json!({"type": "join", "room": ""})),
        ("BAD_ROOM", json!({"type": "join", "room": " "})),
        ("BAD_ROOM", json!({"type": "join", "room": "a\nb"})),
        ("BAD_ROOM", json!({"type": "join", "room": hidden})),
        ("BAD_ROOM", json!({"type": "leave", "room": hidden})),
        ("BAD_ROOM", json!({"type": "join", "room": long(65)})),
        (
            "NOT_IN_ROOM",
            json!({"type": "say", "room": "tea", "text": "x"}),
        ),
        (
            "NOT_IN_ROOM",
            json!({"type": "say", "room": hidden, "text": "x"}),
        ),
        (
            "BAD_MESSAGE",
            json!({"type": "say", "room": "mine", "text": " \n"}),
        ),
        (
            "TOO_LONG",
            json!({"type": "say", "room": "mine", "text": long(2_001)}),
        ),
        (
            "TOO_LONG",
            json!({"type": "broadcast", "text": long(2_001)}),
        ),
        (
            "TOO_LONG",
            json!({"type": "private", "to": "x", "text": long(2_001)}),
        ),
        (
            "NO_SUCH_CONNECTION",
            json!({"type": "private", "to": "nobody", "text": "x"}),
        ),
        ("BAD_NAME", json!({"type": "name", "name": long(33)})),
        ("BAD_NAME", json!({"type": "name", "name": "\u{7}"})),
        ("BAD_MESSAGE", json!({"type": "drain", "perSecond": 0})),
        ("BAD_MESSAGE", json!({"type": "drain", "perSecond": 10_001})),
    ];
    let chat = chat().await;
    let mut mallory = Person::connect(&chat, "team", "Mallory").await;
    mallory.join("mine").await;
    for (code, message) in messages {
        let answer = mallory.ask(message.clone()).await;
        assert_eq!(answer["type"], "error", "{message}: {answer}");
        assert_eq!(answer["code"], code, "{message}: {answer}");
        assert_eq!(answer["about"], message["type"], "{message}: {answer}");
    }
    mallory.join(&long(64)).await;
}

#[tokio::test]
async fn a_message_above_16_kib_ends_its_sender_alone() {
    let chat = chat().await;
    let mut witness = Person::connect(&chat, "team", "Witness").await;
    let mut mallory = Person::connect(&chat, "team", "Mallory").await;

    mallory.socket.send(" ".repeat(16 * 1024)).await.unwrap();
    assert_eq!(mallory.answer().await["code"], "BAD_MESSAGE");
    mallory
        .socket
        .send(" ".repeat(16 * 1024 + 1))
        .await
        .unwrap();
    let closed = mallory.closed().await;
    assert_eq!(closed.disconnect.code(), 1009, "{closed:?}");

    let left = witness.expect(json!({"type": "left"})).await;
    assert_eq!(left["who"], json!({"id": mallory.id, "name": "Mallory"}));
    assert_eq!(
        witness.ask(json!({"type": "broadcast", "text": "x"})).await["queued"],
        1
    );
}

#[tokio::test]
async fn no_two_have_the_same_name() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada&key=1").await;
    let mut like = Person::connect(&chat, "team", "Ada").await;
    assert_eq!(like.welcome["you"]["name"], "Ada 2");
    let other = Person::connect(&chat, "other", "Ada").await;
    assert_eq!(other.welcome["you"]["name"], "Ada");
    let answer = like.ask(json!({"type": "name", "name": "Ada"})).await;
    assert_eq!(answer["code"], "NAME_TAKEN");
    // The longest name leaves room for a number.
    let long = "x".repeat(32);
    let _first = Person::connect(&chat, "team", &long).await;
    let second = Person::connect(&chat, "team", &long).await;
    let numbered = format!("{} 2", "x".repeat(30));
    assert_eq!(second.welcome["you"]["name"], *numbered);

    // Whoever has the key takes over.
    let next = Person::connect(&chat, "team", "Ada&key=1").await;
    assert_eq!(next.welcome["you"]["name"], "Ada");
    assert_eq!(ada.closed().await.disconnect, Disconnect::REPLACED);
    let left = like.expect(json!({"type": "left"})).await;
    assert_eq!(left["who"], json!({"id": ada.id, "name": "Ada"}));
    let free = like.ask(json!({"type": "name", "name": "Bob"})).await;
    assert_eq!(free["who"]["name"], "Bob");
    let again = Person::connect(&chat, "team", "Ada").await;
    assert_eq!(again.welcome["you"]["name"], "Ada 2");
}

#[tokio::test]
async fn who_sends_too_fast_is_told_and_stays() {
    let chat = chat().await;
    let mut mallory = Person::connect(&chat, "team", "Mallory").await;
    for _ in 0..200 {
        mallory
            .send(json!({"type": "name", "name": "Mallory"}))
            .await;
    }
    let mut refused = 0;
    for _ in 0..200 {
        let answer = mallory.answer().await;
        if answer["type"] == "error" {
            assert_eq!(
                (&answer["code"], &answer["about"]),
                (&json!("RATE_LIMITED"), &json!("name"))
            );
            refused += 1;
        }
    }
    assert!(refused > 0 && refused <= 140, "{refused}");
    assert!(!mallory.socket.is_closed());
}

#[tokio::test]
async fn the_33rd_room_is_one_too_many() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    for number in 1..=32 {
        ada.join(&format!("room {number}")).await;
    }
    let answer = ada.ask(json!({"type": "join", "room": "room 33"})).await;
    assert_eq!(answer["code"], "TOO_MANY_ROOMS");
    ada.join("room 32").await;
    ada.ask(json!({"type": "leave", "room": "room 1"})).await;
    ada.join("room 33").await;
}

#[tokio::test]
async fn c12_rooms_and_counts_follow_joins_and_leaves() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    let sizes = |here: usize, rooms: Value| json!({"type": "rooms", "here": here, "rooms": rooms});
    ada.expect(sizes(1, json!([]))).await;
    ada.join("tea").await;
    ada.expect(sizes(1, json!([{"room": "tea", "members": 1}])))
        .await;

    let mut bob = Person::connect(&chat, "team", "Bob").await;
    bob.join("tea").await;
    ada.expect(sizes(2, json!([{"room": "tea", "members": 2}])))
        .await;
    ada.expect(json!({"type": "counts", "connections": 2, "namespaces": 1, "rooms": 1}))
        .await;

    let renamed = bob.ask(json!({"type": "name", "name": "Bobby"})).await;
    assert_eq!(
        renamed["who"],
        json!({"id": bob.id, "name": "Bobby", "rooms": ["tea"]})
    );
    bob.ask(json!({"type": "leave", "room": "tea"})).await;
    ada.expect(sizes(2, json!([{"room": "tea", "members": 1}])))
        .await;
}

#[tokio::test]
async fn c10_clean_and_sudden_closes_leave_nothing_behind() {
    let chat = chat().await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    let mut clean = Person::connect(&chat, "apart", "Clean").await;
    clean.join("tea").await;
    ada.expect(json!({"type": "counts", "connections": 2, "namespaces": 2, "rooms": 1}))
        .await;
    clean.socket.close(Disconnect::NORMAL);
    clean.closed().await;
    ada.expect(json!({"type": "counts", "connections": 1, "namespaces": 1, "rooms": 0}))
        .await;

    let mut script = Script::start("ws-client.mjs", &[]);
    let url = format!("ws://{}/namespace/team?name=Sudden", chat.host());
    script.tell(json!({"cmd": "connect", "url": url})).await;
    script.expect(json!({"event": "open"})).await;
    script
        .tell(json!({"cmd": "send", "text": r#"{"type":"join","room":"tea"}"#}))
        .await;
    ada.expect(json!({"type": "counts", "connections": 2, "namespaces": 1, "rooms": 1}))
        .await;
    script.tell(json!({"cmd": "terminate"})).await;
    let left = ada.expect(json!({"type": "left"})).await;
    assert_eq!(left["who"]["name"], "Sudden");
    ada.expect(json!({"type": "counts", "connections": 1, "namespaces": 1, "rooms": 0}))
        .await;
}
