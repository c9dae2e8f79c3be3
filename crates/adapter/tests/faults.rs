//! The faults that an in-process cluster can be ordered to have.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use switchboard_adapter::{
    Adapter, Change, Cluster, ClusterConfig, ClusterNode, LocalDelivery, Publication, SavedSession,
    Target,
    conformance::{FakeNode, FakeSocket, Heard},
};
use switchboard_connection::{ConnectionId, Namespace, NodeId};
use switchboard_wire::{Parser, Value};
use tokio::time::{Instant, sleep};

struct Node {
    adapter: ClusterNode,
    fake: Arc<FakeNode>,
    id: NodeId,
}

fn chat() -> Namespace {
    Namespace::from_static("/chat")
}

fn node(cluster: &Cluster, name: &'static str) -> Node {
    let node = Node {
        adapter: cluster.node(),
        fake: Arc::default(),
        id: NodeId::from_static(name),
    };
    let local: Arc<dyn LocalDelivery> = Arc::clone(&node.fake) as _;
    let local: Weak<dyn LocalDelivery> = Arc::downgrade(&local);
    node.adapter.attach(&node.id, local);
    node.adapter.open_namespace(&chat());
    node.fake.add(&chat(), FakeSocket::new(name, &[]));
    node
}

impl Node {
    fn say(&self, number: u32) {
        let packet = Parser::Json
            .event("/chat", None, "n", &number, None)
            .unwrap();
        let chat = chat();
        let publication = Publication::new(&chat, &packet, Parser::Json, &[], &[]);
        self.adapter.publish(&publication);
    }

    /// The numbers that came so far.
    fn heard(&self) -> Vec<u32> {
        let number = |heard| match heard {
            Heard::Event { args, .. } => args.read().ok(),
            _ => None,
        };
        self.fake.heard().into_iter().filter_map(number).collect()
    }
}

async fn settle() {
    sleep(Duration::from_millis(50)).await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_loses_what_crosses_it_and_nothing_else() {
    let cluster = Cluster::default();
    let (a, b, c) = (
        node(&cluster, "a"),
        node(&cluster, "b"),
        node(&cluster, "c"),
    );
    cluster.partition(&a.id, &b.id);
    a.say(1);
    b.say(2);
    c.say(3);
    settle().await;
    assert_eq!((a.heard(), b.heard()), (vec![3], vec![3]));
    let mut heard = c.heard();
    heard.sort_unstable();
    assert_eq!(heard, [1, 2]);
    cluster.heal(&a.id, &b.id);
    a.say(4);
    settle().await;
    assert_eq!(b.heard(), [3, 4]);
    assert_eq!(cluster.stats().lost, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_when_a_partition_begins_is_lost_too() {
    let delay = Duration::from_millis(100);
    let cluster = Cluster::new(ClusterConfig::default().with_delay(delay..delay));
    let (a, b) = (node(&cluster, "a"), node(&cluster, "b"));
    a.say(1);
    sleep(delay / 2).await;
    cluster.partition(&a.id, &b.id);
    sleep(delay * 2).await;
    cluster.heal_all();
    sleep(delay * 2).await;
    assert!(b.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_paused_node_gets_what_waits_and_no_more_than_the_queue_holds() {
    let cluster = Cluster::new(ClusterConfig::default().with_queue(10));
    let (a, b) = (node(&cluster, "a"), node(&cluster, "b"));
    cluster.pause(&b.id);
    for number in 0..25 {
        a.say(number);
    }
    settle().await;
    assert!(b.heard().is_empty());
    assert!(cluster.is_quiet());
    cluster.resume(&b.id);
    settle().await;
    assert_eq!(b.heard(), (0..10).collect::<Vec<_>>());
    assert_eq!(cluster.stats().overflowed, 15);
    b.say(7);
    settle().await;
    assert_eq!(a.heard(), [7]);
}

#[tokio::test(start_paused = true)]
async fn a_killed_node_is_missed_after_a_while_and_its_name_may_come_again() {
    let cluster = Cluster::new(ClusterConfig::default().with_gone_after(Duration::from_secs(4)));
    let (a, b) = (node(&cluster, "a"), node(&cluster, "b"));
    cluster.kill(&b.id);
    sleep(Duration::from_millis(3900)).await;
    assert_eq!(a.adapter.nodes(), std::slice::from_ref(&b.id));
    let began = Instant::now();
    let answer = a.adapter.sockets(&chat(), &Target::default()).await;
    assert_eq!(answer.silent_ids, std::slice::from_ref(&b.id));
    let waited = began.elapsed();
    assert!(
        waited < Duration::from_millis(200),
        "not longer than it lives: {waited:?}"
    );
    assert!(a.adapter.nodes().is_empty());
    let again = node(&cluster, "b");
    a.say(1);
    settle().await;
    assert_eq!((b.heard(), again.heard()), (vec![], vec![1]));
    let (joined, left) = (Change::Joined(b.id.clone()), Change::Left(b.id));
    assert_eq!(a.fake.changes(), [joined.clone(), left, joined]);
}

#[tokio::test(start_paused = true)]
async fn an_isolated_node_knows_and_says_so() {
    let cluster = Cluster::default();
    let (a, b) = (node(&cluster, "a"), node(&cluster, "b"));
    cluster.isolate(&a.id);
    assert!(!a.adapter.status().is_connected());
    assert!(b.adapter.status().is_connected());
    let joined = a.adapter.join(&chat(), &Target::default(), &[]).await;
    assert_eq!(joined.unwrap_err().operation, "join");
    assert!(a.adapter.notify(&b.id, "x".into()).is_err());
    a.say(1);
    sleep(Duration::from_secs(30)).await;
    cluster.reconnect(&a.id);
    settle().await;
    assert!(b.heard().is_empty());
    a.say(2);
    settle().await;
    assert_eq!(b.heard(), [2]);
    let (joined, left) = (Change::Joined(b.id.clone()), Change::Left(b.id));
    let expected = [
        joined.clone(),
        Change::BusAway,
        left,
        joined,
        Change::BusBack,
    ];
    assert_eq!(a.fake.changes(), expected);
}

#[tokio::test(start_paused = true)]
async fn loss_and_repetition_are_counted_and_come_from_the_seed() {
    let run = async |seed| {
        let config = ClusterConfig::default()
            .with_seed(seed)
            .with_loss(0.3)
            .with_duplication(0.3)
            .with_delay(Duration::ZERO..Duration::from_millis(20));
        let cluster = Cluster::new(config);
        let (a, b, c) = (
            node(&cluster, "a"),
            node(&cluster, "b"),
            node(&cluster, "c"),
        );
        for number in 0..300 {
            a.say(number);
            b.say(1000 + number);
            sleep(Duration::from_millis(3)).await;
        }
        sleep(Duration::from_secs(1)).await;
        let (heard, stats) = (c.heard(), cluster.stats());
        let of_a: Vec<_> = heard
            .iter()
            .copied()
            .filter(|&number| number < 1000)
            .collect();
        let of_b: Vec<_> = heard
            .iter()
            .copied()
            .filter(|&number| number >= 1000)
            .collect();
        assert!(of_a.is_sorted_by(|a, b| a < b) && of_b.is_sorted_by(|a, b| a < b));
        assert!((150..270).contains(&of_a.len()), "{}", of_a.len());
        assert_eq!(stats.delivered + stats.lost, 4 * 300);
        assert!(stats.repeated > 100, "{stats:?}");
        let is_mixed = heard
            .windows(2)
            .filter(|two| two[0] >= 1000 && two[1] < 1000)
            .count();
        assert!(is_mixed > 10, "different publishers overtake each other");
        heard
    };
    let first = run(1).await;
    assert_eq!(run(1).await, first);
    assert_ne!(run(2).await, first);
}

#[tokio::test(start_paused = true)]
async fn an_isolated_node_catches_up_with_the_log() {
    let cluster = Cluster::new(ClusterConfig::default().with_sessions(true));
    let (a, b) = (node(&cluster, "a"), node(&cluster, "b"));
    let log = |node: &Node, number: u32| {
        let packet = Parser::Json
            .event("/chat", None, "n", &number, None)
            .unwrap();
        let chat = chat();
        let publication = Publication::new(&chat, &packet, Parser::Json, &[], &[]);
        node.adapter.publish_logged(&publication);
    };
    cluster.isolate(&b.id);
    log(&a, 1);
    log(&b, 2);
    settle().await;
    assert_eq!(
        (a.heard(), b.heard()),
        (vec![1], vec![2]),
        "its own are delivered there"
    );
    cluster.reconnect(&b.id);
    log(&a, 3);
    settle().await;
    assert_eq!((a.heard(), b.heard()), (vec![1, 3], vec![2, 1, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lags_behind_catches_up_before_a_session_goes_on() {
    let cluster = Cluster::new(ClusterConfig::default().with_sessions(true));
    let (a, b) = (node(&cluster, "a"), node(&cluster, "b"));
    let session = SavedSession {
        pid: "secret".into(),
        sid: ConnectionId::from_static("s"),
        rooms: vec![],
        data: Value::Null,
        since: None,
    };
    let keep = Duration::from_mins(1);
    let kept = a.adapter.persist_session(&chat(), &session, keep).await;
    kept.unwrap();
    cluster.pause(&b.id);
    for number in 1..=3 {
        let packet = Parser::Json.event("/chat", None, "n", &number, None);
        let (chat, packet) = (chat(), packet.unwrap());
        let publication = Publication::new(&chat, &packet, Parser::Json, &[], &[]);
        a.adapter.publish_logged(&publication);
    }
    settle().await;
    let offsets = a.fake.heard().into_iter().filter_map(|heard| match heard {
        Heard::Event { offset, .. } => offset,
        _ => None,
    });
    let seen = offsets.last().unwrap();
    let chat = chat();
    let (restored, ()) = tokio::join!(
        b.adapter.restore_session(&chat, "secret", Some(&seen)),
        async {
            settle().await;
            cluster.resume(&b.id);
        },
    );
    let restored = restored
        .unwrap()
        .expect("what the client saw is known here too");
    assert_eq!((restored.session, restored.missed), (session, vec![]));
    assert_eq!(b.heard(), [1, 2, 3]);
}
