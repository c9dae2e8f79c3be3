//! What all themes need.

use std::{
    fmt::Display,
    sync::{Arc, Mutex},
    time::Duration,
};

use switchboard_server::{Io, IoConfig, Socket};
use switchboard_testkit::{ClientBuilder, TestClient};
use tokio::time::{Instant, sleep};

pub(crate) fn io(config: IoConfig) -> Io {
    Io::new(config).unwrap()
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Fails, as a handler of somebody who did not mean to.
pub(crate) fn fail(place: &str) {
    assert!(place.is_empty(), "{place}, on purpose");
}

/// Waits until `condition` holds, for a virtual quarter of an hour.
#[track_caller]
pub(crate) fn until(condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    let mut condition = condition;
    async move {
        let deadline = Instant::now() + secs(900);
        while !condition() {
            assert!(Instant::now() < deadline, "{at}: never came true");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What happened, in order. A clone is the same journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, what: impl Display) {
        self.0.lock().unwrap().push(what.to_string());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Whether the numbers `0..count` were noted, in order, and nothing else.
    #[track_caller]
    pub(crate) fn assert_counts_to(&self, count: usize) {
        let all = self.all();
        let expected: Vec<_> = (0..count).map(|number| number.to_string()).collect();
        assert!(all == expected, "{} of {count}: {all:?}", all.len());
    }
}

/// The sockets of `/` on this server.
pub(crate) fn sockets(io: &Io) -> Vec<Socket> {
    io.root().everybody().local_sockets()
}

pub(crate) fn only_socket(io: &Io) -> Socket {
    let mut sockets = sockets(io);
    assert_eq!(sockets.len(), 1);
    sockets.remove(0)
}

/// Both ways to connect, with a name for messages of failure.
pub(crate) fn transports() -> [(&'static str, ClientBuilder); 2] {
    [
        ("websocket", TestClient::builder()),
        ("polling", TestClient::builder().polling()),
    ]
}
