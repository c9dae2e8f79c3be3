//! A place in the pool that is given up by itself.

use std::fmt;

use switchboard_connection::AnyConnection;

use crate::pool::{Added, Pool, Removed};

/// Keeps one connection in a pool; from [`Pool::enter`].
///
/// Dropping it takes the connection out, so that a task which ends early, by `?`, panic or
/// cancellation, leaves no dead entry. It does not close the connection.
#[must_use = "dropping it takes the connection out of the pool at once"]
pub struct Membership {
    pool: Pool,
    connection: AnyConnection,
    added: Added,
    left: bool,
}

impl Membership {
    pub(crate) fn new(pool: Pool, connection: AnyConnection, added: Added) -> Self {
        Self {
            pool,
            connection,
            added,
            left: false,
        }
    }

    /// The connection that is kept.
    pub fn connection(&self) -> &AnyConnection {
        &self.connection
    }

    /// The pool it is kept in.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// How it came in.
    pub fn added(&self) -> Added {
        self.added
    }

    /// Takes the connection out and says what that did: what a drop does, with the answer.
    pub fn leave(mut self) -> Removed {
        self.left = true;
        self.pool.remove(&self.connection)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if !self.left {
            self.pool.remove(&self.connection);
        }
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("address", self.connection.address())
            .field("added", &self.added)
            .finish_non_exhaustive()
    }
}
