//! Messages of the classic adapter: nothing panics, and what is read can be published and read again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use switchboard_wire::{
    Parser,
    cluster::{
        ClusterLimits, To,
        classic::{Broadcast, Channels, RawResponse, Request, Writer},
    },
};

fuzz_target!(|data: &[u8]| {
    let limits = ClusterLimits::default();
    let message = Bytes::copy_from_slice(data);
    let _ = Request::decode(&limits, &message);
    if let Ok(response) = RawResponse::parse(&limits, &message) {
        let _ = response.read();
    }
    if let Ok(channel) = str::from_utf8(data) {
        Channels::new("socket.io", "/").parse(channel);
    }
    let Ok(broadcast) = Broadcast::decode(&limits, &message) else {
        return;
    };
    let writer = Writer { uid: &broadcast.uid, namespace: &broadcast.namespace };
    for parser in [Parser::Json, Parser::Msgpack] {
        let Ok(packet) = parser.event("/", None, &broadcast.event, &broadcast.args, None) else {
            continue;
        };
        let Ok(again) = writer.broadcast(&packet, &To::from(&broadcast.options)) else {
            continue;
        };
        let again = Broadcast::decode(&limits, &again.into()).unwrap();
        assert_eq!(again.options, broadcast.options);
        assert_eq!((again.uid, again.event), (broadcast.uid.clone(), broadcast.event.clone()));
        assert_eq!(again.args.len(), broadcast.args.len());
    }
});
