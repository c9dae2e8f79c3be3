//! Which nodes of ours there are.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use switchboard_adapter::Change;
use switchboard_connection::{Namespace, NodeId};
use tokio::time::Instant;

use crate::envelope::{Beat, State};

/// The most nodes that are kept, so that nonsense on the channel cannot fill the memory.
const MOST: usize = 10_000;

/// The other nodes of ours, by what they tell.
#[derive(Debug)]
pub(crate) struct Members {
    own: NodeId,
    timeout: Duration,
    others: Mutex<HashMap<NodeId, Member>>,
}

#[derive(Debug)]
struct Member {
    uid: String,
    heard: Instant,
    is_leaving: bool,
    namespaces: Option<Vec<Namespace>>,
}

impl Members {
    pub(crate) fn new(own: NodeId, timeout: Duration) -> Self {
        Self {
            own,
            timeout,
            others: Mutex::default(),
        }
    }

    /// A node tells how it is: what that changes.
    pub(crate) fn heard(&self, beat: Beat, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        if beat.node == self.own {
            return changes;
        }
        let mut others = self.others.lock();
        let known = others.get(&beat.node).map(|member| member.uid == beat.uid);
        if beat.state == State::Gone {
            if known == Some(true) {
                others.remove(&beat.node);
                changes.push(Change::Left(beat.node));
            }
            return changes;
        }
        if known == Some(false) {
            // It has started anew under its old name.
            others.remove(&beat.node);
            changes.push(Change::Left(beat.node.clone()));
        }
        if known != Some(true) {
            if others.len() >= MOST {
                return changes;
            }
            changes.push(Change::Joined(beat.node.clone()));
        }
        let is_leaving = beat.state == State::Leaving;
        let was_leaving = others
            .get(&beat.node)
            .is_some_and(|member| member.is_leaving);
        if is_leaving && !was_leaving {
            changes.push(Change::Leaving(beat.node.clone()));
        }
        let member = Member {
            uid: beat.uid,
            heard: now,
            is_leaving,
            namespaces: beat.namespaces,
        };
        others.insert(beat.node, member);
        changes
    }

    /// Takes out those who were not heard of for too long.
    pub(crate) fn expire(&self, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        self.others.lock().retain(|node, member| {
            let stays = now.saturating_duration_since(member.heard) <= self.timeout;
            if !stays {
                changes.push(Change::Left(node.clone()));
            }
            stays
        });
        changes
    }

    /// Nobody could be heard until now: everybody's time begins anew.
    pub(crate) fn refresh(&self, now: Instant) {
        for member in self.others.lock().values_mut() {
            member.heard = now;
        }
    }

    pub(crate) fn all(&self) -> Vec<NodeId> {
        self.others.lock().keys().cloned().collect()
    }

    /// Those who have `namespace`, as far as they have told.
    pub(crate) fn with(&self, namespace: &Namespace) -> Vec<NodeId> {
        let others = self.others.lock();
        let with = others.iter().filter(|(_, member)| {
            let namespaces = member.namespaces.as_ref();
            namespaces.is_none_or(|namespaces| namespaces.contains(namespace))
        });
        with.map(|(node, _)| node.clone()).collect()
    }

    /// What names the inbox of `node`.
    pub(crate) fn uid(&self, node: &NodeId) -> Option<String> {
        Some(self.others.lock().get(node)?.uid.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(node: &'static str, uid: &str, state: State) -> Beat {
        Beat {
            node: NodeId::from_static(node),
            uid: uid.to_owned(),
            state,
            greets: false,
            namespaces: Some(vec![Namespace::from_static("/")]),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_come_leave_go_and_are_missed() {
        let members = Members::new(NodeId::from_static("me"), Duration::from_secs(10));
        let start = Instant::now();
        let n = || NodeId::from_static("n");
        let hear = |uid: &str, state| members.heard(beat("n", uid, state), start);
        assert_eq!(hear("1", State::Gone), []);
        assert_eq!(hear("1", State::Here), [Change::Joined(n())]);
        assert_eq!(hear("1", State::Here), []);
        assert_eq!(hear("1", State::Leaving), [Change::Leaving(n())]);
        assert_eq!(hear("1", State::Leaving), []);
        assert_eq!(
            hear("2", State::Here),
            [Change::Left(n()), Change::Joined(n())]
        );
        assert_eq!(hear("1", State::Gone), [], "an older one of that name");
        assert_eq!(members.uid(&n()).as_deref(), Some("2"));
        assert_eq!(members.with(&Namespace::from_static("/")), [n()]);
        assert_eq!(members.with(&Namespace::from_static("/x")), []);
        assert_eq!(members.expire(start + Duration::from_secs(10)), []);
        members.refresh(start + Duration::from_secs(5));
        assert_eq!(members.expire(start + Duration::from_secs(11)), []);
        assert_eq!(
            members.expire(start + Duration::from_secs(16)),
            [Change::Left(n())]
        );
        assert_eq!(members.heard(beat("me", "9", State::Here), start), []);
        assert!(members.all().is_empty());
    }
}
