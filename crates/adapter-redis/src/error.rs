//! What can go wrong.

use std::error::Error;

use crate::config::ConfigError;

/// Why an adapter or an emitter could not be made. Nothing was started. That Redis is away is no reason: it is
/// looked for until it is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings cannot work.
    #[error("the settings for redis cannot work")]
    Config(#[from] ConfigError),
    /// A certificate or key cannot be used.
    #[error("a certificate or key for redis cannot be used")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

impl StartError {
    pub(crate) fn tls(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Tls(error.into())
    }

    /// The stable code for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "BAD_CONFIG",
            Self::Tls(_) => "BAD_CERTIFICATE",
        }
    }
}

/// Why Redis did not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// There is no connection now. Nothing was done; a later attempt may succeed.
    #[error("redis is away")]
    Away,
    /// Too much waits to be published. Nothing was done; a later attempt may succeed.
    #[error("the queue to redis is full")]
    Full,
    /// The adapter or emitter is closed. Nothing was done.
    #[error("the way to redis is closed")]
    Closed,
    /// Redis did not answer in time, or the connection broke. Whether it was done is not known.
    #[error("redis did not answer")]
    Unanswered(#[source] Box<dyn Error + Send + Sync>),
    /// Redis refused.
    #[error("redis refused: {0}")]
    Refused(String),
}

impl BusError {
    /// The stable code for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Away => "BUS_AWAY",
            Self::Full => "BUS_FULL",
            Self::Closed => "BUS_CLOSED",
            Self::Unanswered(_) => "BUS_UNANSWERED",
            Self::Refused(_) => "BUS_REFUSED",
        }
    }
}
