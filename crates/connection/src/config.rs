//! What connections are allowed, and what they do when a peer does not keep up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What happens when a frame finds no room in an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SlowConsumer {
    /// Close with [`Disconnect::SLOW_CONSUMER`](crate::Disconnect::SLOW_CONSUMER): the client
    /// reconnects and starts afresh. What was accepted before is still written, within the grace.
    #[default]
    Close,
    /// Drop the oldest waiting messages. For feeds where only the newest state counts.
    DropOldest,
    /// Drop the new message.
    DropNewest,
    /// Refuse with [`SendError::Full`](crate::SendError::Full); the producer waits if it wants to.
    Wait,
}

/// What happens when a peer sends faster than its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OnRateLimit {
    /// Stop reading until the rate allows more: TCP slows the peer down.
    #[default]
    Pause,
    /// Close with [`Disconnect::RATE_LIMITED`](crate::Disconnect::RATE_LIMITED).
    Close,
}

/// A sustained rate and how far above it a short burst may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// Events a second in the long run; at least 1.
    pub per_second: u32,
    /// Events that may come at once after a quiet time; at least 1.
    pub burst: u32,
}

impl Rate {
    /// `per_second` in the long run, `burst` at once.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// Limits and times of every connection of an [`Endpoint`](crate::Endpoint).
///
/// In JSON and TOML the names are in camel case and times are in milliseconds; unknown names are
/// refused. The reasons behind each default stand in `docs/limits.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// Largest incoming message in bytes, all fragments together; beyond it the peer is closed with
    /// 1009. Default: 1,000,000.
    pub max_message_size: usize,
    /// Largest payload of one incoming frame in bytes; beyond it 1009. Default: 1,000,000.
    pub max_frame_size: usize,
    /// Most fragments of one incoming message; beyond it 1008. Default: 1,024.
    pub max_fragments: usize,
    /// Most bytes waiting to be written to one peer. Default: 1 MiB.
    pub outbox_bytes: usize,
    /// Most messages waiting to be written to one peer. Default: 1,024.
    pub outbox_messages: usize,
    /// What happens when one of the two is reached. Default: [`SlowConsumer::Close`].
    pub slow_consumer: SlowConsumer,
    /// Longest time a blocked peer may take no byte at all before it is cut. Default: 10 s.
    #[serde(with = "crate::millis")]
    pub write_timeout: Duration,
    /// Pause between pings; zero sends none. Default: 25 s.
    #[serde(with = "crate::millis")]
    pub ping_interval: Duration,
    /// How long after a ping nothing at all may arrive before the peer counts as gone. Default: 20 s.
    #[serde(with = "crate::millis")]
    pub ping_timeout: Duration,
    /// Closes a peer from which nothing, not even a pong, came for so long; zero never does.
    /// Default: 120 s.
    #[serde(with = "crate::millis")]
    pub idle_timeout: Duration,
    /// How long a close may take, from [`close`](crate::Connection::close) over flushing to the peer's
    /// answer, before the transport is cut. Default: 5 s.
    #[serde(with = "crate::millis")]
    pub close_grace: Duration,
    /// Incoming messages; `None` sets no limit. Default: 1,000 a second, burst 2,000.
    pub message_rate: Option<Rate>,
    /// Incoming pings and pongs; `None` sets no limit. Default: 10 a second, burst 20.
    pub control_rate: Option<Rate>,
    /// What happens when one of the two is exceeded. Default: [`OnRateLimit::Pause`].
    pub on_rate_limit: OnRateLimit,
    /// How long a handshake may take, accepted or dialled. Default: 5 s.
    #[serde(with = "crate::millis")]
    pub handshake_timeout: Duration,
    /// Largest request or response head of a handshake in bytes. Default: 16 KiB.
    pub max_head_size: usize,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            max_message_size: 1_000_000,
            max_frame_size: 1_000_000,
            max_fragments: 1_024,
            outbox_bytes: 1024 * 1024,
            outbox_messages: 1_024,
            slow_consumer: SlowConsumer::default(),
            write_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(2),
            close_grace: Duration::from_secs(5),
            message_rate: Some(Rate::new(1_000, 2_000)),
            control_rate: Some(Rate::new(10, 20)),
            on_rate_limit: OnRateLimit::default(),
            handshake_timeout: Duration::from_secs(5),
            max_head_size: 16 * 1024,
        }
    }
}

/// A setting with which no connection could work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting's name as in JSON.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
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

impl ConnectionConfig {
    setters! {
        with_max_message_size: max_message_size: usize,
        with_max_frame_size: max_frame_size: usize,
        with_max_fragments: max_fragments: usize,
        with_outbox_bytes: outbox_bytes: usize,
        with_outbox_messages: outbox_messages: usize,
        with_slow_consumer: slow_consumer: SlowConsumer,
        with_write_timeout: write_timeout: Duration,
        with_ping_interval: ping_interval: Duration,
        with_ping_timeout: ping_timeout: Duration,
        with_idle_timeout: idle_timeout: Duration,
        with_close_grace: close_grace: Duration,
        with_message_rate: message_rate: Option<Rate>,
        with_control_rate: control_rate: Option<Rate>,
        with_on_rate_limit: on_rate_limit: OnRateLimit,
        with_handshake_timeout: handshake_timeout: Duration,
        with_max_head_size: max_head_size: usize,
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let zero = |setting| {
            Err(ConfigError {
                setting,
                problem: "must not be zero",
            })
        };
        match self {
            Self {
                max_message_size: 0,
                ..
            } => zero("maxMessageSize"),
            Self {
                max_frame_size: 0, ..
            } => zero("maxFrameSize"),
            Self {
                max_fragments: 0, ..
            } => zero("maxFragments"),
            Self {
                outbox_bytes: 0, ..
            } => zero("outboxBytes"),
            Self {
                outbox_messages: 0, ..
            } => zero("outboxMessages"),
            Self {
                max_head_size: 0, ..
            } => zero("maxHeadSize"),
            Self {
                write_timeout: Duration::ZERO,
                ..
            } => zero("writeTimeout"),
            Self {
                handshake_timeout: Duration::ZERO,
                ..
            } => zero("handshakeTimeout"),
            Self {
                ping_timeout: Duration::ZERO,
                ..
            } => zero("pingTimeout"),
            Self {
                message_rate: Some(Rate { per_second: 0, .. } | Rate { burst: 0, .. }),
                ..
            } => zero("messageRate"),
            Self {
                control_rate: Some(Rate { per_second: 0, .. } | Rate { burst: 0, .. }),
                ..
            } => zero("controlRate"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_camel_case_with_milliseconds() {
        let config: ConnectionConfig =
            serde_json::from_str(r#"{"pingInterval": 2000, "slowConsumer": "dropOldest"}"#)
                .unwrap();
        assert_eq!(config.ping_interval, Duration::from_secs(2));
        assert_eq!(config.slow_consumer, SlowConsumer::DropOldest);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<ConnectionConfig>(&json).unwrap(),
            config
        );
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(serde_json::from_str::<ConnectionConfig>(r#"{"pingIntervall": 1}"#).is_err());
    }

    #[test]
    fn zero_limits_are_refused() {
        let error = ConnectionConfig::default()
            .with_outbox_bytes(0)
            .check()
            .unwrap_err();
        assert_eq!(error.to_string(), "outboxBytes must not be zero");
    }
}
