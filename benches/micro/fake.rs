//! A connection that only counts, so that what is measured is the pool's own part.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use switchboard::connection::{
    Address, AnyConnection, Closed, Connection, ConnectionId, Delivery, Disconnect, Frame,
    Initiator, Metadata, Namespace, SendError, Sent,
};
use switchboard::pool::Pool;

use crate::NAMESPACE;

/// The address of connection `number`.
pub(crate) fn address(number: usize) -> Address {
    let id = ConnectionId::new(number.to_string()).expect("a number is a name");
    Address::new(id, Namespace::from_static(NAMESPACE))
}

/// A pool of `count` connections that only count.
pub(crate) fn pool_of(count: usize) -> Pool {
    let pool = Pool::default();
    for number in 0..count {
        pool.add(Fake::any(number)).expect("its id is its own");
    }
    pool
}

#[derive(Debug)]
pub(crate) struct Fake {
    address: Address,
    sent: AtomicU64,
    metadata: Metadata,
}

impl Fake {
    pub(crate) fn any(number: usize) -> AnyConnection {
        Arc::new(Self {
            address: address(number),
            sent: AtomicU64::new(0),
            metadata: Metadata::default(),
        })
    }
}

#[async_trait]
impl Connection for Fake {
    fn address(&self) -> &Address {
        &self.address
    }

    fn try_send(&self, _: &Frame, _: Delivery) -> Result<Sent, SendError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(Sent::Queued)
    }

    fn close(&self, _: Disconnect) -> bool {
        false
    }

    fn is_closed(&self) -> bool {
        false
    }

    async fn closed(&self) -> Closed {
        Closed::new(Initiator::Local, Disconnect::ABNORMAL, false)
    }

    async fn ready(&self, _: usize) -> Result<(), SendError> {
        Ok(())
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
