//! Connects and disconnects, many times: what is alive afterwards does not grow.
//!
//! `CONNECTS=1000000 cargo test --release -p switchboard-testkit --test memory` does it a million times, half of
//! them with connection state recovery.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use switchboard_server::{
    Ack, DisconnectReason, HandlerError, Io, IoConfig, Recovery, Socket, extract::Data,
};
use switchboard_testkit::TestClient;
use tokio::time::sleep;

/// Counts what is alive.
struct Counting;

static ALIVE: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator that counts")]
// SAFETY: all is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        ALIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many clients come and go at a time.
const AT_ONCE: usize = 100;

fn connects() -> usize {
    let count = std::env::var("CONNECTS").map(|count| count.parse().unwrap());
    count.unwrap_or(20_000)
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Auth {
    number: usize,
}

/// A server that does something with its clients.
fn server(recovery: Option<Recovery>) -> Io {
    let config = IoConfig::default()
        .with_connect_rate(None)
        .with_connection_state_recovery(recovery);
    let io = Io::new(config).unwrap();
    io.on_connect(async |socket: Socket| {
        socket.set_data("data of some length, so that it needs memory");
        socket.on("own", async || ());
        let Auth { number } = socket.auth()?;
        socket.join([&format!("group-{}", number % 25), &format!("of-{number}")])?;
        Ok::<_, HandlerError>(())
    });
    io.on(
        "echo",
        async |socket: Socket, Data(text): Data<String>, ack: Ack| {
            let Auth { number } = socket.auth()?;
            socket
                .to(format!("group-{}", number % 25))
                .emit("said", &text)?;
            let answer: String = socket.emit_with_ack("question", &text).await?;
            ack.send(&answer)?;
            Ok::<_, HandlerError>(())
        },
    );
    io.on_disconnect(async |reason: DisconnectReason| drop(reason.to_string()));
    let dynamic = io.of_dynamic(regex::Regex::new("^/n-").unwrap());
    dynamic.on_connect(async |socket: Socket| socket.join("everybody"));
    io
}

/// One client's life; they end in different ways.
async fn live(io: Io, number: usize) {
    let builder = TestClient::builder()
        .auth(&Auth { number })
        .deadline(Duration::from_mins(1))
        .buffer(4096);
    let builder = match number % 4 {
        0 => builder.polling(),
        _ => builder,
    };
    let client = builder.connect(&io).await;
    if number.is_multiple_of(8) {
        client.upgrade().await;
    }
    if number.is_multiple_of(10) {
        let inside = client.enter(&format!("/n-{number}"), &()).await;
        inside.emit("nobody's", &());
    }
    let echo = client.emit_with_ack::<String>("echo", "hello");
    let answer = async {
        loop {
            let event = client.next().await.unwrap();
            if event.is_question() {
                break event.reply("answer");
            }
        }
    };
    let (echo, ()) = tokio::join!(echo, answer);
    assert_eq!(echo, "answer");
    match number % 5 {
        0 => client.leave(),
        1 => client.close(),
        2 => {
            let id = client.id().to_owned();
            io.in_(id.as_str()).disconnect_sockets(true).await;
        }
        3 => client.emit("own", &()),
        _ => {}
    }
    if io.config().connection_state_recovery.is_some() && number % 5 == 3 {
        client.drop_transport();
        drop(client.reconnect(&io).await);
    }
}

/// Has so many come and go.
async fn come_and_go(io: &Io, count: usize) {
    for first in (0..count).step_by(AT_ONCE) {
        let lives = (first..first + AT_ONCE).map(|number| tokio::spawn(live(io.clone(), number)));
        for life in lives.collect::<Vec<_>>() {
            life.await.unwrap();
        }
    }
    // All deadlines pass: of pollers that were not told, of empty namespaces, of sessions to be continued.
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(io.clients(), 0);
    assert_eq!(io.namespaces().len(), 1);
    // What is old goes when somebody comes.
    drop(
        TestClient::builder()
            .auth(&Auth { number: 0 })
            .connect(io)
            .await,
    );
    sleep(Duration::from_secs(1000)).await;
}

/// What is alive is counted for the whole process, so one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn stays_flat(recovery: Option<Recovery>) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let io = server(recovery);
        let count = connects() / 2;
        // Tables and queues grow to the size that this load needs.
        come_and_go(&io, count / 5).await;
        let mut alive = vec![ALIVE.load(Ordering::Relaxed)];
        for _ in 0..4 {
            come_and_go(&io, count / 5).await;
            alive.push(ALIVE.load(Ordering::Relaxed));
        }
        println!("{count} connects, bytes alive: {alive:?}");
        // Less than the smallest thing that each connect could leave.
        let most = alive[0] + count.max(16 * 1024);
        assert!(
            alive.iter().all(|alive| *alive <= most),
            "{count} connects: {alive:?}"
        );
    });
}

#[test]
fn a_million_connects_leave_nothing_behind() {
    stays_flat(None);
}

#[test]
fn a_million_connects_leave_no_session_behind() {
    let recovery = Recovery::default()
        .with_max_sessions(100)
        .with_max_buffered_packets(1000);
    stays_flat(Some(recovery));
}
