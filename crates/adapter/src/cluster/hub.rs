//! The table in the middle.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use switchboard_connection::{Namespace, NodeId};
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{
    cluster::{
        config::{ClusterConfig, ClusterStats},
        link::{Fate, Link},
        log::Log,
        message::{Message, Reply},
        question::{Outcome, Question},
        table::{Entry, Table, Told, Way},
    },
    delivery::LocalDelivery,
    status::BusStatus,
};

/// Nodes, links, faults. Nothing of a node is called while a lock is held.
#[derive(Debug)]
pub(super) struct Hub {
    config: Mutex<ClusterConfig>,
    pub(super) table: Mutex<Table>,
    links: Mutex<HashMap<(usize, usize), Arc<Link>>>,
    pub(super) log: Mutex<Log>,
    faults: Arc<Notify>,
    next_question: AtomicU64,
    fates: [AtomicU64; 4],
}

/// Nodes.
impl Hub {
    pub(super) fn new(config: ClusterConfig) -> Self {
        Self {
            log: Mutex::new(Log::new(config.log)),
            config: Mutex::new(config),
            table: Mutex::default(),
            links: Mutex::default(),
            faults: Arc::default(),
            next_question: AtomicU64::new(0),
            fates: Default::default(),
        }
    }

    pub(super) fn config(&self) -> ClusterConfig {
        self.config.lock().clone()
    }

    pub(super) fn reconfigure(&self, change: impl FnOnce(ClusterConfig) -> ClusterConfig) {
        let config = &mut *self.config.lock();
        *config = change(config.clone());
    }

    /// A node comes. Its number.
    pub(super) fn attach(&self, id: &NodeId, local: Weak<dyn LocalDelivery>) -> usize {
        let entry = Entry::new(id.clone(), local, Handle::current());
        let (index, told) = self.table.lock().attach(entry);
        self.log.lock().attach(index);
        tell(told);
        index
    }

    pub(super) fn close(&self, node: usize) {
        let told = self.table.lock().close(node);
        self.faults.notify_waiters();
        tell(told);
    }

    pub(super) fn ids(&self) -> Vec<NodeId> {
        let table = self.table.lock();
        let there = table.nodes.iter().filter(|entry| !entry.has_ended());
        there.map(|entry| entry.id.clone()).collect()
    }

    pub(super) fn id(&self, node: usize) -> Option<NodeId> {
        let table = self.table.lock();
        table.nodes.get(node).map(|entry| entry.id.clone())
    }

    pub(super) fn local(&self, node: usize) -> Option<Arc<dyn LocalDelivery>> {
        let local = self.table.lock().nodes.get(node)?.local.clone();
        local.upgrade()
    }

    pub(super) fn has_namespace(&self, node: usize, namespace: &Namespace) -> bool {
        self.table.lock().nodes[node].namespaces.contains(namespace)
    }

    pub(super) fn status(&self, node: usize) -> BusStatus {
        self.table.lock().nodes[node].status()
    }

    pub(super) fn spawn(&self, node: usize, task: impl Future<Output = ()> + Send + 'static) {
        let runtime = self.table.lock().nodes[node].runtime.clone();
        runtime.spawn(task);
    }
}

/// Faults.
impl Hub {
    pub(super) fn order(self: &Arc<Self>, change: impl FnOnce(&mut Table)) {
        let (told, silent) = {
            let mut table = self.table.lock();
            change(&mut table);
            table.look_again()
        };
        self.faults.notify_waiters();
        tell(told);
        for pair in silent {
            self.watch(pair);
        }
        self.read_all();
    }

    pub(super) fn isolate(self: &Arc<Self>, node: &NodeId, isolated: bool) {
        let mut told = None;
        self.order(|table| told = table.isolate(node, isolated));
        tell(told);
    }

    /// Waits until faults have changed since this was called. Wakes in order, so that runs can be repeated.
    pub(super) fn faults_changed(&self) -> impl Future<Output = ()> + use<> {
        Arc::clone(&self.faults).notified_owned()
    }

    pub(super) fn way(&self, from: usize, to: usize) -> Way {
        self.table.lock().way(from, to)
    }

    /// Has a node taken for gone when it is not heard of for long.
    fn watch(self: &Arc<Self>, pair: (usize, usize)) {
        let since = self.table.lock().unheard(pair);
        let after = self.config.lock().gone_after;
        let hub = Arc::downgrade(self);
        self.spawn(pair.0, async move {
            sleep(after).await;
            let Some(hub) = hub.upgrade() else {
                return;
            };
            let told = {
                let mut table = hub.table.lock();
                let is_unheard = since.is_some() && table.unheard(pair) == since;
                is_unheard.then(|| table.give_up(pair)).flatten()
            };
            tell(told);
        });
    }
}

/// Messages.
impl Hub {
    pub(super) fn send(self: &Arc<Self>, from: usize, to: usize, message: Message) {
        let link = {
            let mut links = self.links.lock();
            let seed = self.config.lock().seed;
            let link = links.entry((from, to));
            Arc::clone(link.or_insert_with(|| Link::new(seed, from, to)))
        };
        if self.way(from, to) == Way::Closed {
            return self.count(Fate::Lost);
        }
        let (fate, starts) = link.send(&self.config.lock(), message);
        self.count(fate);
        if starts {
            self.spawn(to, link.run(Arc::downgrade(self)));
        }
    }

    /// Sends it to all other nodes that have the namespace.
    pub(super) fn send_all(
        self: &Arc<Self>,
        from: usize,
        namespace: &Namespace,
        message: &Message,
    ) {
        let others = self.table.lock().others_with(from, namespace);
        for to in others {
            self.send(from, to, message.clone());
        }
    }

    /// Waits until all that `from` has sent has arrived or is lost.
    pub(super) async fn flush(&self, from: usize) {
        let is_quiet = || {
            let links = self.links.lock();
            let mut own = links.values().filter(|link| link.from == from);
            own.all(|link| link.is_empty() || self.way(from, link.to) == Way::Waits)
        };
        while !is_quiet() {
            sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        let links = self.links.lock();
        links
            .values()
            .all(|link| link.is_empty() || self.way(link.from, link.to) == Way::Waits)
    }

    pub(super) fn count(&self, fate: Fate) {
        let index = match fate {
            Fate::UnderWay => return,
            Fate::Delivered => 0,
            Fate::Lost => 1,
            Fate::Repeated => 2,
            Fate::Overflowed => 3,
        };
        self.fates[index].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> ClusterStats {
        let [delivered, lost, repeated, overflowed] =
            [0, 1, 2, 3].map(|index: usize| self.fates[index].load(Ordering::Relaxed));
        ClusterStats {
            delivered,
            lost,
            repeated,
            overflowed,
        }
    }
}

/// Questions.
impl Hub {
    /// Asks all other nodes that have the namespace. Who kept silent is named.
    pub(super) async fn ask(
        self: &Arc<Self>,
        from: usize,
        namespace: &Namespace,
        within: Duration,
        message: impl Fn(u64) -> Message,
    ) -> (Outcome, Vec<NodeId>) {
        let id = self.next_question.fetch_add(1, Ordering::Relaxed);
        let (asked, question) = {
            let mut table = self.table.lock();
            let asked = table.others_with(from, namespace);
            let question = Question::new(&asked);
            let questions = &mut table.nodes[from].questions;
            questions.insert(id, Arc::clone(&question));
            (asked, question)
        };
        let _forget = Forget {
            hub: self,
            node: from,
            id,
        };
        let message = message(id);
        for to in asked {
            self.send(from, to, message.clone());
        }
        let outcome = question.finish(within).await;
        let silent = outcome.silent.iter().filter_map(|&node| self.id(node));
        let silent = silent.collect();
        (outcome, silent)
    }

    /// Node `from` answers node `to`.
    pub(super) fn answered(&self, to: usize, from: usize, id: u64, reply: Reply) {
        let question = self.table.lock().nodes[to].questions.get(&id).cloned();
        if let Some(question) = question {
            question.answered(from, reply);
        }
    }
}

/// Takes a question off the table.
struct Forget<'a> {
    hub: &'a Hub,
    node: usize,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut table = self.hub.table.lock();
        table.nodes[self.node].questions.remove(&self.id);
    }
}

/// Tells nodes what has changed.
fn tell(told: impl IntoIterator<Item = Told>) {
    for (local, change) in told {
        if let Some(local) = local.upgrade() {
            local.changed(&change);
        }
    }
}

/// When something kept for so long ends.
pub(super) fn end_of(keep: Duration) -> Option<Instant> {
    Instant::now().checked_add(keep)
}

/// Tasks of links that wait for a fault to end wait no longer.
impl Drop for Hub {
    fn drop(&mut self) {
        self.faults.notify_waiters();
    }
}
