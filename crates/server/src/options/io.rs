//! [`IoConfig`]: every setting of a Socket.IO server.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use switchboard_connection::{ConnectionConfig, OnRateLimit, Rate, SlowConsumer};

use super::{
    CookieConfig, CorsConfig, CorsOrigin, EngineTransport, HandlerQueue, HttpCompression, Parser,
    Recovery, switch,
};
use crate::{config::ListenerConfig, origin::Origins};

/// Settings of a Socket.IO server.
///
/// The first group has the names and defaults of Socket.IO, so an options object of a Node server
/// loads as it is. The others are limits of ours. In JSON and TOML the names are in camel case and
/// times in milliseconds; unknown names are refused. What is off is `false`.
///
/// ```
/// use switchboard_server::IoConfig;
///
/// let config = IoConfig::from_json(r#"{"pingInterval": 10000, "cors": {"origin": "*"}}"#)?;
/// assert_eq!(config.ping_interval.as_secs(), 10);
/// assert_eq!(config.ping_timeout.as_secs(), 20);
///
/// let typo = IoConfig::from_json(r#"{"pingIntervall": 10000}"#).unwrap_err();
/// assert!(typo.to_string().contains("pingIntervall"));
/// # Ok::<(), switchboard_server::LoadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the switches are Socket.IO's, and do not depend on each other"
)]
pub struct IoConfig {
    // What Socket.IO has.
    /// Where the server is found. Default: `/socket.io`.
    pub path: String,
    /// Whether the path ends with a slash on the wire. Default: it does.
    pub add_trailing_slash: bool,
    /// How long a client may take to join its first namespace. Default: 45 s.
    #[serde(with = "switchboard_connection::millis")]
    pub connect_timeout: Duration,
    /// Pause between a client's answer to a ping and the next ping. Default: 25 s.
    #[serde(with = "switchboard_connection::millis")]
    pub ping_interval: Duration,
    /// How long after a ping nothing at all may arrive before the client counts as gone. Default: 20 s.
    #[serde(with = "switchboard_connection::millis")]
    pub ping_timeout: Duration,
    /// How long the change from polling to a WebSocket may take. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub upgrade_timeout: Duration,
    /// Largest message and largest posted body in bytes; beyond it 1009, or 413. Default: 1,000,000.
    #[serde(deserialize_with = "switch::whole")]
    pub max_http_buffer_size: usize,
    /// The transports that are served. Default: polling and WebSocket.
    pub transports: Vec<EngineTransport>,
    /// Whether a polling client may change to a WebSocket. Default: yes.
    pub allow_upgrades: bool,
    /// Compression of WebSocket messages: only `false`. A message is encoded once for all who get it;
    /// compressing it anew for each costs many times that, and memory for each.
    #[serde(deserialize_with = "switch::no_deflate")]
    pub per_message_deflate: bool,
    /// Compression of answers to polls. Default: from 1,024 bytes.
    #[serde(with = "switch::off")]
    pub http_compression: Option<HttpCompression>,
    /// A cookie with the session's id. Default: none.
    #[serde(with = "switch::off")]
    pub cookie: Option<CookieConfig>,
    /// Cross-origin rules. Default: none.
    #[serde(with = "switch::off")]
    pub cors: Option<CorsConfig>,
    /// Clients of Socket.IO 2: only `false`.
    #[serde(rename = "allowEIO3", deserialize_with = "switch::no_eio3")]
    pub allow_eio3: bool,
    /// Whether the files of the JavaScript client are served, from [`client_dir`](Self::client_dir).
    /// Default: if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serve_client: Option<bool>,
    /// Taken, and without effect: what is nobody's request is answered at once.
    pub destroy_upgrade: bool,
    /// Taken, and without effect, as [`destroy_upgrade`](Self::destroy_upgrade).
    #[serde(with = "switchboard_connection::millis")]
    pub destroy_upgrade_timeout: Duration,
    /// Whether a namespace that was made for its first client goes with its last one. Default: yes
    /// (in Node: no, and they pile up).
    pub cleanup_empty_child_namespaces: bool,
    /// Whether a client that was away for a short time finds its rooms, its data and what it missed.
    /// Default: no.
    #[serde(with = "switch::off")]
    pub connection_state_recovery: Option<Recovery>,
    /// How packets are written. Default: [`Parser::Json`].
    pub parser: Parser,

    // Ours: beside Socket.IO's.
    /// The directory of the JavaScript client's files, `node_modules/socket.io-client/dist`.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_dir: Option<PathBuf>,
    /// How long an empty namespace waits for somebody before it goes. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub empty_namespace_grace: Duration,
    /// How long a close waits for a poll that takes the news. Default: 30 s.
    #[serde(with = "switchboard_connection::millis")]
    pub polling_close_timeout: Duration,
    /// How long the middlewares of a namespace may take for one client. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub middleware_timeout: Duration,
    /// How long a client may take to acknowledge when the emit names no time. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub ack_timeout: Duration,
    /// How long the binary parts of an event may take to arrive. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub attachment_timeout: Duration,

    // Ours: who may come in. As in `ListenerConfig`.
    /// Most clients held at once; further ones get 503. Default: what the process may open
    /// (`RLIMIT_NOFILE`) less 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<usize>,
    /// Most clients from one address; further ones get 429. Default: no limit, because behind a
    /// balancer everybody shares one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections_per_address: Option<usize>,
    /// Networks of proxies whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// New clients; beyond it 503. `false` sets no limit. Default: 2,000 a second, burst 10,000.
    #[serde(with = "switch::off")]
    pub connect_rate: Option<Rate>,
    /// What refused clients are told to wait (`Retry-After`). Default: 5 s.
    #[serde(with = "switchboard_connection::millis")]
    pub retry_after: Duration,
    /// How long the application may take to admit a client; beyond it 503. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub admit_timeout: Duration,
    /// Whether clients that send no `Origin` (that is, no browsers) may open WebSockets. Default: yes.
    pub allow_absent_origin: bool,
    /// How long TLS, and a request's head, may take. Default: 5 s.
    #[serde(with = "switchboard_connection::millis")]
    pub handshake_timeout: Duration,
    /// Largest request head in bytes. Default: 16 KiB.
    pub max_head_size: usize,
    /// Most request headers; beyond it 431. Default: 100.
    pub max_headers: usize,
    /// Connections that the kernel completes before they are accepted. Default: 4,096.
    pub backlog: u32,

    /// Whether the log may name clients' addresses, at debug level; what a handler sees is not touched.
    /// Default: it may.
    pub log_addresses: bool,

    // Ours: while a client is here. As in `ConnectionConfig`.
    /// Most bytes waiting to be written to one client. Default: 1 MiB.
    pub outbox_bytes: usize,
    /// Most messages waiting to be written to one client. Default: 1,024.
    pub outbox_messages: usize,
    /// What happens when one of the two is reached. Default: [`SlowConsumer::Close`].
    pub slow_consumer: SlowConsumer,
    /// Longest time a blocked client may take no byte at all. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub write_timeout: Duration,
    /// How long a close may take. Default: 5 s.
    #[serde(with = "switchboard_connection::millis")]
    pub close_grace: Duration,
    /// Incoming messages of one client; `false` sets no limit. Default: 1,000 a second, burst 2,000.
    #[serde(with = "switch::off")]
    pub message_rate: Option<Rate>,
    /// Incoming WebSocket pings and pongs of one client; `false` sets no limit. Default: 10 a second,
    /// burst 20.
    #[serde(with = "switch::off")]
    pub control_rate: Option<Rate>,
    /// What happens when one of the two is exceeded. Default: [`OnRateLimit::Pause`].
    pub on_rate_limit: OnRateLimit,
    /// Most fragments of one WebSocket message. Default: 1,024.
    pub max_fragments: usize,
    /// Most namespaces that one client is in. Default: 16.
    pub max_namespaces_per_connection: usize,
    /// Most rooms of one socket, its own not counted. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rooms_per_socket: Option<usize>,
    /// Most acknowledgements that one socket owes at a time. Default: 1,024.
    pub max_pending_acks: usize,
    /// Bounds of the events that wait for a socket's handler. Default: 1,024 events, 1 MiB.
    pub handler_queue: HandlerQueue,
    /// Events of one socket that are handled at a time; with 1 they are handled in order. Default: 1.
    pub handler_concurrency: usize,
    /// Deepest nesting of a packet's data. Default: 128.
    pub max_depth: usize,
}

impl Default for IoConfig {
    fn default() -> Self {
        let connection = ConnectionConfig::default();
        let listener = ListenerConfig::default();
        Self {
            path: "/socket.io".to_owned(),
            add_trailing_slash: true,
            connect_timeout: Duration::from_secs(45),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            max_http_buffer_size: 1_000_000,
            transports: vec![EngineTransport::Polling, EngineTransport::Websocket],
            allow_upgrades: true,
            per_message_deflate: false,
            http_compression: Some(HttpCompression::default()),
            cookie: None,
            cors: None,
            allow_eio3: false,
            serve_client: None,
            destroy_upgrade: true,
            destroy_upgrade_timeout: Duration::from_secs(1),
            cleanup_empty_child_namespaces: true,
            connection_state_recovery: None,
            parser: Parser::Json,
            client_dir: None,
            empty_namespace_grace: Duration::from_secs(10),
            polling_close_timeout: Duration::from_secs(30),
            middleware_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(10),
            attachment_timeout: Duration::from_secs(10),
            max_connections: listener.max_connections,
            max_connections_per_address: listener.max_connections_per_address,
            trusted_proxies: listener.trusted_proxies,
            connect_rate: listener.connect_rate,
            retry_after: listener.retry_after,
            admit_timeout: listener.admit_timeout,
            allow_absent_origin: listener.allow_absent_origin,
            handshake_timeout: connection.handshake_timeout,
            max_head_size: connection.max_head_size,
            max_headers: listener.max_headers,
            backlog: listener.backlog,
            log_addresses: listener.log_addresses,
            outbox_bytes: connection.outbox_bytes,
            outbox_messages: connection.outbox_messages,
            slow_consumer: connection.slow_consumer,
            write_timeout: connection.write_timeout,
            close_grace: connection.close_grace,
            message_rate: connection.message_rate,
            control_rate: connection.control_rate,
            on_rate_limit: connection.on_rate_limit,
            max_fragments: connection.max_fragments,
            max_namespaces_per_connection: 16,
            max_rooms_per_socket: None,
            max_pending_acks: 1_024,
            handler_queue: HandlerQueue::default(),
            handler_concurrency: 1,
            max_depth: 128,
        }
    }
}

impl IoConfig {
    /// The path as it stands in requests: `/socket.io/`.
    pub fn engine_path(&self) -> String {
        let path = self.path.strip_suffix('/').unwrap_or(&self.path);
        let slash = if self.add_trailing_slash { "/" } else { "" };
        format!("{path}{slash}")
    }

    /// Whether a transport is served.
    pub fn serves(&self, transport: EngineTransport) -> bool {
        self.transports.contains(&transport)
    }

    /// The transports that a new polling client is offered to change to.
    pub fn upgrades(&self) -> &'static [EngineTransport] {
        if self.allow_upgrades && self.serves(EngineTransport::Websocket) {
            &[EngineTransport::Websocket]
        } else {
            &[]
        }
    }

    /// The directory whose files are served to browsers, if any are.
    pub fn served_client_dir(&self) -> Option<&PathBuf> {
        let dir = self.client_dir.as_ref();
        dir.filter(|_| self.serve_client != Some(false))
    }

    /// The settings of the WebSockets.
    ///
    /// Heartbeats are Engine.IO's, so they send no pings of their own and have no idle time.
    pub fn connection_config(&self) -> ConnectionConfig {
        ConnectionConfig::default()
            .with_max_message_size(self.max_http_buffer_size)
            .with_max_frame_size(self.max_http_buffer_size)
            .with_max_fragments(self.max_fragments)
            .with_outbox_bytes(self.outbox_bytes)
            .with_outbox_messages(self.outbox_messages)
            .with_slow_consumer(self.slow_consumer)
            .with_write_timeout(self.write_timeout)
            .with_ping_interval(Duration::ZERO)
            .with_ping_timeout(self.ping_timeout)
            .with_idle_timeout(Duration::ZERO)
            .with_close_grace(self.close_grace)
            .with_message_rate(self.message_rate)
            .with_control_rate(self.control_rate)
            .with_on_rate_limit(self.on_rate_limit)
            .with_handshake_timeout(self.handshake_timeout)
            .with_max_head_size(self.max_head_size)
    }

    /// The settings of a listener for this server alone.
    pub fn listener_config(&self) -> ListenerConfig {
        let (origins, _) = self.allowed_origins();
        ListenerConfig::default()
            .with_path(self.engine_path())
            .with_connection(self.connection_config())
            .with_max_connections(self.max_connections)
            .with_max_connections_per_address(self.max_connections_per_address)
            .with_trusted_proxies(self.trusted_proxies.clone())
            .with_connect_rate(self.connect_rate)
            .with_origins(origins)
            .with_allow_absent_origin(self.allow_absent_origin)
            .with_retry_after(self.retry_after)
            .with_admit_timeout(self.admit_timeout)
            .with_max_headers(self.max_headers)
            .with_backlog(self.backlog)
            .with_log_addresses(self.log_addresses)
    }

    /// Which pages may open WebSockets: the server's own, loopback to loopback, and what
    /// `cors.origin` allows; and whether clients without an origin may.
    pub fn allowed_origins(&self) -> (Vec<String>, bool) {
        let origin = self.cors.as_ref().map(|cors| &cors.origin);
        let origins = match origin {
            None => Vec::new(),
            Some(CorsOrigin::Any | CorsOrigin::Reflect) => vec!["*".to_owned()],
            Some(origin) => origin.listed().to_vec(),
        };
        (origins, self.allow_absent_origin)
    }

    /// The same, as what checks requests.
    pub(crate) fn origins(&self) -> Origins {
        let (origins, absent) = self.allowed_origins();
        Origins::new(&origins, absent)
    }
}
