//! Spans, and the events of a client's life: all that `docs/tracing.md` says of this crate's own.
//!
//! A span is made only where a subscriber wants it: otherwise a future that might be in one is a pointer
//! larger than it was, and that is all.
//!
//! What must never be seen here: Engine.IO's id of a session, the secret of a recovery, a query, a header,
//! what a client sends. Names of events are seen, as is the id of a socket, which other clients see too.

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use pin_project_lite::pin_project;
use switchboard_connection::Connection;
use tracing::{
    Span, debug, debug_span,
    field::{DisplayValue, Empty, display},
    trace,
};

use crate::{
    engine::{Peer, session::Session},
    extract::Rejected,
    io::{
        handler::Running,
        handshake::Handshake,
        incoming::{Incoming, What},
        reason::DisconnectReason,
        socket::SocketCore,
    },
    options::IoConfig,
};

/// Tells sessions apart, without telling anybody how to become one.
static CLIENTS: AtomicU64 = AtomicU64::new(1);

pin_project! {
    /// A future that runs in a span, if there is one.
    pub(crate) struct Traced<F> {
        span: Option<Box<Span>>,
        #[pin]
        future: F,
    }
}

impl<F> Traced<F> {
    pub(crate) fn new(span: Span, future: F) -> Self {
        let span = (!span.is_disabled()).then(|| Box::new(span));
        Self { span, future }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.span.as_deref().map(Span::enter);
        this.future.poll(context)
    }
}

/// An HTTP request. Its path is known, and its query is nobody's business.
pub(crate) fn request<B>(request: &Request<B>, is_upgrade: bool, config: &IoConfig) -> Span {
    debug_span!(
        "request",
        method = %request.method(),
        upgrade = is_upgrade,
        peer = peer(request, config),
        status = Empty,
    )
}

fn peer<B>(request: &Request<B>, config: &IoConfig) -> Option<DisplayValue<SocketAddr>> {
    let peer = request.extensions().get::<Peer>()?;
    config.log_addresses.then(|| display(peer.address))
}

/// It is answered.
pub(crate) fn answered(status: http::StatusCode) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        Span::current().record("status", status.as_u16());
        debug!(status = status.as_u16(), "answered");
    }
}

/// A client's session, for as long as its driver runs. The request that opened it is long answered then.
pub(crate) fn session(session: &Session) -> Span {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return Span::none();
    }
    let handshake = session.handshake();
    debug_span!(
        parent: None,
        "session",
        client = CLIENTS.fetch_add(1, Ordering::Relaxed),
        transport = session.transport(),
        address = address(handshake, &session.io().core.config),
        node = %session.io().core.endpoint.node_id(),
    )
}

/// The client's address, where there is one that may be seen: a transport in memory has none.
fn address(handshake: &Handshake, config: &IoConfig) -> Option<DisplayValue<IpAddr>> {
    let address = handshake.address();
    (config.log_addresses && !address.is_unspecified()).then(|| display(address))
}

/// The middlewares that decide about a CONNECT.
pub(crate) fn entry(socket: &SocketCore) -> Span {
    let address = socket.address();
    debug_span!("entry", socket = %address.id, namespace = %address.namespace)
}

/// One call of a handler, where somebody wants to see it.
#[inline]
pub(crate) fn handler(incoming: &Incoming) -> Option<Span> {
    tracing::enabled!(tracing::Level::DEBUG).then(|| handler_span(incoming))
}

#[cold]
fn handler_span(incoming: &Incoming) -> Span {
    let address = incoming.socket.core().address();
    let (kind, event) = match &incoming.what {
        What::Connect => ("connect", None),
        What::Event { name, .. } => ("event", Some(short(name.as_str()))),
        What::Disconnect(_) => ("disconnect", None),
    };
    debug_span!(
        "handler",
        kind,
        event,
        socket = %address.id,
        namespace = %address.namespace,
    )
}

/// Calls a handler in its span, in which it goes on.
#[cold]
pub(crate) fn call<P>(
    span: Span,
    call: impl FnOnce() -> Result<Result<Running, Rejected>, P>,
) -> Result<Result<Running, Rejected>, P> {
    let called = span.in_scope(call);
    called.map(|taken| taken.map(|running| -> Running { Box::pin(Traced::new(span, running)) }))
}

/// The client chose it, and may have chosen a long one.
fn short(name: &str) -> &str {
    const MOST: usize = 64;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => &name[..end],
        None => name,
    }
}

pub(crate) fn session_opened(session: &Session) {
    debug!(transport = session.transport(), "session opened");
}

pub(crate) fn session_ended(session: &Session, reason: DisconnectReason, lived: Duration) {
    let seconds = lived.as_secs_f64();
    debug!(transport = session.transport(), %reason, seconds, "session ended");
}

pub(crate) fn upgraded(took: Duration) {
    debug!(seconds = took.as_secs_f64(), "upgraded to a WebSocket");
}

pub(crate) fn not_upgraded(took: Duration) {
    debug!(seconds = took.as_secs_f64(), "not upgraded to a WebSocket");
}

pub(crate) fn entered(socket: &SocketCore, recovered: bool) {
    let address = socket.address();
    debug!(socket = %address.id, namespace = %address.namespace, recovered, "socket entered");
}

/// `why` is of a fixed list: what a middleware says is between it and the client.
pub(crate) fn entry_refused(why: &'static str) {
    debug!(why, "socket refused");
}

pub(crate) fn left(socket: &SocketCore, reason: DisconnectReason) {
    let address = socket.address();
    debug!(socket = %address.id, namespace = %address.namespace, %reason, "socket left");
}

pub(crate) fn slow_consumer() {
    debug!("slow consumer");
}

/// A client that posts too fast gets its answer later.
pub(crate) fn rate_pause(pause: Duration) {
    trace!(seconds = pause.as_secs_f64(), "too fast: reading rests");
}

/// What an error says, without the values that serde quotes: those are a client's. What it expected stays.
///
/// ```text
/// invalid type: string "hunter2", expected u32   ->   invalid type: string, expected u32
/// ```
pub(crate) fn redacted(message: &str) -> String {
    const QUOTING: [&str; 4] = [
        "invalid type: ",
        "invalid value: ",
        "unknown variant ",
        "unknown field ",
    ];
    let begin = QUOTING
        .iter()
        .filter_map(|start| Some(message.find(start)? + start.len()))
        .min();
    let Some(begin) = begin else {
        return message.to_owned();
    };
    let (start, rest) = message.split_at(begin);
    // The value may hold any text, this one too: the last place is the true one.
    let expected = rest
        .rfind(", expected")
        .or_else(|| rest.rfind(", there are no"));
    let (value, end) = rest.split_at(expected.unwrap_or(rest.len()));
    // Of `string "…"`, the word.
    let kind = value.split(['"', '`', '\\']).next().unwrap_or_default();
    let kind = if kind.len() < value.len() {
        kind
    } else {
        kept(value)
    };
    format!("{start}{}{end}", kind.trim_end())
}

/// Values without quotes that tell nothing: `null`, `sequence`, `map`.
fn kept(value: &str) -> &str {
    let harmless = value.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    if harmless { value } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_serde_quotes_are_cut_out() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Known {
            #[expect(dead_code, reason = "only what is wrong with it counts")]
            known: Option<u8>,
        }
        #[derive(Debug, serde::Deserialize)]
        enum Colour {
            Red,
        }
        let error = serde_json::from_str::<u32>(r#""secret, expected \"x""#).unwrap_err();
        let text = redacted(&error.to_string());
        assert_eq!(
            text,
            "invalid type: string, expected u32 at line 1 column 22"
        );
        let error = serde_json::from_str::<Known>(r#"{"secret": 1}"#).unwrap_err();
        assert!(error.to_string().contains("secret"));
        assert!(!redacted(&error.to_string()).contains("secret"));
        let error = serde_json::from_str::<Colour>(r#""secret""#).unwrap_err();
        assert!(error.to_string().contains("secret"));
        assert!(!redacted(&error.to_string()).contains("secret"));
        let panic = format!("called `Result::unwrap()` on an `Err` value: {error:?}");
        assert!(panic.contains("secret"));
        assert!(!redacted(&panic).contains("secret"));
        let error = serde_json::from_str::<u8>("4711").unwrap_err();
        assert!(error.to_string().contains("4711"));
        assert!(!redacted(&error.to_string()).contains("4711"));
        assert!(matches!(serde_json::from_str("\"Red\""), Ok(Colour::Red)));
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in [
            "",
            "database is down",
            "missing field `room`",
            "invalid type: null, expected u8",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
