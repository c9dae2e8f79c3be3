//! How a client connects.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use switchboard_server::Io;
use switchboard_wire::ConnectError;
use tokio::io::DuplexStream;

use crate::{
    client::TestClient,
    engine::{Engine, Listener},
    polling,
    raw::RawClient,
    reason::Reason,
    websocket,
};

/// What a client says when it connects; from [`TestClient::builder`].
///
/// ```
/// # use std::time::Duration;
/// # use switchboard_server::{Io, IoConfig, extract::Auth, HandlerError};
/// # use switchboard_testkit::TestClient;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let io = Io::new(IoConfig::default()).unwrap();
/// io.of("/admin").middleware(async |Auth(auth): Auth<serde_json::Value>| {
///     match auth["token"].as_str() {
///         Some("sesame") => Ok(()),
///         _ => Err(HandlerError::new("not authorized")),
///     }
/// });
///
/// let client = TestClient::builder()
///     .namespace("/admin")
///     .auth(&serde_json::json!({"token": "sesame"}))
///     .query("version", "2")
///     .header("user-agent", "test")
///     .connect(&io)
///     .await;
/// assert_eq!(client.namespace(), "/admin");
///
/// let refusal = TestClient::builder().namespace("/admin").refused(&io).await;
/// assert_eq!(refusal.message, "not authorized");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected before `connect`"]
pub struct ClientBuilder {
    settings: Settings,
    namespace: String,
    auth: Option<serde_json::Value>,
}

/// All about a transport, and how patient the client is.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    peer: Option<SocketAddr>,
    buffer: usize,
    polls: bool,
    pub(crate) deadline: Duration,
}

/// Why a client did not get in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The HTTP request was answered with something else than a session.
    #[error("HTTP status {status}: {body}")]
    Http {
        /// The status, such as 503.
        status: u16,
        /// The body, which says more.
        body: String,
    },
    /// The namespace refused the client: `connect_error` of a real one.
    #[error("refused: {}", .0.message)]
    Refused(ConnectError),
    /// The transport ended before the greeting.
    #[error("closed before the greeting, code {code:?}")]
    Closed {
        /// The code of the WebSocket's close frame, if there was one.
        code: Option<u16>,
    },
    /// The transport ended before the namespace answered.
    #[error("disconnected before the namespace answered: {0}")]
    Ended(Reason),
    /// No answer within the deadline.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// What came is no HTTP or no Engine.IO, or the request cannot be made.
    #[error("{0}")]
    Protocol(String),
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            settings: Settings {
                query: Vec::new(),
                headers: Vec::new(),
                peer: None,
                buffer: 64 * 1024,
                polls: false,
                deadline: Duration::from_secs(5),
            },
            namespace: "/".to_owned(),
            auth: None,
        }
    }
}

impl ClientBuilder {
    /// The namespace to enter first. Default: `/`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// What is sent to enter it; must serialise as an object.
    ///
    /// # Panics
    ///
    /// When it cannot be written as JSON.
    #[track_caller]
    pub fn auth<T: Serialize + ?Sized>(mut self, auth: &T) -> Self {
        match serde_json::to_value(auth) {
            Ok(auth) => self.auth = Some(auth),
            Err(error) => panic!("auth cannot be written: {error}"),
        }
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.query.push((name.into(), value.into()));
        self
    }

    /// Adds a header to each request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.headers.push((name.into(), value.into()));
        self
    }

    /// Where the server believes the client to be. Default: nowhere, which is `0.0.0.0`.
    pub fn peer(mut self, peer: SocketAddr) -> Self {
        self.settings.peer = Some(peer);
        self
    }

    /// Uses HTTP long-polling instead of a WebSocket, until it is told to
    /// [change](TestClient::upgrade).
    pub fn polling(mut self) -> Self {
        self.settings.polls = true;
        self
    }

    /// How many bytes lie in the pipe before its writer waits. Default: 64 KiB. A small one makes a client
    /// that [stops reading](TestClient::stop_reading) a slow consumer soon.
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.settings.buffer = bytes;
        self
    }

    /// How long each `expect…`, and each answer, may take. Default: 5 s of tokio's time.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Connects and enters the namespace.
    ///
    /// # Panics
    ///
    /// When the client does not get in.
    #[track_caller]
    pub fn connect(self, io: &Io) -> impl Future<Output = TestClient> + Send {
        let at = std::panic::Location::caller();
        let io = io.clone();
        async move {
            let namespace = self.namespace.clone();
            match self.try_connect(&io).await {
                Ok(client) => client,
                Err(failure) => panic!("{at}: not in `{namespace}`: {failure}"),
            }
        }
    }

    /// The same, for a client that may not get in.
    pub async fn try_connect(self, io: &Io) -> Result<TestClient, ConnectFailure> {
        let deadline = self.settings.deadline;
        let connecting = TestClient::open(io, self.settings, self.namespace, self.auth);
        let connected = tokio::time::timeout(deadline, connecting).await;
        connected.unwrap_or(Err(ConnectFailure::TimedOut(deadline)))
    }

    /// Connects and expects the namespace to refuse the client (`connect_error`).
    ///
    /// # Panics
    ///
    /// When the client gets in, or fails in another way.
    #[track_caller]
    pub fn refused(self, io: &Io) -> impl Future<Output = ConnectError> + Send {
        let at = std::panic::Location::caller();
        let io = io.clone();
        async move {
            match self.try_connect(&io).await {
                Err(ConnectFailure::Refused(error)) => error,
                Err(failure) => panic!("{at}: expected a refusal, but: {failure}"),
                Ok(client) => panic!("{at}: expected a refusal, but {client} is in"),
            }
        }
    }

    /// Opens a session and enters nothing; auth and namespace are not used.
    ///
    /// # Panics
    ///
    /// When there is no session to be had.
    #[track_caller]
    pub fn open(self, io: &Io) -> impl Future<Output = RawClient> + Send {
        let at = std::panic::Location::caller();
        let io = io.clone();
        async move {
            let deadline = self.settings.deadline;
            let opening = RawClient::open(&io, &self.settings);
            match tokio::time::timeout(deadline, opening).await {
                Ok(Ok(client)) => client,
                Ok(Err(failure)) => panic!("{at}: no session: {failure}"),
                Err(tokio::time::error::Elapsed { .. }) => {
                    panic!("{at}: no session within {deadline:?}")
                }
            }
        }
    }
}

impl Settings {
    pub(crate) async fn open(&self, io: &Io, listener: Listener) -> Result<Engine, ConnectFailure> {
        if self.polls {
            polling::open(io, self, listener).await
        } else {
            websocket::open(io, self, listener).await
        }
    }

    /// A pipe whose other end the server serves.
    pub(crate) fn pipe(&self, io: &Io) -> DuplexStream {
        let (client, server) = tokio::io::duplex(self.buffer);
        let (io, peer) = (io.clone(), self.peer);
        tokio::spawn(async move { io.serve_connection(server, peer).await });
        client
    }

    pub(crate) fn request(
        &self,
        io: &Io,
        scheme: &str,
        transport: &str,
        sid: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, ConnectFailure> {
        let path = io.config().engine_path();
        let mut url = format!("{scheme}://localhost{path}?EIO=4&transport={transport}");
        let sid = sid.map(|sid| ("sid", sid));
        let own = self.query.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        for (name, value) in own.chain(sid) {
            let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
            url.extend([
                "&",
                &encode(name).to_string(),
                "=",
                &encode(value).to_string(),
            ]);
        }
        let mut request = Request::get(url).header("host", "localhost");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::default());
        request.map_err(|error| ConnectFailure::Protocol(error.to_string()))
    }
}
