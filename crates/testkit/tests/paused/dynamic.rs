//! Namespaces that come with their first client and go with their last one.

use std::sync::Arc;

use regex::Regex;
use switchboard_server::{HandlerError, Handshake, Io, IoConfig, Recovery, Socket, extract::Data};
use switchboard_testkit::TestClient;
use tokio::time::sleep;

use crate::support::{Journal, io, secs, until};

fn rooms_of_workspaces(io: &Io) -> switchboard_server::DynamicNamespace {
    io.of_dynamic(Regex::new(r"^/w-\d+$").unwrap())
}

fn exists(io: &Io, name: &str) -> bool {
    io.namespaces()
        .iter()
        .any(|namespace| namespace.name() == name)
}

#[tokio::test(start_paused = true)]
async fn one_goes_when_it_was_empty_for_the_grace_and_comes_again_with_its_handlers() {
    let io = io(IoConfig::default());
    let workspaces = rooms_of_workspaces(&io);
    workspaces.on("echo", async |socket: Socket, Data(text): Data<String>| {
        socket.emit("echo", &text).await
    });
    for round in 0..3 {
        let client = TestClient::connect(&io).await;
        let workspace = client.enter("/w-1", &()).await;
        workspace.emit("echo", &round.to_string());
        assert_eq!(
            workspace.expect_as::<String>("echo").await,
            round.to_string()
        );
        assert_eq!(workspaces.children().len(), 1);
        workspace.leave();
        sleep(secs(9)).await;
        assert!(exists(&io, "/w-1"), "too early");
        sleep(secs(2)).await;
        assert!(!exists(&io, "/w-1"), "too late");
    }
    assert!(exists(&io, "/"));
}

#[tokio::test(start_paused = true)]
async fn the_grace_begins_anew_with_each_last_one_out() {
    let io = io(IoConfig::default());
    rooms_of_workspaces(&io);
    let client = TestClient::connect(&io).await;
    client.enter("/w-1", &()).await.leave();
    sleep(secs(8)).await;
    client.enter("/w-1", &()).await.leave();
    // Ten seconds after the first end, two after the second.
    sleep(secs(4)).await;
    assert!(exists(&io, "/w-1"));
    sleep(secs(20)).await;
    assert!(!exists(&io, "/w-1"));
}

#[tokio::test(start_paused = true)]
async fn none_goes_while_somebody_enters() {
    let io = io(IoConfig::default().with_middleware_timeout(secs(300)));
    let workspaces = rooms_of_workspaces(&io);
    let slow = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_slow = Arc::clone(&slow);
    workspaces.middleware(move || {
        let wait = is_slow.load(std::sync::atomic::Ordering::SeqCst);
        async move { sleep(secs(if wait { 100 } else { 0 })).await }
    });
    let client = TestClient::builder().deadline(secs(600)).connect(&io).await;
    client.enter("/w-1", &()).await.leave();
    slow.store(true, std::sync::atomic::Ordering::SeqCst);
    let workspace = client.enter("/w-1", &()).await;
    assert!(exists(&io, "/w-1"));
    assert_eq!(io.of("/w-1").emit("hello", &()).unwrap().queued, 1);
    workspace.expect("hello").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_nobody_got_into_goes_too() {
    let io = io(IoConfig::default());
    rooms_of_workspaces(&io).middleware(async || Err::<(), _>(HandlerError::new("no")));
    let client = TestClient::connect(&io).await;
    assert_eq!(client.refused("/w-1", &()).await.message, "no");
    assert_eq!(
        client.refused("/x-1", &()).await.message,
        "Invalid namespace"
    );
    assert!(exists(&io, "/w-1") && !exists(&io, "/x-1"));
    sleep(secs(11)).await;
    assert!(!exists(&io, "/w-1"));
}

#[tokio::test(start_paused = true)]
async fn those_of_the_program_stay_and_cleanup_may_be_off() {
    let io = io(IoConfig::default());
    rooms_of_workspaces(&io);
    io.of("/w-7");
    let client = TestClient::connect(&io).await;
    client.enter("/w-7", &()).await.leave();
    sleep(secs(100)).await;
    assert!(exists(&io, "/w-7"));

    let io = crate::support::io(IoConfig::default().with_cleanup_empty_child_namespaces(false));
    rooms_of_workspaces(&io);
    let client = TestClient::connect(&io).await;
    client.enter("/w-1", &()).await.leave();
    sleep(secs(100)).await;
    assert!(exists(&io, "/w-1"));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_names_leave_nothing_behind() {
    let config = IoConfig::default().with_message_rate(None);
    let io = io(config);
    let workspaces = rooms_of_workspaces(&io);
    let journal = Journal::default();
    let came = journal.clone();
    workspaces.on_connect(move |socket: Socket| {
        let came = came.clone();
        async move {
            socket.join("room").unwrap();
            came.note(socket.namespace().name());
        }
    });
    let client = TestClient::connect(&io).await;
    for number in 0..10_000 {
        client.enter(&format!("/w-{number}"), &()).await.leave();
    }
    until(|| journal.len() == 10_000).await;
    sleep(secs(30)).await;
    assert_eq!(io.namespaces().len(), 1);
    assert_eq!(workspaces.children().len(), 0);
    client.expect_silence(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_panics_matches_nothing() {
    let io = io(IoConfig::default());
    io.of_dynamic(|name: &str, _: &Handshake| {
        assert!(name != "/panic", "on purpose");
        name == "/fine"
    });
    let client = TestClient::connect(&io).await;
    assert_eq!(
        client.refused("/panic", &()).await.message,
        "Invalid namespace"
    );
    client.enter("/fine", &()).await;
}

#[tokio::test(start_paused = true)]
async fn one_waits_for_clients_that_may_come_back() {
    let io = io(IoConfig::default().with_connection_state_recovery(Some(Recovery::default())));
    rooms_of_workspaces(&io);
    let workspace = TestClient::builder().namespace("/w-1").connect(&io).await;
    workspace.drop_transport();
    sleep(secs(60)).await;
    io.of("/w-1").emit("missed", &1).unwrap();
    let workspace = workspace.reconnect(&io).await;
    assert_eq!(workspace.expect_as::<u32>("missed").await, 1);
    workspace.drop_transport();
    sleep(secs(140)).await;
    assert!(!exists(&io, "/w-1"));
}

#[tokio::test(start_paused = true)]
async fn with_no_grace_it_goes_at_once() {
    let recovery = Recovery::default().with_max_disconnection_duration(secs(5));
    for recovery in [None, Some(recovery)] {
        let config = IoConfig::default()
            .with_connection_state_recovery(recovery.clone())
            .with_empty_namespace_grace(secs(0));
        let io = io(config);
        rooms_of_workspaces(&io);
        let workspace = TestClient::builder().namespace("/w-1").connect(&io).await;
        workspace.drop_transport();
        until(|| io.clients() == 0).await;
        sleep(secs(1)).await;
        assert_eq!(exists(&io, "/w-1"), recovery.is_some());
        sleep(secs(8)).await;
        assert!(!exists(&io, "/w-1"));
    }
}
