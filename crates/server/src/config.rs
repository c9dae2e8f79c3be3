//! What a listener accepts.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use switchboard_connection::{ConnectionConfig, Rate};

/// File descriptors that connections leave to everything else: logs, stores, health checks.
const RESERVED_FILES: u64 = 256;

/// Settings of a [`Listener`](crate::Listener).
///
/// In JSON and TOML the names are in camel case and times in milliseconds; unknown names are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenerConfig {
    /// Where WebSockets are accepted; `{namespace}` stands for one path segment.
    /// Default: `/namespace/{namespace}`.
    pub path: String,
    /// Limits and times of each connection.
    pub connection: ConnectionConfig,
    /// Most connections held at once; further ones get 503. Default: what the process may open
    /// (`RLIMIT_NOFILE`) less 256.
    pub max_connections: Option<usize>,
    /// Most connections from one client address; further ones get 429. Default: no limit, because
    /// behind a balancer everybody shares one. Name the balancer in
    /// [`trusted_proxies`](Self::trusted_proxies) before setting it.
    pub max_connections_per_address: Option<usize>,
    /// Networks of proxies whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// Handshakes; beyond it 503. `None` sets no limit. Default: 2,000 a second, burst 10,000.
    pub connect_rate: Option<Rate>,
    /// Origins that pages may connect from besides the listener's own, like `https://example.com`;
    /// `*` allows all. Default: none.
    pub origins: Vec<String>,
    /// Whether clients that send no `Origin` (that is, no browsers) may connect. Default: yes.
    pub allow_absent_origin: bool,
    /// What refused clients are told to wait (`Retry-After`, in whole seconds). Default: 5 s.
    #[serde(with = "switchboard_connection::millis")]
    pub retry_after: Duration,
    /// How long the admission hook may take; beyond it 503. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub admit_timeout: Duration,
    /// Most request headers of a handshake; beyond it 431. Default: 100.
    pub max_headers: usize,
    /// Connections that the kernel completes before they are accepted. Default: 4,096.
    pub backlog: u32,
    /// Whether the log may name peers' addresses, at debug level. Default: it may.
    pub log_addresses: bool,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            path: "/namespace/{namespace}".to_owned(),
            connection: ConnectionConfig::default(),
            max_connections: None,
            max_connections_per_address: None,
            trusted_proxies: Vec::new(),
            connect_rate: Some(Rate::new(2_000, 10_000)),
            origins: Vec::new(),
            allow_absent_origin: true,
            retry_after: Duration::from_secs(5),
            admit_timeout: Duration::from_secs(10),
            max_headers: 100,
            backlog: 4_096,
            log_addresses: true,
        }
    }
}

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

impl ListenerConfig {
    setters! {
        with_connection: connection: ConnectionConfig,
        with_max_connections: max_connections: Option<usize>,
        with_max_connections_per_address: max_connections_per_address: Option<usize>,
        with_trusted_proxies: trusted_proxies: Vec<IpNet>,
        with_connect_rate: connect_rate: Option<Rate>,
        with_origins: origins: Vec<String>,
        with_allow_absent_origin: allow_absent_origin: bool,
        with_retry_after: retry_after: Duration,
        with_admit_timeout: admit_timeout: Duration,
        with_max_headers: max_headers: usize,
        with_backlog: backlog: u32,
        with_log_addresses: log_addresses: bool,
    }

    /// Sets [`path`](Self::path).
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// An address for the log, if it may be there.
    pub(crate) fn logged(
        &self,
        peer: SocketAddr,
    ) -> Option<tracing::field::DisplayValue<SocketAddr>> {
        self.log_addresses.then(|| tracing::field::display(peer))
    }

    /// The cap that is in force.
    pub(crate) fn connection_cap(&self) -> usize {
        self.max_connections.unwrap_or_else(|| {
            let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
            let files = files.unwrap_or(u64::MAX);
            let cap = files.saturating_sub(RESERVED_FILES).max(files / 2);
            usize::try_from(cap).unwrap_or(usize::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_camel_case_and_strict() {
        let config: ListenerConfig = serde_json::from_str(
            r#"{"path": "/ws", "maxConnections": 1000, "connection": {"pingInterval": 5000},
                "trustedProxies": ["10.0.0.0/8"], "retryAfter": 2000}"#,
        )
        .unwrap();
        assert_eq!(config.connection_cap(), 1_000);
        assert_eq!(config.connection.ping_interval, Duration::from_secs(5));
        assert!(serde_json::from_str::<ListenerConfig>(r#"{"maxConnection": 1}"#).is_err());
    }
}
