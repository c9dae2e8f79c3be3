//! The link against a real Redis that misbehaves.

use std::{
    sync::{Arc, Condvar, Mutex as StdMutex},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::{Link, Outgoing, Sink, Stats, Topic, locator};
use crate::{config::RedisConfig, error::BusError};

#[path = "../../tests/support/server.rs"]
mod server;
use server::Server;

/// Longer than anything here takes, even on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// Keeps what came, and can be made to take nothing for a while.
#[derive(Default)]
struct Kept {
    messages: Mutex<Vec<(String, Bytes)>>,
    blocked: StdMutex<bool>,
    unblocked: Condvar,
}

impl Sink for Kept {
    fn message(&self, _: &Topic, channel: &Bytes, payload: Bytes) {
        let mut blocked = self.blocked.lock().unwrap();
        while *blocked {
            blocked = self.unblocked.wait(blocked).unwrap();
        }
        let channel = String::from_utf8_lossy(channel).into_owned();
        self.messages.lock().push((channel, payload));
    }
}

impl Kept {
    fn block(&self, block: bool) {
        *self.blocked.lock().unwrap() = block;
        self.unblocked.notify_all();
    }

    fn payloads(&self) -> Vec<String> {
        let messages = self.messages.lock();
        let texts = messages
            .iter()
            .map(|(_, payload)| String::from_utf8_lossy(payload).into_owned());
        texts.collect()
    }

    async fn wait_for(&self, payload: &str) {
        eventually(|| self.payloads().iter().any(|text| text == payload)).await;
    }
}

async fn eventually(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "it does not come to that");
        sleep(Duration::from_millis(5)).await;
    }
}

fn config(server: &Server) -> RedisConfig {
    RedisConfig::new(server.url())
        .with_probe_interval(Duration::from_millis(100))
        .with_response_timeout(Duration::from_millis(500))
        .with_reconnect_min_delay(Duration::from_millis(10))
        .with_reconnect_max_delay(Duration::from_millis(100))
}

/// A link that listens to the channel `c`.
async fn link(config: &RedisConfig) -> (Link, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let sink = Arc::clone(&kept);
    let link = Link::listening(
        config,
        locator(config).unwrap(),
        Arc::new(Stats::new()),
        "probe:one".to_owned(),
        sink,
    );
    link.subscribe([Topic::channel("c")]);
    timeout(LONG, link.ready()).await.unwrap();
    (link, kept)
}

fn say(link: &Link, text: impl Into<String>) {
    link.publish(Outgoing::new("c", text.into()));
}

/// Says it until it is heard: what is said while a subscription is away is lost.
async fn say_until_heard(link: &Link, kept: &Kept, text: &str) {
    let end = Instant::now() + LONG;
    while !kept.payloads().iter().any(|heard| heard == text) {
        assert!(
            Instant::now() < end,
            "{text} is not heard; {:?}",
            link.stats()
        );
        timeout(LONG, link.ready()).await.unwrap();
        say(link, text);
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_published_arrives_in_order_in_few_writes() {
    let server = Server::start();
    let (link, kept) = link(&config(&server)).await;
    let before = calls(&server);
    for number in 0..3_000 {
        say(&link, number.to_string());
    }
    kept.wait_for("2999").await;
    let expected: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    assert_eq!(kept.payloads(), expected);
    let stats = link.stats().read();
    assert_eq!((stats.published, stats.received), (3_000, 3_000));
    assert!(
        calls(&server) - before >= 3_000,
        "each is a command of its own"
    );
    assert_eq!(link.count_listeners("c").await.unwrap(), 1);
    assert_eq!(link.count_listeners("nobody").await.unwrap(), 0);
}

fn calls(server: &Server) -> u64 {
    let info = server.command(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_killed_subscription_comes_back_by_itself() {
    let server = Server::start();
    let (link, kept) = link(&config(&server)).await;
    for round in 0..5 {
        assert_eq!(server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]), ":1");
        eventually(|| link.stats().read().subscriber_breaks > round).await;
        say_until_heard(&link, &kept, &format!("round {round}")).await;
    }
}

#[tokio::test]
async fn a_killed_publisher_comes_back_and_what_waited_goes_out() {
    let server = Server::start();
    let (link, kept) = link(&config(&server)).await;
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually(|| link.stats().read().publisher_breaks == 1).await;
    say(&link, "waited");
    kept.wait_for("waited").await;
}

#[tokio::test]
async fn an_empty_redis_after_a_restart_is_taken_up_again() {
    let mut server = Server::start();
    let (link, kept) = link(&config(&server)).await;
    let away = link.watch();
    server.kill();
    eventually(|| away.borrow().is_some()).await;
    assert!(matches!(
        link.deliver(Outgoing::new("c", "x")).await,
        Err(BusError::Away)
    ));
    link.publish_volatile(Outgoing::new("c", "worthless later"));
    assert_eq!(link.stats().read().dropped_away, 1);
    // Subscriptions may change meanwhile.
    link.subscribe([Topic::pattern("new*")]);
    link.unsubscribe([Topic::channel("c")]);
    server.restart();
    timeout(LONG, link.ready()).await.unwrap();
    assert!(away.borrow().is_none());
    assert_eq!(server.publish("new channel", b"heard"), 1);
    kept.wait_for("heard").await;
    assert_eq!(server.publish("c", b"not heard"), 0);
}

#[tokio::test]
async fn what_waits_while_redis_is_away_is_bounded_and_counted() {
    let mut server = Server::start();
    let config = config(&server).with_queue_messages(10);
    let (link, kept) = link(&config).await;
    server.kill();
    let away = link.watch();
    eventually(|| away.borrow().is_some()).await;
    eventually(|| !link.lane.is_connected()).await;
    for number in 0..25 {
        say(&link, number.to_string());
    }
    assert_eq!(link.stats().read().dropped_full, 15);
    server.restart();
    timeout(LONG, link.ready()).await.unwrap();
    say_until_heard(&link, &kept, "again").await;
    eventually(|| link.stats().read().published >= 10).await;
}

#[tokio::test]
async fn a_frozen_redis_is_away_until_it_thaws() {
    let server = Server::start();
    let (link, kept) = link(&config(&server)).await;
    let away = link.watch();
    server.freeze();
    say(&link, "into the ice");
    eventually(|| away.borrow().is_some()).await;
    let started = std::time::Instant::now();
    for _ in 0..1_000 {
        say(&link, "nobody waits");
    }
    let local = started.elapsed();
    server.thaw();
    assert!(
        local < Duration::from_millis(400),
        "publishing waited: {local:?}"
    );
    say_until_heard(&link, &kept, "thawed").await;
    assert!(link.stats().read().publisher_breaks >= 1);
}

#[tokio::test]
async fn a_redis_that_sleeps_gets_no_message_twice() {
    let server = Server::start();
    // No probe may be what is under way when it falls asleep.
    let config = config(&server).with_probe_interval(Duration::from_secs(5));
    let (link, kept) = link(&config).await;
    let asleep = {
        let port = server.port();
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(b"DEBUG SLEEP 2\r\n").unwrap();
            let _ = stream.read(&mut [0; 16]);
        })
    };
    let end = Instant::now() + Duration::from_secs(3);
    let mut number = 0_u32;
    while Instant::now() < end {
        say(&link, format!("n{number}"));
        number += 1;
        sleep(Duration::from_millis(10)).await;
    }
    asleep.join().unwrap();
    say_until_heard(&link, &kept, "awake").await;
    let heard = kept.payloads();
    let numbers: Vec<u32> = heard
        .iter()
        .filter_map(|text| text.strip_prefix('n')?.parse().ok())
        .collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "twice, or out of order: {numbers:?}"
    );
    // What was under way may have been heard all the same: it counts as lost, since nobody knows.
    let stats = link.stats().read();
    let counted = stats.dropped_unanswered + stats.dropped_full + stats.dropped_away;
    let lost = u64::from(number) - numbers.len() as u64;
    assert!(lost <= counted, "{lost} lost, {counted} counted");
    assert!(numbers.len() > 50, "nearly all was lost: {numbers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_is_cut_off_for_slowness_listens_again() {
    let server = Server::with(&["--client-output-buffer-limit", "pubsub 64kb 0 0"]);
    let (link, kept) = link(&config(&server)).await;
    kept.block(true);
    let large = vec![b'x'; 64 * 1024];
    for _ in 0..200 {
        server.publish("c", &large);
    }
    eventually(|| server.command(&["PUBSUB", "NUMSUB", "c"]).ends_with(":0")).await;
    kept.block(false);
    say_until_heard(&link, &kept, "again").await;
    assert!(link.stats().read().subscriber_breaks >= 1);
    assert!(
        kept.messages.lock().len() < 200,
        "the cut is a loss, not a queue"
    );
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_skipped_and_counted() {
    let server = Server::start();
    let config = config(&server).with_max_message_size(1_000);
    let (link, kept) = link(&config).await;
    server.publish("c", &vec![b'x'; 3_000_000]);
    server.publish("c", b"small");
    kept.wait_for("small").await;
    let stats = link.stats().read();
    assert_eq!((stats.oversized, stats.received), (1, 1));
    assert_eq!(stats.subscriber_breaks, 0);
}

const PONG: &[u8] = b"*2\r\n$4\r\npong\r\n$0\r\n\r\n";

/// Stands between the link and Redis, and can swallow messages, but not the answers to pings.
async fn relay(port: u16, swallow: Arc<std::sync::atomic::AtomicBool>) -> u16 {
    use std::sync::atomic::Ordering::Relaxed;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let swallow = Arc::clone(&swallow);
            tokio::spawn(async move {
                let server = tokio::net::TcpStream::connect(("127.0.0.1", port))
                    .await
                    .unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                    let mut said = &buffer[..read];
                    let has = |part: &[u8]| said.windows(part.len()).any(|window| window == part);
                    if swallow.load(Relaxed) && has(b"message") {
                        said = if has(PONG) { PONG } else { b"" };
                    }
                    if to_client.write_all(said).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    own
}

#[tokio::test]
async fn a_subscription_that_is_open_but_dead_is_found_by_its_probe() {
    let server = Server::start();
    let swallow = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let port = relay(server.port(), Arc::clone(&swallow)).await;
    let config = config(&server).with_url([format!("redis://127.0.0.1:{port}")]);
    let (link, kept) = link(&config).await;
    swallow.store(true, std::sync::atomic::Ordering::Relaxed);
    eventually(|| link.stats().read().subscriber_breaks == 1).await;
    assert!(link.watch().borrow().is_some());
    swallow.store(false, std::sync::atomic::Ordering::Relaxed);
    say_until_heard(&link, &kept, "alive").await;
    assert_eq!(link.stats().read().publisher_breaks, 0);
}

#[tokio::test]
async fn a_password_is_used_and_a_wrong_one_is_no_end() {
    let server = Server::with(&["--requirepass", "sesame"]);
    let with = |login: &str| format!("redis://{login}@127.0.0.1:{}", server.port());
    let wrong = config(&server).with_url([with(":wrong")]);
    let kept = Arc::new(Kept::default());
    let refused = Link::listening(
        &wrong,
        locator(&wrong).unwrap(),
        Arc::new(Stats::new()),
        "p".to_owned(),
        kept,
    );
    assert!(
        timeout(Duration::from_millis(300), refused.ready())
            .await
            .is_err()
    );
    let right = config(&server).with_url([with("default:sesame")]);
    let (right, kept) = link(&right).await;
    say(&right, "open");
    kept.wait_for("open").await;
}

#[tokio::test]
async fn closing_lets_out_what_waits_and_refuses_the_rest() {
    let server = Server::start();
    let (one, kept) = link(&config(&server)).await;
    let two = Link::publishing(&config(&server)).unwrap();
    timeout(LONG, two.ready()).await.unwrap();
    for number in 0..2_000 {
        say(&two, number.to_string());
    }
    two.close().await;
    say(&two, "too late");
    kept.wait_for("1999").await;
    let stats = two.stats().read();
    assert_eq!((stats.published, stats.dropped_closed), (2_000, 1));
    assert!(matches!(
        two.deliver(Outgoing::new("c", "x")).await,
        Err(BusError::Away | BusError::Closed)
    ));
    drop(one);
}
