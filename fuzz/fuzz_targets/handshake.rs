//! A request and what follows it, in pieces of any size: answered and ended, whatever it is.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use switchboard_connection::{
    Address, ConnectionConfig, ConnectionId, Endpoint, Event, Namespace, Transport,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::{Builder, Runtime},
};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
}

fuzz_target!(|data: &[u8]| {
    let [piece, bytes @ ..] = data else { return };
    let piece = usize::from(*piece) + 1;
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let run = connection(bytes, piece);
            let ended = tokio::time::timeout(Duration::from_secs(5), run).await;
            assert!(ended.is_ok(), "a connection that never ends");
        });
    });
});

async fn connection(bytes: &[u8], piece: usize) {
    let config = ConnectionConfig::default()
        .with_max_message_size(4_096)
        .with_message_rate(None)
        .with_control_rate(None);
    let endpoint = Endpoint::new(config).unwrap();
    let (ours, theirs) = tokio::io::duplex(1_024);
    let (mut reader, mut writer) = tokio::io::split(theirs);
    let peer = async {
        for piece in bytes.chunks(piece) {
            if writer.write_all(piece).await.is_err() {
                break;
            }
        }
        writer.shutdown().await.ok();
    };
    let answers = async {
        let mut answers = Vec::new();
        reader.read_to_end(&mut answers).await.ok();
    };
    let accepting = async {
        let address = Address::new(
            ConnectionId::from_static("1"),
            Namespace::from_static("fuzz"),
        );
        let handshake = endpoint
            .handshake(Transport::stream(ours, None))
            .await
            .ok()?;
        let mut socket = handshake.accept(address).await.ok()?;
        let mut closes = 0;
        while let Some(event) = socket.next().await {
            assert_eq!(closes, 0, "the close is the last event");
            closes += usize::from(matches!(event, Event::Close(_)));
        }
        assert_eq!(closes, 1);
        Some(())
    };
    tokio::join!(peer, answers, accepting);
}
