//! A node's own task: tells the others that it is there, and its server what has changed.

use std::{
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    time::Duration,
};

use switchboard_adapter::Change;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval},
};

use super::Node;
use crate::{
    envelope::{Beat, Letter, State},
    link::{Away, Outgoing},
};

/// More namespaces than this are not listed in a heartbeat.
const MOST_NAMESPACES: usize = 256;

pub(super) async fn run(node: Weak<Node>) {
    let Some(Rhythm {
        mut away,
        news,
        period,
    }) = node.upgrade().and_then(|node| node.rhythm())
    else {
        return;
    };
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_away = away.borrow_and_update().is_some();
    let mut is_first = true;
    loop {
        let Some(here) = node.upgrade() else { return };
        let now_away = away.borrow_and_update().is_some();
        if now_away != was_away || (is_first && !now_away) {
            here.turned(now_away, is_first);
            is_first &= now_away;
            was_away = now_away;
        }
        drop(here);
        let is_of_bus = tokio::select! {
            changed = away.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            _ = ticks.tick() => false,
            () = news.notified() => false,
        };
        let Some(here) = node.upgrade() else { return };
        if !is_of_bus && away.borrow().is_none() {
            here.beat(false);
            let changes = here.members.expire(Instant::now());
            here.changed(&changes);
        }
    }
}

struct Rhythm {
    away: watch::Receiver<Away>,
    news: Arc<Notify>,
    period: Duration,
}

impl Node {
    fn rhythm(&self) -> Option<Rhythm> {
        Some(Rhythm {
            away: self.link()?.watch(),
            news: Arc::clone(&self.news),
            period: self.config.heartbeat_interval,
        })
    }

    /// The bus went away, or came back. At the start it comes for the first time, which is no news.
    fn turned(&self, is_away: bool, is_first: bool) {
        if is_away {
            self.changed(&[Change::BusAway]);
            return;
        }
        self.was_connected.store(true, Relaxed);
        self.members.refresh(Instant::now());
        self.beat(true);
        if !is_first {
            self.changed(&[Change::BusBack]);
        }
    }

    fn beat(&self, greets: bool) {
        if let Some(link) = self.link() {
            let beat = self.own_beat(greets).encode();
            link.publish_volatile(Outgoing::new(self.own.beats(), beat));
        }
    }

    /// Tells one node that this one is here.
    pub(super) fn greet_back(&self, uid: &str) {
        if let Some(link) = self.link() {
            let letter = Letter::Beat(self.own_beat(false)).encode(&self.id);
            link.publish_volatile(Outgoing::new(self.own.inbox(uid), letter));
        }
    }

    pub(super) fn goodbye(&self) -> Outgoing {
        let mut beat = self.own_beat(false);
        beat.state = State::Gone;
        Outgoing::new(self.own.beats(), beat.encode())
    }

    fn own_beat(&self, greets: bool) -> Beat {
        let namespaces = self.namespaces();
        Beat {
            node: self.id.clone(),
            uid: self.uid.clone(),
            state: if self.leaving.load(Relaxed) {
                State::Leaving
            } else {
                State::Here
            },
            greets,
            namespaces: (namespaces.len() <= MOST_NAMESPACES).then_some(namespaces),
        }
    }
}
