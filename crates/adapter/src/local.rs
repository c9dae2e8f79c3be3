//! The adapter of a node that is alone.

use std::{sync::Weak, time::Duration};

use async_trait::async_trait;
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName};

use crate::{
    adapter::{Adapter, AdapterError},
    answer::{Answer, SocketDetails},
    delivery::LocalDelivery,
    publication::{Publication, Target},
    status::{BusStatus, Capabilities},
};

/// No other nodes: nothing to carry, nobody who keeps silent.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalAdapter;

#[async_trait]
impl Adapter for LocalAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn attach(&self, _: &NodeId, _: Weak<dyn LocalDelivery>) {}

    fn open_namespace(&self, _: &Namespace) {}

    fn close_namespace(&self, _: &Namespace) {}

    fn publish(&self, _: &Publication<'_>) {}

    async fn ask(&self, _: &Publication<'_>, _: Duration) -> Answer<Vec<Args>> {
        Answer::complete(Vec::new())
    }

    async fn sockets(&self, _: &Namespace, _: &Target) -> Answer<Vec<ConnectionId>> {
        Answer::complete(Vec::new())
    }

    async fn fetch_sockets(&self, _: &Namespace, _: &Target) -> Answer<Vec<SocketDetails>> {
        Answer::complete(Vec::new())
    }

    async fn all_rooms(&self, _: &Namespace) -> Answer<Vec<Room>> {
        Answer::complete(Vec::new())
    }

    async fn server_count(&self, _: &Namespace) -> Answer<usize> {
        Answer::complete(1)
    }

    async fn join(&self, _: &Namespace, _: &Target, _: &[Room]) -> Result<(), AdapterError> {
        Ok(())
    }

    async fn leave(&self, _: &Namespace, _: &Target, _: &[Room]) -> Result<(), AdapterError> {
        Ok(())
    }

    async fn disconnect(&self, _: &Namespace, _: &Target, _: bool) -> Result<(), AdapterError> {
        Ok(())
    }

    fn server_side_emit(&self, _: &Namespace, _: &EventName, _: &Args) {}

    async fn server_side_ask(&self, _: &Namespace, _: &EventName, _: &Args) -> Answer<Vec<Args>> {
        Answer::complete(Vec::new())
    }

    fn status(&self) -> BusStatus {
        BusStatus::Connected
    }

    async fn close(&self) {}
}
