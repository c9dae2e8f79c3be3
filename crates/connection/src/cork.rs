//! Holds writes back until a producer's turn ends, so that each peer gets one write per turn.
//!
//! A handler that sends three messages to one peer, or a batch of ten broadcasts, should cost each
//! peer one system call. While a [`Cork`] is alive on a thread, sends of this thread only queue; when
//! the outermost one is dropped, each outbox that was filled meanwhile is flushed once. Without a cork
//! each send flushes by itself.
//!
//! A future that runs handlers is wrapped in [`Corked`]: each of its polls is one turn.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

/// While it lives, sends on this thread queue without writing. See the [module docs](self).
///
/// Never hold it across an `.await`: the compiler refuses where the future must be `Send`.
#[derive(Debug)]
#[must_use = "dropping the cork at once flushes at once"]
pub struct Cork {
    /// A cork belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl Cork {
    /// Holds back writes of this thread until this cork and those around it are dropped.
    pub fn new() -> Self {
        Self { not_send: PhantomData }
    }
}

impl Default for Cork {
    fn default() -> Self {
        Self::new()
    }
}

pin_project! {
    /// A future each poll of which is one turn: its sends are flushed when the poll ends.
    #[derive(Debug)]
    pub struct Corked<F> {
        #[pin]
        inner: F,
    }
}

impl<F: Future> Corked<F> {
    /// Wraps `inner`.
    pub fn new(inner: F) -> Self {
        Self { inner }
    }
}

impl<F: Future> Future for Corked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _cork = Cork::new();
        self.project().inner.poll(context)
    }
}
