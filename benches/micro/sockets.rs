//! WebSocket connections over memory, nothing of which is written while a case runs.

use std::sync::Arc;

use switchboard::connection::{
    AnyConnection, Connection, ConnectionConfig, Cork, Delivery, Endpoint, Frame, Transport,
    WebSocket, WebSocketHandle,
};
use switchboard::pool::Pool;
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};

use crate::{OPERATIONS, fake::address, text};

/// More than the one frame that is ever written.
const PIPE: usize = 256;

/// Open connections in the middle of one turn: what they are sent is queued.
pub(crate) struct Sockets {
    /// Dropped first: the turn ends before the connections do.
    cork: Cork,
    pub(crate) connections: Vec<AnyConnection>,
    pub(crate) pool: Pool,
    /// The sides nobody reads; without them the connections would end.
    _ends: Vec<(WebSocket, DuplexStream)>,
    _endpoint: Endpoint,
    _runtime: Runtime,
}

impl Sockets {
    /// [`OPERATIONS`] connections that have been written to before, so that they have the memory that
    /// they keep.
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime of this thread needs nothing that could be missing");
        let context = runtime.enter();
        let endpoint = Endpoint::new(ConnectionConfig::default()).expect("the defaults are valid");
        let ends: Vec<_> = (0..OPERATIONS)
            .map(|number| {
                let (ours, theirs) = duplex(PIPE);
                let transport = Transport::stream(ours, None);
                (endpoint.accepted(transport, &[], address(number)), theirs)
            })
            .collect();
        drop(context);

        let handles: Vec<_> = ends
            .iter()
            .map(|(socket, _)| Arc::clone(socket.handle()))
            .collect();
        runtime.block_on(write_once(&handles));

        let pool = Pool::default();
        let connections: Vec<AnyConnection> = handles
            .into_iter()
            .map(|handle| handle as AnyConnection)
            .collect();
        for connection in &connections {
            pool.add(Arc::clone(connection)).expect("its id is its own");
        }
        Self {
            cork: Cork::new(),
            connections,
            pool,
            _ends: ends,
            _endpoint: endpoint,
            _runtime: runtime,
        }
    }

    /// A frame of `len` bytes of text, as a broadcast sends it.
    pub(crate) fn broadcast(&self, len: usize) -> Frame {
        self.cork.broadcast(Frame::text(text(len)))
    }

    /// Sends `frame` to each connection, by itself.
    pub(crate) fn send(&self, frame: &Frame) {
        for connection in &self.connections {
            connection
                .try_send(frame, Delivery::Policy)
                .expect("the connection is open");
        }
    }
}

async fn write_once(handles: &[Arc<WebSocketHandle>]) {
    let cork = Cork::new();
    let frame = Frame::text("warm");
    for handle in handles {
        handle
            .try_send(&frame, Delivery::Policy)
            .expect("the connection is open");
    }
    drop(cork);
    while handles.iter().any(|handle| handle.outbox_bytes() > 0) {
        tokio::task::yield_now().await;
    }
}
