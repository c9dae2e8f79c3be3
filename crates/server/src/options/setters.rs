//! `with_…` for every setting.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use switchboard_connection::{OnRateLimit, Rate, SlowConsumer};

use super::{
    CookieConfig, CorsConfig, EngineTransport, HandlerQueue, HttpCompression, IoConfig, Parser,
    Recovery,
};

macro_rules! setters {
    ($($setter:ident: $field:ident: $type:ty),* $(,)?) => {
        $(
            #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
            pub fn $setter(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}

impl IoConfig {
    /// Sets [`path`](Self::path).
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets [`cors`](Self::cors).
    pub fn with_cors(mut self, cors: impl Into<Option<CorsConfig>>) -> Self {
        self.cors = cors.into();
        self
    }

    /// Sets [`cookie`](Self::cookie).
    pub fn with_cookie(mut self, cookie: impl Into<Option<CookieConfig>>) -> Self {
        self.cookie = cookie.into();
        self
    }

    /// Sets [`client_dir`](Self::client_dir).
    pub fn with_client_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.client_dir = Some(dir.into());
        self
    }

    setters! {
        with_add_trailing_slash: add_trailing_slash: bool,
        with_connect_timeout: connect_timeout: Duration,
        with_ping_interval: ping_interval: Duration,
        with_ping_timeout: ping_timeout: Duration,
        with_upgrade_timeout: upgrade_timeout: Duration,
        with_max_http_buffer_size: max_http_buffer_size: usize,
        with_transports: transports: Vec<EngineTransport>,
        with_allow_upgrades: allow_upgrades: bool,
        with_http_compression: http_compression: Option<HttpCompression>,
        with_serve_client: serve_client: Option<bool>,
        with_cleanup_empty_child_namespaces: cleanup_empty_child_namespaces: bool,
        with_connection_state_recovery: connection_state_recovery: Option<Recovery>,
        with_parser: parser: Parser,
        with_empty_namespace_grace: empty_namespace_grace: Duration,
        with_polling_close_timeout: polling_close_timeout: Duration,
        with_middleware_timeout: middleware_timeout: Duration,
        with_ack_timeout: ack_timeout: Duration,
        with_attachment_timeout: attachment_timeout: Duration,
        with_max_connections: max_connections: Option<usize>,
        with_max_connections_per_address: max_connections_per_address: Option<usize>,
        with_trusted_proxies: trusted_proxies: Vec<IpNet>,
        with_connect_rate: connect_rate: Option<Rate>,
        with_retry_after: retry_after: Duration,
        with_admit_timeout: admit_timeout: Duration,
        with_allow_absent_origin: allow_absent_origin: bool,
        with_handshake_timeout: handshake_timeout: Duration,
        with_max_head_size: max_head_size: usize,
        with_max_headers: max_headers: usize,
        with_backlog: backlog: u32,
        with_log_addresses: log_addresses: bool,
        with_outbox_bytes: outbox_bytes: usize,
        with_outbox_messages: outbox_messages: usize,
        with_slow_consumer: slow_consumer: SlowConsumer,
        with_write_timeout: write_timeout: Duration,
        with_close_grace: close_grace: Duration,
        with_message_rate: message_rate: Option<Rate>,
        with_control_rate: control_rate: Option<Rate>,
        with_on_rate_limit: on_rate_limit: OnRateLimit,
        with_max_fragments: max_fragments: usize,
        with_max_namespaces_per_connection: max_namespaces_per_connection: usize,
        with_max_rooms_per_socket: max_rooms_per_socket: Option<usize>,
        with_max_pending_acks: max_pending_acks: usize,
        with_handler_queue: handler_queue: HandlerQueue,
        with_handler_concurrency: handler_concurrency: usize,
        with_max_depth: max_depth: usize,
    }
}
