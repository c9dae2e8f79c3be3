//! What one node asks all others.

use std::{sync::Arc, time::Duration};

use switchboard_connection::{ConnectionId, Room};
use switchboard_wire::{Args, EventName, Parser, Value};
use tokio::time::Instant;

use super::{
    Harness,
    cases::{Nodes, args, chat, target},
    fake::{FakeSocket, Heard},
};
use crate::{
    answer::Answer,
    publication::{Publication, Target},
};

/// Long enough that a wait for it is noticed.
const LONG: Duration = Duration::from_mins(1);

impl Nodes {
    async fn ask(
        &self,
        from: usize,
        to: &Target,
        event: &str,
        within: Duration,
    ) -> Answer<Vec<Args>> {
        let packet = Parser::Json
            .event("/chat", Some(3), event, "?", None)
            .expect("data of the suite can be written");
        let chat = chat();
        let question = Publication::new(&chat, &packet, Parser::Json, &to.rooms, &to.except);
        self.adapters[from].ask(&question, within).await
    }
}

fn first(answer: &Answer<Vec<Args>>) -> Vec<Value> {
    let firsts = answer
        .value
        .iter()
        .map(|args| args.value(0).unwrap_or_default());
    let mut firsts: Vec<_> = firsts.collect();
    firsts.sort_by_key(|value| format!("{value:?}"));
    firsts
}

pub(super) async fn clients_answer_on_all_nodes(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    let binary = Value::Binary(vec![1, 0, 255].into());
    nodes.socket(0, FakeSocket::new("own", &["room"]).answering(args(&"own")));
    nodes.socket(
        1,
        FakeSocket::new("a", &["room"]).answering(args(&("a", 1))),
    );
    nodes.socket(1, FakeSocket::new("b", &["room"]).answering(args(&binary)));
    nodes.socket(2, FakeSocket::new("c", &["room"]).answering(args(&7)));
    nodes.socket(2, FakeSocket::new("d", &[]).answering(args(&8)));
    nodes.socket(
        2,
        FakeSocket::new("e", &["room", "not"]).answering(args(&9)),
    );
    let began = Instant::now();
    let answer = nodes.ask(0, &target(&["room"], &["not"]), "q", LONG).await;
    assert!(began.elapsed() < LONG / 2, "it ends when all have answered");
    let mut expected = vec![Value::from("a"), binary, Value::from(7)];
    expected.sort_by_key(|value| format!("{value:?}"));
    assert_eq!(first(&answer), expected);
    assert!(answer.is_complete(), "{answer:?}");
    let asked = |heard| match heard {
        Heard::Event { event, args, .. } => Some((event, args)),
        _ => None,
    };
    let heard = nodes.hears(2, 1, asked).await;
    assert_eq!(heard[0], (EventName::new("q"), args(&"?")));
    nodes.hears(0, 0, asked).await;
}

pub(super) async fn a_client_that_is_silent_costs_its_own_answer(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    nodes.socket(1, FakeSocket::new("a", &[]).answering(args(&1)));
    nodes.socket(1, FakeSocket::new("silent", &[]));
    nodes.socket(2, FakeSocket::new("c", &[]).answering(args(&3)));
    let within = Duration::from_millis(400);
    let began = Instant::now();
    let answer = nodes.ask(0, &Target::default(), "q", within).await;
    assert!(
        began.elapsed() >= within,
        "it waits for those who may still answer"
    );
    assert!(began.elapsed() < within + nodes.harness.patience() / 2);
    assert_eq!(first(&answer), [Value::from(1), Value::from(3)]);
    assert_eq!((answer.missing, answer.silent_nodes), (1, 0), "{answer:?}");
}

pub(super) async fn asking_nobody_is_quick(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    nodes.socket(1, FakeSocket::new("a", &[]));
    let began = Instant::now();
    let answer = nodes.ask(0, &target(&["nobody"], &[]), "q", LONG).await;
    assert!(began.elapsed() < LONG / 2);
    assert!(
        answer.value.is_empty() && answer.is_complete(),
        "{answer:?}"
    );
}

pub(super) async fn questions_at_once_do_not_mix(harness: Arc<dyn Harness>) {
    let nodes = Arc::new(Nodes::new(harness, 3).await);
    for (number, room) in ["r0", "r1", "r2", "r3"].iter().enumerate() {
        let node = 1 + number % 2;
        let socket = FakeSocket::new(&format!("s{number}"), &[room]);
        nodes.socket(node, socket.answering(args(&number)));
    }
    let mut asking = Vec::new();
    for number in 0..40_usize {
        let nodes = Arc::clone(&nodes);
        asking.push(tokio::spawn(async move {
            let room = format!("r{}", number % 4);
            let to = target(&[&room], &[]);
            let from = if number < 20 { 0 } else { 2 - (number % 4) % 2 };
            let own = 1 + (number % 4) % 2 == from;
            let answer = nodes.ask(from, &to, "q", LONG).await;
            let expected = if own {
                vec![]
            } else {
                vec![Value::from((number % 4) as u64)]
            };
            assert_eq!(first(&answer), expected, "question {number}");
            let ids = nodes.adapters[from].sockets(&chat(), &to).await;
            assert_eq!(ids.value.len(), usize::from(!own), "question {number}");
        }));
    }
    for asked in asking {
        let asked = asked.await;
        assert!(asked.is_ok(), "{asked:?}");
    }
}

pub(super) async fn a_question_may_be_dropped(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 2).await;
    nodes.socket(1, FakeSocket::new("silent", &["silent"]));
    nodes.socket(1, FakeSocket::new("a", &["loud"]).answering(args(&1)));
    for _ in 0..20 {
        let silent = target(&["silent"], &[]);
        let asking = nodes.ask(0, &silent, "q", LONG);
        let dropped = tokio::time::timeout(Duration::from_millis(5), asking).await;
        assert!(dropped.is_err(), "the silent socket answered");
    }
    let answer = nodes.ask(0, &target(&["loud"], &[]), "q", LONG).await;
    assert_eq!(first(&answer), [Value::from(1)]);
}

pub(super) async fn sockets_are_listed_and_told_of(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    nodes.socket(0, FakeSocket::new("own", &["red"]));
    let (red, both, none) = (
        FakeSocket::new("red", &["r"]),
        FakeSocket::new("both", &["r", "b"]),
        FakeSocket::new("none", &[]),
    );
    nodes.socket(1, red.clone());
    nodes.socket(2, both.clone());
    nodes.socket(2, none.clone());
    let cases = [
        (target(&[], &[]), vec![&both, &none, &red]),
        (target(&["r"], &[]), vec![&both, &red]),
        (target(&["r", "b"], &[]), vec![&both, &red]),
        (target(&["b"], &[]), vec![&both]),
        (target(&[], &["b"]), vec![&none, &red]),
        (target(&["none"], &[]), vec![&none]),
        (target(&["nobody"], &[]), vec![]),
    ];
    for (to, expected) in cases {
        let ids = nodes.adapters[0].sockets(&chat(), &to).await;
        assert!(ids.is_complete(), "{ids:?}");
        let mut found: Vec<&ConnectionId> = ids.value.iter().collect();
        found.sort_unstable();
        let wanted: Vec<_> = expected.iter().map(|socket| &socket.details.id).collect();
        assert_eq!(found, wanted, "ids of {to:?}");
        let told = nodes.adapters[0].fetch_sockets(&chat(), &to).await;
        assert!(told.is_complete(), "{told:?}");
        let mut found: Vec<_> = told.value.iter().collect();
        found.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let wanted: Vec<_> = expected.iter().map(|socket| &socket.details).collect();
        assert_eq!(found, wanted, "details of {to:?}");
    }
}

pub(super) async fn rooms_of_all_nodes_are_listed(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    nodes.socket(0, FakeSocket::new("own", &["mine"]));
    nodes.socket(1, FakeSocket::new("a", &["x", "y"]));
    nodes.socket(2, FakeSocket::new("b", &["y", "z"]));
    let answer = nodes.adapters[0].all_rooms(&chat()).await;
    assert!(answer.is_complete(), "{answer:?}");
    let mut rooms: Vec<_> = answer.value.iter().map(Room::as_str).collect();
    rooms.sort_unstable();
    rooms.dedup();
    assert_eq!(rooms, ["a", "b", "x", "y", "z"]);
}

pub(super) async fn other_servers_answer(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    for (number, fake) in nodes.fakes.iter().enumerate() {
        fake.answer(Some(args(&number)));
    }
    let event = EventName::new("load");
    let answer = nodes.adapters[0]
        .server_side_ask(&chat(), &event, &args(&("x", 1)))
        .await;
    assert_eq!(first(&answer), [Value::from(1), Value::from(2)]);
    assert!(answer.is_complete(), "{answer:?}");
    for node in 1..3 {
        let heard = nodes.hears(node, 1, Some).await;
        let expected = Heard::ServerSide(event.clone(), args(&("x", 1)), true);
        assert_eq!(heard, [expected]);
    }
    nodes.hears_nothing(0).await;
}

pub(super) async fn a_server_that_does_not_answer_is_counted(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    nodes.fakes[1].answer(Some(args(&1)));
    let event = EventName::new("load");
    let answer = nodes.adapters[0]
        .server_side_ask(&chat(), &event, &args(&()))
        .await;
    assert_eq!(first(&answer), [Value::from(1)]);
    assert_eq!(answer.silent_nodes, 1, "{answer:?}");
}

pub(super) async fn a_silent_node_costs_its_own_part(harness: Arc<dyn Harness>) {
    let nodes = Nodes::new(harness, 3).await;
    for (node, name) in [(1, "a"), (2, "b")] {
        nodes.socket(node, FakeSocket::new(name, &["room"]).answering(args(name)));
        nodes.fakes[node].answer(Some(args(name)));
    }
    let silent = &nodes.ids[2];
    if !nodes.harness.silence(silent).await {
        return;
    }
    let adapter = &nodes.adapters[0];
    let named = |silent_nodes: usize, silent_ids: &[switchboard_connection::NodeId]| {
        assert_eq!(silent_nodes, 1);
        if adapter.capabilities().nodes {
            assert_eq!(silent_ids, std::slice::from_ref(silent));
        }
    };
    let (room, chat) = (target(&["room"], &[]), chat());
    let (ids, told, rooms, answers, servers) = tokio::join!(
        adapter.sockets(&chat, &room),
        adapter.fetch_sockets(&chat, &room),
        adapter.all_rooms(&chat),
        nodes.ask(0, &room, "q", Duration::from_millis(500)),
        async {
            let event = EventName::new("load");
            adapter.server_side_ask(&chat, &event, &args(&())).await
        },
    );
    assert_eq!(ids.value, [ConnectionId::from_static("a")]);
    named(ids.silent_nodes, &ids.silent_ids);
    assert_eq!(told.value.len(), 1);
    named(told.silent_nodes, &told.silent_ids);
    assert_eq!(rooms.value.len(), 2, "{rooms:?}");
    named(rooms.silent_nodes, &rooms.silent_ids);
    assert_eq!(first(&answers), [Value::from("a")]);
    named(answers.silent_nodes, &answers.silent_ids);
    assert_eq!(first(&servers), [Value::from("a")]);
    named(servers.silent_nodes, &servers.silent_ids);
}
