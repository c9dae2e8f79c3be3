//! Readiness turns false in the moment that a drain is called for, before anything else runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use switchboard_pool::Drain;
use switchboard_server::{Io, IoConfig, Listener};
use switchboard_testkit::{ConnectFailure, TestClient};

fn ready(io: &Io) -> bool {
    let answer = io.health(&http::Method::GET, "/ready").unwrap();
    let live = io.health(&http::Method::GET, "/live").unwrap();
    assert_eq!(live.status(), 200, "it lives all the while");
    assert_eq!(answer.status() == 200, io.is_ready());
    io.is_ready()
}

/// Each pair of assertions has no `.await` between call and look: no task has run.
#[tokio::test(start_paused = true)]
async fn a_drain_is_seen_at_once_and_until_it_is_called_off() {
    let io = Io::new(IoConfig::default()).unwrap();
    let clients = [
        TestClient::connect(&io).await,
        TestClient::connect(&io).await,
    ];
    assert!(ready(&io));
    let draining = io.drain(Drain::per_second(1)).unwrap();
    assert!(!ready(&io));
    let refused = TestClient::builder().try_connect(&io).await;
    let Err(ConnectFailure::Http { status: 503, body }) = refused else {
        panic!("{refused:?}");
    };
    assert!(body.contains("DRAINING"), "{body}");
    assert!(draining.handle().cancel());
    assert!(
        ready(&io),
        "a drain that is called off lets newcomers in again"
    );
    let closing = io.close();
    assert!(ready(&io), "a future that nobody polls does nothing");
    closing.await;
    assert!(!ready(&io));
    drop(clients);
}

#[tokio::test]
async fn a_shutdown_is_seen_before_its_future_is_polled() {
    let io = Io::new(IoConfig::default()).unwrap();
    let listener = Listener::bind("127.0.0.1:0", io.config().listener_config());
    let server = listener
        .await
        .unwrap()
        .with_io(io.clone())
        .serve_io()
        .unwrap();
    assert!(ready(&io));
    let shutdown = server.shutdown(Drain::per_second(100).until(Duration::from_secs(5)));
    assert!(!ready(&io));
    shutdown.await.unwrap();
    assert!(!ready(&io));
}
