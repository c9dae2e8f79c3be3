//! A Socket.IO server beside other routes: as a `tower` service or layer, or for one stream alone.

use std::{
    convert::Infallible,
    error::Error,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Buf;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::Either;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    engine::Peer,
    io::io::{Io, IoInner},
    service::Body,
};

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Answers the requests of Socket.IO's path, and 404 to others; from [`Io::service`]. Cheap to clone.
///
/// Any HTTP server will do that gives requests hyper's upgrade, as axum does. Put a [`Peer`] into each
/// request's extensions where the client's address matters.
#[derive(Clone, Debug)]
pub struct IoService(Arc<IoInner>);

/// Takes the requests of Socket.IO's path out of what another service gets; from [`Io::layer`].
#[derive(Clone, Debug)]
pub struct IoLayer(Arc<IoInner>);

/// A service behind an [`IoLayer`].
#[derive(Clone, Debug)]
pub struct IoLayered<S> {
    io: Arc<IoInner>,
    inner: S,
}

impl Io {
    /// A service for Socket.IO's path alone.
    pub fn service(&self) -> IoService {
        IoService(Arc::clone(&self.0))
    }

    /// A layer around other routes.
    ///
    /// ```ignore
    /// let app = axum::Router::new().route("/", get(page)).layer(io.layer());
    /// ```
    pub fn layer(&self) -> IoLayer {
        IoLayer(Arc::clone(&self.0))
    }

    /// Serves HTTP on one stream until it ends: for tests, and for transports of your own. The client's
    /// address is `peer`, if there is one.
    pub async fn serve_connection<S>(&self, stream: S, peer: Option<SocketAddr>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = Arc::clone(&self.0);
        let answer = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            let io = Arc::clone(&io);
            if let Some(address) = peer {
                let secure = false;
                request.extensions_mut().insert(Peer { address, secure });
            }
            async move { Ok::<_, Infallible>(io.answer(request, None).await) }
        });
        let config = &self.0.core.config;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(config.handshake_timeout)
            .max_buf_size(config.max_head_size.max(8192))
            .max_header_size(config.max_head_size)
            .max_headers(config.max_headers);
        let connection = http.serve_connection(TokioIo::new(stream), answer);
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "HTTP ended");
        }
    }
}

impl<B> tower_service::Service<Request<B>> for IoService
where
    B: HttpBody + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let io = Arc::clone(&self.0);
        Box::pin(async move { Ok(io.answer(request, None).await) })
    }
}

impl<S> tower_layer::Layer<S> for IoLayer {
    type Service = IoLayered<S>;

    fn layer(&self, inner: S) -> IoLayered<S> {
        let io = Arc::clone(&self.0);
        IoLayered { io, inner }
    }
}

impl<S, B, R> tower_service::Service<Request<B>> for IoLayered<S>
where
    S: tower_service::Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    B: HttpBody + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Either<Body, R>>;
    type Error = S::Error;
    type Future = Answer<Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.io.owns(request.uri().path()) {
            let io = Arc::clone(&self.io);
            return Box::pin(async move { Ok(io.answer(request, None).await.map(Either::Left)) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(answer.await?.map(Either::Right)) })
    }
}
