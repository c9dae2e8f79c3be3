//! Advisories against other implementations, and what the same bytes do to our codecs.
//!
//! | advisory | against | here |
//! |---|---|---|
//! | CVE-2026-33151 | socket.io-parser: any number of attachments | [`cve_2026_33151_attachments_without_end`] |
//! | CVE-2026-59725 | engine.io: binary that is none | [`cve_2026_59725_binary_that_is_none`]; `server/tests/advisories.rs` |
//! | CVE-2024-38355 | socket.io: the event `error` | [`cve_2024_38355_an_event_called_error`] |
//! | CVE-2023-32695 | socket.io-parser: a name that is an object | [`cve_2023_32695_names_that_are_objects`] |
//! | CVE-2022-2421 | socket.io-parser: a placeholder named like a method | [`cve_2022_2421_placeholders_that_name_no_attachment`] |
//! | CVE-2020-36049 | socket.io-parser: memory by concatenation | [`cve_2020_36049_digits_without_end`] |
//! | RUSTSEC-2026-0007 | `bytes` below 1.11.1 | [`rustsec_2026_0007_bytes_is_new_enough`] |

use bytes::Bytes;
use switchboard_wire::{
    Body, DecodeError, Decoder, Limits, Packet, Parser,
    engine::{self, Part},
};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

fn text(text: &str) -> Result<Option<Packet>, DecodeError> {
    Decoder::server().text(Parser::Json, &Limits::default(), text)
}

/// A text, then as many binary messages as it announces.
fn with_attachments(head: &str, count: usize) -> Result<Option<Packet>, DecodeError> {
    let (mut decoder, limits) = (Decoder::server(), Limits::default());
    let mut found = decoder.text(Parser::Json, &limits, head)?;
    for _ in 0..count {
        assert_eq!(found, None);
        found = decoder.binary(Parser::Json, &limits, Bytes::from_static(b"x"))?;
    }
    Ok(found)
}

/// A packet that announces a billion attachments waited for all of them, in memory.
#[test]
fn cve_2026_33151_attachments_without_end() {
    let event = |count| format!("5{count}-[\"e\",{PLACEHOLDER}]");
    assert!(with_attachments(&event("10"), 10).unwrap().is_some());
    for count in ["11", "1000000000", "99999999999999999999999999"] {
        let ack = format!("6{count}-7[{PLACEHOLDER}]");
        assert_eq!(text(&event(count)), Err(DecodeError::TooManyAttachments));
        assert_eq!(text(&ack), Err(DecodeError::TooManyAttachments));
    }
    for count in ["0", "", "-1", "1.5", "x"] {
        assert_eq!(
            text(&event(count)),
            Err(DecodeError::InvalidAttachmentCount)
        );
    }
}

/// What is awaited is bounded in bytes too, text and attachments together.
#[test]
fn cve_2026_33151_attachments_are_counted_with_their_text() {
    let limits = Limits {
        max_event_bytes: 100,
        ..Limits::default()
    };
    let mut decoder = Decoder::server();
    let head = format!("52-[\"e\",{PLACEHOLDER},{PLACEHOLDER}]");
    assert_eq!(decoder.text(Parser::Json, &limits, head.as_str()), Ok(None));
    let rest = Bytes::from(vec![0; 100 - head.len()]);
    assert_eq!(decoder.binary(Parser::Json, &limits, rest), Ok(None));
    let one = Bytes::from_static(b"x");
    let found = decoder.binary(Parser::Json, &limits, one.clone());
    assert_eq!(found, Err(DecodeError::TooLarge));
    // Nothing of it is kept.
    assert!(!decoder.is_assembling());
    assert_eq!(
        decoder.binary(Parser::Json, &limits, one),
        Err(DecodeError::StrayAttachment)
    );
}

/// A posted body whose binary is no base64 ended the process.
#[test]
fn cve_2026_59725_binary_that_is_none() {
    for body in [
        "b*",
        "b====",
        "bA",
        "b\u{e9}",
        "bAQI\u{0}",
        "b AQID",
        "bbAQI=",
    ] {
        let parts: Vec<_> = engine::decode_payload(body).collect();
        assert!(
            matches!(
                parts[..],
                [Err(engine::DecodeError::NotBase64) | Ok(Part::Binary(_))]
            ),
            "{body:?}: {parts:?}"
        );
    }
    let parts: Vec<_> = engine::decode_payload("b*\u{1e}4hello").collect();
    assert_eq!(
        parts,
        [Err(engine::DecodeError::NotBase64)],
        "nothing behind it is read"
    );
}

/// An `error` that nobody listens for ended the process. It is an event like others.
#[test]
fn cve_2024_38355_an_event_called_error() {
    let packet = text(r#"2["error","x"]"#).unwrap().unwrap();
    assert!(matches!(packet.body, Body::Event(event) if event.name == "error"));
}

/// A name that is an object with a `toString` of its own ended the process.
#[test]
fn cve_2023_32695_names_that_are_objects() {
    for name in [
        r#"{"toString":"x"}"#,
        "{}",
        "[]",
        r#"["e"]"#,
        "null",
        "true",
    ] {
        assert_eq!(
            text(&format!("2[{name},1]")),
            Err(DecodeError::InvalidEventName),
            "{name}"
        );
        let with = with_attachments(&format!("51-[{name},{PLACEHOLDER}]"), 1);
        assert_eq!(with, Err(DecodeError::InvalidEventName), "{name}");
    }
    for name in [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ] {
        assert_eq!(
            text(&format!("2[\"{name}\"]")),
            Err(DecodeError::ReservedName)
        );
        let with = with_attachments(&format!("51-[\"{name}\",{PLACEHOLDER}]"), 1);
        assert_eq!(with, Err(DecodeError::ReservedName));
    }
}

/// A placeholder whose number was `"splice"` put a function of the list of attachments into the event.
#[test]
fn cve_2022_2421_placeholders_that_name_no_attachment() {
    for num in [
        r#""splice""#,
        r#""0""#,
        r#""__proto__""#,
        "-1",
        "1",
        "1e300",
        "null",
        "true",
        "{}",
        "[0]",
    ] {
        for (before, behind) in [("", ""), (r#"[{"a":"#, "}]")] {
            let event =
                format!("51-[\"e\",{before}{{\"_placeholder\":true,\"num\":{num}}}{behind}]");
            let ack = event.replace("51-[\"e\",", "61-7[");
            assert_eq!(
                with_attachments(&event, 1),
                Err(DecodeError::InvalidPlaceholder)
            );
            assert_eq!(
                with_attachments(&ack, 1),
                Err(DecodeError::InvalidPlaceholder)
            );
        }
    }
    let found = with_attachments(r#"51-["e",{"_placeholder":true}]"#, 1);
    assert_eq!(found, Err(DecodeError::InvalidPlaceholder));
}

/// Digits were joined to a text one by one: a megabyte of them held the process up.
#[test]
fn cve_2020_36049_digits_without_end() {
    let digits = "9".repeat(900_000);
    let count = text(&format!("5{digits}-[\"e\"]"));
    assert_eq!(count, Err(DecodeError::TooManyAttachments));
    assert_eq!(
        text(&format!("5{digits}")),
        Err(DecodeError::InvalidAttachmentCount)
    );
    // As in Node such an event is taken; who asks by such a number gets no answer.
    let event = text(&format!("2{digits}[\"e\"]")).unwrap().unwrap();
    assert!(matches!(event.body, Body::Event(event) if event.id.is_none()));
    assert_eq!(text(&format!("3{digits}[]")), Ok(None));
    let larger = "9".repeat(1_000_001);
    assert_eq!(
        text(&format!("2{larger}[\"e\"]")),
        Err(DecodeError::TooLarge)
    );
}

/// Growing a buffer by a length near the largest overflowed. The requirement keeps such a version out.
#[test]
fn rustsec_2026_0007_bytes_is_new_enough() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let Ok(lock) = std::fs::read_to_string(manifest) else {
        return; // A crate by itself has no lock file; its requirement is 1.12.
    };
    let package = lock
        .split("[[package]]")
        .find(|package| package.contains("\nname = \"bytes\"\n"));
    let version = package
        .and_then(|package| package.split("\nversion = \"").nth(1))
        .unwrap();
    let numbers: Vec<u32> = version
        .split('"')
        .next()
        .unwrap()
        .split('.')
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(numbers >= vec![1, 11, 1], "{numbers:?}");
}
