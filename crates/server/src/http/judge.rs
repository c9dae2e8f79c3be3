//! What a request asks of an Engine.IO server, or why it is refused.

use http::{HeaderMap, Method, header};

use super::{EngineQuery, RequestError};
use crate::options::{CorsOrigin, EngineTransport, IoConfig};

/// What the configuration says about requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four switches that do not depend on each other"
)]
pub(crate) struct Settings {
    /// Whether HTTP polling is served.
    pub(crate) polling: bool,
    /// Whether WebSockets are served.
    pub(crate) websocket: bool,
    /// Whether a polling session may change to a WebSocket.
    pub(crate) allow_upgrades: bool,
    /// Whether there are cross-origin rules; only then is `OPTIONS` anything special.
    pub(crate) cors: bool,
}

impl From<&IoConfig> for Settings {
    fn from(config: &IoConfig) -> Self {
        let cors = config.cors.as_ref();
        Self {
            polling: config.serves(EngineTransport::Polling),
            websocket: config.serves(EngineTransport::Websocket),
            allow_upgrades: config.allow_upgrades,
            cors: cors.is_some_and(|cors| cors.origin != CorsOrigin::Off),
        }
    }
}

/// What is known of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionView {
    /// The transport it uses now.
    pub(crate) transport: EngineTransport,
    /// Whether a WebSocket is already probing.
    pub(crate) upgrading: bool,
}

/// What a request asks for, when it may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    /// A new session. With [`EngineTransport::Websocket`] the request is an upgrade.
    Open {
        /// Its first transport.
        transport: EngineTransport,
    },
    /// The next messages of a polling session.
    Poll {
        /// The session.
        sid: &'a str,
    },
    /// Messages for a polling session.
    Post {
        /// The session.
        sid: &'a str,
    },
    /// A WebSocket that is to take over a polling session.
    Upgrade {
        /// The session.
        sid: &'a str,
    },
    /// A WebSocket for a session that has one, or that another one is probing. Node answers 101 and
    /// closes the WebSocket at once, which its clients expect; the session goes on.
    SecondUpgrade,
    /// A question about cross-origin rules.
    Options,
    /// Another method with a valid session: 500 without a body.
    Other,
}

/// Judges a request, in the order in which `engine.io` looks at it.
///
/// What the application has to say comes after this, for [`Asked::Open`]. Engine.IO's revision is
/// checked here, so an upgrade of another revision is refused before the protocol is switched.
///
/// # Errors
///
/// The first rule that the request breaks.
pub(crate) fn judge<'a>(
    method: &Method,
    headers: &HeaderMap,
    query: &'a EngineQuery,
    is_upgrade: bool,
    settings: Settings,
    lookup: impl FnOnce(&str) -> Option<SessionView>,
) -> Result<Asked<'a>, RequestError> {
    if settings.cors && method == Method::OPTIONS && !is_upgrade {
        return Ok(Asked::Options);
    }
    let transport = transport(query, settings)?;
    if headers
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| is_invalid(origin.as_bytes()))
    {
        return Err(RequestError::BadRequest);
    }
    match query.sid() {
        Some(sid) => {
            let session = lookup(sid).ok_or(RequestError::UnknownSid)?;
            existing(method, query, sid, transport, is_upgrade, settings, session)
        }
        None => handshake(method, query, transport, is_upgrade),
    }
}

fn transport(query: &EngineQuery, settings: Settings) -> Result<EngineTransport, RequestError> {
    match query.transport() {
        Some("polling") if settings.polling => Ok(EngineTransport::Polling),
        Some("websocket") if settings.websocket => Ok(EngineTransport::Websocket),
        _ => Err(RequestError::UnknownTransport),
    }
}

fn handshake<'a>(
    method: &Method,
    query: &EngineQuery,
    transport: EngineTransport,
    is_upgrade: bool,
) -> Result<Asked<'a>, RequestError> {
    if method != Method::GET {
        return Err(RequestError::BadHandshakeMethod);
    }
    if is_upgrade != (transport == EngineTransport::Websocket) {
        return Err(RequestError::BadRequest);
    }
    if query.revision() != 4 {
        return Err(RequestError::UnsupportedProtocol);
    }
    Ok(Asked::Open { transport })
}

fn existing<'a>(
    method: &Method,
    query: &EngineQuery,
    sid: &'a str,
    transport: EngineTransport,
    is_upgrade: bool,
    settings: Settings,
    session: SessionView,
) -> Result<Asked<'a>, RequestError> {
    if (!is_upgrade && session.transport != transport) || query.revision() != 4 {
        return Err(RequestError::BadRequest);
    }
    if is_upgrade {
        if transport != EngineTransport::Websocket
            || method != Method::GET
            || !settings.allow_upgrades
        {
            return Err(RequestError::BadRequest);
        }
        if session.upgrading || session.transport == EngineTransport::Websocket {
            return Ok(Asked::SecondUpgrade);
        }
        return Ok(Asked::Upgrade { sid });
    }
    match (session.transport, method) {
        (EngineTransport::Websocket, _) => Err(RequestError::BadRequest),
        (_, &Method::GET) => Ok(Asked::Poll { sid }),
        (_, &Method::POST) => Ok(Asked::Post { sid }),
        _ => Ok(Asked::Other),
    }
}

/// Control characters; an HTTP parser that lets them pass is not ours, but may be in front of us.
fn is_invalid(origin: &[u8]) -> bool {
    let control = |&b: &u8| (b < 0x20 && b != b'\t') || b == 0x7f;
    origin.iter().any(control)
}

#[cfg(test)]
mod tests;
