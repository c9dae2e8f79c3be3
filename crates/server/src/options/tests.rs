//! The settings as a whole: every name, every default, every way to load them.

mod cors_and_cookie;
mod env;
mod service;

use std::time::Duration;

use serde_json::{Value, json};
use switchboard_connection::{ConnectionConfig, OnRateLimit, Rate, SlowConsumer};

use super::*;

/// Every setting, none of them its default. `true` for `serveClient` needs `clientDir`.
fn everything() -> Value {
    let json = r#"{
        "path": "/chat",
        "addTrailingSlash": false,
        "connectTimeout": 1500,
        "pingInterval": 2000,
        "pingTimeout": 1000,
        "upgradeTimeout": 3000,
        "maxHttpBufferSize": 123456,
        "transports": ["websocket"],
        "allowUpgrades": false,
        "httpCompression": {"threshold": 2048},
        "cookie": {
            "name": "sid", "path": false, "httpOnly": false, "sameSite": "strict",
            "maxAge": 60, "domain": "example.com", "secure": true
        },
        "cors": {
            "origin": ["https://a.example"], "methods": ["GET", "POST"],
            "allowedHeaders": ["x-a"], "exposedHeaders": ["x-b"], "credentials": true,
            "maxAge": 600, "optionsSuccessStatus": 200
        },
        "serveClient": true,
        "destroyUpgrade": false,
        "destroyUpgradeTimeout": 2000,
        "cleanupEmptyChildNamespaces": false,
        "connectionStateRecovery": {
            "maxDisconnectionDuration": 60000, "skipMiddlewares": false,
            "maxBufferedPackets": 5, "maxBufferedBytes": 6, "maxSessions": 7
        },
        "parser": "msgpack",
        "clientDir": "node_modules/socket.io-client/dist",
        "emptyNamespaceGrace": 0,
        "pollingCloseTimeout": 31000,
        "middlewareTimeout": 11000,
        "ackTimeout": 12000,
        "attachmentTimeout": 13000,
        "maxConnections": 10,
        "maxConnectionsPerAddress": 2,
        "trustedProxies": ["10.0.0.0/8", "fd00::/8"],
        "connectRate": {"perSecond": 10, "burst": 20},
        "retryAfter": 6000,
        "admitTimeout": 7000,
        "allowAbsentOrigin": false,
        "handshakeTimeout": 8000,
        "maxHeadSize": 8192,
        "maxHeaders": 50,
        "backlog": 128,
        "logAddresses": false,
        "outboxBytes": 1000,
        "outboxMessages": 100,
        "slowConsumer": "dropOldest",
        "writeTimeout": 9000,
        "closeGrace": 4000,
        "messageRate": false,
        "controlRate": {"perSecond": 1, "burst": 2},
        "onRateLimit": "close",
        "maxFragments": 16,
        "maxNamespacesPerConnection": 3,
        "maxRoomsPerSocket": 4,
        "maxPendingAcks": 5,
        "handlerQueue": {"messages": 6, "bytes": 700, "bytesWhileAsking": 800},
        "handlerConcurrency": 2,
        "maxDepth": 64
    }"#;
    serde_json::from_str(json).unwrap()
}

/// What has one value only.
const FIXED: [&str; 2] = ["perMessageDeflate", "allowEIO3"];

/// What is not written when it is not set.
const UNSET: [&str; 5] = [
    "serveClient",
    "clientDir",
    "maxConnections",
    "maxConnectionsPerAddress",
    "maxRoomsPerSocket",
];

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(|k| &k[..]).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_setting_is_in_these_tests() {
    let (everything, default) = (
        everything(),
        serde_json::to_value(IoConfig::default()).unwrap(),
    );
    let mut tested = names(&everything);
    tested.extend(FIXED);
    tested.sort_unstable();
    let mut known = names(&default);
    known.extend(UNSET);
    known.sort_unstable();
    assert_eq!(tested, known);
}

#[test]
fn every_setting_loads_and_changes_something() {
    let Value::Object(everything) = everything() else {
        unreachable!();
    };
    for (name, value) in everything {
        let mut one = json!({ &name: value });
        let config: IoConfig = serde_json::from_value(one.clone()).unwrap();
        assert_ne!(config, IoConfig::default(), "{name}");
        assert_eq!(
            serde_json::to_value(&config).unwrap()[&name],
            value_of(&one),
            "{name}"
        );
        // A typo in its name is refused by name.
        let typo = format!("{name}x");
        one = json!({ &typo: value_of(&one) });
        let error = IoConfig::from_json(&one.to_string()).unwrap_err();
        assert!(error.to_string().contains(&typo), "{error}");
    }
}

fn value_of(one: &Value) -> Value {
    let value = one.as_object().unwrap().values().next().unwrap();
    let mut value = value.clone();
    // Written out even when it was left out.
    if let Some(object) = value.as_object_mut()
        && object.contains_key("optionsSuccessStatus")
    {
        object.insert("preflightContinue".to_owned(), json!(false));
    }
    value
}

#[test]
fn json_toml_and_the_environment_say_the_same() {
    let json = everything().to_string();
    let from_json = IoConfig::from_json(&json).unwrap();

    let toml = toml::to_string(&everything()).unwrap();
    assert_eq!(IoConfig::from_toml(&toml).unwrap(), from_json);

    let variables = env::variables("SB", &everything());
    let from_env = IoConfig::default()
        .merge_variables("SB", variables)
        .unwrap();
    assert_eq!(from_env, from_json);
}

#[test]
fn settings_survive_a_round_trip() {
    let everything = IoConfig::from_json(&everything().to_string()).unwrap();
    for config in [IoConfig::default(), everything] {
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(IoConfig::from_json(&json).unwrap(), config);
        let toml = toml::to_string(&config).unwrap();
        assert_eq!(IoConfig::from_toml(&toml).unwrap(), config);
    }
}

/// Socket.IO 4.8's own defaults, but for what is said beside them.
#[test]
fn defaults_are_those_of_socket_io() {
    let default = serde_json::to_value(IoConfig::default()).unwrap();
    for (name, value) in [
        ("path", json!("/socket.io")),
        ("addTrailingSlash", json!(true)),
        ("connectTimeout", json!(45_000)),
        ("pingInterval", json!(25_000)),
        ("pingTimeout", json!(20_000)),
        ("upgradeTimeout", json!(10_000)),
        ("transports", json!(["polling", "websocket"])),
        ("allowUpgrades", json!(true)),
        ("destroyUpgrade", json!(true)),
        ("destroyUpgradeTimeout", json!(1_000)),
        ("maxHttpBufferSize", json!(1_000_000)),
        ("perMessageDeflate", json!(false)),
        ("httpCompression", json!({"threshold": 1_024})),
        ("cookie", json!(false)),
        ("cors", json!(false)),
        ("allowEIO3", json!(false)),
        ("connectionStateRecovery", json!(false)),
        ("parser", json!("json")),
        // Node: true, from its own package. Ours: when there is a directory.
        ("serveClient", Value::Null),
        // Node: false, and such namespaces pile up.
        ("cleanupEmptyChildNamespaces", json!(true)),
    ] {
        assert_eq!(default.get(name).unwrap_or(&Value::Null), &value, "{name}");
    }
    let recovery = serde_json::to_value(Recovery::default()).unwrap();
    assert_eq!(recovery["maxDisconnectionDuration"], 120_000);
    assert_eq!(recovery["skipMiddlewares"], true);
    let cookie = serde_json::to_value(CookieConfig::default()).unwrap();
    assert_eq!(cookie["name"], "io");
    assert_eq!(cookie["path"], "/");
    assert_eq!(cookie["httpOnly"], true);
    assert_eq!(cookie["sameSite"], "lax");
}

#[test]
fn an_options_object_of_node_loads_as_it_is() {
    let config = IoConfig::from_json(
        r#"{"path": "/socket.io/", "cors": {"origin": "*", "methods": ["GET", "POST"]},
            "pingInterval": 2000, "pingTimeout": 1000, "maxHttpBufferSize": 1e6,
            "connectTimeout": 1500, "perMessageDeflate": false, "httpCompression": true,
            "cookie": false, "allowEIO3": false, "connectionStateRecovery": {}}"#,
    )
    .unwrap();
    assert_eq!(config.max_http_buffer_size, 1_000_000);
    assert_eq!(config.engine_path(), "/socket.io/");
    assert_eq!(config.connection_state_recovery, Some(Recovery::default()));
    let off = r#"{"httpCompression": false, "connectionStateRecovery": null, "messageRate": null}"#;
    let config = IoConfig::from_json(off).unwrap();
    assert_eq!(config.http_compression, None);
    assert_eq!(config.message_rate, None);
}

#[test]
fn what_is_off_by_design_says_why() {
    for (json, why) in [
        (r#"{"perMessageDeflate": true}"#, "encoded once"),
        (r#"{"perMessageDeflate": {"threshold": 1}}"#, "encoded once"),
        (r#"{"allowEIO3": true}"#, "Unsupported protocol version"),
    ] {
        let error = IoConfig::from_json(json).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let config = IoConfig {
        per_message_deflate: true,
        ..IoConfig::default()
    };
    let error = config.check().unwrap_err().to_string();
    assert!(error.starts_with("perMessageDeflate must be false: a message"));
}

#[test]
fn what_could_not_work_is_refused_by_name() {
    for (json, message) in [
        (r#"{"pingTimeout": 0}"#, "pingTimeout must not be zero"),
        (
            r#"{"maxConnections": 0}"#,
            "maxConnections must not be zero",
        ),
        (
            r#"{"pingInterval": 2147483647}"#,
            "pingInterval and pingTimeout must be",
        ),
        (r#"{"transports": []}"#, "transports must not be empty"),
        (r#"{"path": "socket.io"}"#, "path must begin with /"),
        (r#"{"path": "/a?b"}"#, "path must be visible"),
        (r#"{"serveClient": true}"#, "serveClient needs clientDir"),
        (r#"{"outboxBytes": 0}"#, "outboxBytes must not be zero"),
        (
            r#"{"connectRate": {"perSecond": 0, "burst": 1}}"#,
            "connectRate must not be zero",
        ),
        (
            r#"{"handlerQueue": {"bytesWhileAsking": 1}}"#,
            "handlerQueue.bytesWhileAsking must not be less",
        ),
        (
            r#"{"connectionStateRecovery": {"maxDisconnectionDuration": 0}}"#,
            "connectionStateRecovery must have",
        ),
    ] {
        let error = IoConfig::from_json(json).unwrap_err();
        assert!(matches!(error, LoadError::Config(_)), "{error}");
        assert!(error.to_string().starts_with(message), "{error}");
    }
    for json in [
        r#"{"transports": ["webtransport"]}"#,
        r#"{"connectRate": true}"#,
        r#"{"maxHttpBufferSize": 1.5}"#,
        r#"{"maxHttpBufferSize": -1}"#,
        r#"{"maxHttpBufferSize": 1e300}"#,
        r#"{"pingInterval": "25s"}"#,
        r#"{"connectionStateRecovery": {"maxBuffered": 1}}"#,
        "17",
    ] {
        let error = IoConfig::from_json(json).unwrap_err();
        assert!(matches!(error, LoadError::Json(_)), "{error}");
    }
}

#[test]
fn paths_with_and_without_a_slash() {
    let path = |path: &str, slash| {
        let config = IoConfig::default().with_path(path);
        config.with_add_trailing_slash(slash).engine_path()
    };
    assert_eq!(path("/socket.io", true), "/socket.io/");
    assert_eq!(path("/socket.io/", true), "/socket.io/");
    assert_eq!(path("/socket.io/", false), "/socket.io");
    assert_eq!(path("/", true), "/");
}

#[test]
fn upgrades_are_offered_when_they_are_possible() {
    let upgrades = |json: &str| IoConfig::from_json(json).unwrap().upgrades();
    assert_eq!(upgrades("{}"), [EngineTransport::Websocket]);
    assert!(upgrades(r#"{"allowUpgrades": false}"#).is_empty());
    assert!(upgrades(r#"{"transports": ["polling"]}"#).is_empty());
}

#[test]
fn files_of_the_client_need_a_directory() {
    let dir = |json: &str| {
        IoConfig::from_json(json)
            .unwrap()
            .served_client_dir()
            .cloned()
    };
    assert_eq!(dir("{}"), None);
    assert_eq!(dir(r#"{"clientDir": "x"}"#), Some("x".into()));
    assert_eq!(dir(r#"{"clientDir": "x", "serveClient": false}"#), None);
}

#[tokio::test]
async fn the_limits_reach_the_web_sockets() {
    let config = IoConfig::from_json(&everything().to_string()).unwrap();
    let connection = config.connection_config();
    let expected = ConnectionConfig::default()
        .with_max_message_size(123_456)
        .with_max_frame_size(123_456)
        .with_max_fragments(16)
        .with_outbox_bytes(1_000)
        .with_outbox_messages(100)
        .with_slow_consumer(SlowConsumer::DropOldest)
        .with_write_timeout(Duration::from_secs(9))
        .with_ping_interval(Duration::ZERO)
        .with_ping_timeout(Duration::from_secs(1))
        .with_idle_timeout(Duration::ZERO)
        .with_close_grace(Duration::from_secs(4))
        .with_message_rate(None)
        .with_control_rate(Some(Rate::new(1, 2)))
        .with_on_rate_limit(OnRateLimit::Close)
        .with_handshake_timeout(Duration::from_secs(8))
        .with_max_head_size(8_192);
    assert_eq!(connection, expected);
    assert!(switchboard_connection::Endpoint::new(connection).is_ok());
    let listener = config.listener_config();
    assert_eq!(listener.path, "/chat");
    assert_eq!(listener.connection, expected);
    assert_eq!(listener.max_connections, Some(10));
    assert_eq!(listener.backlog, 128);
    assert!(!listener.log_addresses);
}
