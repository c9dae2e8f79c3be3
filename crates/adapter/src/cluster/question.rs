//! Questions that other nodes have not answered yet.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::cluster::message::Reply;

/// A question, and what has come.
#[derive(Debug, Default)]
pub(super) struct Question {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Who has not done its part yet, and how many answers it announced that are still to come.
    open: HashMap<usize, Option<usize>>,
    replies: Vec<Reply>,
    silent: Vec<usize>,
    missing: usize,
}

/// What came in the end.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) replies: Vec<Reply>,
    pub(super) silent: Vec<usize>,
    pub(super) missing: usize,
}

impl Question {
    pub(super) fn new(asked: &[usize]) -> Arc<Self> {
        let question = Self::default();
        question.state.lock().open = asked.iter().map(|&node| (node, None)).collect();
        Arc::new(question)
    }

    /// Node `from` says something.
    pub(super) fn answered(&self, from: usize, reply: Reply) {
        let state = &mut *self.state.lock();
        let Some(open) = state.open.get_mut(&from) else {
            return;
        };
        match (reply, open) {
            (Reply::Asked(clients), open) => *open = Some(clients),
            (Reply::One(args), left) => {
                // How many there are may have been lost on the way.
                *left = left.map(|left| left.saturating_sub(1));
                state.replies.push(Reply::One(args));
            }
            (Reply::End | Reply::Nobody, _) => state.close(from),
            (whole, _) => {
                state.replies.push(whole);
                state.open.remove(&from);
            }
        }
        state.open.retain(|_, left| *left != Some(0));
        self.changed.notify_waiters();
    }

    /// Node `node` has gone.
    pub(super) fn gone(&self, node: usize) {
        let state = &mut *self.state.lock();
        state.close(node);
        self.changed.notify_waiters();
    }

    /// Waits until all have done their parts, at most so long.
    pub(super) async fn finish(&self, within: Duration) -> Outcome {
        let all = async {
            loop {
                let changed = self.changed.notified();
                if self.state.lock().open.is_empty() {
                    return;
                }
                changed.await;
            }
        };
        // Too late is no error: what came is what there is.
        let _ = tokio::time::timeout(within, all).await;
        let state = &mut *self.state.lock();
        let mut late: Vec<_> = state.open.keys().copied().collect();
        late.sort_unstable();
        for node in late {
            state.close(node);
        }
        Outcome {
            replies: std::mem::take(&mut state.replies),
            silent: std::mem::take(&mut state.silent),
            missing: state.missing,
        }
    }
}

impl State {
    /// A node's part ends as it is: who said nothing is silent, who announced answers owes them.
    fn close(&mut self, node: usize) {
        match self.open.remove(&node) {
            Some(None) => self.silent.push(node),
            Some(Some(left)) => self.missing += left,
            None => {}
        }
    }
}
