//! The JSON parser against what `socket.io-parser` 4.2.7 writes, accepts and refuses. Each row was
//! taken from it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_wire::{
    Args, Body, ConnectError, DecodeError, Decoder, EncodeError, Encoded, Limits, Packet, Parser,
    Value,
};

const JSON: Parser = Parser::Json;

fn decode(decoder: &mut Decoder, text: &str) -> Result<Option<Packet>, DecodeError> {
    decoder.text(JSON, &Limits::default(), text)
}

/// What a packet says, as the reference prints it; ids that nobody counts to are left out.
fn show(packet: Packet) -> Json {
    let data = |args: &Args| json!(args.values().iter().map(show_value).collect::<Vec<_>>());
    let nsp = packet.namespace.as_str();
    match packet.body {
        Body::Connect(None) => json!({"type": 0, "nsp": nsp}),
        Body::Connect(Some(auth)) => json!({"type": 0, "nsp": nsp, "data": data(&auth)[0]}),
        Body::Disconnect => json!({"type": 1, "nsp": nsp}),
        Body::Event(event) => {
            let mut list = vec![json!(event.name.as_str())];
            list.extend(data(&event.args).as_array().unwrap().clone());
            match event.id {
                None => json!({"type": 2, "nsp": nsp, "data": list}),
                Some(id) => json!({"type": 2, "nsp": nsp, "id": id, "data": list}),
            }
        }
        Body::Ack { id, args } => json!({"type": 3, "nsp": nsp, "id": id, "data": data(&args)}),
        Body::ConnectError(error) => json!({"type": 4, "nsp": nsp, "message": error.message}),
        other => panic!("{other:?}"),
    }
}

/// Bytes as Node prints a buffer.
fn show_value(value: &Value) -> Json {
    match value {
        Value::Binary(bytes) => json!({"type": "Buffer", "data": bytes.to_vec()}),
        Value::Array(elements) => elements.iter().map(show_value).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), show_value(value)))
            .collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn accepted(text: &str) -> Option<Json> {
    let mut decoder = Decoder::client();
    let packet = decode(&mut decoder, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(!decoder.is_assembling(), "{text}");
    packet.map(show)
}

#[test]
fn what_the_reference_accepts_is_accepted() {
    for (text, packet) in [
        ("0", json!({"type": 0, "nsp": "/"})),
        ("0/admin", json!({"type": 0, "nsp": "/admin"})),
        ("0/admin,", json!({"type": 0, "nsp": "/admin"})),
        ("0{}", json!({"type": 0, "nsp": "/", "data": {}})),
        (
            r#"0{"token":"x"}"#,
            json!({"type": 0, "nsp": "/", "data": {"token": "x"}}),
        ),
        (
            r#"0/admin,{"t":1}"#,
            json!({"type": 0, "nsp": "/admin", "data": {"t": 1}}),
        ),
        ("0/admin?x=1,", json!({"type": 0, "nsp": "/admin?x=1"})),
        ("05{}", json!({"type": 0, "nsp": "/", "data": {}})),
        ("1", json!({"type": 1, "nsp": "/"})),
        ("1/admin", json!({"type": 1, "nsp": "/admin"})),
        ("1/admin,", json!({"type": 1, "nsp": "/admin"})),
        (r#"2["e"]"#, json!({"type": 2, "nsp": "/", "data": ["e"]})),
        (
            r#"2["e",1]"#,
            json!({"type": 2, "nsp": "/", "data": ["e", 1]}),
        ),
        (
            r#"20["e"]"#,
            json!({"type": 2, "nsp": "/", "id": 0, "data": ["e"]}),
        ),
        (
            r#"2/admin,12["e"]"#,
            json!({"type": 2, "nsp": "/admin", "id": 12, "data": ["e"]}),
        ),
        (r#"2/,["e"]"#, json!({"type": 2, "nsp": "/", "data": ["e"]})),
        (
            " 2[\"e\"]".trim(),
            json!({"type": 2, "nsp": "/", "data": ["e"]}),
        ),
        (
            r#"2["error"]"#,
            json!({"type": 2, "nsp": "/", "data": ["error"]}),
        ),
        (
            r#"2["ping"]"#,
            json!({"type": 2, "nsp": "/", "data": ["ping"]}),
        ),
        (
            r#"2["message"]"#,
            json!({"type": 2, "nsp": "/", "data": ["message"]}),
        ),
        (
            "2[7,\"x\"]",
            json!({"type": 2, "nsp": "/", "data": ["7", "x"]}),
        ),
        ("2[7.0]", json!({"type": 2, "nsp": "/", "data": ["7"]})),
        ("2[1e3]", json!({"type": 2, "nsp": "/", "data": ["1000"]})),
        ("2[-0]", json!({"type": 2, "nsp": "/", "data": ["0"]})),
        ("2[0.5]", json!({"type": 2, "nsp": "/", "data": ["0.5"]})),
        ("2[1e-7]", json!({"type": 2, "nsp": "/", "data": ["1e-7"]})),
        (
            r#"2["v",null,true,1.5,-1,"€\u001e",{"a":[1]},[],{}]"#,
            json!({"type": 2, "nsp": "/", "data":
                ["v", null, true, 1.5, -1, "\u{20ac}\u{1e}", {"a": [1]}, [], {}]}),
        ),
        (
            r#"2["__proto__",{"__proto__":1}]"#,
            json!({"type": 2, "nsp": "/", "data": ["__proto__", {"__proto__": 1}]}),
        ),
        ("30[]", json!({"type": 3, "nsp": "/", "id": 0, "data": []})),
        (
            "312[1]",
            json!({"type": 3, "nsp": "/", "id": 12, "data": [1]}),
        ),
        ("312", json!({"type": 3, "nsp": "/", "id": 12, "data": []})),
        (
            r#"4{"message":"m"}"#,
            json!({"type": 4, "nsp": "/", "message": "m"}),
        ),
        (
            r#"4/x,"m""#,
            json!({"type": 4, "nsp": "/x", "message": "m"}),
        ),
    ] {
        assert_eq!(accepted(text), Some(packet), "{text}");
    }
}

#[test]
fn what_the_reference_ignores_is_no_packet() {
    let huge = "9".repeat(400);
    // The last two name something with a comma missing: all of it is the namespace.
    for text in [
        "2",
        "2/admin",
        "212",
        "3",
        "3[1]",
        &format!("3{huge}[1]"),
        "2//[\"e\"]",
        "2/a[\"e\"]",
    ] {
        assert_eq!(accepted(text), None, "{text}");
    }
    let event = accepted(&format!("2{huge}[\"e\"]"));
    assert_eq!(event, Some(json!({"type": 2, "nsp": "/", "data": ["e"]})));
}

#[test]
fn what_the_reference_refuses_is_refused() {
    use DecodeError as E;
    for (text, error) in [
        ("0[]", E::InvalidPayload),
        (r#"0"s""#, E::InvalidPayload),
        ("0null", E::InvalidPayload),
        ("0abc", E::InvalidPayload),
        ("1{}", E::InvalidPayload),
        ("1null", E::InvalidPayload),
        ("2[]", E::InvalidEventName),
        ("2{}", E::InvalidPayload),
        ("2[{}]", E::InvalidEventName),
        ("2[null]", E::InvalidEventName),
        ("2[true]", E::InvalidEventName),
        (r#"2abc["e"]"#, E::InvalidPayload),
        (r#"2["e""#, E::InvalidPayload),
        (r#"2["e"]x"#, E::InvalidPayload),
        (r#"2["e",01]"#, E::InvalidPayload),
        (r#"2["e",]"#, E::InvalidPayload),
        ("2[\"a\u{1}\"]", E::InvalidPayload),
        ("2\u{0}[\"e\"]", E::InvalidPayload),
        (r#"2/a,b,["e"]"#, E::InvalidPayload),
        (r#"2["connect"]"#, E::ReservedName),
        (r#"2["conn\u0065ct"]"#, E::ReservedName),
        (r#"2["connect_error"]"#, E::ReservedName),
        (r#"2["disconnect"]"#, E::ReservedName),
        (r#"2["disconnecting"]"#, E::ReservedName),
        (r#"2["newListener"]"#, E::ReservedName),
        (r#"2["removeListener"]"#, E::ReservedName),
        ("312{}", E::InvalidPayload),
        ("312null", E::InvalidPayload),
        ("4[]", E::InvalidPayload),
        ("5", E::InvalidAttachmentCount),
        (r#"50-["e"]"#, E::InvalidAttachmentCount),
        (r#"5-["e"]"#, E::InvalidAttachmentCount),
        (r#"51["e"]"#, E::InvalidAttachmentCount),
        (r#"5-1-["e"]"#, E::InvalidAttachmentCount),
        (r#"5x-["e"]"#, E::InvalidAttachmentCount),
        (r#"511-["e"]"#, E::TooManyAttachments),
        (r#"599999999999999999999-["e"]"#, E::TooManyAttachments),
        (r#"51-[{"_placeholder":true,"num":0}]"#, E::InvalidEventName),
        ("7", E::UnknownType),
        ("8", E::UnknownType),
        ("-1", E::UnknownType),
        ("a", E::UnknownType),
        ("\u{feff}2[\"e\"]", E::UnknownType),
        // Accepted by the reference, which takes white space for the number 0.
        ("", E::UnknownType),
        (" ", E::UnknownType),
        ("1 ", E::InvalidPayload),
        (r#"5 1-["e"]"#, E::InvalidAttachmentCount),
        (r#"51e0-["e"]"#, E::InvalidAttachmentCount),
        // Accepted by the reference: half a character is no text in Rust.
        (r#"2["\ud800"]"#, E::InvalidEventName),
    ] {
        assert_eq!(
            decode(&mut Decoder::client(), text).err(),
            Some(error),
            "{text}"
        );
    }
}

#[test]
fn a_client_cannot_refuse() {
    for text in ["4", r#"4{"message":"m"}"#, r#"4"m""#] {
        let result = decode(&mut Decoder::server(), text);
        assert_eq!(result.err(), Some(DecodeError::UnexpectedType));
    }
}

#[test]
fn a_refusal_has_a_message_and_data() {
    let text = r#"4/admin,{"message":"not authorized","data":{"code":401}}"#;
    let packet = decode(&mut Decoder::client(), text).unwrap().unwrap();
    let Body::ConnectError(error) = packet.body else {
        panic!("{packet:?}")
    };
    let data = Some(Value::from_iter([("code".to_owned(), Value::from(401))]));
    assert_eq!(
        error,
        ConnectError {
            message: "not authorized".into(),
            data
        }
    );
}

fn assemble(text: &str, attachments: &[&'static [u8]]) -> Result<Option<Json>, DecodeError> {
    let mut decoder = Decoder::server();
    let mut found = decode(&mut decoder, text)?;
    for attachment in attachments {
        assert!(found.is_none() && decoder.is_assembling());
        found = decoder.binary(JSON, &Limits::default(), Bytes::from_static(attachment))?;
    }
    assert!(!decoder.is_assembling());
    Ok(found.map(show))
}

#[test]
fn attachments_bind_by_number() {
    let buffer = |byte: u8| json!({"type": "Buffer", "data": [byte]});
    for (text, attachments, data) in [
        (
            r#"51-["e",{"_placeholder":true,"num":0}]"#,
            &[&[1][..]][..],
            json!(["e", buffer(1)]),
        ),
        (
            r#"501-["e",{"_placeholder":true,"num":0.0}]"#,
            &[&[1]],
            json!(["e", buffer(1)]),
        ),
        (
            r#"52-["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#,
            &[&[1], &[2]],
            json!(["e", buffer(2), buffer(1)]),
        ),
        (
            r#"51-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
            &[&[1]],
            json!(["e", buffer(1), buffer(1)]),
        ),
        (r#"51-["e"]"#, &[&[1]], json!(["e"])),
        (
            r#"51-["e",{"_placeholder":true,"num":0.5}]"#,
            &[&[1]],
            json!(["e", null]),
        ),
        (
            r#"51-["e",{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":9}}]"#,
            &[&[1]],
            json!(["e", buffer(1)]),
        ),
        (
            r#"51-["e",{"_placeholder":1,"num":9}]"#,
            &[&[1]],
            json!(["e", {"_placeholder": 1, "num": 9}]),
        ),
        (
            r#"51-["e",{"_placeholder":true,"num":9,"num":0}]"#,
            &[&[1]],
            json!(["e", buffer(1)]),
        ),
        (
            r#"51-["e",{"__proto__":{"_placeholder":true,"num":0}}]"#,
            &[&[1]],
            json!(["e", {"__proto__": buffer(1)}]),
        ),
    ] {
        let expected = json!({"type": 2, "nsp": "/", "data": data});
        assert_eq!(assemble(text, attachments), Ok(Some(expected)), "{text}");
    }
    let ack = assemble(r#"61-7[{"_placeholder":true,"num":0}]"#, &[&[4]]);
    assert_eq!(
        ack,
        Ok(Some(
            json!({"type": 3, "nsp": "/", "id": 7, "data": [buffer(4)]})
        ))
    );
    // Without a payload an event is ignored and an ack is empty, but attachments are awaited.
    assert_eq!(assemble("51-", &[&[1]]), Ok(None));
    let empty = json!({"type": 3, "nsp": "/", "id": 7, "data": []});
    assert_eq!(assemble("61-7", &[&[1]]), Ok(Some(empty)));
}

#[test]
fn placeholders_need_an_attachment() {
    for num in ["1", "-1", r#""0""#, "null", r#""splice""#, "1e400"] {
        let text = format!(r#"51-["e",[{{"_placeholder":true,"num":{num}}}]]"#);
        assert_eq!(
            assemble(&text, &[&[1]]),
            Err(DecodeError::InvalidPlaceholder),
            "{num}"
        );
    }
    let text = r#"51-["e",{"_placeholder":true}]"#;
    assert_eq!(
        assemble(text, &[&[1]]),
        Err(DecodeError::InvalidPlaceholder)
    );
}

#[test]
fn attachments_follow_at_once_and_only_where_awaited() {
    let limits = Limits::default();
    let byte = Bytes::from_static(&[1]);
    let mut decoder = Decoder::server();
    let stray = decoder.binary(JSON, &limits, byte.clone());
    assert_eq!(stray.err(), Some(DecodeError::StrayAttachment));

    decode(&mut decoder, r#"51-["e",{"_placeholder":true,"num":0}]"#).unwrap();
    let between = decode(&mut decoder, r#"2["e"]"#);
    assert_eq!(between.err(), Some(DecodeError::MissingAttachment));
    assert!(!decoder.is_assembling());

    decode(&mut decoder, r#"51-["e",{"_placeholder":true,"num":0}]"#).unwrap();
    assert!(
        decoder
            .binary(JSON, &limits, byte.clone())
            .unwrap()
            .is_some()
    );
    let behind = decoder.binary(JSON, &limits, byte);
    assert_eq!(behind.err(), Some(DecodeError::StrayAttachment));
}

#[test]
fn ten_attachments_may_be_awaited() {
    let mut decoder = Decoder::server();
    assert!(decode(&mut decoder, r#"510-["e"]"#).unwrap().is_none());
    assert!(decoder.is_assembling());
    let limits = Limits {
        max_attachments: 2,
        ..Limits::default()
    };
    let result = Decoder::server().text(JSON, &limits, r#"53-["e"]"#);
    assert_eq!(result.err(), Some(DecodeError::TooManyAttachments));
}

#[test]
fn text_and_attachments_have_one_limit() {
    let limits = Limits {
        max_event_bytes: 16,
        ..Limits::default()
    };
    let mut decoder = Decoder::server();
    let long = decoder.text(JSON, &limits, r#"2["e",123456789]"#);
    assert!(long.is_ok());
    let longer = decoder.text(JSON, &limits, r#"2["e",1234567890]"#);
    assert_eq!(longer.err(), Some(DecodeError::TooLarge));
    decoder.text(JSON, &limits, r#"52-["e"]"#).unwrap();
    assert_eq!(
        decoder.binary(JSON, &limits, Bytes::from_static(&[0; 8])),
        Ok(None)
    );
    let more = decoder.binary(JSON, &limits, Bytes::from_static(&[0]));
    assert_eq!(more.err(), Some(DecodeError::TooLarge));
    assert!(!decoder.is_assembling());
}

/// The text, and the attachments in hex behind it.
fn written(encoded: Result<Encoded, EncodeError>) -> String {
    let Encoded { text, binary } = encoded.unwrap();
    let mut shown = text.unwrap();
    for attachment in binary {
        shown.push(' ');
        for byte in &attachment {
            write!(shown, "{byte:02x}").unwrap();
        }
    }
    shown
}

#[test]
fn packets_are_written_as_the_reference_writes_them() {
    let bytes = |bytes: &'static [u8]| Value::Binary(Bytes::from_static(bytes));
    let deep = Value::from_iter([
        ("a".to_owned(), Value::Array(vec![bytes(&[1])])),
        ("b".to_owned(), bytes(&[])),
    ]);
    let code = Value::from_iter([("code".to_owned(), Value::from(401))]);
    let auth = json!({"token": "x"});
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    let none: Option<&Json> = None;
    for (encoded, expected) in [
        (JSON.connect_request("/", none), "40".to_owned()),
        (
            JSON.connect_request("/", Some(&auth)),
            r#"40{"token":"x"}"#.into(),
        ),
        (
            JSON.connect_request("/admin", Some(&json!({"t": 1}))),
            r#"40/admin,{"t":1}"#.into(),
        ),
        (Ok(JSON.connect("/", "s", None)), r#"40{"sid":"s"}"#.into()),
        (
            Ok(JSON.connect("/chat", "s", Some("p"))),
            r#"40/chat,{"sid":"s","pid":"p"}"#.into(),
        ),
        (Ok(JSON.disconnect("/")), "41".into()),
        (Ok(JSON.disconnect("/admin")), "41/admin,".into()),
        (JSON.event("/", None, "e", &1, None), r#"42["e",1]"#.into()),
        (
            JSON.event("/admin", Some(12), "e", &(), None),
            r#"42/admin,12["e"]"#.into(),
        ),
        (
            JSON.event("/", Some(0), "e", &(), None),
            r#"420["e"]"#.into(),
        ),
        (
            JSON.event("/", None, "one", &1, Some("Q7xvfTo")),
            r#"42["one",1,"Q7xvfTo"]"#.into(),
        ),
        (JSON.ack("/", 12, &1), "4312[1]".into()),
        (JSON.ack("/", 0, &()), "430[]".into()),
        (JSON.ack("/", 1, &None::<u8>), "431[null]".into()),
        (
            Ok(JSON.connect_error("/admin", "not authorized", Some(&code))),
            r#"44/admin,{"message":"not authorized","data":{"code":401}}"#.into(),
        ),
        (
            Ok(JSON.connect_error("/x", "Invalid namespace", None)),
            r#"44/x,{"message":"Invalid namespace"}"#.into(),
        ),
        (
            JSON.event("/", None, "e", &bytes(&[1, 2, 3]), None),
            format!(r#"451-["e",{placeholder}] 010203"#),
        ),
        (
            JSON.ack("/", 7, &bytes(&[4])),
            format!("461-7[{placeholder}] 04"),
        ),
        (
            JSON.event("/n", Some(5), "e", &(deep, bytes(&[9, 8])), None),
            format!(
                r#"453-/n,5["e",{{"a":[{placeholder}],"b":{}}},{}] 01  0908"#,
                placeholder.replace('0', "1"),
                placeholder.replace('0', "2"),
            ),
        ),
        (
            JSON.event(
                "/",
                None,
                "u",
                &(f64::NAN, f64::INFINITY, "\u{1e}\u{20ac}"),
                None,
            ),
            r#"42["u",null,null,"\u001e€"]"#.into(),
        ),
    ] {
        assert_eq!(written(encoded), expected);
    }
}

#[test]
fn what_nobody_accepts_is_not_written() {
    for name in [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ] {
        for parser in [JSON, Parser::Msgpack] {
            let result = parser.event("/", None, name, &(), None);
            assert!(matches!(result, Err(EncodeError::ReservedName)), "{name}");
        }
    }
    let many = vec![Value::Binary(Bytes::from_static(b"x")); 11];
    assert!(JSON.event("/", None, "e", &many[1..], None).is_ok());
    let result = JSON.event("/", None, "e", &many, None);
    assert!(matches!(result, Err(EncodeError::TooManyAttachments(11))));
    for parser in [JSON, Parser::Msgpack] {
        for auth in [json!([]), json!("s"), json!(null)] {
            let result = parser.connect_request("/", Some(&auth));
            assert!(matches!(result, Err(EncodeError::NotAnObject)), "{auth}");
        }
    }
}
