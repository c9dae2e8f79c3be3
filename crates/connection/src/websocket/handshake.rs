//! The server's side of the opening handshake, for transports that no HTTP server has read.
//!
//! Behind hyper or axum use [`Endpoint::upgraded`](crate::Endpoint) instead. Wire format: RFC 6455 §4.2,
//! by tungstenite.

use std::io;

use http::{HeaderValue, Request, Response, StatusCode, header};
use tokio::time::{Instant, timeout_at};
use tungstenite::handshake::{
    machine::TryParse,
    server::{create_response, write_response},
};

use super::{Endpoint, WebSocket, link::Transport};
use crate::address::Address;

/// Why a handshake came to nothing. The transport is closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The peer took longer than the configured time.
    #[error("handshake took too long")]
    TimedOut,
    /// The request head is larger than the configured size. The peer was told 431.
    #[error("request head is too large")]
    TooLarge,
    /// What came is not a WebSocket handshake. The peer was told 400 or 426.
    #[error("not a WebSocket handshake")]
    NotWebSocket(#[source] Box<tungstenite::Error>),
    /// The transport failed.
    #[error("transport failed during the handshake")]
    Io(#[from] io::Error),
}

/// A peer that asked for a WebSocket and waits for the answer.
#[derive(Debug)]
pub struct Handshake {
    endpoint: Endpoint,
    transport: Transport,
    request: Request<()>,
    leftover: Vec<u8>,
    deadline: Instant,
}

impl Endpoint {
    /// Reads a peer's request for a WebSocket from a `TcpStream` or another [`Transport`].
    ///
    /// Whoever calls it decides by [`Handshake::request`] whether to accept. Dropping the future drops
    /// the transport.
    ///
    /// ```no_run
    /// # use switchboard_connection::{Address, ConnectionId, Endpoint, Namespace};
    /// # async fn accept(endpoint: Endpoint, tcp: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    /// let address = Address::new(ConnectionId::random(), Namespace::from_static("default"));
    /// let socket = endpoint.handshake(tcp).await?.accept(address).await?;
    /// # Ok(()) }
    /// ```
    pub async fn handshake(
        &self,
        transport: impl Into<Transport>,
    ) -> Result<Handshake, AcceptError> {
        let mut transport = transport.into();
        let deadline = Instant::now() + self.config().handshake_timeout;
        let max = self.config().max_head_size;
        let head = timeout_at(deadline, read_head(&mut transport, max))
            .await
            .map_err(|_| AcceptError::TimedOut)??;
        let Some((head, leftover)) = head else {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            answer(&mut transport, deadline, &status_only(status)).await?;
            return Err(AcceptError::TooLarge);
        };
        match Request::<()>::try_parse(&head).map(|parsed| parsed.map(|(_, request)| request)) {
            Ok(Some(request)) => Ok(Handshake {
                endpoint: self.clone(),
                transport,
                request,
                leftover,
                deadline,
            }),
            result => {
                answer(
                    &mut transport,
                    deadline,
                    &status_only(StatusCode::BAD_REQUEST),
                )
                .await?;
                let error = result.err().unwrap_or(tungstenite::Error::AttackAttempt);
                Err(AcceptError::NotWebSocket(Box::new(error)))
            }
        }
    }
}

impl Handshake {
    /// What the peer asked for: path, query, headers.
    pub fn request(&self) -> &Request<()> {
        &self.request
    }

    /// Accepts. The connection is found at `address`.
    pub async fn accept(mut self, address: Address) -> Result<WebSocket, AcceptError> {
        match create_response(&self.request) {
            Ok(response) => {
                answer(&mut self.transport, self.deadline, &response).await?;
                Ok(self
                    .endpoint
                    .accepted(self.transport, &self.leftover, address))
            }
            Err(error) => {
                let mut response = status_only(StatusCode::BAD_REQUEST);
                if wrong_version(&error) {
                    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
                    let version = HeaderValue::from_static("13");
                    response
                        .headers_mut()
                        .insert(header::SEC_WEBSOCKET_VERSION, version);
                }
                answer(&mut self.transport, self.deadline, &response).await?;
                Err(AcceptError::NotWebSocket(Box::new(error)))
            }
        }
    }

    /// Refuses with an HTTP status.
    pub async fn refuse(mut self, status: StatusCode) -> Result<(), AcceptError> {
        answer(&mut self.transport, self.deadline, &status_only(status)).await
    }
}

fn wrong_version(error: &tungstenite::Error) -> bool {
    use tungstenite::error::ProtocolError::MissingSecWebSocketVersionHeader;
    matches!(
        error,
        tungstenite::Error::Protocol(MissingSecWebSocketVersionHeader)
    )
}

fn status_only(status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

async fn answer(
    transport: &mut Transport,
    deadline: Instant,
    response: &Response<()>,
) -> Result<(), AcceptError> {
    let mut bytes = Vec::new();
    write_response(&mut bytes, response).map_err(io::Error::other)?;
    timeout_at(deadline, transport.write_all(&bytes))
        .await
        .map_err(|_| AcceptError::TimedOut)??;
    Ok(())
}

/// Reads up to the empty line; returns the head and what came after it, `None` if it is too large.
pub(super) async fn read_head(
    transport: &mut Transport,
    max: usize,
) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let before = bytes.len();
        if transport.read(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let begin = before.saturating_sub(3);
        let end = bytes[begin..]
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        match end.map(|end| begin + end + 4) {
            Some(end) if end <= max => {
                let leftover = bytes.split_off(end);
                return Ok(Some((bytes, leftover)));
            }
            None if bytes.len() < max => {}
            _ => return Ok(None),
        }
    }
}
