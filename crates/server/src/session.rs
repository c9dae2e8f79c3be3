//! The task of one connection.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;
use switchboard_connection::{AnyConnection, Cork};
use switchboard_pool::Membership;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::gate::Permit;

pin_project! {
    /// A handler at work: one task, one turn per poll, and what is given back when it ends.
    pub(crate) struct Session<F> {
        #[pin]
        handler: F,
        membership: Membership,
        permit: Option<Permit>,
        tasks: TaskTracker,
    }

    impl<F> PinnedDrop for Session<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(permit) = this.permit.take() {
                hold_until_ended(this.membership.connection().clone(), permit, this.tasks);
            }
        }
    }
}

impl<F> Session<F> {
    pub(crate) fn new(
        handler: F,
        membership: Membership,
        permit: Permit,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            handler,
            membership,
            permit: Some(permit),
            tasks,
        }
    }
}

impl<F: Future<Output = ()>> Future for Session<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let _cork = Cork::new();
        self.project().handler.poll(context)
    }
}

/// Gives `permit` back when `connection` has ended: a handler may return before its peer has answered
/// the close, and until then the connection holds a file descriptor.
pub(crate) fn hold_until_ended(connection: AnyConnection, permit: Permit, tasks: &TaskTracker) {
    let mut ended = Box::pin(async move {
        connection.closed().await;
        drop(permit);
    });
    let now = ended.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    if now.is_pending()
        && let Ok(runtime) = Handle::try_current()
    {
        runtime.spawn(tasks.track_future(ended));
    }
}
