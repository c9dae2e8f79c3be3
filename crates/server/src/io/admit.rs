//! Who may have a session at all.

use std::sync::Arc;

use async_trait::async_trait;

use crate::io::{handler::HandlerError, handshake::Handshake};

/// Decides about a client by its handshake, before it has a session (`allowRequest`). Implemented by
/// functions that need no waiting.
///
/// ```
/// # use switchboard_server::{Handshake, HandlerError};
/// fn admit(handshake: &Handshake) -> Result<(), HandlerError> {
///     match handshake.header("x-api-key") {
///         Some("sesame") => Ok(()),
///         _ => Err(HandlerError::new("API key missing")),
///     }
/// }
/// # fn is_hook<H: switchboard_server::AdmitClient>(_: H) {}
/// # is_hook(admit);
/// ```
#[async_trait]
pub trait AdmitClient: Send + Sync + 'static {
    /// Accepts, or refuses with a message for the client. Limits, origin and drain were checked before. Takes
    /// longer than `admitTimeout`: 503. A client that hangs up drops the future.
    async fn admit(&self, handshake: &Handshake) -> Result<(), HandlerError>;
}

#[async_trait]
impl<F> AdmitClient for F
where
    F: Fn(&Handshake) -> Result<(), HandlerError> + Send + Sync + 'static,
{
    async fn admit(&self, handshake: &Handshake) -> Result<(), HandlerError> {
        self(handshake)
    }
}

pub(crate) struct AdmitHook(pub(crate) Arc<dyn AdmitClient>);
