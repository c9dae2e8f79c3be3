//! The suite that every adapter passes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use switchboard_adapter::{
    Adapter,
    conformance::{self, Harness},
};
use switchboard_adapter_redis::{RedisAdapter, RedisConfig};
use switchboard_connection::{Namespace, NodeId};

use crate::{relay::Relay, server::Server};

/// Clusters on one Redis, each with a key of its own.
struct OverRedis {
    server: Server,
    change: fn(RedisConfig) -> RedisConfig,
    number: AtomicUsize,
    last: Mutex<Vec<(Arc<RedisAdapter>, Relay)>>,
}

impl OverRedis {
    fn new(change: fn(RedisConfig) -> RedisConfig) -> Arc<Self> {
        Arc::new(Self {
            server: Server::start(),
            change,
            number: AtomicUsize::new(0),
            last: Mutex::default(),
        })
    }

    fn key(&self) -> String {
        format!("k{}", self.number.load(Relaxed))
    }
}

#[async_trait]
impl Harness for OverRedis {
    async fn cluster(&self, nodes: usize) -> Vec<Arc<dyn Adapter>> {
        self.number.fetch_add(1, Relaxed);
        let mut cluster = Vec::new();
        for _ in 0..nodes {
            let relay = Relay::to(self.server.port()).await;
            let config = RedisConfig::new(relay.url())
                .with_key(self.key())
                .with_requests_timeout(Duration::from_millis(1_500))
                .with_heartbeat_interval(Duration::from_millis(500))
                .with_heartbeat_timeout(Duration::from_secs(20));
            let adapter = RedisAdapter::new((self.change)(config)).unwrap();
            cluster.push((Arc::new(adapter), relay));
        }
        let adapters = cluster
            .iter()
            .map(|(adapter, _)| Arc::clone(adapter) as Arc<dyn Adapter>);
        let adapters = adapters.collect();
        *self.last.lock().unwrap() = cluster;
        adapters
    }

    async fn silence(&self, node: &NodeId) -> bool {
        let last = self.last.lock().unwrap();
        let (_, relay) = last
            .iter()
            .find(|(adapter, _)| adapter.id() == Some(node))
            .unwrap();
        relay.hold();
        true
    }

    async fn garbage(&self, namespace: &Namespace) -> bool {
        let key = self.key();
        let mut channels = vec![
            format!("{key}#{namespace}#"),
            format!("{key}#{namespace}#room#"),
            format!("{key}-request#{namespace}#"),
            format!("{key}-response#{namespace}#"),
            format!("switchboard:{key}:nodes"),
        ];
        // All that somebody listens to, each node's own too.
        let listed = self
            .server
            .command(&["PUBSUB", "CHANNELS", &format!("*{key}*")]);
        channels.extend(listed.split(' ').map(str::to_owned));
        let deep = "[".repeat(100_000);
        for channel in &channels {
            for bytes in [
                &b""[..],
                b"\xc1",
                b"garbage",
                b"{}",
                b"{\"type\":5}",
                b"{\"type\":2,\"opts\":{\"rooms\":[{}]},\"rooms\":[7]}",
                b"{\"type\":99,\"requestId\":\"x\"}",
                b"\x93\xa1x\xc0\xc0",
                b"\x93\xa1x\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/\xc0trailing",
                b"\xdd\xff\xff\xff\xff",
                b"SB\x01N\xff\xff",
                deep.as_bytes(),
            ] {
                self.server.publish(channel, bytes);
            }
        }
        true
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms() {
    conformance::all(OverRedis::new(|config| config)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_with_answers_on_channels_of_their_own() {
    let change = |config: RedisConfig| config.with_publish_on_specific_response_channel(true);
    conformance::all(OverRedis::new(change)).await;
}
