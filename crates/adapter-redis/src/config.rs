//! Where Redis is, and how a node behaves towards it.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer};
use switchboard_connection::millis;

/// The settings of a [`RedisAdapter`](crate::RedisAdapter) or an [`Emitter`](crate::Emitter).
///
/// In JSON and TOML the names are in camel case and times are in milliseconds; unknown names are refused.
/// `key`, `requestsTimeout` and `publishOnSpecificResponseChannel` are those of Node's
/// `@socket.io/redis-adapter` and must be the same on all nodes, of whatever make.
///
/// ```
/// # use switchboard_adapter_redis::RedisConfig;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config: RedisConfig = serde_json::from_str(
///     r#"{"url": "redis://:secret@127.0.0.1:6379", "key": "chat", "requestsTimeout": 2000}"#,
/// )?;
/// assert_eq!(config.requests_timeout.as_secs(), 2);
/// assert!(!format!("{config:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisConfig {
    /// `redis://[user][:password@]host[:port][/db]`, `rediss://…` for TLS, or `unix:///path`. One for a single
    /// server; any number of Sentinels or of nodes of a Redis Cluster, which take their turn until one
    /// answers. Default: `redis://127.0.0.1:6379`.
    #[serde(deserialize_with = "one_or_many")]
    pub url: Vec<RedisUrl>,
    /// What stands there. Default: [`Topology::Single`].
    pub topology: Topology,
    /// The beginning of all channels' names. Default: `socket.io`.
    pub key: String,
    /// How long a question to the other nodes waits for answers. Default: 5 s.
    #[serde(with = "millis")]
    pub requests_timeout: Duration,
    /// Answers go to the asking node alone, not to all. Nodes of both settings understand each other.
    /// Default: false, as Node's.
    pub publish_on_specific_response_channel: bool,
    /// Certificates for `rediss://`. Default: the system's roots.
    pub tls: TlsFiles,
    /// Whether TCP sends small writes at once. Default: true.
    pub tcp_nodelay: bool,
    /// How long connecting may take, with TLS and login. Default: 3 s.
    #[serde(with = "millis")]
    pub connect_timeout: Duration,
    /// How long Redis may take to answer one command before the connection is given up. Default: 1 s.
    #[serde(with = "millis")]
    pub response_timeout: Duration,
    /// How often a probe goes through Redis and must come back; after three that did not, the subscription is
    /// made anew. Default: 1 s.
    #[serde(with = "millis")]
    pub probe_interval: Duration,
    /// How often nodes of ours tell each other that they are there. Default: 5 s.
    #[serde(with = "millis")]
    pub heartbeat_interval: Duration,
    /// How long a node of ours is not heard of before it counts as gone. Default: 10 s.
    #[serde(with = "millis")]
    pub heartbeat_timeout: Duration,
    /// The pause before the second attempt to connect; it doubles, with a random part, for ever up to
    /// `reconnect_max_delay`. Default: 50 ms.
    #[serde(with = "millis")]
    pub reconnect_min_delay: Duration,
    /// The longest pause between attempts to connect. Default: 2 s.
    #[serde(with = "millis")]
    pub reconnect_max_delay: Duration,
    /// Most messages that wait to be published; beyond it new ones are dropped and counted. Default: 65,536.
    pub queue_messages: usize,
    /// Most bytes that wait to be published. Default: 32 MiB.
    pub queue_bytes: usize,
    /// The largest message taken from Redis, in bytes; larger ones are skipped and counted. Default: 16 MiB.
    pub max_message_size: usize,
    /// Most questions of other nodes that are worked on at once; beyond it they are not answered, and counted.
    /// Default: 1,024.
    pub max_requests: usize,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: vec![RedisUrl("redis://127.0.0.1:6379".to_owned())],
            topology: Topology::Single,
            key: "socket.io".to_owned(),
            requests_timeout: Duration::from_secs(5),
            publish_on_specific_response_channel: false,
            tls: TlsFiles::default(),
            tcp_nodelay: true,
            connect_timeout: Duration::from_secs(3),
            response_timeout: Duration::from_secs(1),
            probe_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(5),
            heartbeat_timeout: Duration::from_secs(10),
            reconnect_min_delay: Duration::from_millis(50),
            reconnect_max_delay: Duration::from_secs(2),
            queue_messages: 65_536,
            queue_bytes: 32 * 1024 * 1024,
            max_message_size: 16 * 1024 * 1024,
            max_requests: 1_024,
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

impl RedisConfig {
    /// The default settings for the server at `url`.
    pub fn new(url: impl Into<RedisUrl>) -> Self {
        Self::default().with_url([url])
    }

    /// Sets [`url`](Self::url).
    pub fn with_url(mut self, urls: impl IntoIterator<Item = impl Into<RedisUrl>>) -> Self {
        self.url = urls.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`key`](Self::key).
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    setters! {
        with_topology: topology: Topology,
        with_requests_timeout: requests_timeout: Duration,
        with_publish_on_specific_response_channel: publish_on_specific_response_channel: bool,
        with_tls: tls: TlsFiles,
        with_tcp_nodelay: tcp_nodelay: bool,
        with_connect_timeout: connect_timeout: Duration,
        with_response_timeout: response_timeout: Duration,
        with_probe_interval: probe_interval: Duration,
        with_heartbeat_interval: heartbeat_interval: Duration,
        with_heartbeat_timeout: heartbeat_timeout: Duration,
        with_reconnect_min_delay: reconnect_min_delay: Duration,
        with_reconnect_max_delay: reconnect_max_delay: Duration,
        with_queue_messages: queue_messages: usize,
        with_queue_bytes: queue_bytes: usize,
        with_max_message_size: max_message_size: usize,
        with_max_requests: max_requests: usize,
    }

    /// Whether something could work with these settings.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |setting, problem| Err(ConfigError { setting, problem });
        match self.url.len() {
            0 => return wrong("url", "is missing"),
            1 => {}
            _ if self.topology == Topology::Single => {
                return wrong("url", "names several servers where topology is single");
            }
            _ => {}
        }
        if self.key.is_empty() || self.key.contains('#') {
            return wrong("key", "must be a text without #");
        }
        for (setting, time) in [
            ("requestsTimeout", self.requests_timeout),
            ("connectTimeout", self.connect_timeout),
            ("responseTimeout", self.response_timeout),
            ("probeInterval", self.probe_interval),
            ("heartbeatInterval", self.heartbeat_interval),
            ("reconnectMinDelay", self.reconnect_min_delay),
        ] {
            if time.is_zero() {
                return wrong(setting, "must not be 0");
            }
        }
        if self.heartbeat_timeout < self.heartbeat_interval {
            return wrong("heartbeatTimeout", "is below heartbeatInterval");
        }
        if self.reconnect_max_delay < self.reconnect_min_delay {
            return wrong("reconnectMaxDelay", "is below reconnectMinDelay");
        }
        for (setting, bound) in [
            ("queueMessages", self.queue_messages),
            ("queueBytes", self.queue_bytes),
            ("maxMessageSize", self.max_message_size),
            ("maxRequests", self.max_requests),
        ] {
            if bound == 0 {
                return wrong(setting, "must not be 0");
            }
        }
        Ok(())
    }
}

/// What stands at the addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Topology {
    /// One server, or one name behind which the right one is found.
    #[default]
    Single,
    /// Sentinels, who know where the master is. It speaks the scheme and has the login of the first address.
    #[serde(rename_all = "camelCase")]
    Sentinel {
        /// The name under which they watch it.
        master: String,
        /// Their own password, if they have one.
        #[serde(default)]
        sentinel_password: Option<Secret>,
    },
    /// Nodes of a Redis Cluster.
    Cluster,
}

/// Where certificates are, as files in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The roots to trust. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate with which this node shows who it is.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

/// An address, perhaps with a password: it is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct RedisUrl(pub(crate) String);

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match (self.0.split_once("://"), self.0.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://<redacted>@{host}"),
            _ => self.0.clone(),
        };
        f.write_str(&shown)
    }
}

impl<T: Into<String>> From<T> for RedisUrl {
    fn from(url: T) -> Self {
        Self(url.into())
    }
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// A setting with which nothing could work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting's name as in JSON.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RedisUrl>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Urls {
        One(RedisUrl),
        Many(Vec<RedisUrl>),
    }
    Ok(match Urls::deserialize(deserializer)? {
        Urls::One(url) => vec![url],
        Urls::Many(urls) => urls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_node_users_write_them() {
        let config: RedisConfig = serde_json::from_value(serde_json::json!({
            "url": ["rediss://me:pa@ss@a:1", "rediss://b:2"],
            "topology": {"sentinel": {"master": "mymaster", "sentinelPassword": "hidden"}},
            "key": "k",
            "requestsTimeout": 250,
            "publishOnSpecificResponseChannel": true,
            "tls": {"caFile": "/ca.pem"},
        }))
        .unwrap();
        assert_eq!(config.requests_timeout, Duration::from_millis(250));
        assert!(config.publish_on_specific_response_channel);
        config.check().unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("rediss://<redacted>@a:1") && shown.contains("rediss://b:2"));
        assert!(
            !shown.contains("pa@ss") && !shown.contains("hidden"),
            "{shown}"
        );
        assert_eq!(RedisConfig::default(), serde_json::from_str("{}").unwrap());
    }

    #[test]
    fn a_typo_and_what_cannot_work_are_refused() {
        assert!(serde_json::from_str::<RedisConfig>(r#"{"requestTimeout": 1}"#).is_err());
        assert!(serde_json::from_str::<RedisConfig>(r#"{"tls": {"ca": "x"}}"#).is_err());
        let default = RedisConfig::default;
        for (config, setting) in [
            (default().with_url([] as [&str; 0]), "url"),
            (default().with_url(["redis://a", "redis://b"]), "url"),
            (default().with_key("a#b"), "key"),
            (default().with_key(""), "key"),
            (
                default().with_requests_timeout(Duration::ZERO),
                "requestsTimeout",
            ),
            (default().with_queue_bytes(0), "queueBytes"),
            (
                default().with_reconnect_max_delay(Duration::ZERO),
                "reconnectMaxDelay",
            ),
        ] {
            assert_eq!(config.check().unwrap_err().setting, setting);
        }
        default().check().unwrap();
    }
}
