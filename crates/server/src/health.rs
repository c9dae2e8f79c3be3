//! Whether the process lives, whether it wants newcomers, and how much it holds: for a load balancer,
//! Kubernetes, or somebody with `curl`.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;

use crate::{io::io::Io, service::Body};

/// What a server of this node holds now, and has done since it was made; from [`Io::usage`].
///
/// Only numbers: no name of a user, room, namespace or event is ever among them. In JSON the names are in
/// camel case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Usage {
    /// Clients that have a session now.
    pub connections: usize,
    /// The most there may be.
    pub max_connections: usize,
    /// Requests of clients that were refused.
    pub refused: u64,
    /// Clients in namespaces: one that is in two counts twice.
    pub sockets: usize,
    /// Namespaces there are now.
    pub namespaces: usize,
    /// Rooms that have members, in all namespaces; the room that each socket has of its own is not counted.
    pub rooms: usize,
    /// Socket.IO packets that came from clients.
    pub messages_received: u64,
    /// Events that were queued for clients: one for each recipient.
    pub messages_sent: u64,
    /// Handlers that failed or panicked, and packets that broke the protocol.
    pub errors: u64,
}

/// What [`Usage`] knows of the past.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    received: AtomicU64,
    sent: AtomicU64,
    errors: AtomicU64,
}

impl Sums {
    pub(crate) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, count: usize) {
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

impl Io {
    /// What it holds now, and has done. Takes one short lock per namespace.
    ///
    /// ```
    /// # use switchboard_server::{Io, IoConfig};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// assert_eq!(io.usage().connections, 0);
    /// assert_eq!(io.usage().namespaces, 1);
    /// # }
    /// ```
    pub fn usage(&self) -> Usage {
        let core = &self.0.core;
        let names: Vec<_> = self
            .0
            .namespaces
            .iter()
            .map(|it| it.key().clone())
            .collect();
        let rooms = names.iter().map(|name| core.pool.room_count(name));
        let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sums = &core.metrics.sums;
        Usage {
            connections: self.clients(),
            max_connections: self.0.gate.cap(),
            refused: total(&self.0.gate.refused),
            sockets: core.pool.len(),
            rooms: rooms.sum(),
            namespaces: names.len(),
            messages_received: total(&sums.received),
            messages_sent: total(&sums.sent),
            errors: total(&sums.errors),
        }
    }

    /// Answers `GET /live`, `GET /ready` and `GET /usage`; `None` for everything else.
    ///
    /// `/live` is 200 as long as the process answers at all. `/ready` is 503 from the first moment of a drain
    /// or a [`close`](Self::close) on, so that nobody sends newcomers here any more. `/usage` is
    /// [`Usage`] as JSON: numbers without names, but keep it from strangers all the same if they are not to
    /// know how busy you are.
    ///
    /// ```
    /// # use switchboard_server::{Io, IoConfig};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// let answer = io.health(&http::Method::GET, "/ready").unwrap();
    /// assert_eq!(answer.status(), 200);
    /// io.close().await;
    /// let answer = io.health(&http::Method::GET, "/ready").unwrap();
    /// assert_eq!(answer.status(), 503);
    /// assert_eq!(io.health(&http::Method::GET, "/live").unwrap().status(), 200);
    /// assert!(io.health(&http::Method::GET, "/").is_none());
    /// # }
    /// ```
    pub fn health(&self, method: &Method, path: &str) -> Option<Response<Body>> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let (status, body) = match path {
            "/live" => (StatusCode::OK, r#"{"status":"live"}"#.into()),
            "/ready" if self.is_ready() => (StatusCode::OK, r#"{"status":"ready"}"#.into()),
            "/ready" => (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"status":"not ready","code":"DRAINING"}"#.into(),
            ),
            "/usage" => (StatusCode::OK, serde_json::to_string(&self.usage()).ok()?),
            _ => return None,
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        // Of this moment only.
        let fresh = HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, fresh);
        Some(response)
    }
}
