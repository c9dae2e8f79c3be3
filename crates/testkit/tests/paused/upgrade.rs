//! The change from polling to a WebSocket: nothing is lost, doubled or overtaken.
//!
//! Each run takes other random steps; a failure names the seed, and `UPGRADE_SEED=…` repeats it.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use switchboard_server::{Ack, Io, IoConfig, Recovery, Socket, extract::Data};
use switchboard_testkit::TestClient;
use tokio::time::sleep;

use crate::support::{Journal, io, only_socket, secs, until};

/// The seed that the environment names, or some of our own.
fn seeds(count: u64) -> Vec<u64> {
    if let Ok(seed) = std::env::var("UPGRADE_SEED") {
        return vec![seed.parse().unwrap()];
    }
    let first: u64 = rand::random();
    (0..count)
        .map(|number| first.wrapping_add(number))
        .collect()
}

/// A moment: none at all, a turn of the runtime, or some milliseconds.
async fn moment(random: &mut StdRng) {
    match random.random_range(0..6) {
        0 => sleep(Duration::from_millis(random.random_range(0..150))).await,
        1 | 2 => tokio::task::yield_now().await,
        _ => {}
    }
}

fn text(random: &mut StdRng) -> String {
    "x".repeat(random.random_range(0..300))
}

async fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let recovery = random.random_bool(0.3).then(Recovery::default);
    let config = IoConfig::default()
        .with_message_rate(None)
        .with_connection_state_recovery(recovery);
    let io = io(config);
    let journal = Journal::default();
    let log = journal.clone();
    io.on(
        "number",
        move |Data((number, _)): Data<(u32, String)>, ack: Ack| {
            let log = log.clone();
            async move {
                log.note(number);
                ack.send(&number)
            }
        },
    );
    let buffer = random.random_range(256..8192);
    let builder = TestClient::builder().polling().buffer(buffer);
    let client = builder.deadline(secs(60)).connect(&io).await;
    let socket = only_socket(&io);
    let (down, up) = (random.random_range(50..200), random.random_range(50..200));
    let rngs: [u64; 3] = random.random();
    let sends_down = send_down(io.clone(), socket, down, StdRng::seed_from_u64(rngs[0]));
    let sends_up = send_up(client.clone(), up, StdRng::seed_from_u64(rngs[1]));
    let changes = async {
        let mut random = StdRng::seed_from_u64(rngs[2]);
        for _ in 0..random.random_range(0..40) {
            moment(&mut random).await;
        }
        client.upgrade().await;
    };
    tokio::join!(sends_down, sends_up, changes);
    until(|| journal.len() >= up as usize).await;
    journal.assert_counts_to(up as usize);
    for number in 0..down {
        let event = client.next().await;
        let event = event.unwrap_or_else(|| panic!("{number} of {down} never came"));
        let got = event.args().get::<u32>(0).unwrap();
        assert_eq!(got, number, "from the server");
        if event.is_question() {
            event.reply(&number);
        }
    }
    client.expect_silence(secs(100)).await;
    assert_eq!(only_socket(&io).transport(), "websocket");
}

/// Events by all the ways there are.
async fn send_down(io: Io, socket: Socket, count: u32, mut random: StdRng) {
    for number in 0..count {
        moment(&mut random).await;
        let data = (number, text(&mut random));
        match random.random_range(0..4) {
            0 => socket.emit("number", &data).await.unwrap(),
            1 => assert!(socket.try_emit("number", &data).is_ok()),
            2 => assert!(io.emit("number", &data).unwrap().is_complete()),
            _ => {
                let bytes = switchboard_wire::Value::from(bytes::Bytes::from_static(&[1, 2, 3]));
                assert!(socket.try_emit("number", &(number, bytes)).is_ok());
            }
        }
    }
}

async fn send_up(client: TestClient, count: u32, mut random: StdRng) {
    let data: Vec<_> = (0..count)
        .map(|number| (number, text(&mut random)))
        .collect();
    let mut answers = Vec::new();
    for data in &data {
        moment(&mut random).await;
        if random.random_bool(0.3) {
            answers.push((data.0, client.emit_with_ack::<u32>("number", data)));
        } else {
            client.emit("number", data);
        }
    }
    for (number, answer) in answers {
        assert_eq!(answer.await, number);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_doubled_or_overtaken_whenever_it_happens() {
    for seed in seeds(150) {
        println!("UPGRADE_SEED={seed}");
        run(seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_go_on_over_the_websocket() {
    let io = io(IoConfig::default());
    let client = TestClient::builder().polling().connect(&io).await;
    sleep(secs(30)).await;
    client.upgrade().await;
    client.expect_silence(secs(500)).await;
    client.stop_reading();
    sleep(secs(60)).await;
    assert_eq!(io.clients(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_change_goes_on_polling() {
    let io = io(IoConfig::default().with_allow_upgrades(false));
    let client = TestClient::builder().polling().connect(&io).await;
    let other = client.clone();
    let refused = tokio::spawn(async move { other.upgrade().await }).await;
    assert!(refused.is_err_and(|error| error.is_panic()));
    assert_eq!(only_socket(&io).transport(), "polling");
    io.emit("hello", &()).unwrap();
    client.expect("hello").await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_slow_poller_goes_over_too() {
    let io = io(IoConfig::default());
    let client = TestClient::builder().polling().connect(&io).await;
    let socket = only_socket(&io);
    let waiting = async {
        for number in 0..5_000 {
            socket.emit("number", &number).await.unwrap();
        }
    };
    tokio::join!(waiting, client.upgrade());
    for number in 0..5_000 {
        assert_eq!(client.expect_as::<u32>("number").await, number);
    }
}
