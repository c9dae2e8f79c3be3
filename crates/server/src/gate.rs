//! How many may be here: connections per node and per address, handshakes a second.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, mapref::entry::Entry};
use http::StatusCode;
use parking_lot::Mutex;
use switchboard_connection::TokenBucket;
use tokio::time::Instant;

use crate::{admit::Refusal, config::ListenerConfig};

/// Transports above the cap that are still read, so that they can be told 503.
const ROOM_TO_REFUSE: usize = 128;

/// Counts who is here and refuses who is too many.
#[derive(Debug)]
pub(crate) struct Gate {
    cap: usize,
    per_address: Option<usize>,
    connections: AtomicUsize,
    /// Transports without a permit.
    arrivals: AtomicUsize,
    addresses: DashMap<IpAddr, usize>,
    rate: Option<Mutex<TokenBucket>>,
    retry_after: Duration,
    pub(crate) refused: AtomicU64,
}

impl Gate {
    pub(crate) fn new(config: &ListenerConfig) -> Self {
        let now = Instant::now();
        Self {
            cap: config.connection_cap(),
            per_address: config.max_connections_per_address,
            connections: AtomicUsize::new(0),
            arrivals: AtomicUsize::new(0),
            addresses: DashMap::new(),
            rate: config
                .connect_rate
                .map(|rate| Mutex::new(TokenBucket::new(rate, now))),
            retry_after: config.retry_after,
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn cap(&self) -> usize {
        self.cap
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn draining(&self) -> Refusal {
        self.busy("DRAINING")
    }

    /// Come back later.
    pub(crate) fn busy(&self, code: &'static str) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code).with_retry_after(self.retry_after)
    }

    /// Takes a transport in to hear what it wants; `None`, and counted, when there is no room even to
    /// refuse it.
    pub(crate) fn arrive(self: &Arc<Self>) -> Option<Arrival> {
        let others = self.arrivals.load(Ordering::Relaxed) + self.connections();
        if others >= self.cap.saturating_add(ROOM_TO_REFUSE) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.arrivals.fetch_add(1, Ordering::Relaxed);
        Some(Arrival {
            gate: Arc::clone(self),
            counted: AtomicBool::new(true),
        })
    }

    /// Takes a place for a client, which is free again when the permit is dropped.
    pub(crate) fn enter(self: &Arc<Self>, client: IpAddr) -> Result<Permit, Refusal> {
        if let Some(rate) = &self.rate
            && !rate.lock().try_take(Instant::now())
        {
            return Err(self.busy("RATE_LIMITED"));
        }
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        let mut permit = Permit {
            gate: Arc::clone(self),
            address: None,
        };
        if before >= self.cap {
            return Err(self.busy("TOO_MANY_CONNECTIONS"));
        }
        if let Some(limit) = self.per_address {
            let mut count = self.addresses.entry(client).or_insert(0);
            if *count >= limit {
                let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_CONNECTIONS");
                return Err(refusal.with_retry_after(self.retry_after));
            }
            *count += 1;
            permit.address = Some(client);
        }
        Ok(permit)
    }
}

/// A transport whose request has not been answered, or was for no WebSocket.
#[derive(Debug)]
pub(crate) struct Arrival {
    gate: Arc<Gate>,
    counted: AtomicBool,
}

impl Arrival {
    /// It has a permit from now on, and counts once.
    pub(crate) fn is_permitted(&self) {
        if self.counted.swap(false, Ordering::Relaxed) {
            self.gate.arrivals.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.is_permitted();
    }
}

/// One place; given back on drop.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    address: Option<IpAddr>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.connections.fetch_sub(1, Ordering::Relaxed);
        if let Some(address) = self.address
            && let Entry::Occupied(mut count) = self.gate.addresses.entry(address)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(config: &ListenerConfig) -> Arc<Gate> {
        Arc::new(Gate::new(config))
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_given_back() {
        let gate = gate(&ListenerConfig::default().with_max_connections(Some(1)));
        let client = IpAddr::from([192, 0, 2, 1]);
        let permit = gate.enter(client).unwrap();
        assert_eq!(gate.enter(client).unwrap_err().code, "TOO_MANY_CONNECTIONS");
        drop(permit);
        assert!(gate.enter(client).is_ok());
        assert_eq!(gate.connections(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_counts_once() {
        let gate = gate(&ListenerConfig::default().with_max_connections(Some(200)));
        let client = IpAddr::from([192, 0, 2, 1]);
        let all: Vec<_> = (0..200)
            .map(|_| {
                let arrival = gate.arrive().expect("below the cap");
                let permit = gate.enter(client).unwrap();
                arrival.is_permitted();
                (arrival, permit)
            })
            .collect();
        let above: Vec<_> = std::iter::from_fn(|| gate.arrive()).collect();
        assert_eq!(above.len(), ROOM_TO_REFUSE);
        assert_eq!(gate.refused.load(Ordering::Relaxed), 1);
        drop((all, above));
        assert_eq!(
            (gate.connections(), gate.arrivals.load(Ordering::Relaxed)),
            (0, 0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_cap_may_be_as_large_as_numbers_go() {
        let gate = gate(&ListenerConfig::default().with_max_connections(Some(usize::MAX)));
        assert!(gate.arrive().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_own_limit_and_leaves_no_trace() {
        let gate = gate(&ListenerConfig::default().with_max_connections_per_address(Some(2)));
        let (a, b) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let permits = [
            gate.enter(a).unwrap(),
            gate.enter(a).unwrap(),
            gate.enter(b).unwrap(),
        ];
        assert_eq!(
            gate.enter(a).unwrap_err().status,
            StatusCode::TOO_MANY_REQUESTS
        );
        drop(permits);
        assert!(gate.addresses.is_empty());
        assert_eq!(gate.connections(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn handshakes_have_a_rate() {
        let rate = switchboard_connection::Rate::new(10, 3);
        let gate = gate(&ListenerConfig::default().with_connect_rate(Some(rate)));
        let client = IpAddr::from([192, 0, 2, 1]);
        let results: Vec<_> = (0..5).map(|_| gate.enter(client).map(drop)).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
        assert_eq!(results[4].as_ref().unwrap_err().code, "RATE_LIMITED");
    }
}
