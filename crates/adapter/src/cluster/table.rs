//! Who is there, and what is broken.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry as MapEntry},
    sync::{Arc, Weak},
};

use switchboard_connection::{Namespace, NodeId};
use tokio::{runtime::Handle, time::Instant};

use crate::{
    cluster::question::Question,
    delivery::LocalDelivery,
    status::{BusStatus, Change},
};

/// All nodes by number, in the order they came. One that has gone keeps its number.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) nodes: Vec<Entry>,
    cut: HashSet<(usize, usize)>,
    /// Since when `.0` does not hear `.1`.
    unheard: HashMap<(usize, usize), Instant>,
    /// Whom `.0` takes for gone.
    gone: HashSet<(usize, usize)>,
}

pub(super) struct Entry {
    pub(super) id: NodeId,
    pub(super) local: Weak<dyn LocalDelivery>,
    pub(super) runtime: Handle,
    pub(super) namespaces: HashSet<Namespace>,
    pub(super) questions: HashMap<u64, Arc<Question>>,
    isolated: Option<Instant>,
    is_paused: bool,
    is_killed: bool,
    is_closed: bool,
}

/// How it is between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Messages stay where they are.
    Waits,
    /// Messages are lost.
    Closed,
}

/// What a node is to be told, once no lock is held.
pub(super) type Told = (Weak<dyn LocalDelivery>, Change);

impl Entry {
    pub(super) fn new(id: NodeId, local: Weak<dyn LocalDelivery>, runtime: Handle) -> Self {
        Self {
            id,
            local,
            runtime,
            namespaces: HashSet::new(),
            questions: HashMap::new(),
            isolated: None,
            is_paused: false,
            is_killed: false,
            is_closed: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.is_killed || self.is_closed
    }

    /// Whether the bus itself reaches it.
    pub(super) fn is_reached(&self) -> bool {
        !self.has_ended() && !self.is_paused && self.isolated.is_none()
    }

    pub(super) fn is_isolated(&self) -> bool {
        self.isolated.is_some()
    }

    pub(super) fn status(&self) -> BusStatus {
        match self.isolated {
            Some(since) => BusStatus::Away { since },
            None => BusStatus::Connected,
        }
    }
}

/// Faults.
impl Table {
    pub(super) fn cut(&mut self, a: &NodeId, b: &NodeId) {
        if let (Some(a), Some(b)) = (self.find(a), self.find(b)) {
            self.cut.extend([(a, b), (b, a)]);
        }
    }

    pub(super) fn mend(&mut self, a: &NodeId, b: &NodeId) {
        if let (Some(a), Some(b)) = (self.find(a), self.find(b)) {
            self.cut.remove(&(a, b));
            self.cut.remove(&(b, a));
        }
    }

    pub(super) fn mend_all(&mut self) {
        self.cut.clear();
    }

    pub(super) fn pause(&mut self, node: &NodeId) {
        self.with(node, |entry| entry.is_paused = true);
    }

    pub(super) fn resume(&mut self, node: &NodeId) {
        self.with(node, |entry| entry.is_paused = false);
    }

    pub(super) fn kill(&mut self, node: &NodeId) {
        self.with(node, |entry| entry.is_killed = true);
    }

    /// `false` when it was so before.
    pub(super) fn isolate(&mut self, node: &NodeId, isolated: bool) -> Option<Told> {
        let index = self.find(node)?;
        let entry = &mut self.nodes[index];
        if entry.is_isolated() == isolated {
            return None;
        }
        entry.isolated = isolated.then(Instant::now);
        let change = if isolated {
            Change::BusAway
        } else {
            Change::BusBack
        };
        Some((entry.local.clone(), change))
    }

    fn with(&mut self, node: &NodeId, change: impl FnOnce(&mut Entry)) {
        if let Some(index) = self.find(node) {
            change(&mut self.nodes[index]);
        }
    }
}

/// Who hears whom.
impl Table {
    /// A node comes. Its number, and who is to be told.
    pub(super) fn attach(&mut self, entry: Entry) -> (usize, Vec<Told>) {
        let (new, joined) = (self.nodes.len(), Change::Joined(entry.id.clone()));
        self.nodes.push(entry);
        let mut told = Vec::new();
        for other in 0..new {
            if self.way(new, other) == Way::Open {
                told.push((self.nodes[other].local.clone(), joined.clone()));
                continue;
            }
            // They do not know each other before they hear each other.
            for pair in [(new, other), (other, new)] {
                self.unheard.insert(pair, Instant::now());
                self.gone.insert(pair);
            }
        }
        (new, told)
    }

    /// The node of this name that is there.
    pub(super) fn find(&self, id: &NodeId) -> Option<usize> {
        let mut all = self.nodes.iter();
        all.position(|entry| entry.id == *id && !entry.has_ended())
    }

    pub(super) fn way(&self, from: usize, to: usize) -> Way {
        let ends = [&self.nodes[from], &self.nodes[to]];
        let is_broken = |entry: &&Entry| entry.has_ended() || entry.is_isolated();
        if self.cut.contains(&(from, to)) || ends.iter().any(is_broken) {
            Way::Closed
        } else if ends.iter().any(|entry| entry.is_paused) {
            Way::Waits
        } else {
            Way::Open
        }
    }

    /// The other nodes that `viewer` believes in.
    pub(super) fn others(&self, viewer: usize) -> impl Iterator<Item = usize> {
        let is_there = move |&index: &usize| {
            index != viewer && !self.nodes[index].is_closed && !self.gone.contains(&(viewer, index))
        };
        let count = if self.nodes[viewer].has_ended() {
            0
        } else {
            self.nodes.len()
        };
        (0..count).filter(is_there)
    }

    pub(super) fn others_with(&self, viewer: usize, namespace: &Namespace) -> Vec<usize> {
        self.others(viewer)
            .filter(|&index| self.nodes[index].namespaces.contains(namespace))
            .collect()
    }

    /// After faults have changed: who is heard again, and who falls silent now.
    pub(super) fn look_again(&mut self) -> (Vec<Told>, Vec<(usize, usize)>) {
        let (mut told, mut silent) = (Vec::new(), Vec::new());
        for viewer in 0..self.nodes.len() {
            for subject in 0..self.nodes.len() {
                let pair = (viewer, subject);
                let entry = &self.nodes[subject];
                if viewer == subject || self.nodes[viewer].has_ended() || entry.is_closed {
                    continue;
                }
                if self.way(subject, viewer) != Way::Open {
                    if let MapEntry::Vacant(unheard) = self.unheard.entry(pair) {
                        unheard.insert(Instant::now());
                        silent.push(pair);
                    }
                } else if self.unheard.remove(&pair).is_some() && self.gone.remove(&pair) {
                    let joined = Change::Joined(entry.id.clone());
                    told.push((self.nodes[viewer].local.clone(), joined));
                }
            }
        }
        (told, silent)
    }

    /// Since when `viewer` does not hear `subject`.
    pub(super) fn unheard(&self, pair: (usize, usize)) -> Option<Instant> {
        self.unheard.get(&pair).copied()
    }

    /// `viewer` takes `subject` for gone.
    pub(super) fn give_up(&mut self, (viewer, subject): (usize, usize)) -> Option<Told> {
        if !self.gone.insert((viewer, subject)) || self.nodes[viewer].has_ended() {
            return None;
        }
        for question in self.nodes[viewer].questions.values() {
            question.gone(subject);
        }
        let left = Change::Left(self.nodes[subject].id.clone());
        Some((self.nodes[viewer].local.clone(), left))
    }

    /// `node` says goodbye.
    pub(super) fn close(&mut self, node: usize) -> Vec<Told> {
        if self.nodes[node].has_ended() {
            return Vec::new();
        }
        self.nodes[node].is_closed = true;
        let viewers = 0..self.nodes.len();
        let told = viewers.filter(|&viewer| viewer != node);
        told.filter_map(|viewer| self.give_up((viewer, node)))
            .collect()
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("namespaces", &self.namespaces)
            .finish_non_exhaustive()
    }
}
