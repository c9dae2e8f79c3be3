//! The least a server can do: one thread, one epoll set, one `write` per message and connection.
//!
//! Every figure of the load generator is also given as a ratio to this program, so that machines
//! and noisy hours compare. It has no queues: the kernel's socket buffer is all that a slow reader
//! gets, and a broadcast that does not fit closes the connection. It serves the raw mode of the
//! bench server contract and nothing else; it is no example of how to write a server.
//!
//! Start at [`Server::turn`].

mod frame;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

use anyhow::Context;
use clap::Parser;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::{Domain, Protocol, Socket, Type};
use tungstenite::handshake::derive_accept_key;

use frame::{Parsed, parse, push_frame, push_padded, size_and_seq, split};

/// Largest request head.
const MAX_HEAD: usize = 16 << 10;
/// How long an answer to one client may wait for its socket. A broadcast never waits.
const ANSWER_PATIENCE: u16 = 1_000;

#[derive(Parser)]
#[command(about = "The baseline of the benchmarks: a bare write loop")]
struct Arguments {
    /// Only `raw` is served.
    #[arg(long, default_value = "raw", value_parser = ["raw"])]
    mode: String,
    /// Port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// Accepted for the contract's sake: there is always one thread.
    #[arg(long)]
    workers: Option<usize>,
    /// Join the answers to all messages of one read into one write per connection.
    #[arg(long)]
    gather: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut server = Server::bind(arguments.port, arguments.gather)?;
    println!("listening on 127.0.0.1:{}", arguments.port);
    loop {
        server.turn()?;
    }
}

/// Who receives what is waiting in [`Server::output`].
#[derive(Clone, PartialEq)]
enum Audience {
    Everyone,
    Room(Vec<u8>),
    One(usize),
}

struct Client {
    stream: TcpStream,
    upgraded: bool,
    in_room: bool,
    /// The start of a message whose end has not arrived; owns nothing while the client is idle.
    partial: Vec<u8>,
}

struct Server {
    listener: TcpListener,
    epoll: Epoll,
    events: Vec<EpollEvent>,
    gather: bool,
    /// Indexed by file descriptor, which the kernel keeps small.
    clients: Vec<Option<Client>>,
    rooms: HashMap<Vec<u8>, Vec<usize>>,
    output: Vec<u8>,
    audience: Audience,
    input: Vec<u8>,
}

impl Server {
    fn bind(port: u16, gather: bool) -> anyhow::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())
            .context("bind")?;
        socket.listen(4096)?;
        let listener = TcpListener::from(socket);
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(
            &listener,
            EpollEvent::new(EpollFlags::EPOLLIN, index_of(&listener) as u64),
        )?;
        Ok(Self {
            listener,
            epoll,
            events: vec![EpollEvent::empty(); 512],
            gather,
            clients: Vec::new(),
            rooms: HashMap::new(),
            output: Vec::new(),
            audience: Audience::Everyone,
            input: vec![0; 256 << 10],
        })
    }

    /// Waits for readiness, then serves every socket that is ready.
    fn turn(&mut self) -> anyhow::Result<()> {
        let ready = match self.epoll.wait(&mut self.events, EpollTimeout::NONE) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error).context("epoll_wait"),
        };
        let listener = index_of(&self.listener);
        for event in 0..ready {
            let index = usize::try_from(self.events[event].data())?;
            if index == listener {
                self.accept()?;
            } else {
                self.read(index);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error).context("accept"),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let index = index_of(&stream);
            self.epoll
                .add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
            if self.clients.len() <= index {
                self.clients.resize_with(index + 1, || None);
            }
            self.clients[index] = Some(Client {
                stream,
                upgraded: false,
                in_room: false,
                partial: Vec::new(),
            });
        }
    }

    /// One read, then every whole message in it.
    fn read(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        // The buffer is lent out while messages are handled, for they need the rest of `self`.
        let mut input = std::mem::take(&mut self.input);
        let keep = match client.stream.read(&mut input) {
            Ok(0) => false,
            Ok(length) if client.partial.is_empty() => {
                let (used, keep) = self.consume(index, &mut input[..length]);
                if keep && used < length {
                    self.keep_partial(index, input[used..length].to_vec());
                }
                keep
            }
            Ok(length) => {
                let mut whole = std::mem::take(&mut client.partial);
                whole.extend_from_slice(&input[..length]);
                let (used, keep) = self.consume(index, &mut whole);
                if keep && used < whole.len() {
                    whole.drain(..used);
                    self.keep_partial(index, whole);
                }
                keep
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        self.input = input;
        self.flush();
        if !keep {
            self.close(index);
        }
    }

    fn keep_partial(&mut self, index: usize, bytes: Vec<u8>) {
        if let Some(client) = &mut self.clients[index] {
            client.partial = bytes;
        }
    }

    /// Handles whole messages at the front of `bytes`; returns how much was used, and whether the
    /// client stays.
    fn consume(&mut self, index: usize, bytes: &mut [u8]) -> (usize, bool) {
        let mut used = 0;
        if self.clients[index]
            .as_ref()
            .is_some_and(|client| !client.upgraded)
        {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                return (0, bytes.len() <= MAX_HEAD);
            };
            if !self.upgrade(index, &bytes[..end]) {
                return (0, false);
            }
            used = end + 4;
        }
        loop {
            match parse(&mut bytes[used..]) {
                Parsed::Partial => return (used, true),
                Parsed::Invalid => return (used, false),
                Parsed::Frame {
                    opcode,
                    payload,
                    length,
                } => {
                    if !self.handle(index, opcode, payload) {
                        return (used, false);
                    }
                    used += length;
                }
            }
        }
    }

    fn upgrade(&mut self, index: usize, head: &[u8]) -> bool {
        let key = String::from_utf8_lossy(head).lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key")
                .then(|| value.trim().to_owned())
        });
        let (Some(key), Some(client)) = (key, &mut self.clients[index]) else {
            return false;
        };
        client.upgraded = true;
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        write_whole(&client.stream, answer.as_bytes(), ANSWER_PATIENCE)
    }

    /// Handles one message; `false` closes the connection.
    fn handle(&mut self, index: usize, opcode: u8, payload: &[u8]) -> bool {
        if opcode == 0x8 {
            self.emit(Audience::One(index), |out| {
                push_frame(out, 0x88, &[payload]);
            });
            self.flush();
            return false;
        }
        if opcode == 0x9 {
            self.emit(Audience::One(index), |out| {
                push_frame(out, 0x8a, &[payload]);
            });
        } else if payload.starts_with(b"echo:") {
            self.emit(Audience::One(index), |out| {
                push_frame(out, 0x81, &[payload]);
            });
        } else if let Some(trigger) = payload.strip_prefix(b"bcast:") {
            let Some((size, seq)) = size_and_seq(trigger) else {
                return false;
            };
            self.emit(Audience::Everyone, |out| push_padded(out, size, seq));
        } else if let Some(room) = payload.strip_prefix(b"join:") {
            self.rooms.entry(room.to_vec()).or_default().push(index);
            if let Some(client) = &mut self.clients[index] {
                client.in_room = true;
            }
            self.emit(Audience::One(index), |out| {
                push_frame(out, 0x81, &[b"joined:", room]);
            });
        } else if let Some(trigger) = payload.strip_prefix(b"room:") {
            let Some((room, trigger)) = split(trigger) else {
                return false;
            };
            let Some((size, seq)) = size_and_seq(trigger) else {
                return false;
            };
            self.emit(Audience::Room(room.to_vec()), |out| {
                push_padded(out, size, seq);
            });
        }
        true
    }

    /// Builds one frame for `audience`, and writes it at once unless the server gathers.
    fn emit(&mut self, audience: Audience, build: impl FnOnce(&mut Vec<u8>)) {
        if self.audience != audience {
            self.flush();
            self.audience = audience;
        }
        build(&mut self.output);
        if !self.gather {
            self.flush();
        }
    }

    /// The write loop that everything is compared with.
    fn flush(&mut self) {
        if self.output.is_empty() {
            return;
        }
        let mut slow = Vec::new();
        match &self.audience {
            Audience::Everyone => {
                for (index, client) in self.clients.iter().enumerate() {
                    if let Some(client) = client
                        && client.upgraded
                        && !write_whole(&client.stream, &self.output, 0)
                    {
                        slow.push(index);
                    }
                }
            }
            Audience::Room(room) => {
                for &index in self.rooms.get(room).into_iter().flatten() {
                    if let Some(client) = &self.clients[index]
                        && !write_whole(&client.stream, &self.output, 0)
                    {
                        slow.push(index);
                    }
                }
            }
            Audience::One(index) => {
                if let Some(client) = &self.clients[*index]
                    && !write_whole(&client.stream, &self.output, ANSWER_PATIENCE)
                {
                    slow.push(*index);
                }
            }
        }
        self.output.clear();
        for index in slow {
            self.close(index);
        }
    }

    /// Forgets the client; dropping its stream closes the socket and takes it out of the epoll set.
    fn close(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index).and_then(Option::take) else {
            return;
        };
        if client.in_room {
            self.rooms.retain(|_, members| {
                members.retain(|&member| member != index);
                !members.is_empty()
            });
        }
    }
}

fn index_of(socket: &impl AsRawFd) -> usize {
    usize::try_from(socket.as_raw_fd()).unwrap_or_default()
}

/// Writes all of `bytes`, waiting up to `patience` milliseconds each time the socket is full.
fn write_whole(mut stream: &TcpStream, mut bytes: &[u8], patience: u16) -> bool {
    loop {
        match stream.write(bytes) {
            Ok(length) if length == bytes.len() => return true,
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && patience > 0 => {
                let mut descriptors = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
                if !matches!(poll(&mut descriptors, PollTimeout::from(patience)), Ok(1)) {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}
