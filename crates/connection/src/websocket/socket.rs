//! The reading side of one WebSocket.

use std::{
    cell::RefCell,
    fmt,
    future::{Future, poll_fn},
    io, mem,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use tokio::{
    io::ReadBuf,
    task::coop,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    decoder::{Decoder, Item, Role},
    endpoint::Counters,
    event::{Event, WebSocketError},
    handle::WebSocketHandle,
    link::Source,
};
use crate::{
    config::OnRateLimit,
    connection::{AnyConnection, Connection},
    disconnect::Disconnect,
    rate::TokenBucket,
};

/// Bytes taken from a socket at once. One such buffer belongs to each thread, none to a connection.
const READ_BYTES: usize = 64 * 1024;

/// Bytes of a peer that broke a rule which are read and thrown away, so that it reads our close frame
/// before it is reset: a few messages of the default size.
const DISCARD_BYTES: usize = 4 * 1024 * 1024;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One WebSocket: receives its [`Event`]s, and sends through the [`WebSocketHandle`] it derefs to.
///
/// Reading goes on only while [`next`](Self::next) is awaited: a handler that is busy slows its own
/// peer down, through TCP, and nobody else. Writing, heartbeats and closing need no such attention.
///
/// Dropped before the end, the connection is closed with 1000 (with 1011 if its thread panics) and its
/// close handshake is finished in the background.
///
/// ```no_run
/// # use switchboard_connection::{ConnectionExt, Event, WebSocket};
/// # async fn echo(mut socket: WebSocket) {
/// while let Some(event) = socket.next().await {
///     if let Event::Text(text) = event {
///         socket.send(text).await.ok();
///     }
/// }
/// # }
/// ```
pub struct WebSocket {
    handle: Arc<WebSocketHandle>,
    source: Source,
    decoder: Decoder,
    /// Bytes that were read and not decoded, from `taken` on.
    input: Vec<u8>,
    taken: usize,
    phase: Phase,
    messages: Option<TokenBucket>,
    control: Option<TokenBucket>,
    /// The handler is gone; only the close handshake is being finished.
    lingers: bool,
    /// Reading rests until then because the peer was too fast.
    pause: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Reading,
    /// The peer broke a rule; so many bytes of it are still thrown away.
    Discarding(usize),
    /// The last event was given out.
    Ended,
}

impl WebSocket {
    pub(super) fn new(
        handle: Arc<WebSocketHandle>,
        source: Source,
        leftover: &[u8],
        role: Role,
    ) -> Self {
        let config = handle.endpoint().config();
        let now = Instant::now();
        Self {
            messages: config.message_rate.map(|rate| TokenBucket::new(rate, now)),
            control: config.control_rate.map(|rate| TokenBucket::new(rate, now)),
            handle,
            source,
            decoder: Decoder::new(role),
            input: leftover.to_vec(),
            taken: 0,
            phase: Phase::Reading,
            lingers: false,
            pause: None,
        }
    }

    /// The handle to send and close with, from anywhere.
    pub fn handle(&self) -> &Arc<WebSocketHandle> {
        &self.handle
    }

    /// The handle as what a pool holds.
    pub fn connection(&self) -> AnyConnection {
        Arc::clone(&self.handle) as AnyConnection
    }

    /// The next event; `None` after [`Event::Close`]. Safe to drop: no event is lost.
    pub async fn next(&mut self) -> Option<Event> {
        let waiting = Waiting(self);
        poll_fn(|context| waiting.0.poll_event(context)).await
    }

    /// The next event, for hand-written futures.
    pub fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.phase == Phase::Ended {
            return Poll::Ready(None);
        }
        let turn = ready!(coop::poll_proceed(context));
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            if let Some(event) = self.decode_waiting() {
                turn.made_progress();
                return Poll::Ready(Some(event));
            }
            if let Some(event) = ready!(self.poll_read(context)) {
                turn.made_progress();
                return Poll::Ready(Some(event));
            }
        }
    }

    /// Reads once. `None` when bytes came that complete no event.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        // Taken out, so that nothing that runs meanwhile can find it borrowed.
        let mut memory = READ_BUFFER.take();
        memory.resize(READ_BYTES, 0);
        let mut buffer = ReadBuf::new(&mut memory);
        let result = self.source.poll_read(context, &mut buffer);
        let event = match result {
            Poll::Pending => {
                self.handle.waits_for_bytes();
                let is_stream = matches!(self.source, Source::Stream(_));
                if is_stream && !self.handle.wake_on_cut(context.waker()) {
                    Poll::Ready(Some(self.end()))
                } else {
                    Poll::Pending
                }
            }
            Poll::Ready(Err(error)) => Poll::Ready(Some(self.transport_failed(error))),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Some(self.end())),
            Poll::Ready(Ok(())) => {
                self.handle.heard(Instant::now());
                Poll::Ready(self.arrived(buffer.filled()))
            }
        };
        READ_BUFFER.set(memory);
        event
    }

    fn arrived(&mut self, bytes: &[u8]) -> Option<Event> {
        if let Phase::Discarding(left) = &mut self.phase {
            *left = left.saturating_sub(bytes.len());
            return (*left == 0).then(|| self.end());
        }
        if !self.input.is_empty() {
            self.input.extend_from_slice(bytes);
            return self.decode_waiting();
        }
        let (used, event) = self.decode(bytes);
        if self.phase == Phase::Reading {
            self.input.extend_from_slice(&bytes[used..]);
        }
        event
    }

    /// Decodes what was read earlier.
    fn decode_waiting(&mut self) -> Option<Event> {
        if self.input.is_empty() {
            return None;
        }
        let mut input = mem::take(&mut self.input);
        let begin = mem::take(&mut self.taken);
        let (used, event) = self.decode(&input[begin..]);
        let taken = begin + used;
        if self.phase != Phase::Reading || taken == input.len() {
            return event;
        }
        if event.is_some() {
            self.taken = taken;
        } else {
            // Less than a header is left; what comes next is appended to it.
            input.drain(..taken);
        }
        self.input = input;
        event
    }

    /// Decodes up to one event from `bytes` and says how many bytes that took.
    fn decode(&mut self, bytes: &[u8]) -> (usize, Option<Event>) {
        let limits = self.handle.endpoint().limits();
        match self.decoder.decode(bytes, limits) {
            Ok((used, item)) => (used, item.map(|item| self.event(item))),
            Err(error) => (bytes.len(), Some(self.fail(error))),
        }
    }

    fn event(&mut self, item: Item) -> Event {
        let bucket = match item {
            Item::Text(_) | Item::Binary(_) => &mut self.messages,
            Item::Ping(_) | Item::Pong(_) => &mut self.control,
            Item::Close(disconnect) => {
                self.phase = Phase::Ended;
                self.source = Source::Gone;
                return Event::Close(self.handle.peer_closed(disconnect));
            }
        };
        let now = Instant::now();
        if let Some(bucket) = bucket {
            match self.handle.endpoint().config().on_rate_limit {
                OnRateLimit::Pause => {
                    if let Some(wait) = bucket.take(now) {
                        self.rest(now, wait);
                    }
                }
                OnRateLimit::Close if bucket.try_take(now) => {}
                OnRateLimit::Close => return self.fail(WebSocketError::RateLimited),
            }
        }
        match item {
            Item::Text(text) => Event::Text(text),
            Item::Binary(payload) => Event::Binary(payload.into()),
            Item::Pong(payload) => Event::Pong(payload.into()),
            Item::Ping(payload) => {
                self.handle.answer_ping(&payload);
                Event::Ping(payload.into())
            }
            Item::Close(_) => unreachable!("handled above"),
        }
    }

    /// The peer is too fast: reading rests.
    #[cold]
    fn rest(&mut self, now: Instant, wait: Duration) {
        self.pause = Some(Box::pin(sleep_until(now + wait)));
        Counters::add(&self.handle.endpoint().counters.rate_pauses, 1);
        let (address, seconds) = (self.handle.address(), wait.as_secs_f64());
        tracing::trace!(%address, seconds, "too fast: reading rests");
    }

    /// The peer broke a rule.
    fn fail(&mut self, error: WebSocketError) -> Event {
        tracing::debug!(address = %self.handle.address(), %error, "peer broke a rule");
        self.phase = Phase::Discarding(DISCARD_BYTES);
        self.decoder = Decoder::new(Role::Server);
        self.handle.fail(error.disconnect());
        Event::Error(error)
    }

    fn transport_failed(&mut self, error: io::Error) -> Event {
        self.source = Source::Gone;
        Event::Error(WebSocketError::Io(Arc::new(error)))
    }

    /// The stream is at its end.
    fn end(&mut self) -> Event {
        self.source = Source::Gone;
        self.phase = Phase::Ended;
        Event::Close(self.handle.end_of_stream())
    }
}

/// Somebody waits for the next event. Dropped without one, what comes lies unread meanwhile.
struct Waiting<'a>(&'a mut WebSocket);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.handle.stops_reading();
    }
}

impl Deref for WebSocket {
    type Target = WebSocketHandle;

    fn deref(&self) -> &WebSocketHandle {
        &self.handle
    }
}

impl Stream for WebSocket {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(context)
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        if self.phase == Phase::Ended {
            return;
        }
        if self.lingers {
            // The runtime goes down.
            self.handle.end_of_stream();
            return;
        }
        self.handle.close(if std::thread::panicking() {
            Disconnect::INTERNAL
        } else {
            Disconnect::NORMAL
        });
        let mut rest = Self {
            handle: Arc::clone(&self.handle),
            source: mem::replace(&mut self.source, Source::Gone),
            decoder: mem::replace(&mut self.decoder, Decoder::new(Role::Server)),
            input: mem::take(&mut self.input),
            taken: self.taken,
            phase: self.phase,
            lingers: true,
            messages: None,
            control: None,
            pause: None,
        };
        self.handle
            .endpoint()
            .runtime()
            .spawn(async move { while rest.next().await.is_some() {} });
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("address", self.handle.address())
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}
