//! What one node says to all others.

use std::sync::Arc;

use switchboard_connection::{ConnectionId, Namespace, Room};
use switchboard_wire::{EventName, Value};

use super::{
    Harness,
    cases::{Nodes, args, chat, event, target, with_publication},
    fake::{FakeSocket, Heard},
};
use crate::publication::Target;

pub(super) async fn publications_of_one_node_arrive_in_order_and_once(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    nodes.socket(2, FakeSocket::new("c", &[]));
    for number in 0..200 {
        nodes.publish(0, &Target::default(), "zero", &number);
        nodes.publish(1, &Target::default(), "one", &number);
        if number % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let all = nodes.hears(2, 400, event).await;
    for sender in ["zero", "one"] {
        let of_sender = all.iter().filter(|(event, ..)| event == sender);
        let numbers: Vec<u32> = of_sender
            .map(|(_, args, _)| args.read().expect("a number was sent"))
            .collect();
        assert!(
            numbers.iter().copied().eq(0..200),
            "order of {sender}: {numbers:?}"
        );
    }
}

pub(super) async fn nothing_comes_back_to_its_sender(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    for node in 0..2 {
        nodes.socket(node, FakeSocket::new(["a", "b"][node], &["room"]));
    }
    nodes.publish(0, &Target::default(), "all", &1);
    nodes.publish(0, &target(&["room"], &[]), "room", &1);
    nodes.hears(1, 2, event).await;
    nodes.mark(0, 1).await;
    nodes.mark(1, 0).await;
    nodes.hears(0, 0, event).await;
}

pub(super) async fn rooms_and_exceptions_are_kept(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("a", &["red", "both"]));
    nodes.socket(1, FakeSocket::new("b", &["blue", "both"]));
    nodes.socket(1, FakeSocket::new("c", &[]));
    let cases: [(&[&str], &[&str], &[&str]); 9] = [
        (&[], &[], &["a", "b", "c"]),
        (&["red"], &[], &["a"]),
        (&["c"], &[], &["c"]),
        (&["red", "blue"], &[], &["a", "b"]),
        (&["red", "both"], &[], &["a", "b"]),
        (&[], &["red"], &["b", "c"]),
        (&["both"], &["red"], &["b"]),
        (&["both"], &["red", "blue"], &[]),
        (&["nobody"], &[], &[]),
    ];
    for (number, (rooms, except, _)) in cases.iter().enumerate() {
        nodes.publish(0, &target(rooms, except), "e", &number);
    }
    nodes.mark(0, 1).await;
    let heard = nodes.fakes[1].heard().into_iter().filter_map(event);
    let heard: Vec<_> = heard.collect();
    for (number, (rooms, except, expected)) in cases.iter().enumerate() {
        let of_case = heard
            .iter()
            .filter(|(_, args, _)| args.read().ok() == Some(number));
        let mut to: Vec<&str> = of_case
            .flat_map(|(.., to)| to)
            .map(ConnectionId::as_str)
            .collect();
        to.sort_unstable();
        assert_eq!(to, *expected, "to {rooms:?} except {except:?}");
    }
}

pub(super) async fn arguments_arrive_as_they_are(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("a", &[]));
    let binary = |bytes: &'static [u8]| Value::Binary(bytes.into());
    let object = Value::Object(vec![
        ("list".into(), Value::Array(vec![Value::Null, true.into()])),
        ("deep".into(), Value::Array(vec![binary(&[0, 255, 10])])),
    ]);
    let all = (
        "text ü \u{1F600} \u{1e}",
        -7,
        9_007_199_254_740_991_u64,
        1.5,
        object,
        binary(&[]),
        Value::Null,
    );
    nodes.publish(0, &Target::default(), "many ü", &all);
    nodes.publish(0, &Target::default(), "none", &());
    let heard = nodes.hears(1, 2, event).await;
    assert_eq!(heard[0].0, "many ü");
    assert_eq!(heard[0].1.values(), args(&all).values());
    assert_eq!((heard[1].0.as_str(), heard[1].1.len()), ("none", 0));
}

pub(super) async fn flags_travel(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("a", &[]));
    let all = [
        (false, None),
        (true, None),
        (false, Some(false)),
        (true, Some(true)),
    ];
    for (volatile, compress) in all {
        with_publication(&chat(), &Target::default(), "e", &1, |publication| {
            let mut publication = *publication;
            (publication.volatile, publication.compress) = (volatile, compress);
            nodes.adapters[0].publish(&publication);
        });
    }
    let flags = |heard| match heard {
        Heard::Event { flags, .. } => Some(flags),
        _ => None,
    };
    assert_eq!(nodes.hears(1, 4, flags).await, all);
}

pub(super) async fn only_open_namespaces_hear(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    let other = Namespace::from_static("/other");
    let to_all = Target::default();
    nodes.fakes[1].add(&other, FakeSocket::new("a", &[]));
    nodes.adapters[0].open_namespace(&other);
    nodes.publish_in(&other, 0, &to_all, "too early", &1);
    nodes.mark(0, 1).await;
    nodes.hears(1, 0, event).await;

    nodes.adapters[1].open_namespace(&other);
    nodes.meet(&other, 2).await;
    nodes.publish_in(&other, 0, &to_all, "heard", &2);
    nodes.publish(0, &to_all, "elsewhere", &3);
    let place = |heard| match heard {
        Heard::Event {
            namespace, event, ..
        } if event != "mark" => Some((namespace, event)),
        _ => None,
    };
    let mut heard = nodes.hears(1, 2, place).await;
    heard.sort_unstable_by(|(_, a), (_, b)| b.cmp(a));
    assert_eq!(heard[0], (other.clone(), EventName::new("heard")));
    assert_eq!(heard[1], (chat(), EventName::new("elsewhere")));

    nodes.adapters[1].close_namespace(&other);
    nodes
        .until("a closed namespace is not counted", async || {
            nodes.adapters[0].server_count(&other).await.value == 1
        })
        .await;
    nodes.publish_in(&other, 0, &to_all, "too late", &4);
    nodes.mark(0, 1).await;
    nodes.hears(1, 2, place).await;

    nodes.adapters[1].open_namespace(&other);
    nodes.meet(&other, 2).await;
    nodes.publish_in(&other, 0, &to_all, "again", &5);
    assert_eq!(nodes.hears(1, 3, place).await[2].1, "again");
}

pub(super) async fn names_may_hold_any_characters(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    let names = [
        "/a#b",
        "/*",
        "/[x]?",
        "/ü \u{1F600}",
        "/chat/",
        "/a#b#",
        "/\\",
    ];
    for (number, name) in names.iter().enumerate() {
        let namespace = Namespace::from_static(name);
        for node in 0..2 {
            nodes.adapters[node].open_namespace(&namespace);
        }
        let room = format!("{}#room", &name[1..]);
        let id = format!("socket{number}");
        nodes.fakes[1].add(&namespace, FakeSocket::new(&id, &[&room]));
        nodes.meet(&namespace, 2).await;
        nodes.publish_in(&namespace, 0, &target(&[&room], &[]), "e", &number);
        let heard = nodes.hears(1, number + 1, event).await;
        let (_, args, to) = &heard[number];
        assert_eq!((args.read(), to.len()), (Ok(number), 1), "{name} {room}");
        assert_eq!(to[0].as_str(), id);
    }
}

pub(super) async fn joins_leaves_and_disconnects_reach_the_others_once(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    let rooms = [Room::from_static("x"), Room::from_static("y")];
    let meant = target(&["red", "blue"], &["benched"]);
    let adapter = &nodes.adapters[0];
    let results = [
        adapter.join(&chat(), &meant, &rooms).await,
        adapter.leave(&chat(), &meant, &rooms[..1]).await,
        adapter.disconnect(&chat(), &meant, false).await,
        adapter.disconnect(&chat(), &Target::default(), true).await,
    ];
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let expected = [
        Heard::Join(meant.clone(), rooms.to_vec()),
        Heard::Leave(meant.clone(), rooms[..1].to_vec()),
        Heard::Disconnect(meant, false),
        Heard::Disconnect(Target::default(), true),
    ];
    for node in 1..3 {
        assert_eq!(nodes.hears(node, 4, Some).await, expected, "node {node}");
    }
    nodes.mark(1, 0).await;
    nodes
        .hears(0, 0, |heard| {
            (!matches!(heard, Heard::Event { .. })).then_some(())
        })
        .await;
}

pub(super) async fn operations_and_events_keep_their_order(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("a", &[]));
    let rooms = [Room::from_static("x")];
    for number in 0..20 {
        let joined = nodes.adapters[0]
            .join(&chat(), &Target::default(), &rooms)
            .await;
        assert!(joined.is_ok(), "{joined:?}");
        nodes.publish(0, &Target::default(), "e", &number);
        nodes.adapters[0].server_side_emit(&chat(), &EventName::new("s"), &args(&number));
    }
    let kinds = |heard| match heard {
        Heard::Join(..) => Some(0),
        Heard::Event { .. } => Some(1),
        Heard::ServerSide(..) => Some(2),
        _ => None,
    };
    let kinds = nodes.hears(1, 60, kinds).await;
    assert!(kinds.chunks(3).all(|three| three == [0, 1, 2]), "{kinds:?}");
}

pub(super) async fn server_side_events_reach_the_other_servers(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    let data = (7, "x", Value::Binary(vec![1, 2].into()));
    for number in 0..20 {
        let name = EventName::new(format!("event {number}"));
        nodes.adapters[0].server_side_emit(&chat(), &name, &args(&data));
    }
    for node in 1..3 {
        let heard = nodes.hears(node, 20, Some).await;
        for (number, heard) in heard.into_iter().enumerate() {
            let name = EventName::new(format!("event {number}"));
            assert_eq!(heard, Heard::ServerSide(name, args(&data), false));
        }
    }
    nodes.mark(1, 0).await;
    let server_side = |heard| matches!(heard, Heard::ServerSide(..)).then_some(());
    nodes.hears(0, 0, server_side).await;
}

pub(super) async fn garbage_is_ignored(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("a", &[]));
    if !nodes.harness.garbage(&chat()).await {
        return;
    }
    nodes.publish(0, &Target::default(), "after", &1);
    let heard = nodes.hears(1, 1, event).await;
    assert_eq!(heard[0].0, "after");
    let answer = nodes.adapters[0].sockets(&chat(), &Target::default()).await;
    assert!(answer.is_complete(), "{answer:?}");
    nodes.hears_only_events(0).await;
}

impl Nodes {
    async fn hears_only_events(&self, node: usize) {
        self.quiet().await;
        let heard = self.fakes[node].heard();
        let is_event = |heard: &Heard| matches!(heard, Heard::Event { .. });
        assert!(heard.iter().all(is_event), "{heard:?}");
    }
}
