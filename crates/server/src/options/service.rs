//! The settings of a packaged WebSocket service, for a server that is configured in its words.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{EngineTransport, IoConfig, IoConfigError, LoadError, switch};

/// Settings of a WebSocket service: fewer words than [`IoConfig`], with defaults of its own.
///
/// Every setting may be left out; unknown ones are refused.
///
/// ```
/// use switchboard_server::ServicePreset;
///
/// let preset = ServicePreset::from_json(r#"{"port": 3001, "ssl": false}"#)?;
/// assert_eq!(preset.port, 3001);
/// let config = preset.into_io_config();
/// assert_eq!(config.ping_timeout.as_secs(), 5);
/// assert_eq!(config.max_connections, Some(1_000));
/// # Ok::<(), switchboard_server::LoadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ServicePreset {
    /// Whether the service is started at all. Default: yes.
    pub enabled: bool,
    /// Whether it tells what it does, whatever [`logger`](Self::logger) says. Default: no.
    pub debug: bool,
    /// Where it is found. Default: `/socket.io`.
    pub path: String,
    /// The port it listens on. Default: 3000.
    pub port: u16,
    /// The transports that are served. Default: WebSocket and polling.
    pub transports: Vec<EngineTransport>,
    /// Pause between pings. Default: 25 s.
    #[serde(with = "switchboard_connection::millis")]
    pub ping_interval: Duration,
    /// How long after a ping nothing at all may arrive. Default: 5 s.
    #[serde(with = "switchboard_connection::millis")]
    pub ping_timeout: Duration,
    /// Most clients held at once. Default: 1,000.
    pub max_connections: usize,
    /// The files of TLS. Default: none, plain TCP.
    #[serde(with = "switch::off")]
    pub ssl: Option<SslConfig>,
    /// Whether the kernel probes quiet TCP connections. Default: yes.
    pub keep_alive: bool,
    /// How operations on the store are repeated.
    pub retry_config: RetryConfig,
    /// What is logged.
    pub logger: LoggerConfig,
}

impl Default for ServicePreset {
    fn default() -> Self {
        Self {
            enabled: true,
            debug: false,
            path: "/socket.io".to_owned(),
            port: 3_000,
            transports: vec![EngineTransport::Websocket, EngineTransport::Polling],
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(5),
            max_connections: 1_000,
            ssl: None,
            keep_alive: true,
            retry_config: RetryConfig::default(),
            logger: LoggerConfig::default(),
        }
    }
}

/// Files of TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SslConfig {
    /// The private key.
    pub key: PathBuf,
    /// The certificate and those above it.
    pub cert: PathBuf,
    /// Who may sign clients' certificates; clients need one then. Default: nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl SslConfig {
    /// A key and a certificate.
    pub fn new(key: impl Into<PathBuf>, cert: impl Into<PathBuf>) -> Self {
        Self {
            key: key.into(),
            cert: cert.into(),
            ca: None,
        }
    }
}

/// How an operation that failed for a moment is repeated: after twice the pause each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryConfig {
    /// Attempts in all, the first one counted. Default: 3.
    pub attempts: u32,
    /// The first pause. Default: 1 s.
    #[serde(with = "switchboard_connection::millis")]
    pub delay: Duration,
    /// The longest pause. Default: 5 s.
    #[serde(with = "switchboard_connection::millis")]
    pub max_delay: Duration,
    /// How long one operation may take, with all its attempts. Default: 10 s.
    #[serde(with = "switchboard_connection::millis")]
    pub timeout: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts: 3,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        }
    }
}

impl RetryConfig {
    /// The pause after attempt `attempt` (from 1) has failed; `None` when it was the last.
    pub fn pause_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        Some(self.delay.saturating_mul(doubled).min(self.max_delay))
    }
}

/// What is logged. This is data: a program hands it to the subscriber of its choice, or with the feature
/// `logging` has `LoggerConfig::install` make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct LoggerConfig {
    /// The least important that is logged. Default: [`LogLevel::Info`].
    pub level: LogLevel,
    /// Whether people read the log, rather than programs. Default: people.
    pub pretty: bool,
}

impl Default for LoggerConfig {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            pretty: true,
        }
    }
}

impl LoggerConfig {
    /// The level, for a subscriber's `with_max_level`.
    pub fn max_level(&self) -> tracing::Level {
        match self.level {
            LogLevel::Error => tracing::Level::ERROR,
            LogLevel::Warn => tracing::Level::WARN,
            LogLevel::Info => tracing::Level::INFO,
            LogLevel::Debug => tracing::Level::DEBUG,
        }
    }

    /// The directive for an environment filter, such as `info`.
    pub fn filter(&self) -> &'static str {
        self.level.as_str()
    }
}

/// How important something must be to be logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may fail soon.
    Warn,
    /// What happens now and then.
    #[default]
    Info,
    /// What happens all the time.
    Debug,
}

impl LogLevel {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl ServicePreset {
    /// Reads JSON, and [checks](Self::check) it.
    ///
    /// # Errors
    ///
    /// [`LoadError`] names what is wrong; an unknown name is one.
    pub fn from_json(text: &str) -> Result<Self, LoadError> {
        let preset: Self = serde_json::from_str(text)?;
        preset.check()?;
        Ok(preset)
    }

    /// Reads TOML, and [checks](Self::check) it.
    ///
    /// # Errors
    ///
    /// [`LoadError`] names what is wrong; an unknown name is one.
    pub fn from_toml(text: &str) -> Result<Self, LoadError> {
        let preset: Self = toml::from_str(text)?;
        preset.check()?;
        Ok(preset)
    }

    /// Refuses what could not work.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong; nothing was started.
    pub fn check(&self) -> Result<(), IoConfigError> {
        let zero = |setting| IoConfigError {
            setting,
            problem: "must not be zero",
        };
        if self.max_connections == 0 {
            return Err(zero("maxConnections"));
        }
        if self.retry_config.attempts == 0 {
            return Err(zero("retryConfig.attempts"));
        }
        if self.retry_config.timeout.is_zero() {
            return Err(zero("retryConfig.timeout"));
        }
        self.clone().into_io_config().check()
    }

    /// What is logged: [`logger`](Self::logger), or everything when [`debug`](Self::debug) is on.
    pub fn logging(&self) -> LoggerConfig {
        let level = if self.debug {
            LogLevel::Debug
        } else {
            self.logger.level
        };
        LoggerConfig {
            level,
            ..self.logger
        }
    }

    /// The same server in Socket.IO's words. What those lack ([`port`](Self::port),
    /// [`ssl`](Self::ssl), [`retry_config`](Self::retry_config), [`logger`](Self::logger),
    /// [`keep_alive`](Self::keep_alive)) is for the program that starts it.
    pub fn into_io_config(self) -> IoConfig {
        IoConfig::default()
            .with_path(self.path)
            .with_transports(self.transports)
            .with_ping_interval(self.ping_interval)
            .with_ping_timeout(self.ping_timeout)
            .with_max_connections(Some(self.max_connections))
    }
}
