//! Messages of the sharded and the streams adapter, entries and sessions: nothing panics, and what is an
//! event can be published and read again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use switchboard_wire::{
    Parser,
    cluster::{
        ClusterLimits, MessageBody, Outgoing, To, sharded,
        streams::{self, Entry, SavedSession},
    },
};

fuzz_target!(|data: &[u8]| {
    let limits = ClusterLimits::default();
    let message = Bytes::copy_from_slice(data);
    let _ = streams::decode(&limits, &message);
    let _ = SavedSession::decode(&limits, data);
    if let Ok(text) = str::from_utf8(data) {
        streams::is_offset(text);
        let (kind, data) = text.split_at_checked(1).unwrap_or((text, ""));
        let entry = Entry {
            uid: "u".into(),
            nsp: "/".into(),
            kind: kind.into(),
            data: Some(data.into()),
        };
        let _ = entry.decode(&limits);
    }
    let Ok(found) = sharded::decode(&limits, &message) else {
        return;
    };
    let MessageBody::Broadcast { event, args, options, request_id } = found.body else {
        return;
    };
    for parser in [Parser::Json, Parser::Msgpack] {
        let Ok(packet) = parser.event("/", None, &event, &args, None) else {
            continue;
        };
        let message = Outgoing::Broadcast {
            packet: &packet,
            to: To::from(&options),
            request_id: request_id.as_deref(),
        };
        let Ok(again) = sharded::encode(&found.uid, &found.namespace, &message) else {
            continue;
        };
        let again = sharded::decode(&limits, &again.into()).unwrap();
        let MessageBody::Broadcast { args: found_args, .. } = again.body else {
            panic!("an event");
        };
        assert_eq!(found_args.len(), args.len());
    }
});
