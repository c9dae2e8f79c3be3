//! The settings of a packaged service.

use std::time::Duration;

use super::super::*;

/// The example of that service's documentation, as JSON.
const EXAMPLE: &str = r#"{
    "enabled": true,
    "debug": false,
    "path": "/socket.io",
    "port": 3000,
    "transports": ["websocket", "polling"],
    "pingInterval": 25000,
    "pingTimeout": 5000,
    "maxConnections": 1000,
    "ssl": false,
    "keepAlive": true,
    "retryConfig": {"attempts": 3, "delay": 1000, "maxDelay": 5000, "timeout": 10000},
    "logger": {"level": "info", "pretty": true}
}"#;

#[test]
fn the_example_is_the_default() {
    let example = ServicePreset::from_json(EXAMPLE).unwrap();
    assert_eq!(example, ServicePreset::default());
    assert_eq!(ServicePreset::from_json("{}").unwrap(), example);
    assert_eq!(ServicePreset::from_toml("").unwrap(), example);
    let json = serde_json::to_value(&example).unwrap();
    let written: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
    assert_eq!(json, written);
    let toml = toml::to_string(&example).unwrap();
    assert_eq!(ServicePreset::from_toml(&toml).unwrap(), example);
}

#[test]
fn it_becomes_a_socket_io_server() {
    let config = ServicePreset::from_json(
        r#"{"path": "/ws", "transports": ["websocket"], "pingInterval": 1000, "maxConnections": 5}"#,
    )
    .unwrap()
    .into_io_config();
    let expected = IoConfig::default()
        .with_path("/ws")
        .with_transports(vec![EngineTransport::Websocket])
        .with_ping_interval(Duration::from_secs(1))
        .with_ping_timeout(Duration::from_secs(5))
        .with_max_connections(Some(5));
    assert_eq!(config, expected);
}

#[test]
fn files_of_tls() {
    let ssl = |json: &str| ServicePreset::from_json(json).map(|preset| preset.ssl);
    let files = ssl(r#"{"ssl": {"key": "key.pem", "cert": "cert.pem"}}"#).unwrap();
    let files = files.unwrap();
    assert_eq!(files.key.to_str(), Some("key.pem"));
    assert_eq!(files.ca, None);
    for wrong in [
        r#"{"ssl": true}"#,
        r#"{"ssl": {"key": "key.pem"}}"#,
        r#"{"ssl": {"key": "k", "cert": "c", "passphrase": "p"}}"#,
    ] {
        assert!(ssl(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn pauses_double_up_to_a_cap() {
    let retry = RetryConfig {
        attempts: 6,
        ..RetryConfig::default()
    };
    let seconds: Vec<_> = (1..=6)
        .map(|attempt| retry.pause_after(attempt).map(|pause| pause.as_secs()))
        .collect();
    let expected = [Some(1), Some(2), Some(4), Some(5), Some(5), None];
    assert_eq!(seconds, expected);
    let patient = RetryConfig {
        attempts: u32::MAX,
        ..retry
    };
    assert_eq!(patient.pause_after(1_000), Some(Duration::from_secs(5)));
    assert_eq!(RetryConfig::default().pause_after(3), None);
}

#[test]
fn what_is_logged() {
    let preset = |json: &str| ServicePreset::from_json(json).unwrap();
    let quiet = preset(r#"{"logger": {"level": "error"}}"#);
    assert_eq!(quiet.logging().filter(), "error");
    assert_eq!(quiet.logging().max_level(), tracing::Level::ERROR);
    let debug = preset(r#"{"debug": true, "logger": {"level": "error", "pretty": false}}"#);
    assert_eq!(debug.logging().filter(), "debug");
    assert!(!debug.logging().pretty);
}

#[test]
fn it_is_strict() {
    for wrong in [
        r#"{"prot": 1}"#,
        r#"{"port": 70000}"#,
        r#"{"retryConfig": {"retries": 1}}"#,
        r#"{"retryConfig": {"attempts": 0}}"#,
        r#"{"logger": {"level": "loud"}}"#,
        r#"{"logger": {"file": "x"}}"#,
        r#"{"maxConnections": 0}"#,
        r#"{"transports": []}"#,
        r#"{"pingTimeout": 0}"#,
    ] {
        assert!(ServicePreset::from_json(wrong).is_err(), "{wrong}");
    }
}
