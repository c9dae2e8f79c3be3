//! From an HTTP request to a connection in the pool, or to an answer that says why not.

use std::{convert::Infallible, fmt, future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use http_body_util::Full;
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use switchboard_connection::{
    Address, Connection, Disconnect, Endpoint, Namespace, Transport, WebSocket,
};
use switchboard_pool::{AddError, OnDuplicate, Pool};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use crate::{
    admit::{Admission, Admit, Refusal, UpgradeRequest},
    client_address::client_address,
    config::ListenerConfig,
    engine::Peer,
    gate::{Arrival, Gate, Permit},
    io::io::Io,
    origin::Origins,
    session::{Session, hold_until_ended},
};

/// The body of an answer.
pub type Body = Full<Bytes>;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers requests that are no WebSockets.
pub(crate) type HttpHandler =
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<Response<Body>> + Send + Sync>;

/// Runs the handler of a connection in a task.
pub(crate) type Start = Arc<dyn Fn(WebSocket, switchboard_pool::Membership, Permit) + Send + Sync>;

/// What all connections of a listener share.
pub(crate) struct Service {
    pub(crate) config: ListenerConfig,
    pub(crate) endpoint: Endpoint,
    pub(crate) pool: Pool,
    pub(crate) gate: Arc<Gate>,
    pub(crate) origins: Origins,
    pub(crate) router: matchit::Router<()>,
    pub(crate) admit: Arc<dyn Admit>,
    pub(crate) http: Option<HttpHandler>,
    pub(crate) io: Option<Io>,
    /// Whether transports are encrypted.
    pub(crate) secure: bool,
    pub(crate) start: Start,
    pub(crate) tasks: TaskTracker,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Makes a [`Start`] of a user's handler.
pub(crate) fn starter<H, F>(handler: H, tasks: TaskTracker) -> Start
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |socket, membership, permit| {
        let session = Session::new(handler(socket), membership, permit, tasks.clone());
        tasks.spawn(session);
    })
}

impl Service {
    pub(crate) async fn call(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        arrival: Arc<Arrival>,
    ) -> Result<Response<Body>, Infallible> {
        if let Some(io) = &self.io
            && io.0.owns(request.uri().path())
        {
            let secure = self.secure;
            let address = peer;
            request.extensions_mut().insert(Peer { address, secure });
            return Ok(io.0.answer(request, Some(&arrival)).await);
        }
        let route = self.route(request.uri().path());
        let response = match (route, wants_websocket(&request), &self.http) {
            (Some(namespace), true, _) => {
                match self.upgrade(request, namespace, peer, &arrival).await {
                    Ok(response) => response,
                    Err(refusal) => {
                        self.gate
                            .refused
                            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let peer = self.config.logged(peer);
                        tracing::debug!(peer, code = refusal.code, "refused");
                        refusal_response(&refusal)
                    }
                }
            }
            (_, false, Some(http)) => http(request).await,
            (Some(_), false, None) => {
                let code = "UPGRADE_REQUIRED";
                refusal_response(&Refusal::new(StatusCode::UPGRADE_REQUIRED, code))
            }
            (None, ..) => refusal_response(&Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND")),
        };
        Ok(response)
    }

    /// The namespace segment of a path that is ours; empty where the path has none.
    fn route(&self, path: &str) -> Option<String> {
        let found = self.router.at(path).ok()?;
        Some(found.params.get("namespace").unwrap_or_default().to_owned())
    }

    async fn upgrade(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        segment: String,
        peer: SocketAddr,
        arrival: &Arrival,
    ) -> Result<Response<Body>, Refusal> {
        let upgrade = hyper::upgrade::on(&mut request);
        let handshake = handshake_response(&request)?;
        if !self.origins.allow(request.headers()) {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "FOREIGN_ORIGIN"));
        }
        if self.pool.refuses_newcomers() {
            return Err(self.gate.draining());
        }
        let client = client_address(peer.ip(), request.headers(), &self.config.trusted_proxies);
        let permit = self.gate.enter(client)?;
        arrival.is_permitted();
        let (head, _no_body) = request.into_parts();
        let namespace = percent_encoding::percent_decode_str(&segment)
            .decode_utf8()
            .ok()
            .and_then(|name| Namespace::new(name).ok());
        let asked = UpgradeRequest {
            head: &head,
            namespace,
            peer,
            client,
        };
        let admission = tokio::time::timeout(self.config.admit_timeout, self.admit.admit(&asked))
            .await
            .map_err(|_| self.gate.busy("TIMED_OUT"))??;
        if self.pool.refuses_newcomers() {
            return Err(self.gate.draining());
        }
        if self
            .pool
            .has(&admission.address.namespace, &admission.address.id)
            && self.pool.config().on_duplicate == OnDuplicate::Reject
        {
            return Err(Refusal::new(StatusCode::CONFLICT, "DUPLICATE_ID"));
        }
        let service = Arc::clone(self);
        self.tasks
            .spawn(async move { service.open(upgrade, admission, permit, peer).await });
        Ok(handshake)
    }

    /// Runs when the answer has been sent.
    async fn open(
        self: Arc<Self>,
        upgrade: OnUpgrade,
        admission: Admission,
        permit: Permit,
        peer: SocketAddr,
    ) {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                let peer = self.config.logged(peer);
                tracing::debug!(peer, %error, "lost before the handshake was answered");
                return;
            }
        };
        let socket = websocket_of(&self.endpoint, upgraded, Some(peer), admission.address);
        for keep in admission.metadata {
            keep.0(socket.metadata());
        }
        match self.pool.enter(socket.connection()) {
            Ok(membership) => (self.start)(socket, membership, permit),
            Err(error) => {
                let peer = self.config.logged(peer);
                tracing::debug!(peer, %error, "not taken into the pool");
                socket.close(match error {
                    AddError::Draining => Disconnect::GOING_AWAY,
                    _ => Disconnect::new(1008, "DUPLICATE_ID"),
                });
                hold_until_ended(socket.connection(), permit, &self.tasks);
            }
        }
    }
}

/// The WebSocket on a stream that hyper has upgraded.
pub(crate) fn websocket_of(
    endpoint: &Endpoint,
    upgraded: Upgraded,
    peer: Option<SocketAddr>,
    address: Address,
) -> WebSocket {
    match upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() {
        Ok(tls) => {
            let transport = Transport::stream(tls.io.into_inner(), peer);
            endpoint.accepted(transport, &tls.read_buf, address)
        }
        Err(upgraded) => endpoint.upgraded(upgraded, peer, address),
    }
}

pub(crate) fn wants_websocket<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request
            .headers()
            .get(header::UPGRADE)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Checks the handshake and makes the answer, by tungstenite (RFC 6455 §4.2).
pub(crate) fn handshake_response<B: HttpBody>(
    request: &Request<B>,
) -> Result<Response<Body>, Refusal> {
    use tungstenite::{Error, error::ProtocolError};
    if !request.body().is_end_stream() {
        // The switch would wait for the body, for as long as the peer likes.
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_HANDSHAKE"));
    }
    tungstenite::handshake::server::create_response_with_body(request, Body::default).map_err(
        |error| match error {
            Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
                Refusal::new(StatusCode::UPGRADE_REQUIRED, "WEBSOCKET_VERSION")
            }
            _ => Refusal::new(StatusCode::BAD_REQUEST, "INVALID_HANDSHAKE"),
        },
    )
}

pub(crate) fn refusal_response(refusal: &Refusal) -> Response<Body> {
    let body = format!("{{\"code\":\"{}\"}}", refusal.code);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if refusal.status == StatusCode::UPGRADE_REQUIRED {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    if let Some(wait) = refusal.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}
