//! Accepts transports and hands them to HTTP.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use switchboard_connection::{ConfigError, Connection, Disconnect, Endpoint, WebSocket};
use switchboard_pool::Pool;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admit::{Admit, AdmitByPath},
    config::ListenerConfig,
    gate::{Arrival, Gate},
    io::io::Io,
    metrics::Totals,
    origin::Origins,
    server::Server,
    service::{Body, HttpHandler, Service, starter},
};

/// How long accepting rests when the process has no file descriptors left; doubled up to
/// [`ACCEPT_REST_MAX`] while that lasts.
const ACCEPT_REST: Duration = Duration::from_millis(20);
const ACCEPT_REST_MAX: Duration = Duration::from_millis(500);

/// Why a listener could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// A setting cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The path is not a pattern.
    #[error("path is not a usable pattern: {0}")]
    Path(String),
    /// The address cannot be listened on.
    #[error("cannot listen")]
    Io(#[from] io::Error),
}

/// A bound socket that does not accept yet: tell it what to do, then [`serve`](Self::serve).
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    endpoint: Endpoint,
    pool: Pool,
    config: ListenerConfig,
    router: matchit::Router<()>,
    admit: AdmitHook,
    http: HttpHook,
    io: Option<Io>,
}

struct AdmitHook(Arc<dyn Admit>);

impl std::fmt::Debug for AdmitHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdmitHook")
    }
}

struct HttpHook(Option<HttpHandler>);

impl std::fmt::Debug for HttpHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HttpHook").field(&self.0.is_some()).finish()
    }
}

impl Listener {
    /// Binds the first of `addresses` that can be bound.
    pub async fn bind(
        addresses: impl ToSocketAddrs,
        config: ListenerConfig,
    ) -> Result<Self, BindError> {
        let mut router = matchit::Router::new();
        router
            .insert(&config.path, ())
            .map_err(|error| BindError::Path(error.to_string()))?;
        let endpoint = Endpoint::new(config.connection.clone())?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(addresses).await? {
            match listen(address, config.backlog) {
                Ok(tcp) => {
                    return Ok(Self {
                        tcp,
                        tls: None,
                        endpoint,
                        pool: Pool::default(),
                        config,
                        router,
                        admit: AdmitHook(Arc::new(AdmitByPath)),
                        http: HttpHook(None),
                        io: None,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    /// Speaks TLS.
    pub fn with_tls(mut self, tls: Arc<rustls::ServerConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Puts connections into `pool` instead of a pool of its own.
    pub fn with_pool(mut self, pool: Pool) -> Self {
        self.pool = pool;
        self
    }

    /// Decides who may enter and where; default: [`AdmitByPath`].
    pub fn with_admit(mut self, admit: impl Admit) -> Self {
        self.admit = AdmitHook(Arc::new(admit));
        self
    }

    /// Answers all requests that do not ask for a WebSocket, such as a page's. Default: 404.
    pub fn with_http<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        self.http = HttpHook(Some(Arc::new(move |request| Box::pin(handler(request)))));
        self
    }

    /// Serves Socket.IO under its path, beside all else.
    ///
    /// What `io` admits counts for the limits of `io`; transports without a session count here.
    pub fn with_io(mut self, io: Io) -> Self {
        self.io = Some(io);
        self
    }

    /// The address that is bound, with the port that was chosen.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Makes further connections that share limits and clock, and names this node.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The pool that connections enter.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Begins to accept, for a listener that serves no raw WebSockets: those are closed with 1008.
    pub fn serve_io(self) -> io::Result<Server> {
        self.serve(|socket| async move {
            socket.close(Disconnect::POLICY);
        })
    }

    /// Begins to accept. Each connection is in the pool before `handler` gets it and until `handler`
    /// returns; each poll of the handler is one turn, see [`Cork`](switchboard_connection::Cork).
    ///
    /// A handler that panics ends only its own connection, with 1011.
    pub fn serve<H, F>(self, handler: H) -> io::Result<Server>
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = TaskTracker::new();
        let local = self.tcp.local_addr()?;
        let service = Arc::new(Service {
            gate: Arc::new(Gate::new(&self.config)),
            origins: Origins::new(&self.config.origins, self.config.allow_absent_origin),
            router: self.router,
            admit: self.admit.0,
            http: self.http.0,
            io: self.io,
            secure: self.tls.is_some(),
            start: starter(handler, tasks.clone()),
            tasks,
            endpoint: self.endpoint,
            pool: self.pool,
            config: self.config,
        });
        Totals::follow(Arc::downgrade(&service), service.endpoint.clone());
        let stop = CancellationToken::new();
        let tls = self.tls.map(TlsAcceptor::from);
        let accept = accept(self.tcp, tls, Arc::clone(&service), stop.clone());
        Ok(Server::new(service, local, stop, tokio::spawn(accept)))
    }
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

async fn accept(
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    stop: CancellationToken,
) {
    let mut rest = ACCEPT_REST;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = tcp.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                rest = ACCEPT_REST;
                let Some(arrival) = service.gate.arrive() else {
                    let peer = service.config.logged(peer);
                    tracing::debug!(peer, "no room even to refuse");
                    continue;
                };
                let (service, tls, stop) = (Arc::clone(&service), tls.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = greet(stream, peer, tls, service, arrival) => {}
                    }
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // No file descriptors, or no memory: others must give some back first.
                tracing::warn!(%error, "cannot accept, resting");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(rest) => {}
                }
                rest = (rest * 2).min(ACCEPT_REST_MAX);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
    arrival: Arrival,
) {
    let Some(tls) = tls else {
        // An upgraded stream gets TCP_NODELAY; an answer before that is one write.
        return serve_http(stream, peer, service, arrival).await;
    };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match timeout(
        service.config.connection.handshake_timeout,
        tls.accept(stream),
    )
    .await
    {
        Ok(Ok(stream)) => serve_http(stream, peer, service, arrival).await,
        Ok(Err(error)) => {
            let peer = service.config.logged(peer);
            tracing::debug!(peer, %error, "TLS handshake failed");
        }
        Err(_) => {
            let peer = service.config.logged(peer);
            tracing::debug!(peer, "TLS handshake took too long");
        }
    }
}

async fn serve_http<S>(stream: S, peer: SocketAddr, service: Arc<Service>, arrival: Arrival)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = &service.config.connection;
    let logged = service.config.logged(peer);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_timeout)
        .max_buf_size(limits.max_head_size.max(8192))
        .max_header_size(limits.max_head_size)
        .max_headers(service.config.max_headers);
    let arrival = Arc::new(arrival);
    let answer =
        service_fn(move |request| Arc::clone(&service).call(request, peer, Arc::clone(&arrival)));
    let connection = http
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(peer = logged, %error, "HTTP ended");
    }
}
