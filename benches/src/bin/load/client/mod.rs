//! Thousands of WebSocket clients on one thread and one epoll set.
//!
//! The client must cost less than the server it measures, so there is no task, no timer and no
//! buffer per connection, and an incoming frame is looked at where it was read.
//!
//! Start at [`Fleet::turn`]; what a scenario does with messages is its [`Handler`].

mod connection;
mod dialect;
pub(crate) mod window;
pub(crate) mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use mio::{Events, Interest, Poll, Token};

use connection::{Connection, Failure, Phase};
pub(crate) use dialect::Dialect;

/// How long the fleet may stand still before a run is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a scenario does with what arrives. Bytes put into `out` are sent on the same connection, in
/// one write per read.
pub(crate) trait Handler {
    /// Connection `id` was let in, `took` after it began to connect.
    fn opened(&mut self, _id: usize, _took: Duration, _out: &mut Vec<u8>) {}

    /// A message arrived: the payload of its frame.
    fn message(&mut self, _id: usize, _payload: &[u8], _out: &mut Vec<u8>, _now: Instant) {}

    /// The server sent a Close frame.
    fn close_frame(&mut self, _id: usize, _payload: &[u8]) {}

    /// The connection is gone; `opened` tells whether it had been open.
    fn closed(&mut self, _id: usize, _opened: bool) {}
}

/// A handler that does nothing.
#[derive(Debug)]
pub(crate) struct Idle;

impl Handler for Idle {}

/// All client connections of a run.
#[derive(Debug)]
pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    target: SocketAddr,
    dialect: Dialect,
    connections: Vec<Connection>,
    vacant: Vec<usize>,
    started: usize,
    open: usize,
    refused: u64,
    buffer: Vec<u8>,
    out: Vec<u8>,
    stop: Arc<AtomicBool>,
}

impl Fleet {
    /// No connections yet.
    pub(crate) fn new(
        target: SocketAddr,
        dialect: Dialect,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            target,
            dialect,
            connections: Vec::new(),
            vacant: Vec::new(),
            started: 0,
            open: 0,
            refused: 0,
            buffer: vec![0; 256 << 10],
            out: Vec::new(),
            stop: Arc::clone(stop),
        })
    }

    /// How messages look to the server.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Connections turned away so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// Begins one connection; ids are given in order, those of closed connections first.
    pub(crate) fn start(&mut self, receive_buffer: Option<usize>) -> io::Result<usize> {
        let mut connection =
            Connection::start(self.target, self.dialect, self.started, receive_buffer)?;
        self.started += 1;
        let id = self.vacant.pop().unwrap_or(self.connections.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut connection.stream, Token(id), interest)?;
        if id == self.connections.len() {
            self.connections.push(connection);
        } else {
            self.connections[id] = connection;
        }
        Ok(id)
    }

    /// Opens `count` more connections, at most `at_once` of them on their way, and waits for them.
    /// Unless `handler` says otherwise, a refused one is not tried again.
    pub(crate) fn open_more(
        &mut self,
        count: usize,
        at_once: usize,
        handler: &mut impl Handler,
    ) -> anyhow::Result<()> {
        let settled = |fleet: &Self| fleet.open + usize::try_from(fleet.refused).unwrap_or(0);
        let before = settled(self);
        let mut begun = 0;
        let mut stalled = Stalled::new();
        while settled(self) < before + count {
            while begun < count && begun + before < settled(self) + at_once {
                begun += 1;
                match self.start(None) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        self.refused += 1;
                    }
                    Err(error) => return Err(error).context("a client cannot connect"),
                }
            }
            let reached = settled(self);
            self.turn(Duration::from_millis(100), handler)?;
            stalled
                .check(settled(self) > reached)
                .context("connecting")?;
        }
        Ok(())
    }

    /// As [`open_more`](Self::open_more), where a refused connection is a failure.
    pub(crate) fn open_all(&mut self, count: usize) -> anyhow::Result<()> {
        self.open_more(count, 256, &mut Idle)?;
        ensure!(
            self.refused == 0,
            "{} of {count} connections were refused",
            self.refused
        );
        Ok(())
    }

    /// Sends `bytes` on connection `id`.
    pub(crate) fn send(&mut self, id: usize, bytes: &[u8]) -> anyhow::Result<()> {
        self.connections[id]
            .send(bytes)
            .with_context(|| format!("send on connection {id}"))
    }

    /// Never reads from `id` again.
    pub(crate) fn mute(&mut self, id: usize) -> anyhow::Result<()> {
        Ok(self
            .poll
            .registry()
            .deregister(&mut self.connections[id].stream)?)
    }

    /// Reads from `id` once more.
    pub(crate) fn unmute(&mut self, id: usize) -> anyhow::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(self
            .poll
            .registry()
            .register(&mut self.connections[id].stream, Token(id), interest)?)
    }

    /// Waits for events up to `timeout` and handles them; `false` if there were none.
    pub(crate) fn turn(
        &mut self,
        timeout: Duration,
        handler: &mut impl Handler,
    ) -> anyhow::Result<bool> {
        if self.stop.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error).context("epoll_wait"),
        }
        for event in &self.events {
            let id = event.token().0;
            let connection = &mut self.connections[id];
            let before = connection.phase;
            if before == Phase::Closed {
                continue;
            }
            let mut outcome = Ok(true);
            if event.is_writable() || event.is_error() {
                outcome = connection.writable().map(|()| true);
            }
            if outcome.is_ok() && event.is_readable() && connection.phase != Phase::Connecting {
                let to_end = event.is_read_closed();
                outcome = connection.read(id, &mut self.buffer, to_end, handler, &mut self.out);
            }
            if before != Phase::Open && connection.phase == Phase::Open {
                self.open += 1;
            }
            if matches!(outcome, Ok(true)) {
                continue;
            }
            let opened = connection.phase == Phase::Open;
            connection.phase = Phase::Closed;
            self.poll.registry().deregister(&mut connection.stream)?;
            let _ = connection.stream.shutdown(std::net::Shutdown::Both);
            self.vacant.push(id);
            if opened {
                self.open -= 1;
            } else {
                self.refused += 1;
            }
            if let Err(Failure::Wrong(answer)) = outcome {
                bail!("the server breaks the contract: {answer}");
            }
            handler.closed(id, opened);
        }
        Ok(!self.events.is_empty())
    }

    /// Handles whatever arrives for `time`.
    pub(crate) fn settle(
        &mut self,
        time: Duration,
        handler: &mut impl Handler,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        while let Some(left) = time.checked_sub(begun.elapsed()) {
            self.turn(left.min(Duration::from_millis(100)), handler)?;
        }
        Ok(())
    }
}

/// Notices that nothing moves any more.
#[derive(Debug)]
pub(crate) struct Stalled {
    last_progress: Instant,
}

impl Stalled {
    /// From now on.
    pub(crate) fn new() -> Self {
        Self {
            last_progress: Instant::now(),
        }
    }

    /// Whether there was no progress for [`PATIENCE`].
    pub(crate) fn is(&mut self, progress: bool) -> bool {
        if progress {
            self.last_progress = Instant::now();
        }
        self.last_progress.elapsed() > PATIENCE
    }

    /// As [`is`](Self::is), as an error.
    pub(crate) fn check(&mut self, progress: bool) -> anyhow::Result<()> {
        ensure!(
            !self.is(progress),
            "no progress for {} s",
            PATIENCE.as_secs()
        );
        Ok(())
    }
}
