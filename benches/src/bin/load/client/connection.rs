//! One client connection: its socket, how far it has come, and bytes that wait in either direction.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use super::Handler;
use super::dialect::{Dialect, Incoming};
use super::wire::{self, Parsed};

/// The key of RFC 6455's example, and its answer: every handshake may use the same.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Client addresses in use, so that ten thousand connections do not run out of ports.
const SOURCES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Connecting,
    Upgrading,
    /// A WebSocket, but not yet let in.
    Entering,
    Open,
    Closed,
}

/// Why a connection ended before it was open.
#[derive(Debug)]
pub(super) enum Failure {
    /// The kernel or the server turned it away.
    Refused,
    /// The server answered something else than the contract.
    Wrong(String),
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) phase: Phase,
    pub(super) started: Instant,
    dialect: Dialect,
    /// The start of a frame whose end has not arrived.
    partial: Vec<u8>,
    /// What the socket did not take yet.
    unsent: Vec<u8>,
}

impl Connection {
    /// Begins to connect from the `number`th source address.
    pub(super) fn start(
        target: SocketAddr,
        dialect: Dialect,
        number: usize,
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(size) = receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        let host = u8::try_from(2 + number % SOURCES).unwrap_or(2);
        socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)).into())?;
        let started = Instant::now();
        match socket.connect(&target.into()) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Self {
            stream: TcpStream::from_std(socket.into()),
            phase: Phase::Connecting,
            started,
            dialect,
            partial: Vec::new(),
            unsent: Vec::new(),
        })
    }

    /// Sends `bytes` behind whatever still waits.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while self.unsent.is_empty() && !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.unsent.extend_from_slice(rest);
        Ok(())
    }

    /// The socket can be written to: connected, or with room again.
    pub(super) fn writable(&mut self) -> Result<(), Failure> {
        if self.phase == Phase::Connecting {
            match self.stream.take_error() {
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => return Err(Failure::Refused),
            }
            match self.stream.peer_addr() {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(_) => return Err(Failure::Refused),
            }
            self.phase = Phase::Upgrading;
            let request = format!(
                "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n",
                self.dialect.path()
            );
            return self.send(request.as_bytes()).map_err(|_| Failure::Refused);
        }
        let waiting = std::mem::take(&mut self.unsent);
        if waiting.is_empty() {
            return Ok(());
        }
        self.send(&waiting).map_err(|_| Failure::Refused)
    }

    /// Reads until the socket is empty; `Ok(false)` means the server closed.
    ///
    /// A short read says that the socket is empty, which spares a call that would say so again;
    /// `to_end` reads on, for the end of the stream may follow.
    pub(super) fn read(
        &mut self,
        id: usize,
        buffer: &mut [u8],
        to_end: bool,
        handler: &mut impl Handler,
        out: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(length) => {
                    self.take_bytes(id, &buffer[..length], handler, out)?;
                    if !out.is_empty() {
                        let sent = self.send(out);
                        out.clear();
                        if sent.is_err() {
                            return Ok(false);
                        }
                    }
                    if length < buffer.len() && !to_end {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(_) if self.phase == Phase::Open => return Ok(false),
                Err(_) => return Err(Failure::Refused),
            }
        }
    }

    fn take_bytes(
        &mut self,
        id: usize,
        bytes: &[u8],
        handler: &mut impl Handler,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        if self.partial.is_empty() {
            let used = self.consume(id, bytes, handler, out)?;
            self.partial.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(bytes);
        let used = self.consume(id, &whole, handler, out)?;
        // A buffer that became empty is given back: ten thousand of them would be dear.
        if used < whole.len() {
            whole.drain(..used);
            self.partial = whole;
        }
        Ok(())
    }

    fn consume(
        &mut self,
        id: usize,
        bytes: &[u8],
        handler: &mut impl Handler,
        out: &mut Vec<u8>,
    ) -> Result<usize, Failure> {
        let now = Instant::now();
        let mut used = 0;
        if self.phase == Phase::Upgrading {
            match head_length(bytes)? {
                Some(length) => used = length,
                None => return Ok(0),
            }
            self.phase = Phase::Entering;
            if !self.dialect.has_entrance() {
                self.enter(id, now, handler, out);
            }
        }
        loop {
            match wire::parse(&bytes[used..]) {
                Parsed::Partial => return Ok(used),
                Parsed::Invalid => return Err(Failure::Wrong("an invalid frame".into())),
                Parsed::Frame {
                    opcode,
                    payload,
                    length,
                } => {
                    match opcode {
                        wire::TEXT | wire::BINARY => {
                            self.read_message(id, opcode, payload, handler, out, now)?;
                        }
                        wire::PING => wire::push_frame(out, wire::PONG, payload),
                        wire::CLOSE => handler.close_frame(id, payload),
                        _ => {}
                    }
                    used += length;
                }
            }
        }
    }

    fn read_message(
        &mut self,
        id: usize,
        opcode: u8,
        payload: &[u8],
        handler: &mut impl Handler,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<(), Failure> {
        let entered = self.phase == Phase::Open;
        match self.dialect.read(opcode, payload, entered) {
            Incoming::Message => handler.message(id, payload, out, now),
            Incoming::Answer(opcode, answer) => wire::push_frame(out, opcode, answer),
            Incoming::Entered => self.enter(id, now, handler, out),
            Incoming::Nothing => {}
            Incoming::Wrong => {
                let start = &payload[..payload.len().min(80)];
                let start = String::from_utf8_lossy(start);
                return Err(Failure::Wrong(format!("an unexpected message: {start}")));
            }
        }
        Ok(())
    }

    fn enter(&mut self, id: usize, now: Instant, handler: &mut impl Handler, out: &mut Vec<u8>) {
        self.phase = Phase::Open;
        handler.opened(id, now - self.started, out);
    }
}

/// The length of the answer to the handshake, once it is whole.
fn head_length(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    if head.starts_with("HTTP/1.1 101") && head.contains(ACCEPT) {
        return Ok(Some(end + 4));
    }
    Err(Failure::Wrong(format!(
        "answer to the handshake: {}",
        head.lines().next().unwrap_or("")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_is_checked() {
        let good =
            format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n");
        assert!(matches!(head_length(good.as_bytes()), Ok(Some(length)) if length == good.len()));
        assert!(matches!(head_length(&good.as_bytes()[..40]), Ok(None)));
        assert!(head_length(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(head_length(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").is_err());
    }
}
