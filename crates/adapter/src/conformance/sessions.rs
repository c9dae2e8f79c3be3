//! Sessions that go on on another node.

use std::{sync::Arc, time::Duration};

use switchboard_connection::{ConnectionId, Room};
use switchboard_wire::Value;

use super::{
    Harness,
    cases::{Nodes, args, chat, target, with_publication},
    fake::{FakeSocket, Heard},
};
use crate::{publication::Target, session::SavedSession};

const KEEP: Duration = Duration::from_mins(1);

impl Nodes {
    fn keep_sessions(&self) -> bool {
        self.adapters[0].capabilities().sessions
    }

    fn publish_logged(&self, from: usize, to: &Target, number: u32) {
        with_publication(&chat(), to, "e", &number, |publication| {
            self.adapters[from].publish_logged(publication);
        });
    }

    /// The logged events that a node heard: number and offset.
    async fn hears_logged(&self, node: usize, count: usize) -> Vec<(u32, String)> {
        let logged = |heard| match heard {
            Heard::Event { args, offset, .. } => Some((args.read().ok()?, offset?)),
            _ => None,
        };
        self.hears(node, count, logged).await
    }
}

fn session() -> SavedSession {
    SavedSession {
        pid: "secret".into(),
        sid: ConnectionId::from_static("a"),
        rooms: vec![Room::from_static("a"), Room::from_static("red")],
        data: Value::Object(vec![("k".into(), 1.into())]),
        since: None,
    }
}

pub(super) async fn logged_events_come_to_all_in_one_order(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    if !nodes.keep_sessions() {
        return;
    }
    for (node, name) in ["a", "b", "c"].into_iter().enumerate() {
        nodes.socket(node, FakeSocket::new(name, &[]));
    }
    for number in 0..60 {
        nodes.publish_logged(number as usize % 3, &Target::default(), number);
    }
    let all = nodes.hears_logged(0, 60).await;
    for node in 1..3 {
        assert_eq!(nodes.hears_logged(node, 60).await, all, "node {node}");
    }
    let mut offsets: Vec<_> = all.iter().map(|(_, offset)| offset).collect();
    offsets.sort_unstable();
    offsets.dedup();
    assert_eq!(offsets.len(), 60, "each offset is there once");
    for sender in 0..3 {
        let numbers = all.iter().map(|&(number, _)| number);
        let own: Vec<_> = numbers.filter(|number| number % 3 == sender).collect();
        assert!(own.is_sorted(), "order of {sender}: {own:?}");
    }
}

pub(super) async fn a_session_goes_on_elsewhere_with_what_it_missed(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    if !nodes.keep_sessions() {
        return;
    }
    nodes.socket(0, FakeSocket::new("a", &["red"]));
    nodes.publish_logged(0, &Target::default(), 1);
    let seen = nodes.hears_logged(0, 1).await.remove(0).1;
    let saved = session();
    let persisted = nodes.adapters[0]
        .persist_session(&chat(), &saved, KEEP)
        .await;
    assert!(persisted.is_ok(), "{persisted:?}");
    nodes.publish_logged(0, &target(&["red"], &[]), 2);
    nodes.publish_logged(1, &target(&["blue"], &[]), 3);
    nodes.publish_logged(1, &target(&["a"], &[]), 4);
    nodes.publish_logged(1, &target(&[], &["red"]), 5);
    nodes.publish_logged(0, &Target::default(), 6);
    let offsets = nodes.hears_logged(1, 6).await;
    let restored = nodes.adapters[1]
        .restore_session(&chat(), "secret", Some(&seen))
        .await
        .expect("the bus is there");
    let restored = restored.expect("the session is kept");
    assert_eq!(restored.session, saved);
    let missed = restored.missed.iter();
    let missed: Vec<(u32, String)> = missed
        .map(|missed| (missed.args.read().unwrap_or(0), missed.offset.clone()))
        .collect();
    let expected = offsets
        .into_iter()
        .filter(|(number, _)| [2, 4, 6].contains(number));
    let mut expected: Vec<_> = expected.collect();
    expected
        .sort_unstable_by_key(|(_, offset)| missed.iter().position(|(_, found)| found == offset));
    assert_eq!(missed, expected);
    assert_eq!(restored.missed[0].args, args(&2));
}

pub(super) async fn a_session_goes_on_when_its_node_has_heard_what_it_missed(
    harness: Arc<dyn Harness>,
) {
    let nodes = Nodes::new(harness, 2).await;
    if !nodes.keep_sessions() {
        return;
    }
    nodes.publish_logged(0, &Target::default(), 0);
    let seen = nodes.hears_logged(1, 1).await.remove(0).1;
    let persisted = nodes.adapters[0]
        .persist_session(&chat(), &session(), KEEP)
        .await;
    assert!(persisted.is_ok(), "{persisted:?}");
    for number in 1..=50 {
        nodes.publish_logged(0, &Target::default(), number);
    }
    let restored = nodes.adapters[1]
        .restore_session(&chat(), "secret", Some(&seen))
        .await;
    let heard = nodes.fakes[1].heard();
    let restored = restored.ok().flatten().expect("the session is kept");
    for missed in restored.missed {
        let is_heard = heard.iter().any(|heard| {
            matches!(heard, Heard::Event { offset, .. } if *offset == Some(missed.offset.clone()))
        });
        assert!(is_heard, "{} was missed, and not heard yet", missed.offset);
    }
}

pub(super) async fn a_session_is_given_out_once(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    if !nodes.keep_sessions() {
        return;
    }
    nodes.publish_logged(0, &Target::default(), 1);
    let seen = nodes.hears_logged(1, 1).await.remove(0).1;
    let persisted = nodes.adapters[0]
        .persist_session(&chat(), &session(), KEEP)
        .await;
    assert!(persisted.is_ok(), "{persisted:?}");
    let chat = chat();
    let (first, second, stranger) = tokio::join!(
        nodes.adapters[0].restore_session(&chat, "secret", Some(&seen)),
        nodes.adapters[1].restore_session(&chat, "secret", Some(&seen)),
        nodes.adapters[1].restore_session(&chat, "guess", Some(&seen)),
    );
    let given = [first, second]
        .into_iter()
        .filter(|found| matches!(found, Ok(Some(_))));
    assert_eq!(given.count(), 1, "to one of two");
    assert_eq!(stranger.ok().flatten(), None);
}

pub(super) async fn a_session_ends(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    if !nodes.keep_sessions() {
        return;
    }
    nodes.publish_logged(0, &Target::default(), 1);
    let seen = nodes.hears_logged(1, 1).await.remove(0).1;
    let keep = Duration::from_millis(100);
    let persisted = nodes.adapters[0]
        .persist_session(&chat(), &session(), keep)
        .await;
    assert!(persisted.is_ok(), "{persisted:?}");
    tokio::time::sleep(keep * 3).await;
    let restored = nodes.adapters[1]
        .restore_session(&chat(), "secret", Some(&seen))
        .await;
    assert_eq!(restored.ok().flatten(), None);
}
