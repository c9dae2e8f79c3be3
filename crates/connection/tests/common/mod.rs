//! The endpoint under test, and peers: frames made by hand, or tungstenite as the oracle.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{future::Future, time::Duration};

use switchboard_connection::{
    Address, Closed, Connection, ConnectionConfig, ConnectionExt, ConnectionId, Disconnect,
    Endpoint, Event, Initiator, Namespace, Transport, WebSocket,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_tungstenite::{WebSocketStream, client_async};

/// First header bytes: a final frame and its opcode.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;

pub(crate) fn address(id: &str) -> Address {
    Address::new(
        ConnectionId::new(id).unwrap(),
        Namespace::from_static("tests"),
    )
}

/// Limits as shipped, without rates: most tests send faster than people do.
pub(crate) fn config() -> ConnectionConfig {
    ConnectionConfig::default()
        .with_message_rate(None)
        .with_control_rate(None)
}

pub(crate) fn endpoint(config: ConnectionConfig) -> Endpoint {
    Endpoint::new(config).unwrap()
}

/// Fails a test that hangs. Real time only.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("the test hangs")
}

/// Two ends of a TCP connection over loopback.
pub(crate) async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    let client = client.unwrap();
    client.set_nodelay(true).unwrap();
    (accepted.unwrap().0, client)
}

/// An accepted connection over TCP and its peer, the handshake taken as done.
pub(crate) async fn over_tcp(endpoint: &Endpoint) -> (WebSocket, Peer<TcpStream>) {
    let (server, client) = tcp_pair().await;
    let socket = endpoint.accepted(server.into(), &[], address("tcp"));
    (socket, Peer::new(client))
}

/// An accepted connection over a pipe in memory, which holds `buffer` bytes each way.
pub(crate) fn over_pipe(endpoint: &Endpoint, buffer: usize) -> (WebSocket, Peer<DuplexStream>) {
    let (server, client) = tokio::io::duplex(buffer);
    let transport = Transport::stream(server, None);
    let socket = endpoint.accepted(transport, &[], address("pipe"));
    (socket, Peer::new(client))
}

/// An accepted connection over TCP, handshake included, and tungstenite on the other side.
pub(crate) async fn with_oracle(endpoint: &Endpoint) -> (WebSocket, WebSocketStream<TcpStream>) {
    let (server, client) = tcp_pair().await;
    let accepting = async {
        let handshake = endpoint.handshake(server).await.unwrap();
        handshake.accept(address("oracle")).await.unwrap()
    };
    let (socket, client) = tokio::join!(accepting, client_async("ws://localhost/", client));
    (socket, client.unwrap().0)
}

/// Echoes until the end, and returns how it ended.
pub(crate) fn echo(mut socket: WebSocket) -> JoinHandle<Closed> {
    tokio::spawn(async move {
        loop {
            match socket.next().await {
                Some(Event::Text(text)) => drop(socket.send(text).await),
                Some(Event::Binary(payload)) => drop(socket.send(payload).await),
                Some(Event::Close(closed)) => return closed,
                Some(_) => {}
                None => unreachable!("the close is the last event"),
            }
        }
    })
}

/// Receives until the end, keeping nothing but how it ended.
pub(crate) fn read_all(mut socket: WebSocket) -> JoinHandle<Closed> {
    tokio::spawn(async move {
        loop {
            if let Some(Event::Close(closed)) = socket.next().await {
                return closed;
            }
        }
    })
}

/// A connection on the same endpoint that nothing may disturb.
pub(crate) struct Bystander {
    peer: Peer<TcpStream>,
    echo: JoinHandle<Closed>,
}

impl Bystander {
    pub(crate) async fn new(endpoint: &Endpoint) -> Self {
        let (socket, peer) = over_tcp(endpoint).await;
        Self {
            peer,
            echo: echo(socket),
        }
    }

    pub(crate) async fn still_echoes(&mut self) {
        self.peer.send(&masked(TEXT, b"still there?")).await;
        let frame = soon(self.peer.frame()).await.expect("an echo");
        assert_eq!((frame.first, &*frame.payload), (TEXT, &b"still there?"[..]));
        assert!(!self.echo.is_finished());
    }
}

/// A frame as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireFrame {
    /// The first header byte: final bit, reserved bits, opcode.
    pub(crate) first: u8,
    pub(crate) mask: Option<[u8; 4]>,
    /// Without its mask.
    pub(crate) payload: Vec<u8>,
}

impl WireFrame {
    /// Code and reason of a close frame.
    pub(crate) fn close(&self) -> (u16, String) {
        assert_eq!(self.first, CLOSE, "a close frame, not {self:?}");
        let [high, low, reason @ ..] = &*self.payload else {
            return (1005, String::new());
        };
        let code = u16::from_be_bytes([*high, *low]);
        (code, String::from_utf8(reason.to_vec()).unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.first, TEXT, "a text, not {self:?}");
        std::str::from_utf8(&self.payload).unwrap()
    }
}

/// The other side of a connection, made by hand.
pub(crate) struct Peer<S> {
    pub(crate) stream: S,
    input: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            input: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends as much as is taken: whoever breaks rules is cut in the middle.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next frame; `None` at the end of the stream, however it ended.
    pub(crate) async fn frame(&mut self) -> Option<WireFrame> {
        loop {
            if let Some((used, frame)) = parse(&self.input) {
                self.input.drain(..used);
                return Some(frame);
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// All frames up to the end of the stream.
    pub(crate) async fn frames(&mut self) -> Vec<WireFrame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        frames
    }

    /// All frames up to a close frame, which is answered.
    pub(crate) async fn frames_and_close(&mut self) -> (Vec<WireFrame>, (u16, String)) {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().await.expect("a close frame before the end");
            if frame.first == CLOSE {
                self.try_send(&masked(CLOSE, &frame.payload)).await;
                return (frames, frame.close());
            }
            frames.push(frame);
        }
    }
}

/// The first frame in `bytes` and how long it is.
fn parse(bytes: &[u8]) -> Option<(usize, WireFrame)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (len, mut at) = match second & 0x7F {
        126 => (
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
            4,
        ),
        127 => {
            let len = u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap());
            (usize::try_from(len).unwrap(), 10)
        }
        len => (usize::from(len), 2),
    };
    let mut mask = None;
    if second & 0x80 != 0 {
        mask = Some(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).unwrap());
        at += 4;
    }
    let mut payload = bytes.get(at..at + len)?.to_vec();
    for (byte, mask) in payload
        .iter_mut()
        .zip(mask.iter().flat_map(|mask| mask.iter().cycle()))
    {
        *byte ^= mask;
    }
    Some((
        at + len,
        WireFrame {
            first,
            mask,
            payload,
        },
    ))
}

/// A client's frame.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x11, 0x22, 0x33, 0x44];
    let mut bytes = header(first, 0x80, payload.len());
    bytes.extend(mask);
    let body = payload.iter().zip(mask.iter().cycle());
    bytes.extend(body.map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A server's frame.
pub(crate) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, 0, payload.len());
    bytes.extend(payload);
    bytes
}

fn header(first: u8, mask_bit: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(mask_bit | u8::try_from(len).unwrap()),
        126..0x1_0000 => {
            bytes.push(mask_bit | 0x7E);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(mask_bit | 0x7F);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes
}

/// The payload of a close frame.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// A message there and back, then a close by the client, both sides ours.
pub(crate) async fn ask_for_an_echo(mut client: WebSocket, server: JoinHandle<Closed>) {
    client.send("hello").await.unwrap();
    let event = soon(client.next()).await;
    assert!(
        matches!(&event, Some(Event::Text(text)) if text == "hello"),
        "{event:?}"
    );
    client.close(Disconnect::new(4000, "bye"));
    let event = soon(client.next()).await;
    let Some(Event::Close(closed)) = event else {
        panic!("{event:?}");
    };
    assert_eq!(
        closed,
        Closed::new(Initiator::Local, Disconnect::new(4000, "bye"), true)
    );
    let server = soon(server).await.unwrap();
    assert_eq!(
        server,
        Closed::new(Initiator::Peer, Disconnect::new(4000, "bye"), true)
    );
}
