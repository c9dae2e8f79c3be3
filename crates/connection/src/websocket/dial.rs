//! Dialled connections.

use std::io;
#[cfg(feature = "tls")]
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response};
use tokio::{net::TcpStream, time::timeout_at};
use tungstenite::{
    client::IntoClientRequest,
    handshake::{HandshakeError, client::ClientHandshake},
};

use super::{Endpoint, WebSocket, decoder::Role, handshake::read_head, link::Transport};
use crate::address::{Address, ConnectionId, NameError, Namespace};

/// Why dialling failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The URL or a header is not usable.
    #[error("not a usable WebSocket URL or header: {0}")]
    InvalidRequest(String),
    /// `wss://` needs the feature `tls` and, unless given, a TLS configuration.
    #[error("TLS is not available: {0}")]
    Tls(String),
    /// The server answered, but not with an upgrade.
    #[error("server answered with HTTP status {}", .0.status())]
    Refused(Box<Response<()>>),
    /// The server's answer breaks RFC 6455, or is too large.
    #[error("server's handshake is not valid: {0}")]
    Protocol(String),
    /// It took longer than the configured handshake time.
    #[error("dialling took too long")]
    TimedOut,
    /// The transport failed.
    #[error("transport failed while dialling")]
    Io(#[from] io::Error),
}

/// A connection about to be dialled; see [`Endpoint::dial`].
#[derive(Debug)]
pub struct Dialer {
    endpoint: Endpoint,
    url: String,
    headers: Vec<(String, String)>,
    address: Option<Address>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Endpoint {
    /// Prepares to dial `ws://` or, with the feature `tls`, `wss://`.
    ///
    /// ```no_run
    /// # use switchboard_connection::{ConnectionExt, Endpoint};
    /// # async fn dial(endpoint: Endpoint) -> Result<(), Box<dyn std::error::Error>> {
    /// let socket = endpoint.dial("ws://localhost:8080/namespace/default").connect().await?;
    /// socket.send("Hello world!").await?;
    /// # Ok(()) }
    /// ```
    pub fn dial(&self, url: impl Into<String>) -> Dialer {
        Dialer {
            endpoint: self.clone(),
            url: url.into(),
            headers: Vec::new(),
            address: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Dialer {
    /// Adds a request header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Where the connection is found here. Default: a random id in the namespace `dialled`.
    pub fn address(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }

    /// The TLS configuration for `wss://`: trusted roots, client certificates.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Dials. Dropping the future abandons it.
    pub async fn connect(self) -> Result<WebSocket, DialError> {
        let deadline = tokio::time::Instant::now() + self.endpoint.config().handshake_timeout;
        timeout_at(deadline, self.connect_unbounded())
            .await
            .map_err(|_| DialError::TimedOut)?
    }

    async fn connect_unbounded(self) -> Result<WebSocket, DialError> {
        let request = self.request()?;
        let address = self.address.clone().map_or_else(default_address, Ok);
        let address = address.map_err(|error| DialError::InvalidRequest(error.to_string()))?;
        let mut transport = self.transport(&request).await?;
        let max = self.endpoint.config().max_head_size;
        let leftover = shake_hands(&mut transport, request, max).await?;
        Ok(self
            .endpoint
            .open(transport, &leftover, address, Role::Client))
    }

    fn request(&self) -> Result<Request<()>, DialError> {
        let invalid = |error: &dyn std::fmt::Display| DialError::InvalidRequest(error.to_string());
        let mut request = self
            .url
            .as_str()
            .into_client_request()
            .map_err(|e| invalid(&e))?;
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| invalid(&e))?;
            let value = HeaderValue::from_str(value).map_err(|e| invalid(&e))?;
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }

    async fn transport(&self, request: &Request<()>) -> Result<Transport, DialError> {
        let uri = request.uri();
        let host = uri
            .host()
            .ok_or_else(|| DialError::InvalidRequest("URL has no host".into()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            // Above all not `https` without TLS.
            _ => return Err(DialError::InvalidRequest("URL is not ws or wss".into())),
        };
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let tcp = TcpStream::connect((host, port)).await?;
        if tls {
            self.encrypt(host, tcp).await
        } else {
            Ok(tcp.into())
        }
    }

    #[cfg(feature = "tls")]
    async fn encrypt(&self, host: &str, tcp: TcpStream) -> Result<Transport, DialError> {
        let tls_error = |error: &dyn std::fmt::Display| DialError::Tls(error.to_string());
        let config = self
            .tls
            .clone()
            .ok_or_else(|| DialError::Tls("give a rustls::ClientConfig with Dialer::tls".into()))?;
        let peer = tcp.peer_addr().ok();
        tcp.set_nodelay(true)?;
        let name = rustls_pki_types::ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| tls_error(&error))?;
        let stream = tokio_rustls::TlsConnector::from(config)
            .connect(name, tcp)
            .await?;
        Ok(Transport::stream(stream, peer))
    }

    #[cfg(not(feature = "tls"))]
    #[expect(
        clippy::unused_async,
        reason = "the same shape as with the feature `tls`"
    )]
    async fn encrypt(&self, _host: &str, _tcp: TcpStream) -> Result<Transport, DialError> {
        Err(DialError::Tls("the feature `tls` is off".into()))
    }
}

fn default_address() -> Result<Address, NameError> {
    Ok(Address::new(
        ConnectionId::random(),
        Namespace::new("dialled")?,
    ))
}

/// Runs tungstenite's handshake over bytes in memory, so that what comes after the head stays ours.
async fn shake_hands(
    transport: &mut Transport,
    request: Request<()>,
    max: usize,
) -> Result<Vec<u8>, DialError> {
    let protocol = |error: tungstenite::Error| match error {
        tungstenite::Error::Http(response) => DialError::Refused(Box::new(response.map(|_| ()))),
        error => DialError::Protocol(error.to_string()),
    };
    let handshake = ClientHandshake::start(Memory::default(), request, None).map_err(protocol)?;
    let mut waiting = match handshake.handshake() {
        Err(HandshakeError::Interrupted(waiting)) => waiting,
        Err(HandshakeError::Failure(error)) => return Err(protocol(error)),
        Ok(_) => return Err(DialError::Protocol("answered before it was asked".into())),
    };
    let asked = std::mem::take(&mut waiting.get_mut().get_mut().written);
    transport.write_all(&asked).await?;
    let (head, leftover) = read_head(transport, max)
        .await?
        .ok_or_else(|| DialError::Protocol("answer is too large".into()))?;
    waiting.get_mut().get_mut().readable = io::Cursor::new(head);
    match waiting.handshake() {
        Ok(_) => Ok(leftover),
        Err(HandshakeError::Failure(error)) => Err(protocol(error)),
        Err(HandshakeError::Interrupted(_)) => {
            Err(DialError::Protocol("answer is not complete".into()))
        }
    }
}

/// A stream in memory.
#[derive(Debug, Default)]
struct Memory {
    readable: io::Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl io::Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.readable.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
