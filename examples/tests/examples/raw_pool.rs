//! The README twin: its clients connect unchanged, and its tour runs to the end.

use serde_json::json;

use crate::support::{Example, Script, browser};

async fn raw_pool() -> (Example, String) {
    let server = Example::start("raw_pool", &[], &[]).await;
    let url = format!("ws://localhost:{}", server.port());
    (server, url)
}

#[tokio::test]
async fn c9_browser_snippet_of_the_readme_connects_unchanged() {
    let (server, _) = raw_pool().await;
    browser("readme-snippet.mjs", &[&server.host()]).await;
}

#[tokio::test]
async fn c9_a_stock_client_opens_talks_and_closes() {
    let (_server, url) = raw_pool().await;
    let mut client = Script::start("ws-client.mjs", &[]);
    client.tell(json!({"cmd": "connect", "url": url})).await;
    client.expect(json!({"event": "open"})).await;
    client
        .expect(json!({"event": "message", "text": "Hello world!"}))
        .await;

    client
        .tell(json!({"cmd": "send", "text": "grüß dich"}))
        .await;
    client
        .expect(json!({"event": "message", "text": "grüß dich"}))
        .await;
    client.tell(json!({"cmd": "ping", "hex": "0aff"})).await;
    client.expect(json!({"event": "pong", "hex": "0aff"})).await;

    client
        .tell(json!({"cmd": "close", "code": 4001, "reason": "enough"}))
        .await;
    client
        .expect(json!({"event": "close", "code": 4001, "reason": "enough"}))
        .await;
}

#[tokio::test]
async fn c2_a_broadcast_reaches_each_stock_client_once() {
    let (_server, url) = raw_pool().await;
    let mut clients = Script::start("ws-client.mjs", &[]);
    for id in ["a", "b", "c"] {
        clients
            .tell(json!({"cmd": "connect", "id": id, "url": url}))
            .await;
        clients
            .expect(json!({"event": "message", "id": id, "text": "Hello world!"}))
            .await;
    }
    clients
        .tell(json!({"cmd": "send", "id": "a", "text": "one"}))
        .await;
    clients
        .tell(json!({"cmd": "send", "id": "a", "text": "two"}))
        .await;
    let mut heard = Vec::new();
    while heard.len() < 6 {
        let event = clients.next().await.expect("an event");
        if event["event"] == "message" {
            heard.push((event["id"].clone(), event["text"].clone()));
        }
    }
    for id in ["a", "b", "c"] {
        let of_one: Vec<_> = heard
            .iter()
            .filter(|(to, _)| to == id)
            .map(|(_, text)| text)
            .collect();
        assert_eq!(of_one, ["one", "two"]);
    }
}

#[tokio::test]
async fn c5_sigterm_tells_stock_clients_the_given_code_and_reason() {
    let (server, url) = raw_pool().await;
    let mut client = Script::start("ws-client.mjs", &[]);
    client.tell(json!({"cmd": "connect", "url": url})).await;
    client.expect(json!({"event": "open"})).await;
    server.terminate().await;
    client
        .expect(json!({"event": "close", "code": 1000, "reason": "Closed by the server."}))
        .await;
    let (status, lines) = server.finish().await;
    assert!(status.success(), "{status}: {lines:?}");
    assert_eq!(lines, ["SIGTERM: draining", "1 closed, 0 left"]);
}

#[tokio::test]
async fn c18_the_tour_of_the_readme_runs_to_its_end() {
    let server = Example::start("raw_pool", &["--demo"], &[]).await;
    let (status, lines) = server.finish().await;
    assert!(status.success(), "{status}: {lines:#?}");
    let steps: Vec<_> = lines
        .iter()
        .filter(|line| !line.starts_with("server: "))
        .collect();
    assert_eq!(
        steps,
        [
            "connections: default/1 is open",
            "connections: received Hello world!",
            "connections: received Hello world!",
            "pool: 1 connection in default",
            "pool: broadcast queued to 1",
            "pool: sent to 1",
            "removing: 1 is out, others remain",
            "removing: No more connections in the namespace.",
            "close all: 3 closed",
            "draining: 12 closed at 10 a second",
            "tour: done",
            "0 closed, 0 left",
        ]
    );
    // What the server heard: once in the first section, twice in the second.
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.ends_with("says Hello world!"))
            .count(),
        3
    );
}
