//! What a subscriber wants to hear, and what Redis has confirmed.

use std::collections::{HashMap, VecDeque, hash_map::Entry};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::resp::Kind;

/// A channel or a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Topic {
    pub(crate) kind: Kind,
    pub(crate) name: Bytes,
}

impl Topic {
    pub(crate) fn channel(name: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Channel,
            name: name.into(),
        }
    }

    pub(crate) fn pattern(name: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Pattern,
            name: name.into(),
        }
    }

    #[cfg(test)]
    pub(crate) fn shard(name: impl Into<Bytes>) -> Self {
        Self {
            kind: Kind::Shard,
            name: name.into(),
        }
    }
}

/// The topics of one connection.
///
/// What is wanted is kept here, so a new connection begins with all of it. Changes wait in a list that names
/// each topic once, so it is never longer than the topics are many.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    state: Mutex<State>,
    /// Something is to be told to Redis.
    changed: Notify,
    /// Redis has confirmed something.
    confirmed: Notify,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Topic, Standing>,
    changes: VecDeque<Topic>,
    unconfirmed: usize,
}

#[derive(Debug, Default)]
struct Standing {
    wanted: bool,
    /// It stands in the list of changes.
    listed: bool,
    /// Requests on their way, whose replies come in order.
    subscribing: u32,
    unsubscribing: u32,
    confirmed: bool,
}

impl Topics {
    pub(crate) fn add(&self, topics: impl IntoIterator<Item = Topic>) {
        self.want(topics, true);
    }

    pub(crate) fn remove(&self, topics: impl IntoIterator<Item = Topic>) {
        self.want(topics, false);
    }

    fn want(&self, topics: impl IntoIterator<Item = Topic>, wanted: bool) {
        let mut state = self.state.lock();
        for topic in topics {
            let standing = match state.topics.entry(topic.clone()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) if wanted => entry.insert(Standing::default()),
                Entry::Vacant(_) => continue,
            };
            if standing.wanted == wanted {
                continue;
            }
            standing.wanted = wanted;
            let listed = std::mem::replace(&mut standing.listed, true);
            let confirmed = standing.confirmed;
            if !confirmed {
                state.unconfirmed = if wanted {
                    state.unconfirmed + 1
                } else {
                    state.unconfirmed - 1
                };
            }
            if !listed {
                state.changes.push_back(topic);
            }
        }
        drop(state);
        self.changed.notify_one();
        self.confirmed.notify_waiters();
    }

    /// A new connection: Redis knows of nothing.
    pub(crate) fn begin(&self) {
        let mut state = self.state.lock();
        let State {
            topics,
            changes,
            unconfirmed,
        } = &mut *state;
        topics.retain(|_, standing| standing.wanted);
        for standing in topics.values_mut() {
            *standing = Standing {
                wanted: true,
                listed: true,
                ..Standing::default()
            };
        }
        *changes = topics.keys().cloned().collect();
        *unconfirmed = topics.len();
    }

    /// Takes up to `most` changes: a topic, and whether it is to be subscribed.
    pub(crate) fn take_changes(&self, most: usize) -> Vec<(Topic, bool)> {
        let mut state = self.state.lock();
        let State {
            topics, changes, ..
        } = &mut *state;
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(topic) = changes.pop_front()
        {
            let Some(standing) = topics.get_mut(&topic) else {
                continue;
            };
            standing.listed = false;
            if standing.wanted {
                standing.subscribing += 1;
            } else {
                standing.unsubscribing += 1;
                standing.confirmed = false;
            }
            taken.push((topic, standing.wanted));
        }
        taken
    }

    /// Redis has subscribed us.
    pub(crate) fn subscribed(&self, topic: &Topic) {
        let mut state = self.state.lock();
        let Some(standing) = state.topics.get_mut(topic) else {
            return;
        };
        standing.subscribing = standing.subscribing.saturating_sub(1);
        if standing.unsubscribing == 0 && !std::mem::replace(&mut standing.confirmed, true) {
            let wanted = standing.wanted;
            state.unconfirmed -= usize::from(wanted);
        }
        drop(state);
        self.confirmed.notify_waiters();
    }

    /// Redis has unsubscribed us. Answers whether it did so unasked; then it is to be subscribed again.
    pub(crate) fn unsubscribed(&self, topic: &Topic) -> bool {
        let mut state = self.state.lock();
        let Some(standing) = state.topics.get_mut(topic) else {
            return false;
        };
        let asked = standing.unsubscribing > 0;
        standing.unsubscribing = standing.unsubscribing.saturating_sub(1);
        let was_confirmed = std::mem::replace(&mut standing.confirmed, false);
        let wanted = standing.wanted;
        let pending = standing.listed || standing.subscribing > 0 || standing.unsubscribing > 0;
        if !wanted {
            if !pending {
                state.topics.remove(topic);
            }
            return false;
        }
        let lost = !asked && !pending;
        if lost {
            standing.listed = true;
            state.changes.push_back(topic.clone());
        }
        state.unconfirmed += usize::from(was_confirmed);
        drop(state);
        if lost {
            self.changed.notify_one();
        }
        lost
    }

    /// Waits until there may be changes to take.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// There may be more changes to take.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Whether Redis has confirmed all that is wanted.
    pub(crate) fn all_confirmed(&self) -> bool {
        self.state.lock().unconfirmed == 0
    }

    /// Waits for that. For all that is wanted now, and whatever else is added meanwhile.
    pub(crate) async fn when_all_confirmed(&self) {
        loop {
            let notified = self.confirmed.notified();
            if self.all_confirmed() {
                return;
            }
            notified.await;
        }
    }

    /// How many are wanted.
    pub(crate) fn len(&self) -> usize {
        let state = self.state.lock();
        state.topics.values().filter(|topic| topic.wanted).count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topic(name: &'static str) -> Topic {
        Topic::channel(name)
    }

    #[test]
    fn a_new_connection_subscribes_what_is_wanted_and_nothing_else() {
        let topics = Topics::default();
        topics.add([topic("a"), topic("b")]);
        topics.remove([topic("b"), topic("never")]);
        topics.begin();
        assert_eq!(topics.take_changes(9), [(topic("a"), true)]);
        assert!(!topics.all_confirmed());
        topics.subscribed(&topic("a"));
        assert!(topics.all_confirmed());
        topics.begin();
        assert!(!topics.all_confirmed());
        assert_eq!(topics.take_changes(9), [(topic("a"), true)]);
    }

    #[test]
    fn what_redis_takes_away_is_asked_for_again() {
        let topics = Topics::default();
        topics.add([topic("a")]);
        topics.take_changes(9);
        topics.subscribed(&topic("a"));
        assert!(topics.unsubscribed(&topic("a")));
        assert!(!topics.all_confirmed());
        assert_eq!(topics.take_changes(9), [(topic("a"), true)]);
        topics.subscribed(&topic("a"));
        // What was asked for is not lost.
        topics.remove([topic("a")]);
        assert_eq!(topics.take_changes(9), [(topic("a"), false)]);
        assert!(!topics.unsubscribed(&topic("a")));
        assert_eq!(topics.len(), 0);
        assert!(topics.all_confirmed());
    }

    #[test]
    fn a_quick_change_of_mind_ends_subscribed() {
        let topics = Topics::default();
        topics.add([topic("a")]);
        topics.take_changes(9);
        topics.remove([topic("a")]);
        topics.take_changes(9);
        topics.add([topic("a")]);
        assert_eq!(topics.take_changes(9), [(topic("a"), true)]);
        topics.subscribed(&topic("a"));
        assert!(!topics.all_confirmed(), "it is about to be taken away");
        assert!(!topics.unsubscribed(&topic("a")));
        topics.subscribed(&topic("a"));
        assert!(topics.all_confirmed());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Want(u8, bool),
        Send,
        Reply,
        Push(u8),
        Reconnect,
    }

    proptest! {
        /// Against a model of Redis that answers in order, sometimes takes a topic away, and sometimes
        /// forgets everything: once all is quiet, it holds what is wanted.
        #[test]
        fn in_the_end_redis_holds_what_is_wanted(steps in proptest::collection::vec(prop_oneof![
            4 => (0..4_u8, any::<bool>()).prop_map(|(topic, wanted)| Step::Want(topic, wanted)),
            3 => Just(Step::Send),
            3 => Just(Step::Reply),
            1 => (0..4_u8).prop_map(Step::Push),
            1 => Just(Step::Reconnect),
        ], 0..60)) {
            use std::collections::{BTreeSet, VecDeque};
            let name = |topic: u8| Topic::shard(vec![b'a' + topic]);
            let topics = Topics::default();
            let mut wanted = BTreeSet::new();
            let mut held: BTreeSet<Bytes> = BTreeSet::new();
            let mut replies: VecDeque<(Topic, bool)> = VecDeque::new();
            let mut run = |step: &Step, wanted: &mut BTreeSet<Bytes>, held: &mut BTreeSet<Bytes>| match step {
                Step::Want(topic, true) => {
                    wanted.insert(name(*topic).name);
                    topics.add([name(*topic)]);
                }
                Step::Want(topic, false) => {
                    wanted.remove(&name(*topic).name);
                    topics.remove([name(*topic)]);
                }
                Step::Send => for (topic, subscribe) in topics.take_changes(2) {
                    if subscribe { held.insert(topic.name.clone()); } else { held.remove(&topic.name); }
                    replies.push_back((topic, subscribe));
                },
                Step::Reply => match replies.pop_front() {
                    Some((topic, true)) => topics.subscribed(&topic),
                    Some((topic, false)) => { topics.unsubscribed(&topic); }
                    None => {}
                },
                // Only what is quiet: Redis' push and our request may cross, which the next probe repairs.
                Step::Push(topic) => if replies.is_empty() && held.remove(&name(*topic).name) {
                    topics.unsubscribed(&name(*topic));
                },
                Step::Reconnect => {
                    held.clear();
                    replies.clear();
                    topics.begin();
                }
            };
            for step in &steps {
                run(step, &mut wanted, &mut held);
            }
            for _ in 0..200 {
                run(&Step::Send, &mut wanted, &mut held);
                run(&Step::Reply, &mut wanted, &mut held);
            }
            prop_assert_eq!(&held, &wanted);
            prop_assert!(topics.all_confirmed());
            prop_assert_eq!(topics.len(), wanted.len());
        }
    }
}
