//! What a server gives back, and what it does when the process has nothing left to give.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{
    CLOSE, Peer, TEXT, echo_server, masked,
    process::{cpu_time, open_files, process_alone},
    soon, until, upgrade, with_connection,
};
use futures_util::future::join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use switchboard_connection::ConnectionConfig;
use switchboard_pool::Drain;
use switchboard_server::{ListenerConfig, Server};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

/// Files that the runtimes of tests waiting for their turn may open meanwhile, in a shared process.
const OTHERS: usize = 8;

/// Nothing of any connection is there any more.
async fn nothing_is_left(server: &Server, files: usize) {
    let nothing = || server.stats().connections == 0 && server.pool().is_empty();
    until("nobody is counted", nothing).await;
    assert_eq!(server.pool().namespaces(), []);
    let totals = server.stats().totals;
    assert_eq!(totals.opened, totals.closed);
    until("all files are closed", || open_files() <= files + OTHERS).await;
}

async fn crowd(server: &Server, size: usize) -> Vec<Peer> {
    let address = server.local_addr();
    let crowd = (0..size).map(|number| async move {
        let mut peer = Peer::join(address, &format!("/namespace/n{}", number % 10)).await;
        assert!(peer.echoes("in").await);
        peer
    });
    let crowd = join_all(crowd).await;
    assert_eq!(
        (server.stats().connections, server.pool().len()),
        (size, size)
    );
    assert_eq!(server.pool().namespaces().len(), 10);
    crowd
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_no_leak_after_clean_and_sudden_ends() {
    let _alone = process_alone().await;
    let server = echo_server(ListenerConfig::default()).await;
    drop(Peer::join(server.local_addr(), "/namespace/first").await);
    until("it has left", || server.stats().connections == 0).await;
    let files = open_files();
    for _ in 0..3 {
        for (number, mut peer) in crowd(&server, 60).await.into_iter().enumerate() {
            match number % 6 {
                // A close handshake, in full and with nobody waiting for the answer.
                0 => {
                    peer.send(CLOSE, &1000_u16.to_be_bytes()).await;
                    peer.ended().await;
                }
                1 => peer.send(CLOSE, &[]).await,
                // The end of the stream, and a reset.
                2 => drop(peer),
                3 => peer.reset(),
                // In the middle of a frame, and of a message.
                4 => peer
                    .tcp
                    .write_all(&masked(TEXT, &[b'x'; 500])[..100])
                    .await
                    .unwrap(),
                _ => {
                    peer.send(0x01, b"first fragment").await;
                    peer.reset();
                }
            }
        }
        nothing_is_left(&server, files).await;
    }
}

/// Half-open: the transport is there, the peer is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_no_leak_after_peers_that_vanish() {
    let _alone = process_alone().await;
    let limits = ConnectionConfig::default()
        .with_ping_interval(Duration::from_millis(300))
        .with_ping_timeout(Duration::from_millis(300));
    let server = echo_server(with_connection(limits)).await;
    let files = open_files();
    let mut vanished = crowd(&server, 30).await;
    for peer in vanished.iter_mut().step_by(2) {
        // Mid-message.
        peer.tcp
            .write_all(&masked(TEXT, &[b'x'; 500])[..100])
            .await
            .unwrap();
    }
    // Their own ends stay open in this process.
    nothing_is_left(&server, files + vanished.len()).await;
    assert_eq!(server.stats().totals.timed_out, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_no_leak_after_handshakes_that_fail() {
    let _alone = process_alone().await;
    let limits = ConnectionConfig::default().with_handshake_timeout(Duration::from_millis(300));
    let server = echo_server(with_connection(limits)).await;
    drop(Peer::join(server.local_addr(), "/namespace/first").await);
    until("it has left", || server.stats().connections == 0).await;
    let files = open_files();
    let mut stay = Vec::new();
    for number in 0..100 {
        let mut peer = Peer::open(server.local_addr()).await;
        let request = upgrade("/namespace/a");
        match number % 5 {
            0 => peer.reset(),
            1 => peer.tcp.write_all(&request.as_bytes()[..40]).await.unwrap(),
            // Gone before the answer can be sent.
            2 => {
                peer.tcp.write_all(request.as_bytes()).await.unwrap();
                peer.reset();
            }
            3 => peer.tcp.write_all(b"garbage\r\n\r\n").await.unwrap(),
            _ => {
                peer.tcp.write_all(&request.as_bytes()[..40]).await.unwrap();
                stay.push(peer);
            }
        }
    }
    nothing_is_left(&server, files + stay.len()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_no_leak_after_a_shutdown() {
    let _alone = process_alone().await;
    let files = open_files();
    let limits = ConnectionConfig::default().with_close_grace(Duration::from_millis(300));
    let server = echo_server(with_connection(limits)).await;
    let crowd = crowd(&server, 40).await;
    // Half of them answer the close.
    let (silent, polite): (Vec<_>, Vec<_>) = {
        let mut halves = (Vec::new(), Vec::new());
        for (number, peer) in crowd.into_iter().enumerate() {
            if number % 2 == 0 {
                halves.0.push(peer);
            } else {
                halves.1.push(peer);
            }
        }
        halves
    };
    let polite = polite.into_iter().map(|mut peer| {
        tokio::spawn(async move {
            peer.closed().await;
            peer.send(CLOSE, &1001_u16.to_be_bytes()).await;
            peer.ended().await;
        })
    });
    let polite: Vec<_> = polite.collect();
    let report = soon(server.shutdown(Drain::per_second(10_000)))
        .await
        .unwrap();
    assert_eq!(report.closed, 40);
    for peer in polite {
        soon(peer).await.unwrap();
    }
    drop(silent);
    until("all files are closed", || open_files() <= files + OTHERS).await;
}

/// Set in the child process of [`accepting_rests_without_file_descriptors`].
const CHILD: &str = "SERVE_WITH_FEW_FILE_DESCRIPTORS";

/// What the child does: it listens until its input ends.
async fn serve_with_few_file_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        rustix::process::Rlimit {
            current: Some(64),
            ..limit
        },
    )
    .unwrap();
    let server = echo_server(ListenerConfig::default()).await;
    println!("\nlistening {}", server.local_addr());
    std::io::stdout().flush().unwrap();
    // Until the parent closes our input, or is gone.
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
        .await
        .unwrap()
        .ok();
}

/// Ends the child in any case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn child() -> (Running, SocketAddr) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "accepting_rests_without_file_descriptors",
        "--nocapture",
    ]);
    command
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = Running(command.spawn().unwrap());
    let output = BufReader::new(child.0.stdout.take().unwrap());
    let told = output.lines().find_map(|line| {
        line.unwrap()
            .strip_prefix("listening ")
            .map(|address| address.parse().unwrap())
    });
    (child, told.expect("the child listens"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepting_rests_without_file_descriptors() {
    if std::env::var_os(CHILD).is_some() {
        return serve_with_few_file_descriptors().await;
    }
    let (child, address) = child();
    let mut inside = Peer::join(address, "/namespace/a").await;
    assert!(inside.echoes("before").await);

    // More than it has file descriptors for; the rest waits in the backlog.
    let crowd = join_all((0..80).map(|_| TcpStream::connect(address))).await;
    let crowd: Vec<_> = crowd.into_iter().map(Result::unwrap).collect();
    let mut newcomer = Peer::open(address).await;
    newcomer
        .tcp
        .write_all(upgrade("/namespace/a").as_bytes())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let (began, used) = (Instant::now(), cpu_time(child.0.id()));
    for _ in 0..10 {
        assert!(inside.echoes("meanwhile").await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let used = cpu_time(child.0.id()).saturating_sub(used);
    assert!(
        used < began.elapsed() / 5,
        "{used:?} of {:?}",
        began.elapsed()
    );
    let early = timeout(Duration::from_millis(10), newcomer.reply()).await;
    assert!(early.is_err(), "nobody could accept it: {early:?}");

    drop(crowd);
    let left = Instant::now();
    assert_eq!(soon(newcomer.reply()).await.expect("an answer").status, 101);
    let took = left.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(newcomer.echoes("in").await && inside.echoes("after").await);
}
