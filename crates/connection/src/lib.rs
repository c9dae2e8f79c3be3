//! One peer, one connection.

pub mod address;
mod connection;
mod cork;
mod disconnect;
mod frame;
mod metadata;

pub use address::{Address, ConnectionId, NameError, Namespace, NodeId, RemoteConnection, Room, UserId};
pub use connection::{
    AnyConnection, Connection, ConnectionExt, Delivery, SEND_DEADLINE, SendError, SendJsonError, Sent,
};
pub use cork::{Cork, Corked};
pub use disconnect::{Closed, Disconnect, Initiator, MAX_REASON_LEN};
pub use frame::{EncodeError, Frame, FrameKind};
pub use metadata::Metadata;
