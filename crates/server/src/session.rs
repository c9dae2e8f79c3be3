//! The task of one connection.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use switchboard_connection::Cork;
use switchboard_pool::Membership;

use crate::gate::Permit;

pin_project! {
    /// A handler at work: one task, one turn per poll, and what is given back when it ends.
    pub(crate) struct Session<F> {
        #[pin]
        handler: F,
        membership: Membership,
        permit: Permit,
    }
}

impl<F> Session<F> {
    pub(crate) fn new(handler: F, membership: Membership, permit: Permit) -> Self {
        Self { handler, membership, permit }
    }
}

impl<F: Future<Output = ()>> Future for Session<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let _cork = Cork::new();
        self.project().handler.poll(context)
    }
}
