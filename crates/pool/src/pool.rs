//! The pool itself: who comes in, who goes, who is there.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;
use switchboard_connection::{AnyConnection, Connection, ConnectionId, Disconnect, Namespace};

use crate::{
    broadcast::Recipients,
    config::PoolConfig,
    gate::Gate,
    identity::Identity,
    membership::Membership,
    name::NameOf,
    namespace::{Entering, Entry},
    roll::Connections,
};

/// The connections of this node, by namespace and room. Clones share one pool.
///
/// Each method may be called from many tasks at once; none but the `async` ones waits.
#[derive(Clone, Default)]
pub struct Pool(Arc<Inner>);

#[derive(Default)]
struct Inner {
    config: PoolConfig,
    gate: Gate,
    /// Never touched while a namespace's lock is held, nor across an `.await`.
    namespaces: DashMap<Namespace, Arc<Entry>>,
    len: AtomicUsize,
}

/// How a connection came into the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Added {
    /// It is the only one of its namespace; exactly one caller learns it per empty → non-empty.
    FirstInNamespace,
    /// It joined others.
    Member,
    /// It took the place of another of its address, which is out and was told to close.
    Replaced,
}

/// Why a connection was not taken in. Nothing changed, and the connection was not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The address is taken, perhaps by this very object.
    #[error("address is taken")]
    Duplicate,
    /// The node is being drained, or was and has not been reopened: connect to another one.
    #[error("node takes no new connections")]
    Draining,
    /// The connection is closing or closed.
    #[error("connection is closed")]
    Closed,
}

impl AddError {
    /// The stable code for logs and clients.
    pub fn code(self) -> &'static str {
        match self {
            Self::Duplicate => "DUPLICATE",
            Self::Draining => "DRAINING",
            Self::Closed => "CLOSED",
        }
    }
}

/// What a removal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removed {
    /// This very object was not in the pool; nothing changed.
    Absent,
    /// It is out; others of its namespace remain.
    Member,
    /// It is out and its namespace is gone; exactly one caller learns it per non-empty → empty.
    LastInNamespace,
}

impl Removed {
    /// Whether the namespace has gone with this connection.
    pub fn is_last(self) -> bool {
        self == Self::LastInNamespace
    }
}

impl Pool {
    /// An empty pool.
    pub fn new(config: PoolConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            ..Inner::default()
        }))
    }

    /// The settings.
    pub fn config(&self) -> &PoolConfig {
        &self.0.config
    }

    /// Takes `connection` in for as long as the returned [`Membership`] lives.
    pub fn enter(&self, connection: AnyConnection) -> Result<Membership, AddError> {
        let added = self.add(connection.clone())?;
        Ok(Membership::new(self.clone(), connection, added))
    }

    /// Takes `connection` in until it is [removed](Self::remove).
    ///
    /// Who is told that a namespace appeared or vanished learns it after the fact, and two tasks may
    /// act on "gone" and "there again" in either order. Before acting on it, such as by unsubscribing
    /// from a bus, serialise, and ask [`has_namespace`](Self::has_namespace).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "lets an `Arc` of any connection coerce"
    )]
    pub fn add(&self, connection: AnyConnection) -> Result<Added, AddError> {
        if connection.is_closed() {
            return Err(AddError::Closed);
        }
        if self.refuses_newcomers() {
            return Err(AddError::Draining);
        }
        let namespace = &connection.address().namespace;
        loop {
            let entry = self.entry_or_new(namespace);
            match entry.add(&connection, &self.0.gate, &self.0.config, &self.0.len) {
                Entering::First => {
                    tracing::debug!(%namespace, "namespace created");
                    return Ok(Added::FirstInNamespace);
                }
                Entering::Member => return Ok(Added::Member),
                Entering::Replaced(old) => {
                    old.close(Disconnect::REPLACED);
                    tracing::debug!(address = %old.address(), "connection replaced");
                    return Ok(Added::Replaced);
                }
                Entering::Refused(error) => {
                    if entry.is_dead() {
                        self.forget(namespace, &entry);
                    }
                    return Err(error);
                }
                // Its last connection has just left. Whoever removed it will forget the entry too.
                Entering::Dead => self.forget(namespace, &entry),
            }
        }
    }

    /// Takes `connection` out, from its rooms too, if this very object is in. Does not close it.
    ///
    /// A broadcast that began before may still reach it.
    pub fn remove<C: Connection + ?Sized>(&self, connection: &Arc<C>) -> Removed {
        let address = connection.address();
        let Some(entry) = self.entry(&address.namespace) else {
            return Removed::Absent;
        };
        let removed = entry.remove(&address.id, Identity::of(connection), &self.0.len);
        if removed.is_last() {
            self.forget(&address.namespace, &entry);
            tracing::debug!(namespace = %address.namespace, "namespace gone");
        }
        removed
    }

    /// Chooses everyone in `namespace` to send to; narrow it down with [`Recipients::to`] and
    /// [`Recipients::except`].
    pub fn namespace<'a>(
        &'a self,
        namespace: &'a (impl NameOf<Namespace> + ?Sized),
    ) -> Recipients<'a> {
        Recipients::new(self, namespace.as_name())
    }

    /// The connection `id` of `namespace`. It has all verbs of
    /// [`ConnectionExt`](switchboard_connection::ConnectionExt).
    ///
    /// ```
    /// # use switchboard_connection::ConnectionExt;
    /// # async fn example(pool: switchboard_pool::Pool) {
    /// if let Some(connection) = pool.get("default", "1") {
    ///     connection.send("hello").await.ok();
    /// }
    /// # }
    /// ```
    pub fn get(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
    ) -> Option<AnyConnection> {
        self.entry(namespace.as_name())?.get(id.as_name())
    }

    /// Whether `namespace` has a connection `id`.
    pub fn has(
        &self,
        namespace: &(impl NameOf<Namespace> + ?Sized),
        id: &(impl NameOf<ConnectionId> + ?Sized),
    ) -> bool {
        self.get(namespace, id).is_some()
    }

    /// Whether `connection`, this very object, is in the pool.
    pub fn holds<C: Connection + ?Sized>(&self, connection: &Arc<C>) -> bool {
        let address = connection.address();
        self.entry(&address.namespace)
            .is_some_and(|entry| entry.holds(&address.id, Identity::of(connection)))
    }

    /// How many connections `namespace` has.
    pub fn count(&self, namespace: &(impl NameOf<Namespace> + ?Sized)) -> usize {
        self.entry(namespace.as_name())
            .map_or(0, |entry| entry.len())
    }

    /// The connections of `namespace`, in the order they came.
    pub fn connections(&self, namespace: &(impl NameOf<Namespace> + ?Sized)) -> Connections {
        self.entry(namespace.as_name())
            .map(|entry| entry.members())
            .unwrap_or_default()
    }

    /// How many connections the node has, in all namespaces.
    ///
    /// While connections come and go it may be ahead of, or behind, what another task sees.
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Relaxed)
    }

    /// Whether the node has no connection.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `namespace` has any connection.
    pub fn has_namespace(&self, namespace: &(impl NameOf<Namespace> + ?Sized)) -> bool {
        self.count(namespace) > 0
    }

    /// The namespaces that have connections, in no particular order.
    pub fn namespaces(&self) -> Vec<Namespace> {
        let mut entries = self.entries();
        entries.retain(|(_, entry)| entry.len() > 0);
        entries
            .into_iter()
            .map(|(namespace, _)| namespace)
            .collect()
    }

    /// Everyone, namespace by namespace. Complete once the gate is shut; see [`Gate`].
    pub(crate) fn everyone(&self) -> Vec<Connections> {
        self.entries()
            .into_iter()
            .map(|(_, entry)| entry.members())
            .collect()
    }

    pub(crate) fn entry(&self, namespace: &str) -> Option<Arc<Entry>> {
        self.0
            .namespaces
            .get(namespace)
            .map(|entry| Arc::clone(&entry))
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    fn entry_or_new(&self, namespace: &Namespace) -> Arc<Entry> {
        if let Some(entry) = self.entry(namespace) {
            return entry;
        }
        Arc::clone(&self.0.namespaces.entry(namespace.clone()).or_default())
    }

    fn entries(&self) -> Vec<(Namespace, Arc<Entry>)> {
        let entries = self.0.namespaces.iter();
        entries
            .map(|entry| (entry.key().clone(), Arc::clone(entry.value())))
            .collect()
    }

    /// Takes a dead entry, and no other, out of the map.
    fn forget(&self, namespace: &str, dead: &Arc<Entry>) {
        self.0
            .namespaces
            .remove_if(namespace, |_, entry| Arc::ptr_eq(entry, dead));
    }
}

impl fmt::Debug for Pool {
    /// Counts only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("connections", &self.len())
            .field("namespaces", &self.0.namespaces.len())
            .field("refuses_newcomers", &self.refuses_newcomers())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    #[test]
    fn a_late_clean_up_spares_the_namespace_that_is_there_again() {
        let pool = Pool::default();
        let (old, new) = (Fake::any("ns", "old"), Fake::any("ns", "new"));
        pool.add(old.clone()).unwrap();
        let entry = pool.entry("ns").unwrap();
        assert!(pool.remove(&old).is_last());
        pool.add(new.clone()).unwrap();
        // What a remover does that was held up between its removal and its clean-up.
        pool.forget("ns", &entry);
        assert!(pool.holds(&new));
    }

    #[test]
    fn a_newcomer_passes_by_a_dead_entry_that_is_still_in_the_map() {
        let pool = Pool::default();
        let (old, new) = (Fake::any("ns", "old"), Fake::any("ns", "new"));
        pool.add(old.clone()).unwrap();
        let entry = pool.entry("ns").unwrap();
        assert!(
            entry
                .remove("old", Identity::of(&old), &pool.0.len)
                .is_last()
        );
        assert_eq!(pool.add(new.clone()), Ok(Added::FirstInNamespace));
        assert!(pool.holds(&new));
        assert!(!Arc::ptr_eq(&entry, &pool.entry("ns").unwrap()));
    }

    /// Who is refused was never counted: a drain that begins when all are counted finds all of them.
    #[test]
    fn who_is_refused_is_never_counted() {
        let pool = Pool::default();
        let stop = std::sync::atomic::AtomicBool::new(false);
        pool.add(Fake::any("ns", "in")).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(pool.add(Fake::any("ns", "in")), Err(AddError::Duplicate));
                }
            });
            let most = (0..200_000).map(|_| pool.len()).max();
            stop.store(true, Ordering::Relaxed);
            assert_eq!(most, Some(1));
        });
    }
}
