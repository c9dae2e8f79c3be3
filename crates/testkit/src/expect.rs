//! What a client expects to happen.

use std::{panic::Location, time::Duration};

use serde::de::DeserializeOwned;
use switchboard_wire::{Args, Event};
use tokio::time::Instant;

use crate::{client::TestClient, reason::Reason, received::Received, seat::Happening};

/// What comes from the server, in the order it came. Each call takes one event; a panic says what came
/// instead.
///
/// Times are tokio's. With paused time, waiting takes no time at all.
impl TestClient {
    /// The arguments of the next event, which must have this name.
    ///
    /// # Panics
    ///
    /// When it has another name, the client is disconnected, or nothing comes within the deadline.
    #[track_caller]
    pub fn expect(&self, event: &str) -> impl Future<Output = Args> + Send {
        let received = self.expect_event(event, Location::caller());
        async move { received.await.event.args }
    }

    /// The same as a type of yours: the first argument, or all of them when `T` is a tuple.
    ///
    /// # Panics
    ///
    /// As [`expect`](Self::expect), and when the arguments are of another type.
    #[track_caller]
    pub fn expect_as<T: DeserializeOwned>(&self, event: &str) -> impl Future<Output = T> + Send {
        let at = Location::caller();
        let received = self.expect_event(event, at);
        async move {
            let received = received.await;
            match received.event.args.read() {
                Ok(data) => data,
                Err(error) => panic!("{at}: {received}: {error}"),
            }
        }
    }

    /// The next event, which must have this name and ask for an answer: see [`Received::reply`].
    ///
    /// ```
    /// # use switchboard_server::{Io, IoConfig, Socket, AckError};
    /// # use switchboard_testkit::TestClient;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// io.on("greet", async |socket: Socket| {
    ///     let name: String = socket.emit_with_ack("name?", &()).await?;
    ///     socket.emit("greeting", &format!("Hello {name}!")).await?;
    ///     Ok::<_, AckError>(())
    /// });
    ///
    /// let client = TestClient::connect(&io).await;
    /// client.emit("greet", &());
    /// client.expect_question("name?").await.reply("Ann");
    /// assert_eq!(client.expect_as::<String>("greeting").await, "Hello Ann!");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`expect`](Self::expect), and when no answer is asked for.
    #[track_caller]
    pub fn expect_question(&self, event: &str) -> impl Future<Output = Received> + Send {
        let at = Location::caller();
        let received = self.expect_event(event, at);
        async move {
            let received = received.await;
            assert!(
                received.is_question(),
                "{at}: expected a question, but no answer is asked for: {received}"
            );
            received
        }
    }

    /// The next event, whatever it is; `None` when the client is disconnected or nothing comes within the
    /// deadline.
    pub async fn next(&self) -> Option<Received> {
        match self.seat.next(self.settings.deadline).await {
            Some(Happening::Event(event)) => Some(self.received(event)),
            _ => None,
        }
    }

    /// Takes the events that are here already.
    pub fn received_so_far(&self) -> Vec<Received> {
        let events = self.seat.drain().into_iter();
        events.map(|event| self.received(event)).collect()
    }

    /// Nothing comes for so long, and the client stays connected.
    ///
    /// # Panics
    ///
    /// When an event comes, or the client is disconnected.
    #[track_caller]
    pub fn expect_silence(&self, long: Duration) -> impl Future<Output = ()> + Send {
        let at = Location::caller();
        async move {
            if let Some(happening) = self.seat.next(long).await {
                panic!(
                    "{at}: {self} expected silence for {long:?}, but {}",
                    self.describe(happening)
                );
            }
        }
    }

    /// The client is disconnected, with no event before that nobody has looked at.
    ///
    /// # Panics
    ///
    /// When an event comes, or it stays connected beyond the deadline.
    #[track_caller]
    pub fn expect_disconnect(&self) -> impl Future<Output = Reason> + Send {
        let at = Location::caller();
        self.disconnect_within(self.settings.deadline, at)
    }

    /// The same, within a time of its own.
    ///
    /// # Panics
    ///
    /// As [`expect_disconnect`](Self::expect_disconnect).
    #[track_caller]
    pub fn expect_disconnect_within(
        &self,
        within: Duration,
    ) -> impl Future<Output = Reason> + Send {
        self.disconnect_within(within, Location::caller())
    }

    /// Takes events until the client is disconnected, and returns both.
    ///
    /// # Panics
    ///
    /// When it stays connected for so long.
    #[track_caller]
    pub fn all_until_disconnect(
        &self,
        within: Duration,
    ) -> impl Future<Output = (Vec<Received>, Reason)> + Send {
        let at = Location::caller();
        async move {
            let until = Instant::now() + within;
            let mut all = Vec::new();
            loop {
                match self.seat.next(until - Instant::now()).await {
                    Some(Happening::Event(event)) => all.push(self.received(event)),
                    Some(Happening::Ended(reason)) => return (all, reason),
                    None => panic!("{at}: {self} is still connected after {within:?}"),
                }
            }
        }
    }

    async fn disconnect_within(&self, within: Duration, at: &Location<'_>) -> Reason {
        match self.seat.next(within).await {
            Some(Happening::Ended(reason)) => reason,
            Some(happening) => panic!(
                "{at}: {self} expected to be disconnected, but {}",
                self.describe(happening)
            ),
            None => panic!("{at}: {self} is still connected after {within:?}"),
        }
    }

    async fn expect_event(&self, event: &str, at: &Location<'_>) -> Received {
        let within = self.settings.deadline;
        match self.seat.next(within).await {
            Some(Happening::Event(found)) if found.name == *event => self.received(found),
            Some(happening) => panic!(
                "{at}: {self} expected `{event}`, but {}",
                self.describe(happening)
            ),
            None => panic!("{at}: {self} expected `{event}`, but nothing came within {within:?}"),
        }
    }

    fn describe(&self, happening: Happening) -> String {
        match happening {
            Happening::Event(event) => format!("got {}", self.received(event)),
            Happening::Ended(reason) => format!("is disconnected ({reason})"),
        }
    }

    fn received(&self, event: Event) -> Received {
        Received {
            event,
            namespace: self.namespace().to_owned(),
            sender: self.connection.sender.clone(),
        }
    }
}
