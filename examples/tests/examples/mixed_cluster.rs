//! Nodes of ours and of npm in one cluster over one Redis: each operation ordered at each of them, seen by stock
//! clients at all of them. The cases stand in `tests-node/mixed-cluster.mjs`.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::support::{Example, redis::Server, run_node, soon};

/// A node of npm. Killed when dropped.
struct NodeServer {
    _child: Child,
    port: u16,
}

impl NodeServer {
    async fn start(redis: &Server, environment: &[(&str, &str)]) -> Self {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests-node/cluster-node.mjs"
        );
        let mut child = Command::new("node")
            .arg(script)
            .env("PORT", "0")
            .env("REDIS_URL", redis.url())
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node is installed: see `cargo xtask setup`");
        let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = soon("a port of Node", output.next_line()).await.unwrap();
        let line = line.expect("the npm packages are there: see `cargo xtask setup`");
        Self {
            _child: child,
            port: line.rsplit(' ').next().unwrap().parse().unwrap(),
        }
    }
}

async fn rust(redis: &Server, environment: &[(&str, &str)]) -> Example {
    let url = redis.url();
    let mut all = vec![("REDIS_URL", url.as_str())];
    all.extend(environment);
    Example::start("mixed_cluster", &[], &all).await
}

async fn run(namespace: &str, places: &[(&str, u16)]) {
    let places = places
        .iter()
        .map(|(kind, port)| format!("{kind}=http://127.0.0.1:{port}"));
    let mut words = vec![namespace.to_owned()];
    words.extend(places);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    run_node("mixed-cluster.mjs", &words).await;
}

#[tokio::test]
async fn e12_rust_and_node_nodes_form_one_cluster() {
    let redis = Server::start();
    let ours = rust(&redis, &[("NAME", "rust")]).await;
    let others = rust(&redis, &[("NAME", "rust")]).await;
    let node8 = NodeServer::start(&redis, &[("NAME", "node8")]).await;
    let node7 = NodeServer::start(&redis, &[("NAME", "node7"), ("ADAPTER", "7")]).await;
    let places = [
        ("rust", ours.port()),
        ("node8", node8.port),
        ("rust", others.port()),
        ("node7", node7.port),
    ];
    run("/", &places).await;
}

#[tokio::test]
async fn e12_in_a_namespace_with_answers_on_channels_of_their_own() {
    let redis = Server::start();
    let specific = ("SPECIFIC_CHANNEL", "1");
    let ours = rust(&redis, &[("NAME", "rust"), specific]).await;
    let node8 = NodeServer::start(&redis, &[("NAME", "node8"), specific]).await;
    run("/admin", &[("rust", ours.port()), ("node8", node8.port)]).await;
}
