//! Connections by namespace and room, on one node.
//!
//! A server that holds many connections wants to say "everyone in this namespace", "everyone in these
//! rooms but not the sender", "this one", and, before a deploy, "everyone, but slowly". A [`Pool`]
//! answers these for connections of any kind: WebSockets of `switchboard-connection`, or whatever else
//! implements its [`Connection`](switchboard_connection::Connection) trait.
//!
//! ```
//! use switchboard_connection::{AnyConnection, Room};
//! use switchboard_pool::{AddError, Pool};
//!
//! async fn serve(pool: &Pool, connection: AnyConnection) -> Result<(), AddError> {
//!     // In the pool for as long as the membership lives. The connection brings its own address.
//!     let membership = pool.enter(connection)?;
//!
//!     let lobby = Room::from_static("lobby");
//!     pool.join(membership.connection(), &lobby).expect("it has just entered");
//!
//!     // Encoded once, queued to each member of the room once; never waits for a slow peer.
//!     let id = &membership.connection().address().id;
//!     let report = pool.namespace("default").to(&lobby).except(id).send("somebody came");
//!     println!("{} will read it", report.queued);
//!
//!     membership.connection().closed().await;
//!     if membership.leave().is_last() {
//!         println!("nobody is left in the namespace");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Where to start
//!
//! - [`Pool::enter`] and [`Pool::add`] take a connection in; a namespace is created by its first
//!   connection and gone with its last. Reads never create one.
//! - [`Pool::namespace`] chooses [`Recipients`], which send, and answer with a [`Report`].
//! - [`Pool::send_to`] and its siblings address one connection.
//! - [`Pool::close_all`] empties a namespace, [`Pool::drain`] the node, at a pace.
//!
//! # What to rely on
//!
//! - *Order.* Messages sent one after another by one task reach each recipient in that order.
//!   Iteration and broadcasts go through a namespace, or a room, in the order of arrival.
//! - *Once.* A broadcast reaches each recipient once, whatever rooms it is in.
//! - *Identity.* Two connections of one address are told apart by their allocation: removing an old
//!   object never removes its successor.
//! - *Facts.* Each non-empty → empty change of a namespace or a room is told to exactly one caller.
//! - *Locks.* One short lock per namespace guards who is in it. It is never held while a connection
//!   is sent to or closed, nor across an `.await`.

mod broadcast;
mod close_all;
mod config;
mod direct;
mod drain;
mod draining;
mod gate;
mod identity;
mod membership;
mod name;
mod namespace;
mod pace;
mod pool;
mod report;
mod roll;
mod rooms;

#[cfg(test)]
#[path = "../tests/fake/mod.rs"]
mod fake;

pub use broadcast::Recipients;
pub use close_all::CloseReport;
pub use config::{OnDuplicate, PoolConfig};
pub use direct::{Closing, SendToError};
pub use drain::{
    Drain, DrainError, DrainHandle, DrainOutcome, DrainProgress, DrainReport, Draining,
};
pub use membership::Membership;
pub use name::NameOf;
pub use pool::{AddError, Added, Pool, Removed};
pub use report::Report;
pub use roll::{Connections, Iter};
pub use rooms::{JoinError, Joined, Left};
