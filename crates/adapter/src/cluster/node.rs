//! One node's side of the in-process cluster.

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName};

use crate::{
    adapter::{Adapter, AdapterError, MAX_NOTICE},
    answer::{Answer, SocketDetails},
    cluster::{
        hub::Hub,
        message::{Message, Operation, Published, Query, Reply},
        question::Outcome,
    },
    delivery::LocalDelivery,
    publication::{Publication, Target},
    session::{Restored, SavedSession},
    status::{BusStatus, Capabilities},
};

/// How long [`close`](Adapter::close) waits for what is under way.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// How long [`restore_session`](Adapter::restore_session) waits for the log.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(1);

/// The adapter of one node of a [`Cluster`](crate::Cluster); from [`Cluster::node`](crate::Cluster::node).
pub struct ClusterNode {
    hub: Arc<Hub>,
    /// Its number, once it is attached.
    index: OnceLock<usize>,
}

impl ClusterNode {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            index: OnceLock::new(),
        }
    }

    fn publish_all(&self, namespace: &Namespace, operation: Operation) {
        if let Some(&index) = self.index.get() {
            let message = Message::Operation(namespace.clone(), Arc::new(operation));
            self.hub.send_all(index, namespace, &message);
        }
    }

    /// The same for what says whether it is on its way.
    fn send_all(
        &self,
        name: &'static str,
        namespace: &Namespace,
        operation: Operation,
    ) -> Result<(), AdapterError> {
        if !self.status().is_connected() {
            return Err(AdapterError::new(name, "the bus is away"));
        }
        self.publish_all(namespace, operation);
        Ok(())
    }

    async fn question<T>(
        &self,
        namespace: &Namespace,
        query: Query,
        within: Duration,
        gather: impl Fn(&mut Vec<T>, Reply),
    ) -> Answer<Vec<T>> {
        let mut answer = Answer::complete(Vec::new());
        let Some(&index) = self.index.get() else {
            return answer;
        };
        let query = Arc::new(query);
        let message = |id| Message::Question(id, namespace.clone(), Arc::clone(&query));
        let asking = self.hub.ask(index, namespace, within, message);
        let (outcome, silent) = asking.await;
        let Outcome {
            replies, missing, ..
        } = outcome;
        for reply in replies {
            gather(&mut answer.value, reply);
        }
        for node in silent {
            answer.add_silent(Some(node));
        }
        answer.missing = missing;
        answer
    }

    fn answer_within(&self) -> Duration {
        self.hub.config().answer_within
    }
}

#[async_trait]
impl Adapter for ClusterNode {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
            .with_others(true)
            .with_nodes(true)
            .with_sessions(self.hub.config().sessions)
    }

    fn attach(&self, node: &NodeId, local: Weak<dyn LocalDelivery>) {
        self.index.get_or_init(|| self.hub.attach(node, local));
    }

    fn open_namespace(&self, namespace: &Namespace) {
        if let Some(&index) = self.index.get() {
            let mut table = self.hub.table.lock();
            table.nodes[index].namespaces.insert(namespace.clone());
        }
    }

    fn close_namespace(&self, namespace: &Namespace) {
        if let Some(&index) = self.index.get() {
            self.hub.table.lock().nodes[index]
                .namespaces
                .remove(namespace);
        }
    }

    fn publish(&self, publication: &Publication<'_>) {
        if let Some(published) = Published::of(publication) {
            self.publish_all(publication.namespace, Operation::Deliver(published));
        }
    }

    fn publish_logged(&self, publication: &Publication<'_>) {
        if let (Some(&index), Some(published)) = (self.index.get(), Published::of(publication)) {
            self.hub.append(index, publication.namespace, published);
        }
    }

    async fn ask(&self, question: &Publication<'_>, within: Duration) -> Answer<Vec<Args>> {
        let Some(published) = Published::of(question) else {
            return Answer::complete(Vec::new());
        };
        let query = Query::Ask(published, within);
        self.question(question.namespace, query, within, |all, reply| {
            if let Reply::One(args) = reply {
                all.push(args);
            }
        })
        .await
    }

    async fn sockets(&self, namespace: &Namespace, target: &Target) -> Answer<Vec<ConnectionId>> {
        let query = Query::Sockets(target.clone());
        self.question(namespace, query, self.answer_within(), |all, reply| {
            if let Reply::Sockets(ids) = reply {
                all.extend(ids);
            }
        })
        .await
    }

    async fn fetch_sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<SocketDetails>> {
        let query = Query::Details(target.clone());
        self.question(namespace, query, self.answer_within(), |all, reply| {
            if let Reply::Details(details) = reply {
                all.extend(details);
            }
        })
        .await
    }

    async fn all_rooms(&self, namespace: &Namespace) -> Answer<Vec<Room>> {
        let query = Query::Rooms;
        self.question(namespace, query, self.answer_within(), |all, reply| {
            if let Reply::Rooms(rooms) = reply {
                all.extend(rooms);
            }
        })
        .await
    }

    async fn server_count(&self, namespace: &Namespace) -> Answer<usize> {
        let others = self.index.get().map_or(0, |&index| {
            let table = self.hub.table.lock();
            table.others_with(index, namespace).len()
        });
        Answer::complete(others + 1)
    }

    async fn join(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError> {
        let operation = Operation::Join(target.clone(), rooms.to_vec());
        self.send_all("join", namespace, operation)
    }

    async fn leave(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError> {
        let operation = Operation::Leave(target.clone(), rooms.to_vec());
        self.send_all("leave", namespace, operation)
    }

    async fn disconnect(
        &self,
        namespace: &Namespace,
        target: &Target,
        close: bool,
    ) -> Result<(), AdapterError> {
        let operation = Operation::Disconnect(target.clone(), close);
        self.send_all("disconnect", namespace, operation)
    }

    fn server_side_emit(&self, namespace: &Namespace, event: &EventName, args: &Args) {
        let operation = Operation::ServerSide(event.clone(), args.clone());
        self.publish_all(namespace, operation);
    }

    async fn server_side_ask(
        &self,
        namespace: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Answer<Vec<Args>> {
        let within = self.answer_within();
        let query = Query::ServerSide(event.clone(), args.clone(), within);
        self.question(namespace, query, within, |all, reply| {
            if let Reply::Served(args) = reply {
                all.push(args);
            }
        })
        .await
    }

    fn notify(&self, node: &NodeId, notice: Bytes) -> Result<(), AdapterError> {
        let error = |why: &'static str| Err(AdapterError::new("notify", why));
        if notice.len() > MAX_NOTICE {
            return error("the notice is too long");
        }
        let Some(&index) = self.index.get() else {
            return error("this node is not attached");
        };
        if !self.status().is_connected() {
            return error("the bus is away");
        }
        let to = {
            let table = self.hub.table.lock();
            let mut others = table.others(index);
            others.find(|&other| table.nodes[other].id == *node)
        };
        let Some(to) = to else {
            return error("the node is not known");
        };
        self.hub.send(index, to, Message::Notice(notice));
        Ok(())
    }

    fn nodes(&self) -> Vec<NodeId> {
        let Some(&index) = self.index.get() else {
            return Vec::new();
        };
        let table = self.hub.table.lock();
        let others = table.others(index);
        others.map(|other| table.nodes[other].id.clone()).collect()
    }

    fn leaving(&self) {
        if let Some(&index) = self.index.get() {
            let others: Vec<_> = self.hub.table.lock().others(index).collect();
            for other in others {
                self.hub.send(index, other, Message::Leaving);
            }
        }
    }

    async fn persist_session(
        &self,
        namespace: &Namespace,
        session: &SavedSession,
        keep: Duration,
    ) -> Result<(), AdapterError> {
        if !self.capabilities().sessions {
            return Err(AdapterError::unsupported("persist_session"));
        }
        if !self.status().is_connected() {
            return Err(AdapterError::new("persist_session", "the bus is away"));
        }
        self.hub.persist(namespace, session, keep);
        Ok(())
    }

    async fn restore_session(
        &self,
        namespace: &Namespace,
        pid: &str,
        offset: Option<&str>,
    ) -> Result<Option<Restored>, AdapterError> {
        if !self.status().is_connected() {
            return Err(AdapterError::new("restore_session", "the bus is away"));
        }
        let Some(&index) = self.index.get() else {
            return Ok(None);
        };
        let catching_up = self.hub.catch_up(index);
        tokio::time::timeout(CATCH_UP_WITHIN, catching_up)
            .await
            .map_err(|elapsed| AdapterError::new("restore_session", elapsed))?;
        Ok(self.hub.restore(index, namespace, pid, offset))
    }

    fn status(&self) -> BusStatus {
        self.index
            .get()
            .map_or(BusStatus::Connected, |&index| self.hub.status(index))
    }

    async fn close(&self) {
        if let Some(&index) = self.index.get() {
            // What is still under way then is lost.
            let _ = tokio::time::timeout(CLOSE_WITHIN, self.hub.flush(index)).await;
            self.hub.close(index);
        }
    }
}

/// A node that is dropped without [`close`](Adapter::close) is gone all the same.
impl Drop for ClusterNode {
    fn drop(&mut self) {
        if let Some(&index) = self.index.get() {
            self.hub.close(index);
        }
    }
}

impl fmt::Debug for ClusterNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterNode")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
