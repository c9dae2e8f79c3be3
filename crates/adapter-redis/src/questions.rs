//! Questions to the other nodes that wait for answers.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use switchboard_connection::NodeId;
use switchboard_wire::cluster::classic::Response;
use tokio::sync::Notify;

/// All open questions of a node, by the ids that answers carry.
#[derive(Debug)]
pub(crate) struct Questions {
    open: Mutex<HashMap<String, Arc<Question>>>,
    prefix: String,
    last: AtomicU64,
}

impl Questions {
    pub(crate) fn new(prefix: String) -> Self {
        Self {
            open: Mutex::default(),
            prefix,
            last: AtomicU64::new(0),
        }
    }

    /// A question that is open until the value is dropped. `ours` are the nodes of ours that are to answer.
    pub(crate) fn open(&self, ours: Vec<NodeId>) -> Open<'_> {
        let id = format!("{}{:x}", self.prefix, self.last.fetch_add(1, Relaxed));
        let question = Arc::new(Question::new(ours));
        self.open.lock().insert(id.clone(), Arc::clone(&question));
        Open {
            questions: self,
            id,
            question,
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Question>> {
        self.open.lock().get(id).cloned()
    }

    pub(crate) fn is_own(&self, id: &str) -> bool {
        self.open.lock().contains_key(id)
    }

    /// A node of ours has gone.
    pub(crate) fn gone(&self, node: &NodeId) {
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for question in open {
            question.gone(node);
        }
    }
}

/// An open question.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    questions: &'a Questions,
    pub(crate) id: String,
    pub(crate) question: Arc<Question>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.questions.open.lock().remove(&self.id);
    }
}

/// What has been answered.
#[derive(Debug, Default)]
pub(crate) struct Question {
    state: Mutex<State>,
    changed: Notify,
    /// Somebody has gone: who is to answer must be counted again.
    pub(crate) recount: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many others there are; `None` until they are counted.
    expected: Option<usize>,
    /// Nodes of ours that have not answered.
    waiting: HashSet<NodeId>,
    /// Nodes of ours that have gone without an answer.
    gone: Vec<NodeId>,
    answered: usize,
    answered_by: HashSet<NodeId>,
    /// Answers that clients still owe, by node of ours, and of all others together.
    owed: HashMap<Option<NodeId>, i64>,
    missing: usize,
    replies: Vec<Response>,
}

/// What came in the end.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) replies: Vec<Response>,
    pub(crate) silent: usize,
    /// Who of the silent are known.
    pub(crate) silent_ids: Vec<NodeId>,
    pub(crate) missing: usize,
}

impl Question {
    fn new(ours: Vec<NodeId>) -> Self {
        let question = Self::default();
        question.state.lock().waiting = ours.into_iter().collect();
        question
    }

    pub(crate) fn expect(&self, others: usize) {
        self.state.lock().expected = Some(others);
        self.changed.notify_waiters();
    }

    /// A node answers; `from` says which, if it is one of ours.
    pub(crate) fn answer(&self, from: Option<NodeId>, response: Response) {
        let mut state = self.state.lock();
        match response {
            Response::Ack(_) => {
                *state.owed.entry(from).or_default() -= 1;
                state.replies.push(response);
            }
            Response::ClientCount(count) => {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                let owed = state.owed.entry(from.clone()).or_default();
                *owed = owed.saturating_add(count);
                state.count(from.as_ref());
            }
            response => {
                if state.count(from.as_ref()) {
                    state.replies.push(response);
                }
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn gone(&self, node: &NodeId) {
        let mut state = self.state.lock();
        if state.waiting.remove(node) {
            state.gone.push(node.clone());
        }
        if let Some(owed) = state.owed.remove(&Some(node.clone())) {
            state.missing += usize::try_from(owed).unwrap_or(0);
        }
        drop(state);
        self.recount.notify_one();
        self.changed.notify_waiters();
    }

    /// Waits until everybody has answered.
    pub(crate) async fn all_answered(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.state.lock().is_complete() {
                return;
            }
            changed.await;
        }
    }

    /// Takes what came. Who has not answered is silent.
    pub(crate) fn finish(&self) -> Outcome {
        let mut state = self.state.lock();
        let late = state.expected.unwrap_or(0).saturating_sub(state.answered);
        let mut silent_ids = std::mem::take(&mut state.gone);
        let gone = silent_ids.len();
        // Whoever has gone may or may not have been counted: more are silent than were counted, if anything.
        let silent = late.max(gone).max(usize::from(state.expected.is_none()));
        if state.waiting.len() <= silent - gone {
            silent_ids.extend(state.waiting.drain());
        }
        let owed = state
            .owed
            .values()
            .filter_map(|&owed| usize::try_from(owed).ok());
        let missing = state.missing + owed.sum::<usize>();
        Outcome {
            replies: std::mem::take(&mut state.replies),
            silent,
            silent_ids,
            missing,
        }
    }
}

impl State {
    /// Counts a node's answer; not a second one of a node of ours.
    fn count(&mut self, from: Option<&NodeId>) -> bool {
        let is_new = from.is_none_or(|node| {
            self.waiting.remove(node);
            self.answered_by.insert(node.clone())
        });
        self.answered += usize::from(is_new);
        is_new
    }

    fn is_complete(&self) -> bool {
        let all = self
            .expected
            .is_some_and(|expected| self.answered >= expected);
        all && self.owed.values().all(|&owed| owed <= 0)
    }
}

#[cfg(test)]
mod tests {
    use switchboard_wire::Args;

    use super::*;

    fn node(name: &'static str) -> NodeId {
        NodeId::from_static(name)
    }

    fn is_done(question: &Question) -> bool {
        question.state.lock().is_complete()
    }

    #[test]
    fn all_have_answered_when_as_many_as_were_counted_have() {
        let questions = Questions::new("q".to_owned());
        let open = questions.open(vec![node("a"), node("b")]);
        let found = questions.find(&open.id).unwrap();
        found.answer(Some(node("a")), Response::Rooms(vec!["r".to_owned()]));
        assert!(!is_done(&found), "nobody has counted yet");
        found.answer(Some(node("a")), Response::Rooms(vec!["again".to_owned()]));
        found.expect(3);
        found.answer(None, Response::Rooms(vec![]));
        assert!(!is_done(&found));
        let outcome = found.finish();
        assert_eq!((outcome.replies.len(), outcome.silent), (2, 1));
        assert_eq!(outcome.silent_ids, [node("b")]);
        found.answer(Some(node("b")), Response::Rooms(vec![]));
        assert!(is_done(&found));
        drop(open);
        assert!(questions.open.lock().is_empty());
    }

    #[test]
    fn each_client_that_was_asked_owes_an_answer() {
        let question = Question::new(vec![node("a"), node("b")]);
        question.expect(2);
        question.answer(Some(node("a")), Response::ClientCount(2));
        question.answer(Some(node("b")), Response::ClientCount(3));
        assert!(!is_done(&question));
        question.answer(Some(node("a")), Response::Ack(Args::empty()));
        question.answer(Some(node("a")), Response::Ack(Args::empty()));
        question.answer(Some(node("b")), Response::Ack(Args::empty()));
        assert!(!is_done(&question));
        question.gone(&node("b"));
        assert!(is_done(&question), "what it owes does not come");
        let outcome = question.finish();
        assert_eq!(
            (outcome.replies.len(), outcome.missing, outcome.silent),
            (3, 2, 0)
        );
    }

    #[test]
    fn who_has_gone_is_silent_and_counted_once() {
        let question = Question::new(vec![node("a"), node("b")]);
        question.expect(2);
        question.answer(Some(node("a")), Response::Done);
        question.gone(&node("b"));
        question.expect(1);
        assert!(is_done(&question));
        let outcome = question.finish();
        assert_eq!((outcome.silent, outcome.silent_ids), (1, vec![node("b")]));
    }

    #[test]
    fn a_stranger_among_the_silent_is_counted_and_not_named() {
        let question = Question::new(vec![node("a")]);
        question.expect(2);
        question.answer(Some(node("a")), Response::Done);
        let outcome = question.finish();
        assert_eq!((outcome.silent, outcome.silent_ids.len()), (1, 0));
    }
}
