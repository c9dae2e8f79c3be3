//! Drains as clients see them.
//!
//! Clients note when they are told to go, which is later than the close began, by more or less. So the
//! exact rule is proved in the pool, on paused time; here it is held against what arrives.

mod common;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{Peer, ask, bind, echo, echo_server, soon, until, upgrade};
use futures_util::future::join_all;
use switchboard_connection::Disconnect;
use switchboard_pool::{Drain, DrainOutcome};
use switchboard_server::{ListenerConfig, Server};
use tokio::{io::AsyncWriteExt, task::JoinHandle};

/// `total` clients over `namespaces`, each of which notes when it is told to go and answers.
async fn clients(server: &Server, total: usize, namespaces: usize) -> Vec<JoinHandle<Instant>> {
    let address = server.local_addr();
    let mut clients = Vec::with_capacity(total);
    for number in 0..total {
        let mut peer = Peer::join(address, &format!("/namespace/n{}", number % namespaces)).await;
        clients.push(tokio::spawn(async move {
            let frame = peer.frame().await;
            let told = Instant::now();
            let (first, payload) = frame.expect("a close frame");
            assert_eq!(
                (first, &payload[..2]),
                (common::CLOSE, &1001_u16.to_be_bytes()[..])
            );
            peer.send(common::CLOSE, &payload).await;
            peer.ended().await;
            told
        }));
    }
    until("all are in", || server.pool().len() == total).await;
    assert_eq!(server.pool().namespaces().len(), namespaces);
    clients
}

/// Most events in any window of this length.
fn most_within(window: Duration, sorted: &[Instant]) -> usize {
    let from = |&from: &Instant| {
        sorted
            .iter()
            .filter(|&&at| at >= from && at < from + window)
            .count()
    };
    sorted.iter().map(from).max().unwrap_or_default()
}

async fn times(clients: Vec<JoinHandle<Instant>>) -> Vec<Instant> {
    let mut times: Vec<_> = join_all(clients)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    times.sort_unstable();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_fifty_at_ten_per_second_take_four_seconds() {
    let server = echo_server(ListenerConfig::default()).await;
    let clients = clients(&server, 50, 5).await;
    let began = Instant::now();
    let report = soon(server.shutdown(Drain::per_second(10))).await.unwrap();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(4), "{took:?}");
    assert_eq!(
        (report.outcome, report.begun, report.closed),
        (DrainOutcome::Completed, 50, 50)
    );
    let times = times(clients).await;
    // A client that notes the first late and the last at once sees at most a few more in its second.
    let most = most_within(Duration::from_millis(900), &times);
    assert!(most <= 12, "{most} in one second");
    assert!(*times.last().unwrap() - times[0] >= Duration::from_millis(3_500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_a_thousand_in_fifty_namespaces_are_gone_in_eleven_seconds_alone() {
    let server = echo_server(ListenerConfig::default()).await;
    let clients = clients(&server, 1_000, 50).await;
    let pool = server.pool().clone();
    let began = Instant::now();
    let report = soon(server.shutdown(Drain::per_second(100))).await.unwrap();
    let took = began.elapsed();
    assert_eq!((report.begun, report.closed), (1_000, 1_000));
    assert!(
        took >= Duration::from_millis(9_900) && took <= Duration::from_secs(11),
        "{took:?}"
    );
    assert!(pool.is_empty() && pool.namespaces().is_empty());
    let times = times(clients).await;
    let most = most_within(Duration::from_millis(950), &times);
    assert!(most <= 110, "{most} in one second");
}

/// Newcomers on one transport after another, until told to stop; what each was told.
fn newcomers(
    server: SocketAddr,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Vec<(u16, String, Option<String>)>> {
    tokio::spawn(async move {
        let mut told = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let reply = ask(server, upgrade("/namespace/new"))
                .await
                .expect("an answer");
            let wait = reply.header("retry-after").map(str::to_owned);
            told.push((reply.status, reply.told().1.to_owned(), wait));
        }
        told
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c17_newcomer_during_drain_is_told_to_come_back() {
    let config = ListenerConfig::default().with_retry_after(Duration::from_secs(9));
    let server = echo_server(config).await;
    let clients = clients(&server, 20, 4).await;
    let (address, pool) = (server.local_addr(), server.pool().clone());
    let shutdown = server.shutdown(Drain::per_second(10));
    // From the call on, whether or not anybody has polled it.
    let first = ask(address, upgrade("/namespace/new")).await.unwrap();
    assert_eq!(first.told(), (503, "DRAINING"));

    let stop = Arc::new(AtomicBool::new(false));
    let meanwhile = newcomers(address, Arc::clone(&stop));
    let shutdown = tokio::spawn(shutdown);
    tokio::time::sleep(Duration::from_millis(800)).await;
    stop.store(true, Ordering::Relaxed);
    let told = soon(meanwhile).await.unwrap();
    assert!(told.len() > 10, "{}", told.len());
    for told in told {
        assert_eq!(told, (503, "DRAINING".to_owned(), Some("9".to_owned())));
    }
    assert_eq!(soon(shutdown).await.unwrap().unwrap().closed, 20);
    times(clients).await;
    assert!(pool.is_empty());
}

/// Who is admitted just before, and enters just after, the first moment.
#[tokio::test]
async fn c17_newcomer_in_admission_when_the_drain_begins() {
    struct Slow(Arc<tokio::sync::Notify>);
    #[async_trait::async_trait]
    impl switchboard_server::Admit for Slow {
        async fn admit(
            &self,
            request: &switchboard_server::UpgradeRequest<'_>,
        ) -> Result<switchboard_server::Admission, switchboard_server::Refusal> {
            self.0.notified().await;
            Ok(switchboard_server::Admission::to(
                request.namespace.clone().unwrap(),
            ))
        }
    }
    let go = Arc::new(tokio::sync::Notify::new());
    let listener = bind(ListenerConfig::default())
        .await
        .with_admit(Slow(Arc::clone(&go)));
    let server = listener.serve(echo).unwrap();
    let address = server.local_addr();
    let waiting = tokio::spawn(ask(address, upgrade("/namespace/a")));
    until("it is asked about", || server.stats().connections == 1).await;
    let _draining = server.pool().drain(Drain::per_second(1)).unwrap();
    go.notify_one();
    let reply = soon(waiting).await.unwrap().unwrap();
    assert_eq!(reply.told(), (503, "DRAINING"));
    assert_eq!(reply.header("retry-after"), Some("5"));
    until("nothing is left", || server.stats().connections == 0).await;
}

/// Newcomers race against the first moment: each is refused, or found by the drain.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c17_newcomer_at_the_first_moment_is_refused_or_drained() {
    for _ in 0..10 {
        let server = echo_server(ListenerConfig::default()).await;
        let (address, pool) = (server.local_addr(), server.pool().clone());
        let peers = join_all((0..40).map(|_| Peer::open(address))).await;
        let comers: Vec<_> = peers
            .into_iter()
            .map(|mut peer| {
                tokio::spawn(async move {
                    let request = upgrade("/namespace/race");
                    peer.tcp.write_all(request.as_bytes()).await.ok();
                    match soon(peer.reply()).await.map(|reply| reply.status) {
                        Some(101) => {
                            let told = peer.closed().await.map(|(code, _)| code);
                            assert_eq!(told, Some(Disconnect::GOING_AWAY.code()));
                        }
                        // Refused, or heard when nobody listened any more.
                        status => assert!(matches!(status, Some(503) | None), "{status:?}"),
                    }
                })
            })
            .collect();
        until("some are in", || !pool.is_empty()).await;
        let drain = Drain::per_second(100_000);
        let report = soon(server.shutdown(drain)).await.unwrap();
        assert_eq!(report.outcome, DrainOutcome::Completed);
        assert!(pool.is_empty());
        for comer in comers {
            soon(comer).await.unwrap();
        }
    }
}
