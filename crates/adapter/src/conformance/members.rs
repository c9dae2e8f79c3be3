//! Who is here, and who was.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchboard_connection::{Namespace, NodeId};
use switchboard_wire::EventName;
use tokio::time::Instant;

use super::{
    Harness,
    cases::{Nodes, args, chat, event, with_publication},
    fake::{FakeSocket, Heard},
};
use crate::{adapter::MAX_NOTICE, publication::Target, status::Change};

pub(super) async fn servers_are_counted_by_namespace(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    let other = Namespace::from_static("/other");
    for node in 0..2 {
        nodes.adapters[node].open_namespace(&other);
    }
    for adapter in &nodes.adapters[..2] {
        nodes
            .until("two servers have the namespace", async || {
                adapter.server_count(&other).await.value == 2
            })
            .await;
    }
    let count = nodes.adapters[0].server_count(&chat()).await;
    assert_eq!((count.value, count.is_complete()), (3, true));
    assert!(
        nodes
            .adapters
            .iter()
            .all(|adapter| adapter.status().is_connected())
    );
}

pub(super) async fn a_node_that_is_alone_has_complete_answers(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 1).await;
    nodes.socket(0, FakeSocket::new("a", &["room"]).answering(args(&1)));
    let (adapter, all) = (&nodes.adapters[0], Target::default());
    let began = Instant::now();
    let within = Duration::from_mins(1);
    let packet = switchboard_wire::Parser::Json.event("/chat", Some(1), "q", &(), None);
    let packet = packet.expect("data of the suite can be written");
    let namespace = chat();
    let parser = switchboard_wire::Parser::Json;
    let question = crate::Publication::new(&namespace, &packet, parser, &[], &[]);
    let answers = adapter.ask(&question, within).await;
    assert!(
        answers.is_complete() && answers.value.is_empty(),
        "{answers:?}"
    );
    let ids = adapter.sockets(&chat(), &all).await;
    assert!(ids.is_complete() && ids.value.is_empty(), "{ids:?}");
    let rooms = adapter.all_rooms(&chat()).await;
    assert!(rooms.is_complete() && rooms.value.is_empty(), "{rooms:?}");
    let event = EventName::new("e");
    let servers = adapter.server_side_ask(&chat(), &event, &args(&())).await;
    assert!(servers.is_complete() && servers.value.is_empty());
    assert_eq!(adapter.server_count(&chat()).await.value, 1);
    assert!(
        began.elapsed() < nodes.harness.patience(),
        "nobody is waited for"
    );
    nodes.hears_nothing(0).await;
}

fn notice(heard: Heard) -> Option<(NodeId, Bytes)> {
    match heard {
        Heard::Notice(from, notice) => Some((from, notice)),
        _ => None,
    }
}

impl Nodes {
    fn know_each_other(&self) -> bool {
        self.adapters[0].capabilities().nodes
    }

    /// Waits until each knows all others by name.
    async fn are_known(&self) {
        for (node, adapter) in self.adapters.iter().enumerate() {
            let mut others: Vec<_> = self.ids.clone();
            others.remove(node);
            others.sort_unstable();
            self.until("all nodes know each other", async || {
                let mut known = adapter.nodes();
                known.sort_unstable();
                known == others
            })
            .await;
        }
    }
}

pub(super) async fn notices_reach_one_node(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    if !nodes.know_each_other() {
        return;
    }
    nodes.are_known().await;
    let long = Bytes::from(vec![7; MAX_NOTICE]);
    for number in 0..20_u8 {
        let sent = nodes.adapters[0].notify(&nodes.ids[1], vec![number, 0, 255].into());
        assert!(sent.is_ok(), "{sent:?}");
    }
    let sent = nodes.adapters[0].notify(&nodes.ids[1], long.clone());
    assert!(sent.is_ok(), "{sent:?}");
    let heard = nodes.hears(1, 21, notice).await;
    for (number, (from, notice)) in heard[..20].iter().enumerate() {
        assert_eq!(from, &nodes.ids[0]);
        assert_eq!(usize::from(notice[0]), number, "notices keep their order");
    }
    assert_eq!(heard[20].1, long);
    nodes.hears_nothing(2).await;
    nodes.hears_nothing(0).await;
}

pub(super) async fn bad_notices_are_refused(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    if !nodes.know_each_other() {
        let sent = nodes.adapters[0].notify(&nodes.ids[1], Bytes::new());
        assert!(sent.is_err(), "it says that it cannot");
        return;
    }
    nodes.are_known().await;
    let too_long = Bytes::from(vec![7; MAX_NOTICE + 1]);
    assert!(nodes.adapters[0].notify(&nodes.ids[1], too_long).is_err());
    let stranger = NodeId::random();
    assert!(
        nodes.adapters[0]
            .notify(&stranger, Bytes::from_static(b"x"))
            .is_err()
    );
    nodes.hears_nothing(1).await;
}

pub(super) async fn nodes_see_each_other_come_and_go(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    if !nodes.know_each_other() {
        return;
    }
    nodes.are_known().await;
    let going = &nodes.ids[2];
    nodes.adapters[2].leaving();
    for node in 0..2 {
        let leaving = Change::Leaving(going.clone());
        nodes
            .until("the others hear that it will go", async || {
                nodes.fakes[node].changes().contains(&leaving)
            })
            .await;
        assert!(
            nodes.adapters[node].nodes().contains(going),
            "it is still there"
        );
    }
    nodes.adapters[2].close().await;
    for node in 0..2 {
        let left = Change::Left(going.clone());
        nodes
            .until("the others hear that it has gone", async || {
                nodes.fakes[node].changes().contains(&left)
                    && !nodes.adapters[node].nodes().contains(going)
            })
            .await;
    }
    assert!(
        nodes.adapters[2].nodes().is_empty(),
        "who has closed knows nobody"
    );
    // The first was there before the others: it was told of them.
    for id in &nodes.ids[1..] {
        let joined = nodes.fakes[0].changes().into_iter();
        let joined = joined.filter(|change| *change == Change::Joined(id.clone()));
        assert_eq!(joined.count(), 1, "joined once");
    }
}

pub(super) async fn what_was_sent_before_the_end_arrives(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("a", &[]));
    for number in 0..50 {
        nodes.publish(0, &Target::default(), "e", &number);
    }
    nodes.adapters[0].close().await;
    let heard = nodes.hears(1, 50, event).await;
    let numbers = heard
        .iter()
        .map(|(_, args, _)| args.read().unwrap_or(usize::MAX));
    assert!(numbers.eq(0..50));
}

pub(super) async fn who_has_closed_hears_nothing_and_is_not_waited_for(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    for (node, name) in ["a", "b", "c"].into_iter().enumerate() {
        nodes.socket(node, FakeSocket::new(name, &[]));
    }
    nodes.adapters[2].close().await;
    nodes.adapters[2].close().await;
    let closed = &nodes.adapters[2];
    nodes
        .until("who has closed is not counted", async || {
            nodes.adapters[0].server_count(&chat()).await.value == 2
        })
        .await;
    nodes.publish(0, &Target::default(), "e", &1);
    nodes.publish(2, &Target::default(), "of the dead", &1);
    let heard = nodes.hears(1, 1, event).await;
    assert_eq!(heard[0].0, "e");
    nodes.hears_nothing(2).await;
    let ids = nodes.adapters[0].sockets(&chat(), &Target::default()).await;
    assert!(ids.is_complete(), "{ids:?}");
    assert_eq!(ids.value.len(), 1);
    let ids = closed.sockets(&chat(), &Target::default()).await;
    assert!(ids.value.is_empty() && ids.is_complete(), "{ids:?}");
    with_publication(&chat(), &Target::default(), "e", &1, |publication| {
        closed.publish(publication);
    });
}
