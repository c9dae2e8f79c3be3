//! Several servers that act as one: what one sends, asks and moves reaches the clients of all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use switchboard_adapter::Answer;
use switchboard_connection::{ConnectionId, Room};
use switchboard_server::{IoConfig, Recovery, ServerSideEvent, Socket, extract::Data};
use switchboard_testkit::{Cluster, TestClient};
use switchboard_wire::Value;
use tokio::time::Instant;

/// What the clients of these tests do on their servers.
fn cluster(size: usize) -> Cluster {
    Cluster::builder(size)
        .setup(|io| {
            io.on(
                "join",
                async |socket: Socket, Data(rooms): Data<Vec<String>>| {
                    socket.join(rooms).ok();
                },
            );
            io.on("broadcast", async |socket: Socket| {
                socket.broadcast().emit("from-socket", &1).ok();
                socket.to("red").emit("from-socket-to-red", &2).ok();
                socket.except("red").emit("from-socket-except-red", &3).ok();
            });
        })
        .build()
}

/// A client in rooms, on one server.
async fn client(cluster: &Cluster, server: usize, rooms: &[&str]) -> TestClient {
    let client = cluster.connect(server).await;
    client.emit("join", &rooms.to_vec());
    let id = ConnectionId::new(client.id()).unwrap();
    while cluster.io(server).root().socket(&id).unwrap().rooms().len() <= rooms.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    client
}

/// All that comes to a client until nothing does: names only.
async fn names(client: &TestClient) -> Vec<String> {
    settle().await;
    let received = client.received_so_far();
    received
        .iter()
        .map(|event| event.name().to_owned())
        .collect()
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

fn ids(answer: &Answer<Vec<ConnectionId>>) -> Vec<String> {
    assert!(answer.is_complete(), "{answer:?}");
    sorted(answer.value.iter().map(ToString::to_string).collect())
}

#[tokio::test(start_paused = true)]
async fn e7_each_flavour_of_emit_crosses_and_comes_once() {
    let cluster = cluster(2);
    let here = client(&cluster, 0, &["red", "both"]).await;
    let there = client(&cluster, 1, &["red", "both"]).await;
    let plain = client(&cluster, 1, &[]).await;
    let io = cluster.io(0);
    io.emit("all", &1).unwrap();
    io.to("red").emit("red", &1).unwrap();
    io.to(["red", "both"]).emit("union", &1).unwrap();
    io.except("red").emit("except", &1).unwrap();
    io.to("both").except("red").emit("nobody", &1).unwrap();
    io.to(plain.id()).emit("one", &1).unwrap();
    io.volatile().emit("volatile", &1).unwrap();
    io.local().emit("local", &1).unwrap();
    here.emit("broadcast", &());
    assert_eq!(
        names(&here).await,
        ["all", "red", "union", "volatile", "local"]
    );
    assert_eq!(
        names(&there).await,
        [
            "all",
            "red",
            "union",
            "volatile",
            "from-socket",
            "from-socket-to-red"
        ]
    );
    assert_eq!(
        names(&plain).await,
        [
            "all",
            "except",
            "one",
            "volatile",
            "from-socket",
            "from-socket-except-red"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn e7_binary_and_many_arguments_cross_as_they_are() {
    let cluster = cluster(2);
    let there = client(&cluster, 1, &[]).await;
    let data = (
        "ü",
        7,
        Value::Binary(vec![0, 255, 10].into()),
        vec![Value::Null],
    );
    cluster.io(0).emit("many", &data).unwrap();
    let received = there.expect("many").await;
    let expected = switchboard_wire::Args::of(&data).unwrap();
    assert_eq!(received.values(), expected.values());
}

#[tokio::test(start_paused = true)]
async fn i19_a_send_to_a_destination_on_another_node_arrives() {
    let cluster = cluster(3);
    let there = client(&cluster, 2, &["desk"]).await;
    cluster.io(0).to("desk").emit("call", &1).unwrap();
    cluster.io(1).to(there.id()).emit("call", &2).unwrap();
    let both = [
        there.expect_as::<u32>("call").await,
        there.expect_as("call").await,
    ];
    assert_eq!(sorted(both.to_vec()), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn e8_sockets_of_no_one_and_several_rooms_are_listed_over_all_nodes() {
    let cluster = cluster(3);
    let a = client(&cluster, 0, &["r1"]).await;
    let b = client(&cluster, 1, &["r2"]).await;
    let c = client(&cluster, 2, &["r1", "r2"]).await;
    let d = client(&cluster, 2, &[]).await;
    let of = |clients: &[&TestClient]| {
        sorted(
            clients
                .iter()
                .map(|client| client.id().to_owned())
                .collect(),
        )
    };
    let adapter = cluster.io(0).root().adapter();
    let none: [&str; 0] = [];
    assert_eq!(ids(&adapter.sockets(none).await), of(&[&a, &b, &c, &d]));
    assert_eq!(ids(&adapter.sockets("r1").await), of(&[&a, &c]));
    assert_eq!(ids(&adapter.sockets(["r1", "r2"]).await), of(&[&a, &b, &c]));
    assert_eq!(ids(&adapter.sockets("nobody").await), of(&[]));
    assert_eq!(
        ids(&cluster.io(1).all_sockets().await),
        of(&[&a, &b, &c, &d])
    );
    assert_eq!(
        ids(&cluster.io(1).to("r2").all_sockets().await),
        of(&[&b, &c])
    );
    assert_eq!(ids(&cluster.io(1).local().all_sockets().await), of(&[&b]));
}

#[tokio::test(start_paused = true)]
async fn e9_all_rooms_of_all_nodes_are_listed_once() {
    let cluster = cluster(3);
    let a = client(&cluster, 0, &["r1", "r2"]).await;
    let b = client(&cluster, 2, &["r2", "r3"]).await;
    let answer = cluster.io(1).all_rooms().await;
    assert!(answer.is_complete(), "{answer:?}");
    let rooms: Vec<_> = answer.value.iter().map(Room::as_str).collect();
    let expected = sorted(vec!["r1", "r2", "r3", a.id(), b.id()]);
    assert_eq!(rooms, expected);
}

#[tokio::test(start_paused = true)]
async fn e10_a_node_that_hangs_costs_its_own_part_of_each_answer() {
    let cluster = cluster(3);
    let a = client(&cluster, 0, &["room"]).await;
    let b = client(&cluster, 1, &["room"]).await;
    let _hung = client(&cluster, 2, &["room"]).await;
    for number in 0..3 {
        let io = cluster.io(number);
        io.on_server_side("load", move |event: ServerSideEvent| async move {
            event.reply(&number)
        });
    }
    cluster.pause(2);
    let io = cluster.io(0);
    let began = Instant::now();
    let within = Duration::from_secs(2);
    let (sockets, fetched, rooms, load, answers) = tokio::join!(
        io.all_sockets(),
        io.fetch_sockets(),
        io.all_rooms(),
        io.server_side_emit_with_ack::<usize, _>("load", &()),
        async {
            let asking = io.timeout(within);
            let asking = asking.emit_with_ack::<u32, _>("q", &());
            let (answers, (), ()) = tokio::join!(
                asking,
                async { a.expect_question("q").await.reply(&1) },
                async { b.expect_question("q").await.reply(&2) },
            );
            answers.unwrap()
        },
    );
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "it ends by itself"
    );
    let silent = [cluster.id(2).clone()];
    assert_eq!(sockets.value.len(), 2);
    assert_eq!(
        (sockets.silent_nodes, &sockets.silent_ids[..]),
        (1, &silent[..])
    );
    assert_eq!(fetched.value.len(), 2);
    assert_eq!(fetched.silent_ids, silent);
    assert_eq!(rooms.value.len(), 3);
    assert_eq!(rooms.silent_ids, silent);
    let load = load.unwrap();
    assert_eq!((load.answers.clone(), load.silent_nodes), (vec![1], 1));
    assert_eq!(sorted(answers.answers.clone()), [1, 2]);
    assert_eq!((answers.missing, &answers.silent_ids[..]), (0, &silent[..]));

    // Whoever cannot live with a part says so.
    let error = sockets.strict().unwrap_err();
    assert_eq!((error.code(), error.0.value.len()), ("INCOMPLETE", 2));
    assert_eq!(answers.strict().unwrap_err().code(), "INCOMPLETE");
    assert!(load.strict().is_err());

    // Once it is known to have gone, nobody waits for it.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let began = Instant::now();
    let sockets = io.all_sockets().await;
    assert!(sockets.is_complete() && began.elapsed() < Duration::from_secs(1));

    // And when it goes on, it is one of them again.
    cluster.resume(2);
    settle().await;
    assert_eq!(io.all_sockets().await.strict().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_question_to_clients_of_all_nodes_counts_right() {
    let cluster = cluster(3);
    let a = client(&cluster, 0, &["room"]).await;
    let b = client(&cluster, 1, &["room"]).await;
    let silent = client(&cluster, 2, &["room"]).await;
    let leaver = client(&cluster, 2, &["room"]).await;
    let silent_here = client(&cluster, 0, &["room"]).await;
    let other = client(&cluster, 1, &[]).await;
    let within = Duration::from_secs(3);
    let io = cluster.io(0);
    let bytes = Value::Binary(vec![1, 2, 3].into());
    let (answers, ..) = tokio::join!(
        async {
            let asking = io.to("room").timeout(within);
            asking.emit_with_ack::<Value, _>("q", &7).await.unwrap()
        },
        async { a.expect_question("q").await.reply(&"a") },
        async {
            b.expect_question("q")
                .await
                .reply(&(bytes.clone(), "second"));
        },
        async { drop(silent.expect_question("q").await) },
        async { drop(silent_here.expect_question("q").await) },
        async {
            leaver.expect_question("q").await;
            leaver.leave();
        },
    );
    assert_eq!(answers.missing, 3);
    assert_eq!((answers.silent_nodes, answers.unreadable), (0, 0));
    let texts = answers.answers.iter().map(|value| format!("{value:?}"));
    let expected = [Value::from("a"), bytes].map(|value| format!("{value:?}"));
    assert_eq!(sorted(texts.collect()), sorted(expected.to_vec()));
    other.expect_silence(Duration::from_millis(10)).await;

    // With everybody there it ends at once.
    let began = Instant::now();
    let (answers, ()) = tokio::join!(
        async {
            let asking = io.to(b.id()).timeout(Duration::from_mins(1));
            asking.emit_with_ack::<u32, _>("q2", &()).await.unwrap()
        },
        async { b.expect_question("q2").await.reply(&2) },
    );
    assert_eq!(answers.strict().unwrap(), [2]);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn servers_tell_and_ask_each_other() {
    let cluster = cluster(3);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..3 {
        let (io, tell) = (cluster.io(number), tell.clone());
        io.on_server_side("ping", move |event: ServerSideEvent| {
            let tell = tell.clone();
            async move {
                let (text, times) = event.read::<(String, u32)>().unwrap();
                tell.send((number, text, times)).unwrap();
                event.reply(&format!("pong {number}"))
            }
        });
        io.on_server_side("panic", move |_| async move {
            assert!(number > 5, "on purpose");
        });
    }
    let io = cluster.io(0);
    io.server_side_emit("ping", &("one", 1)).unwrap();
    settle().await;
    let mut heard = vec![told.try_recv().unwrap(), told.try_recv().unwrap()];
    heard.sort();
    assert_eq!(heard, [(1, "one".to_owned(), 1), (2, "one".to_owned(), 1)]);
    assert!(told.try_recv().is_err(), "not to the sender, and once");

    let pongs = io.server_side_emit_with_ack::<String, _>("ping", &("two", 2));
    let pongs = pongs.await.unwrap().strict().unwrap();
    assert_eq!(sorted(pongs), ["pong 1", "pong 2"]);
    for event in ["panic", "nobody-listens"] {
        let silent = io
            .server_side_emit_with_ack::<String, _>(event, &())
            .await
            .unwrap();
        assert_eq!(
            (silent.answers.len(), silent.silent_nodes),
            (0, 2),
            "{event}"
        );
    }
    // A namespace that only one server has: there is nobody to ask.
    let alone = io.of("/alone");
    let nobody = alone
        .server_side_emit_with_ack::<String, _>("ping", &())
        .await;
    assert!(nobody.unwrap().strict().unwrap().is_empty());
    for reserved in ["connect", "connection", "new_namespace", "disconnect"] {
        assert!(io.server_side_emit(reserved, &()).is_err(), "{reserved}");
        let asked = io.server_side_emit_with_ack::<(), _>(reserved, &()).await;
        assert!(asked.is_err(), "{reserved}");
    }
}

#[tokio::test(start_paused = true)]
async fn server_side_events_keep_their_order() {
    let cluster = cluster(2);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let io = cluster.io(1);
    io.on_server_side("n", move |event: ServerSideEvent| {
        let tell = tell.clone();
        async move {
            tell.send(event.read::<u32>().unwrap()).unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    for number in 0..200 {
        cluster.io(0).server_side_emit("n", &number).unwrap();
    }
    for number in 0..200 {
        assert_eq!(told.recv().await, Some(number));
    }
}

#[tokio::test(start_paused = true)]
async fn sockets_of_other_nodes_are_told_of_moved_and_sent_away() {
    let cluster = cluster(2);
    let there = TestClient::builder()
        .auth(&serde_json::json!({"token": "t"}))
        .query("version", "2")
        .connect(cluster.io(1))
        .await;
    let socket = cluster.io(1).local().local_sockets().pop().unwrap();
    socket.set_data(Value::from("kept"));
    let here = client(&cluster, 0, &[]).await;
    let io = cluster.io(0);

    let fetched = io.to(there.id()).fetch_sockets().await.strict().unwrap();
    let [remote] = &fetched[..] else {
        panic!("{fetched:?}");
    };
    assert_eq!(remote.id().as_str(), there.id());
    assert_eq!(remote.data(), "kept");
    assert_eq!(remote.handshake()["auth"]["token"], "t");
    assert_eq!(remote.handshake()["query"]["version"], "2");
    remote.emit("hello", &1).unwrap();
    assert_eq!(there.expect_as::<u32>("hello").await, 1);
    let (answer, ()) = tokio::join!(
        remote.emit_with_ack::<u32, _>("q", &(), Duration::from_secs(1)),
        async { there.expect_question("q").await.reply(&9) },
    );
    assert_eq!(answer.unwrap(), 9);
    let silence = remote.emit_with_ack::<u32, _>("q", &(), Duration::from_secs(1));
    assert_eq!(silence.await.unwrap_err().code(), "TIMED_OUT");
    there.expect_question("q").await;

    remote.join(["x", "y"]).await;
    settle().await;
    assert_eq!(socket.rooms().len(), 3);
    remote.leave("x").await;
    io.to("y").sockets_join("z").await;
    io.to(["x", "nobody"]).sockets_join("never").await;
    settle().await;
    let rooms = socket.rooms();
    assert_eq!(rooms[1..], [Room::from_static("y"), Room::from_static("z")]);
    io.sockets_join("everybody").await;
    settle().await;
    assert_eq!(io.to("everybody").all_sockets().await.value.len(), 2);
    io.to("z").sockets_leave(["everybody", "y"]).await;
    settle().await;
    assert_eq!(io.to("everybody").all_sockets().await.value.len(), 1);

    let gone = io.fetch_sockets().await.strict().unwrap();
    assert_eq!(gone.len(), 2);
    remote.disconnect(false).await;
    assert_eq!(
        there.expect_disconnect().await.to_string(),
        "io server disconnect"
    );
    io.disconnect_sockets(true).await;
    here.expect_disconnect().await;
    settle().await;
    assert!(io.all_sockets().await.strict().unwrap().is_empty());
    assert_eq!(io.server_count().await.strict().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn servers_are_counted_by_namespace_and_namespaces_come_and_go() {
    let config = IoConfig::default().with_cleanup_empty_child_namespaces(true);
    let grace = config.empty_namespace_grace;
    let cluster = Cluster::builder(3)
        .config(config)
        .setup(|io| {
            io.of_dynamic(regex::Regex::new(r"^/room-\d+$").unwrap());
        })
        .build();
    let enter = |server: usize| {
        TestClient::builder()
            .namespace("/room-1")
            .connect(cluster.io(server))
    };
    let a = enter(0).await;
    let count = async || {
        let namespace = cluster.io(0).of("/room-1");
        namespace.server_count().await.strict().unwrap()
    };
    assert_eq!(count().await, 1);
    let b = enter(1).await;
    assert_eq!(count().await, 2);
    cluster.io(1).of("/room-1").emit("hello", &1).unwrap();
    assert_eq!(a.expect_as::<u32>("hello").await, 1);
    // Node 2 has no such namespace: it is not asked, and makes none because somebody speaks there.
    assert!(
        cluster
            .io(2)
            .namespaces()
            .iter()
            .all(|namespace| namespace.name() == "/")
    );
    b.leave();
    tokio::time::sleep(grace * 2).await;
    assert_eq!(count().await, 1);
    let c = enter(1).await;
    assert_eq!(count().await, 2);
    cluster.io(0).of("/room-1").emit("again", &2).unwrap();
    assert_eq!(c.expect_as::<u32>("again").await, 2);
}

#[tokio::test(start_paused = true)]
async fn the_parent_of_dynamic_namespaces_reaches_their_clients_on_all_nodes() {
    let cluster = Cluster::builder(2).build();
    let pattern = regex::Regex::new(r"^/room-\d+$").unwrap();
    let parents = [0, 1].map(|number| cluster.io(number).of_dynamic(pattern.clone()));
    let enter = |server: usize, name: &str| {
        TestClient::builder()
            .namespace(name)
            .connect(cluster.io(server))
    };
    let a = enter(0, "/room-1").await;
    let b = enter(1, "/room-1").await;
    let c = enter(0, "/room-2").await;
    let root = cluster.connect(1).await;
    parents[0].emit("news", &1).unwrap();
    for client in [&a, &b, &c] {
        assert_eq!(client.expect_as::<u32>("news").await, 1);
    }
    root.expect_silence(Duration::from_millis(50)).await;
    b.expect_silence(Duration::from_millis(50)).await;
}

#[tokio::test(start_paused = true)]
async fn with_recovery_each_node_gives_its_own_offsets() {
    let config = IoConfig::default().with_connection_state_recovery(Some(Recovery::default()));
    let cluster = Cluster::builder(2).config(config).build();
    let here = cluster.connect(0).await;
    let there = cluster.connect(1).await;
    cluster.io(0).emit("news", &1).unwrap();
    for client in [&here, &there] {
        let received = client.expect("news").await;
        assert_eq!(received.len(), 2, "the data and one offset");
        assert_eq!(received.get::<u32>(0).unwrap(), 1);
    }
    // And what another node sent is kept for those who come back.
    let id = there.id().to_owned();
    there.drop_transport();
    while !cluster.io(1).root().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cluster.io(0).emit("news", &2).unwrap();
    settle().await;
    let back = there.reconnect(cluster.io(1)).await;
    assert_eq!(back.id(), id);
    assert_eq!(back.expect("news").await.get::<u32>(0).unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_drain_tells_the_others_that_the_node_goes() {
    use switchboard_adapter::Change;
    let cluster = Cluster::builder(2).build();
    let _client = cluster.connect(1).await;
    let mut changes = cluster.io(0).cluster_changes();
    let draining = cluster
        .io(1)
        .drain(switchboard_pool::Drain::per_second(10))
        .unwrap();
    settle().await;
    let going = cluster.id(1).clone();
    assert_eq!(changes.try_recv().unwrap(), Change::Leaving(going.clone()));
    assert_eq!(cluster.io(0).nodes(), std::slice::from_ref(&going));
    draining.await;
    cluster.io(1).close().await;
    assert_eq!(changes.try_recv().unwrap(), Change::Left(going));
    assert!(cluster.io(0).nodes().is_empty());
    assert_eq!(cluster.io(0).server_count().await.strict().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn notices_reach_the_server_they_are_for() {
    let cluster = Cluster::builder(3).build();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..3 {
        let tell = tell.clone();
        cluster.io(number).on_notice(move |from, bytes| {
            tell.send((number, from.clone(), bytes.clone())).unwrap();
        });
    }
    cluster.io(0).notify(cluster.id(2), "psst").unwrap();
    settle().await;
    assert_eq!(
        told.try_recv().unwrap(),
        (2, cluster.id(0).clone(), "psst".into())
    );
    assert!(told.try_recv().is_err());
    let too_long = vec![0; switchboard_adapter::MAX_NOTICE + 1];
    assert!(cluster.io(0).notify(cluster.id(2), too_long).is_err());
}

#[tokio::test(start_paused = true)]
async fn without_the_bus_local_traffic_goes_on_and_the_outage_is_visible() {
    let cluster = cluster(2);
    let here = client(&cluster, 0, &[]).await;
    let there = client(&cluster, 1, &[]).await;
    assert!(cluster.io(0).bus().is_connected());
    cluster.isolate(0);
    assert!(!cluster.io(0).bus().is_connected());
    cluster.io(0).emit("local", &1).unwrap();
    cluster.io(0).sockets_join("room").await;
    assert_eq!(here.expect_as::<u32>("local").await, 1);
    assert_eq!(
        cluster
            .io(0)
            .local()
            .to("room")
            .all_sockets()
            .await
            .value
            .len(),
        1
    );
    there.expect_silence(Duration::from_millis(50)).await;
    cluster.reconnect(0);
    assert!(cluster.io(0).bus().is_connected());
    cluster.io(0).emit("again", &2).unwrap();
    assert_eq!(there.expect_as::<u32>("again").await, 2);
}
