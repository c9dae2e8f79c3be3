//! The server under test, and clients: bytes made by hand, or tungstenite as the oracle.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub(crate) mod engine;
pub(crate) mod process;

use std::{future::Future, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use switchboard_connection::{ConnectionConfig, ConnectionExt, Event, WebSocket};
use switchboard_server::{Listener, ListenerConfig, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, protocol::CloseFrame},
};

/// First header bytes: a final frame and its opcode.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;

/// What tungstenite gives its users.
pub(crate) type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Fails a test that hangs.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("the test hangs")
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came true: {what}");
}

pub(crate) async fn bind(config: ListenerConfig) -> Listener {
    Listener::bind("127.0.0.1:0", config).await.unwrap()
}

/// Sends back what it gets.
pub(crate) async fn echo(mut socket: WebSocket) {
    while let Some(event) = socket.next().await {
        let sent = match event {
            Event::Text(text) => socket.send(text).await,
            Event::Binary(bytes) => socket.send(bytes).await,
            _ => Ok(()),
        };
        sent.ok();
    }
}

/// A server with the default path whose handler is [`echo`].
pub(crate) async fn echo_server(config: ListenerConfig) -> Server {
    bind(config).await.serve(echo).unwrap()
}

pub(crate) fn with_connection(connection: ConnectionConfig) -> ListenerConfig {
    ListenerConfig::default().with_connection(connection)
}

/// The head of a request for a WebSocket, with more header lines, each ending in `\r\n`.
pub(crate) fn upgrade_with(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: switchboard.test\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

pub(crate) fn upgrade(path: &str) -> String {
    upgrade_with(path, "")
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The status, and the stable word for programs in the body.
    pub(crate) fn told(&self) -> (u16, &str) {
        let code = self.body.split('"').nth(3).unwrap_or_default();
        (self.status, code)
    }
}

/// Sends a request, whole or not, and reads one answer; `None` if the transport just ends.
pub(crate) async fn ask(server: SocketAddr, request: impl AsRef<[u8]>) -> Option<Reply> {
    let mut peer = Peer::open(server).await;
    // Who is refused early may not take all of it.
    peer.tcp.write_all(request.as_ref()).await.ok();
    soon(peer.reply()).await
}

/// A WebSocket client whose every byte is made by hand.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) tcp: TcpStream,
    input: Vec<u8>,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let tcp = soon(TcpStream::connect(server)).await.expect("connect");
        tcp.set_nodelay(true).unwrap();
        Self {
            tcp,
            input: Vec::new(),
        }
    }

    /// Connects and is accepted.
    pub(crate) async fn join(server: SocketAddr, path: &str) -> Self {
        let mut peer = Self::open(server).await;
        peer.tcp.write_all(upgrade(path).as_bytes()).await.unwrap();
        let reply = soon(peer.reply()).await.expect("an answer");
        assert_eq!(reply.status, 101, "{reply:?}");
        peer
    }

    async fn read(&mut self) -> bool {
        matches!(self.tcp.read_buf(&mut self.input).await, Ok(count) if count > 0)
    }

    /// Reads one answer; `None` if the transport ends before.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        let end = loop {
            let end = self
                .input
                .windows(4)
                .position(|window| window == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None if self.read().await => {}
                None => return None,
            }
        };
        let head = String::from_utf8(self.input.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1)?.parse().unwrap();
        let mut reply = Reply {
            status,
            head,
            body: String::new(),
        };
        let len = reply
            .header("content-length")
            .map_or(0, |len| len.parse().unwrap());
        while self.input.len() < len && self.read().await {}
        let body = self.input.drain(..len.min(self.input.len())).collect();
        reply.body = String::from_utf8(body).unwrap();
        Some(reply)
    }

    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        self.tcp.write_all(&masked(first, payload)).await.unwrap();
    }

    /// The next frame: first byte and payload; `None` at the end of the transport.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((header, len)) = frame_size(&self.input)
                && self.input.len() >= header + len
            {
                let frame: Vec<u8> = self.input.drain(..header + len).collect();
                return Some((frame[0], frame[header..].to_vec()));
            }
            if !self.read().await {
                return None;
            }
        }
    }

    /// Skips to the close frame: its code and reason; `None` if the transport ends without one.
    pub(crate) async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            let (first, payload) = soon(self.frame()).await?;
            if first == CLOSE {
                let (code, reason) = payload.split_at(2);
                let code = u16::from_be_bytes(code.try_into().unwrap());
                return Some((code, String::from_utf8(reason.to_vec()).unwrap()));
            }
        }
    }

    /// Whether what it sends comes back.
    pub(crate) async fn echoes(&mut self, text: &str) -> bool {
        if self
            .tcp
            .write_all(&masked(TEXT, text.as_bytes()))
            .await
            .is_err()
        {
            return false;
        }
        soon(self.frame())
            .await
            .is_some_and(|frame| frame == (TEXT, text.into()))
    }

    /// Waits for the end of the transport, close frame or not.
    pub(crate) async fn ended(&mut self) {
        soon(async { while self.read().await {} }).await;
    }

    /// Ends by a reset.
    pub(crate) fn reset(self) {
        self.tcp.set_zero_linger().unwrap();
    }
}

/// Header length and payload length of an unmasked frame.
fn frame_size(bytes: &[u8]) -> Option<(usize, usize)> {
    let be = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |len, &byte| (len << 8) | usize::from(byte))
    };
    match bytes.get(1)? {
        126 => Some((4, be(bytes.get(2..4)?))),
        127 => Some((10, be(bytes.get(2..10)?))),
        len => Some((2, usize::from(*len))),
    }
}

/// A frame as clients send it, with a mask of zeros.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..=0xFFFF => {
            frame.push(0x80 | 0x7E);
            frame.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            frame.push(0x80 | 0x7F);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

pub(crate) async fn connect(server: SocketAddr, path: &str) -> Client {
    let url = format!("ws://{server}{path}");
    soon(tokio_tungstenite::connect_async(url))
        .await
        .expect("accepted")
        .0
}

pub(crate) async fn next_text(client: &mut Client) -> String {
    match soon(client.next()).await {
        Some(Ok(Message::Text(text))) => text.to_string(),
        other => panic!("no text: {other:?}"),
    }
}

pub(crate) async fn round_trip(client: &mut Client, text: &str) {
    client.send(Message::text(text)).await.unwrap();
    assert_eq!(next_text(client).await, text);
}

/// Reads up to the close frame: its code and reason.
pub(crate) async fn close_of(client: &mut Client) -> Option<(u16, String)> {
    let mut told = None;
    while let Some(Ok(message)) = soon(client.next()).await {
        if let Message::Close(frame) = message {
            let CloseFrame { code, reason } = frame?;
            told = Some((code.into(), reason.to_string()));
        }
    }
    told
}
