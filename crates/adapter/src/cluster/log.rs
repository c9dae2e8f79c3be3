//! What is kept for clients that come back, on any node.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use switchboard_connection::Namespace;
use tokio::time::Instant;

use crate::{
    cluster::{
        hub::{Hub, end_of},
        message::Published,
    },
    session::{Missed, Restored, SavedSession},
};

/// The events of all namespaces in one order, and the sessions.
#[derive(Debug)]
pub(super) struct Log {
    limit: usize,
    /// The offset of the first event that is kept.
    first: u64,
    events: VecDeque<Arc<(Namespace, Published)>>,
    readers: HashMap<usize, Reader>,
    sessions: HashMap<(Namespace, String), (SavedSession, Option<Instant>)>,
}

/// How far a node has read.
#[derive(Debug)]
struct Reader {
    next: u64,
    /// What comes before this it has been given.
    given: u64,
    /// Its own events that the log did not take, each before the event of that offset.
    own: VecDeque<Arc<(Namespace, Published)>>,
    is_running: bool,
}

type Next = (Arc<(Namespace, Published)>, Option<u64>);

impl Log {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            // So that 0 may stand for "nothing yet".
            first: 1,
            events: VecDeque::new(),
            readers: HashMap::new(),
            sessions: HashMap::new(),
        }
    }

    pub(super) fn attach(&mut self, node: usize) {
        let reader = Reader {
            next: self.end(),
            given: self.end(),
            own: VecDeque::new(),
            is_running: false,
        };
        self.readers.insert(node, reader);
    }

    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn append(&mut self, event: Arc<(Namespace, Published)>) {
        self.events.push_back(event);
        if self.events.len() > self.limit {
            self.events.pop_front();
            self.first += 1;
        }
    }

    /// What `node` is to deliver next.
    fn next(&mut self, node: usize) -> Option<Next> {
        let reader = self.readers.get_mut(&node)?;
        if let Some(own) = reader.own.pop_front() {
            return Some((own, None));
        }
        let offset = reader.next.max(self.first);
        let index = usize::try_from(offset - self.first).ok()?;
        let Some(event) = self.events.get(index) else {
            reader.is_running = false;
            return None;
        };
        reader.next = offset + 1;
        Some((Arc::clone(event), Some(offset)))
    }

    /// What a session has not seen of what comes before offset `end`.
    fn missed(
        &self,
        namespace: &Namespace,
        session: &SavedSession,
        offset: Option<&str>,
        end: u64,
    ) -> Option<Vec<Missed>> {
        let seen = match offset.or(session.since.as_deref()) {
            Some(offset) => offset.parse::<u64>().ok()?,
            None => return None,
        };
        if seen.checked_add(1)? < self.first || seen >= end {
            return None;
        }
        let start = usize::try_from(seen + 1 - self.first).ok()?;
        let mut missed = Vec::new();
        for (event, offset) in self.events.iter().zip(self.first..end).skip(start) {
            let (place, published) = &**event;
            if place == namespace && published.target.means(&session.rooms) {
                missed.push(Missed {
                    event: published.event.clone(),
                    args: published.args.clone(),
                    offset: offset.to_string(),
                });
            }
        }
        Some(missed)
    }
}

impl Hub {
    /// Writes an event to the log, for all nodes.
    pub(super) fn append(self: &Arc<Self>, from: usize, namespace: &Namespace, event: Published) {
        let event = Arc::new((namespace.clone(), event));
        let is_reached = {
            let table = self.table.lock();
            !table.nodes[from].has_ended() && !table.nodes[from].is_isolated()
        };
        if is_reached {
            self.log.lock().append(event);
            self.read_all();
        } else {
            self.count(crate::cluster::link::Fate::Lost);
            if let Some(reader) = self.log.lock().readers.get_mut(&from) {
                reader.own.push_back(event);
            }
            self.read(from, true);
        }
    }

    /// Has all nodes read on that can.
    pub(super) fn read_all(self: &Arc<Self>) {
        let nodes = self.table.lock().nodes.len();
        for node in 0..nodes {
            let is_reached = self.table.lock().nodes[node].is_reached();
            if is_reached {
                self.read(node, false);
            }
        }
    }

    fn read(self: &Arc<Self>, node: usize, own_only: bool) {
        {
            let mut log = self.log.lock();
            let end = log.end();
            let Some(reader) = log.readers.get_mut(&node) else {
                return;
            };
            let has_more = !reader.own.is_empty() || (!own_only && reader.next < end);
            if reader.is_running || !has_more {
                return;
            }
            reader.is_running = true;
        }
        let hub = Arc::downgrade(self);
        self.spawn(node, async move {
            while let Some(hub) = hub.upgrade() {
                if !hub.read_one(node) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
    }

    fn read_one(&self, node: usize) -> bool {
        let is_reached = self.table.lock().nodes[node].is_reached();
        let next = {
            let mut log = self.log.lock();
            let reader = log.readers.get_mut(&node);
            let has_own = reader.as_ref().is_some_and(|reader| !reader.own.is_empty());
            if !is_reached && !has_own {
                if let Some(reader) = reader {
                    reader.is_running = false;
                }
                return false;
            }
            log.next(node)
        };
        let Some((event, offset)) = next else {
            return false;
        };
        let (namespace, published) = &*event;
        if let Some(local) = self.local(node)
            && self.has_namespace(node, namespace)
        {
            let text = offset.map(|offset| offset.to_string());
            let mut arrival = published.arrival(namespace);
            arrival.offset = text.as_deref();
            local.deliver(&arrival);
        }
        if let (Some(offset), Some(reader)) = (offset, self.log.lock().readers.get_mut(&node)) {
            reader.given = offset + 1;
        }
        true
    }

    pub(super) fn persist(&self, namespace: &Namespace, session: &SavedSession, keep: Duration) {
        let key = (namespace.clone(), session.pid.clone());
        let mut log = self.log.lock();
        log.sessions
            .retain(|_, (_, until)| until.is_none_or(|until| until >= Instant::now()));
        log.sessions.insert(key, (session.clone(), end_of(keep)));
    }

    /// Waits until `node` has read as far as the log reaches now.
    pub(super) async fn catch_up(&self, node: usize) {
        let end = self.log.lock().end();
        let has_read = || {
            let log = self.log.lock();
            let reader = log.readers.get(&node);
            reader.is_none_or(|reader| reader.given >= end && reader.own.is_empty())
        };
        while !has_read() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) fn restore(
        &self,
        node: usize,
        namespace: &Namespace,
        pid: &str,
        offset: Option<&str>,
    ) -> Option<Restored> {
        let mut log = self.log.lock();
        let key = (namespace.clone(), pid.to_owned());
        let (session, until) = log.sessions.remove(&key)?;
        if until.is_some_and(|until| until < Instant::now()) {
            return None;
        }
        let end = log.readers.get(&node)?.given.max(log.first);
        let missed = log.missed(namespace, &session, offset, end)?;
        Some(Restored::new(session, missed))
    }
}
