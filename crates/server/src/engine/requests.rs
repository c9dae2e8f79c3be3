//! What each request of a client does: opens a session, polls, posts, tries a WebSocket.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body as HttpBody;
use hyper::upgrade::OnUpgrade;
use switchboard_connection::{Connection, Disconnect, Frame, WebSocket};
use switchboard_wire::{
    Text,
    engine::{self, Open, Part},
};

use crate::{
    admit::Refusal,
    client_address::client_address,
    engine::{
        body::{self, Unread},
        driver::Driver,
        polling::{Overlap, Polled, Polling, Posted},
        probe::probe,
        session::Session,
    },
    gate::{Arrival, Permit},
    http::{
        Asked, EngineQuery, Jsonp, RequestError, Route, SessionView, Sid, answer, judge, set_cookie,
    },
    io::{handshake::Handshake, io::IoInner, reason::DisconnectReason},
    options::EngineTransport,
    service::{Body, handshake_response, refusal_response, wants_websocket, websocket_of},
    trace::{self, Traced},
};

/// Where a request comes from. Put it into the extensions of requests that reach an
/// [`IoService`](crate::IoService) by another way than our own listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address of the transport.
    pub address: SocketAddr,
    /// Whether it is encrypted.
    pub secure: bool,
}

/// A request without its body.
struct Asking<'a> {
    head: &'a Parts,
    query: &'a EngineQuery,
    peer: Option<Peer>,
    upgrade: Option<OnUpgrade>,
    arrival: Option<&'a Arrival>,
}

/// Why a request was answered with something else than it asked for.
enum Refused {
    /// In the words of Engine.IO.
    Engine(RequestError),
    /// Come back later, or not at all.
    Gate(Refusal),
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Self::Engine(error)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Gate(refusal)
    }
}

impl IoInner {
    /// Whether a path is Socket.IO's.
    pub(crate) fn owns(&self, path: &str) -> bool {
        Route::of(path, &self.path).is_some()
    }

    /// Answers any request.
    pub(crate) fn answer<B>(
        self: &Arc<Self>,
        request: Request<B>,
        arrival: Option<&Arrival>,
    ) -> Traced<impl Future<Output = Response<Body>>>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let is_upgrade = wants_websocket(&request);
        let span = trace::request(&request, is_upgrade, &self.core.config);
        Traced::new(span, self.answer_to(request, is_upgrade, arrival))
    }

    async fn answer_to<B>(
        self: &Arc<Self>,
        mut request: Request<B>,
        is_upgrade: bool,
        arrival: Option<&Arrival>,
    ) -> Response<Body>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut response = match Route::of(request.uri().path(), &self.path) {
            None => refusal_response(&Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND")),
            Some(Route::File(file)) => match &self.files {
                Some(files) => files.serve(file, request.method(), request.headers()).await,
                None => refusal_response(&Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND")),
            },
            Some(Route::Engine) => {
                let upgrade = is_upgrade.then(|| hyper::upgrade::on(&mut request));
                let handshake = if is_upgrade {
                    handshake_response(&request).map(Some)
                } else {
                    Ok(None)
                };
                let (head, body) = request.into_parts();
                let answer = self.engine(&head, body, upgrade, handshake, arrival).await;
                let mut response = answer.unwrap_or_else(|refused| {
                    self.gate.refused.fetch_add(1, Ordering::Relaxed);
                    refused.response(is_upgrade, &self.core.metrics)
                });
                if let Some(cors) = &self.cors {
                    cors.apply(&head.headers, response.headers_mut());
                }
                response
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // The answer to an upgrade has no body to describe.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        trace::answered(response.status());
        response
    }

    async fn engine<B>(
        self: &Arc<Self>,
        head: &Parts,
        body: B,
        upgrade: Option<OnUpgrade>,
        handshake: Result<Option<Response<Body>>, Refusal>,
        arrival: Option<&Arrival>,
    ) -> Result<Response<Body>, Refused>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let query = EngineQuery::parse(head.uri.query())?;
        let is_upgrade = upgrade.is_some();
        let mut found = None;
        let asked = judge(
            &head.method,
            &head.headers,
            &query,
            is_upgrade,
            self.settings,
            |sid| {
                found = Sid::parse(sid).and_then(|sid| self.session(&sid));
                // Whoever still polls is to hear that it is over; all else comes too late.
                let is_over = |session: &Arc<Session>| {
                    let ended = session.ended();
                    ended
                        .is_some_and(|ended| head.method != Method::GET || ended.is_of_the_client())
                };
                found = found.take().filter(|session| !is_over(session));
                found.as_deref().map(view)
            },
        )?;
        let jsonp = query.j().map(Jsonp::new);
        let asking = Asking {
            head,
            query: &query,
            peer: head.extensions.get::<Peer>().copied(),
            upgrade,
            arrival,
        };
        match (asked, found) {
            (Asked::Open { transport }, _) => match (transport, handshake?) {
                (EngineTransport::Websocket, Some(response)) => {
                    self.open_websocket(asking, response).await
                }
                _ => self.open_polling(asking, jsonp.as_ref()).await,
            },
            (Asked::Poll { .. }, Some(session)) => {
                Ok(self.poll(&session, &head.headers, jsonp.as_ref()).await)
            }
            (Asked::Post { .. }, Some(session)) => {
                Ok(self.post(&session, head, body, jsonp.is_some()).await)
            }
            (Asked::Upgrade { .. }, Some(session)) => {
                if !self.origins.allow(&head.headers) {
                    return Err(RequestError::BadRequest.into());
                }
                let response = handshake?.ok_or(RequestError::BadRequest)?;
                self.upgraded(asking, move |websocket| probe(session, websocket));
                Ok(response)
            }
            (Asked::SecondUpgrade, _) => {
                let response = handshake?.ok_or(RequestError::BadRequest)?;
                self.upgraded(asking, |websocket| async move {
                    websocket.close(Disconnect::NO_STATUS);
                });
                Ok(response)
            }
            (Asked::Options, _) => Ok(match &self.cors {
                Some(cors) => cors.preflight(&head.headers),
                None => answer::internal(),
            }),
            _ => Ok(answer::internal()),
        }
    }

    /// Everything that decides whether a newcomer may have a session.
    async fn admit(&self, asking: &Asking<'_>) -> Result<(Handshake, Permit, Sid), Refused> {
        if self.refuses_newcomers() {
            return Err(self.gate.draining().into());
        }
        let peer = asking.peer;
        let trusted = &self.core.config.trusted_proxies;
        let client =
            peer.map(|peer| client_address(peer.address.ip(), &asking.head.headers, trusted));
        let entries: Vec<_> = asking
            .query
            .entries()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let handshake = Handshake::new(
            asking.head,
            &entries,
            peer.map(|peer| peer.address),
            client,
            peer.is_some_and(|peer| peer.secure),
        );
        let permit = self.gate.enter(handshake.address())?;
        if let Some(arrival) = asking.arrival {
            arrival.is_permitted();
        }
        if let Some(hook) = &self.admit {
            let within = self.core.config.admit_timeout;
            tokio::time::timeout(within, hook.0.admit(&handshake))
                .await
                .map_err(|_| self.gate.busy("TIMED_OUT"))?
                .map_err(|error| RequestError::Forbidden(error.message().to_owned().into()))?;
            if self.refuses_newcomers() {
                return Err(self.gate.draining().into());
            }
        }
        let sid = Sid::random().map_err(|_| self.gate.busy("NO_RANDOMNESS"))?;
        Ok((handshake, permit, sid))
    }

    fn greeting(&self, sid: &Sid, upgrades: &[EngineTransport]) -> String {
        let config = &self.core.config;
        let open = Open {
            sid: sid.as_str().to_owned(),
            upgrades: upgrades.iter().map(|t| t.as_str().to_owned()).collect(),
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            max_payload: config.max_http_buffer_size as u64,
        };
        open.encode()
    }

    async fn open_polling(
        self: &Arc<Self>,
        asking: Asking<'_>,
        jsonp: Option<&Jsonp>,
    ) -> Result<Response<Body>, Refused> {
        let (handshake, permit, sid) = self.admit(&asking).await?;
        let greeting = self.greeting(&sid, self.core.config.upgrades());
        let mut response = answer::open_response(greeting, jsonp);
        let cookie = self.core.config.cookie.as_ref();
        if let Some(cookie) = cookie.and_then(|cookie| set_cookie(cookie, &sid)) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        let session = Session::new(Arc::clone(self), sid, handshake, None);
        self.start(session, None, permit);
        Ok(response)
    }

    async fn open_websocket(
        self: &Arc<Self>,
        asking: Asking<'_>,
        response: Response<Body>,
    ) -> Result<Response<Body>, Refused> {
        if !self.origins.allow(&asking.head.headers) {
            return Err(RequestError::BadRequest.into());
        }
        let (handshake, permit, sid) = self.admit(&asking).await?;
        let io = Arc::clone(self);
        self.upgraded(asking, move |websocket| async move {
            if io.refuses_newcomers() {
                websocket.close(Disconnect::GOING_AWAY);
                return;
            }
            let greeting = Frame::text(io.greeting(&sid, &[]));
            // It is the first message, so there is room.
            let _ = websocket.try_send(&greeting, switchboard_connection::Delivery::Policy);
            let handle = Arc::clone(websocket.handle());
            let session = Session::new(Arc::clone(&io), sid, handshake, Some(handle));
            io.start(session, Some(websocket), permit);
        });
        Ok(response)
    }

    /// Runs `then` with the WebSocket when the answer has been sent.
    fn upgraded<F>(
        self: &Arc<Self>,
        asking: Asking<'_>,
        then: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send,
    {
        let Some(upgrade) = asking.upgrade else {
            return;
        };
        let io = Arc::clone(self);
        let peer = asking.peer.map(|peer| peer.address);
        self.tasks.spawn(async move {
            match upgrade.await {
                Ok(upgraded) => {
                    let address = io.transport_address.clone();
                    then(websocket_of(&io.core.endpoint, upgraded, peer, address)).await;
                }
                Err(error) => tracing::debug!(%error, "lost before the handshake was answered"),
            }
        });
    }

    fn start(
        self: &Arc<Self>,
        session: Arc<Session>,
        websocket: Option<WebSocket>,
        permit: Permit,
    ) {
        let span = trace::session(&session);
        span.in_scope(|| {
            trace::session_opened(&session);
            self.remember(&session);
        });
        let driver = Traced::new(span, Driver::new(session, websocket, permit));
        self.core.runtime.spawn(self.tasks.track_future(driver));
    }

    async fn poll(
        &self,
        session: &Arc<Session>,
        headers: &HeaderMap,
        jsonp: Option<&Jsonp>,
    ) -> Response<Body> {
        let Some(polling) = session.polling() else {
            return answer::error_response(&RequestError::BadRequest, false);
        };
        let hung_up = HangUp(session);
        let polled = polling.poll().await;
        match polled {
            Ok(Polled::Packets(body)) => {
                drop(hung_up);
                // A session that has ended waits for its last poll.
                session.driver().wake();
                answer::poll_response(body, headers, jsonp, self.compression)
            }
            Ok(Polled::Aborted) => answer::overlap(),
            Err(Overlap) => {
                session.end(DisconnectReason::TransportError);
                answer::overlap()
            }
        }
    }

    async fn post<B>(
        &self,
        session: &Arc<Session>,
        head: &Parts,
        body: B,
        jsonp: bool,
    ) -> Response<Body>
    where
        B: HttpBody,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(polling) = session.polling() else {
            return answer::error_response(&RequestError::BadRequest, false);
        };
        let kind = head.headers.get(header::CONTENT_TYPE);
        let is_binary = kind.is_some_and(|kind| kind == "application/octet-stream");
        if is_binary || !polling.begin_post() {
            session.end(DisconnectReason::TransportError);
            return answer::overlap();
        }
        let posting = Posting(session);
        let config = &self.core.config;
        // Whatever arrives is a sign of life, as over a WebSocket.
        let wanted = || {
            polling.heard();
            session.ended().is_none()
        };
        let most = config.max_http_buffer_size;
        let bytes = match body::read(body, most, config.ping_timeout, wanted).await {
            Ok(bytes) => bytes,
            Err(Unread::TooLarge) => return answer::too_large(),
            Err(Unread::Stalled) => {
                session.end(DisconnectReason::PingTimeout);
                return answer::too_slow();
            }
            Err(Unread::Cut | Unread::Unwanted) => {
                session.end(DisconnectReason::TransportError);
                return answer::overlap();
            }
        };
        polling.heard();
        let text = String::from_utf8_lossy(&bytes);
        let packets = if jsonp {
            Jsonp::unwrap(&text).unwrap_or_default()
        } else {
            text.into_owned()
        };
        let wait = take_in(session, &packets);
        session.driver().wake();
        polling.all_taken().await;
        if let Some(wait) = wait {
            // Too fast: it waits for the answer before it may post again.
            self.core.metrics.rate_pause();
            trace::rate_pause(wait);
            tokio::time::sleep(wait).await;
        }
        drop(posting);
        answer::post_ok()
    }
}

/// What a session looks like to somebody who asks for it.
fn view(session: &Session) -> SessionView {
    let transport = match session.websocket() {
        Some(_) => EngineTransport::Websocket,
        None => EngineTransport::Polling,
    };
    let polling = session.polling();
    SessionView {
        transport,
        upgrading: polling.is_some_and(Polling::is_probing),
    }
}

/// Hands the packets of a post to the driver; returns how long the client is to be slowed down.
fn take_in(session: &Arc<Session>, packets: &str) -> Option<std::time::Duration> {
    let polling = session.polling()?;
    let mut messages = Vec::new();
    let mut end = None;
    for part in engine::decode_payload(packets) {
        match part {
            Ok(Part::Binary(payload)) => messages.push(Posted::Binary(payload.into())),
            Ok(Part::Packet(engine::Packet::Message(text))) => {
                messages.push(Posted::Text(Text::from(text)));
            }
            Ok(Part::Packet(engine::Packet::Close)) => {
                end = Some(DisconnectReason::TransportClose);
            }
            Ok(Part::Packet(engine::Packet::Ping(_))) => {
                end = Some(DisconnectReason::TransportError);
            }
            Ok(Part::Packet(_)) => {}
            Err(error) => {
                tracing::debug!(%error, "bad packet");
                end = Some(DisconnectReason::ParseError);
            }
        }
        if end.is_some() {
            break;
        }
    }
    if let Some(reason) = end {
        messages.push(Posted::End(reason));
        if reason == DisconnectReason::TransportClose {
            polling.leave();
        }
    }
    polling.post(messages)
}

/// A poll at work; dropped while it waits, the client has hung up.
struct HangUp<'a>(&'a Arc<Session>);

impl Drop for HangUp<'_> {
    fn drop(&mut self) {
        if self.0.polling().is_some_and(Polling::hang_up) {
            self.0.end(DisconnectReason::TransportError);
        }
    }
}

/// A post at work.
struct Posting<'a>(&'a Arc<Session>);

impl Drop for Posting<'_> {
    fn drop(&mut self) {
        if let Some(polling) = self.0.polling() {
            polling.end_post();
        }
    }
}

impl Refused {
    fn response(&self, is_upgrade: bool, metrics: &crate::metrics::Metrics) -> Response<Body> {
        match self {
            Self::Engine(error) => {
                tracing::debug!(code = error.code(), "refused");
                metrics.refused("ENGINE");
                answer::error_response(error, is_upgrade)
            }
            Self::Gate(refusal) => {
                tracing::debug!(code = refusal.code, "refused");
                metrics.refused(refusal.code);
                refusal_response(refusal)
            }
        }
    }
}
