//! A client that sends what it likes.

use std::{collections::VecDeque, fmt, panic::Location, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_server::Io;
use switchboard_wire::engine::Open;
use tokio::{sync::Notify, time::timeout};

use crate::{
    builder::{ConnectFailure, Settings},
    engine::{Arrived, Engine, Outgoing},
    reason::Reason,
};

/// An Engine.IO session without Socket.IO: for tests of what a bad client does. From
/// [`ClientBuilder::open`](crate::ClientBuilder::open).
///
/// ```
/// # use switchboard_server::{Io, IoConfig};
/// # use switchboard_testkit::{Reason, TestClient};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let io = Io::new(IoConfig::default()).unwrap();
/// let client = TestClient::builder().open(&io).await;
/// client.send("40");
/// assert!(client.expect_text().await.starts_with(r#"0{"sid":"#));
///
/// client.send("nonsense");
/// assert_eq!(client.expect_end().await, Reason::TransportClose);
/// # }
/// ```
///
/// It answers heartbeats, unless [`stop_reading`](Self::stop_reading) was called.
pub struct RawClient {
    engine: Engine,
    inbox: Arc<Inbox>,
    deadline: Duration,
}

#[derive(Default)]
struct Inbox {
    arrived: Mutex<VecDeque<Arrived>>,
    changed: Notify,
}

impl RawClient {
    pub(crate) async fn open(io: &Io, settings: &Settings) -> Result<Self, ConnectFailure> {
        let inbox = Arc::<Inbox>::default();
        let for_listener = Arc::clone(&inbox);
        let listener = Box::new(move |arrived| {
            for_listener.arrived.lock().push_back(arrived);
            for_listener.changed.notify_waiters();
        });
        Ok(Self {
            engine: settings.open(io, listener).await?,
            inbox,
            deadline: settings.deadline,
        })
    }

    /// The server's greeting.
    pub fn greeting(&self) -> &Open {
        &self.engine.facts.open
    }

    /// Sends an Engine.IO packet: `40` asks for the namespace `/`, `42["hello"]` is an event.
    pub fn send(&self, packet: &str) {
        // A transport that has ended takes nothing.
        let _ = self.engine.outgoing.send(Outgoing::Text(packet.to_owned()));
    }

    /// Sends a binary message.
    pub fn send_binary(&self, payload: impl Into<Bytes>) {
        let _ = self.engine.outgoing.send(Outgoing::Binary(payload.into()));
    }

    /// The next message, which must be a text: a Socket.IO packet without the digit of Engine.IO.
    ///
    /// # Panics
    ///
    /// When something else comes, or nothing within the deadline.
    #[track_caller]
    pub fn expect_text(&self) -> impl Future<Output = String> + Send {
        let at = Location::caller();
        async move {
            match self.next(self.deadline).await {
                Some(Arrived::Text(text)) => text,
                other => panic!("{at}: expected a text, but {}", describe(other.as_ref())),
            }
        }
    }

    /// The next message, which must be binary.
    ///
    /// # Panics
    ///
    /// As [`expect_text`](Self::expect_text).
    #[track_caller]
    pub fn expect_binary(&self) -> impl Future<Output = Bytes> + Send {
        let at = Location::caller();
        async move {
            match self.next(self.deadline).await {
                Some(Arrived::Binary(payload)) => payload,
                other => panic!("{at}: expected bytes, but {}", describe(other.as_ref())),
            }
        }
    }

    /// The transport ends, with no message before that nobody has looked at.
    ///
    /// # Panics
    ///
    /// When a message comes, or the transport lives beyond the deadline.
    #[track_caller]
    pub fn expect_end(&self) -> impl Future<Output = Reason> + Send {
        let at = Location::caller();
        self.end_within(self.deadline, at)
    }

    /// The same, within a time of its own.
    ///
    /// # Panics
    ///
    /// As [`expect_end`](Self::expect_end).
    #[track_caller]
    pub fn expect_end_within(&self, within: Duration) -> impl Future<Output = Reason> + Send {
        self.end_within(within, Location::caller())
    }

    /// Nothing comes for so long, and the transport lives.
    ///
    /// # Panics
    ///
    /// When something comes or the transport ends.
    #[track_caller]
    pub fn expect_silence(&self, long: Duration) -> impl Future<Output = ()> + Send {
        let at = Location::caller();
        async move {
            if let Some(arrived) = self.next(long).await {
                panic!(
                    "{at}: expected silence for {long:?}, but {}",
                    describe(Some(&arrived))
                );
            }
        }
    }

    /// The code with which the server closed the WebSocket, if it has.
    pub fn close_code(&self) -> Option<u16> {
        self.engine.facts.close_code.get().copied()
    }

    /// Takes no more bytes of the server; its heartbeats are not answered.
    pub fn stop_reading(&self) {
        self.engine.reading.send_replace(false);
    }

    /// Ends [`stop_reading`](Self::stop_reading).
    pub fn read_again(&self) {
        self.engine.reading.send_replace(true);
    }

    async fn end_within(&self, within: Duration, at: &Location<'_>) -> Reason {
        match self.next(within).await {
            Some(Arrived::Ended(reason)) => reason,
            other => panic!("{at}: expected the end, but {}", describe(other.as_ref())),
        }
    }

    async fn next(&self, within: Duration) -> Option<Arrived> {
        let next = async {
            loop {
                let changed = self.inbox.changed.notified();
                if let Some(arrived) = self.inbox.arrived.lock().pop_front() {
                    return arrived;
                }
                changed.await;
            }
        };
        timeout(within, next).await.ok()
    }
}

fn describe(arrived: Option<&Arrived>) -> String {
    match arrived {
        None => "nothing came in time".to_owned(),
        Some(Arrived::Text(text)) => format!("got `{text}`"),
        Some(Arrived::Binary(payload)) => format!("got {} bytes", payload.len()),
        Some(Arrived::Ended(reason)) => format!("the transport has ended ({reason})"),
    }
}

impl fmt::Debug for RawClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawClient").finish_non_exhaustive()
    }
}
