//! Flushes what a turn filled when that is much.
//!
//! Writing to a thousand sockets takes milliseconds in which more messages for the same sockets arrive.
//! So a large batch is handed to a task that first lets everything else that is ready have its turn,
//! and only then writes, in pieces, letting others run in between: what came meanwhile goes out with
//! the same system calls.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::Notify};

use super::{
    handle::WebSocketHandle,
    write::{Gather, flush},
};

/// Connections that are flushed before others get a turn.
const PIECE: usize = 256;

/// A batch larger than this is split over the runtime's workers.
const SPLIT: usize = 4 * PIECE;

/// Takes batches and flushes them in a task of its own.
#[derive(Debug, Default)]
pub(super) struct Flusher {
    filled: Mutex<Vec<Arc<WebSocketHandle>>>,
    wake: Notify,
}

impl Flusher {
    /// Flushes `batch` soon; leaves it empty.
    pub(super) fn add(&self, batch: &mut Vec<Arc<WebSocketHandle>>) {
        let mut filled = self.filled.lock();
        if filled.is_empty() {
            std::mem::swap(&mut *filled, batch);
            self.wake.notify_one();
        } else {
            filled.append(batch);
        }
    }

    /// Runs until dropped.
    pub(super) async fn run(self: Arc<Self>, runtime: Handle) {
        let workers = runtime.metrics().num_workers();
        let mut batch = Vec::new();
        let mut gather = Gather::new();
        loop {
            self.wake.notified().await;
            // Two turns of everybody, and of the I/O driver: producers write their messages one by one.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            std::mem::swap(&mut *self.filled.lock(), &mut batch);
            if workers > 1 && batch.len() > SPLIT {
                let share = batch.len().div_ceil(workers);
                while batch.len() > share {
                    let part = batch.split_off(batch.len() - share);
                    runtime.spawn(async move { flush_in_pieces(part, &mut Gather::new()).await });
                }
            }
            batch = flush_in_pieces(batch, &mut gather).await;
            gather.forget();
        }
    }
}

/// Returns the vector, empty, for its memory.
async fn flush_in_pieces(
    mut batch: Vec<Arc<WebSocketHandle>>,
    gather: &mut Gather,
) -> Vec<Arc<WebSocketHandle>> {
    while !batch.is_empty() {
        let begin = batch.len().saturating_sub(PIECE);
        for connection in batch.drain(begin..) {
            flush(&connection, gather);
        }
        if !batch.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    batch
}
