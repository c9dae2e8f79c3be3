//! Clients that take their events too slowly, and those that do not.

use switchboard_connection::{SendError, Sent, SlowConsumer};
use switchboard_server::{Ack, EmitError, HandlerError, IoConfig, Socket};
use switchboard_testkit::{Reason, Received, TestClient};
use tokio::time::{Instant, sleep};

use crate::support::{io, only_socket, secs, transports, until};

const COUNT: u32 = 10_000;

fn config(policy: SlowConsumer) -> IoConfig {
    IoConfig::default()
        .with_slow_consumer(policy)
        .with_write_timeout(secs(600))
}

fn numbers(events: &[Received]) -> Vec<u32> {
    let number = |event: &Received| event.read::<(u32, String)>().0;
    events.iter().map(number).collect()
}

/// Takes what comes until it is quiet for a while.
async fn all_that_comes(client: &TestClient) -> Vec<u32> {
    let mut all = Vec::new();
    while let Some(event) = client.next().await {
        all.push(event);
    }
    numbers(&all)
}

fn is_rising(numbers: &[u32]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

/// What became of `COUNT` events to a client that reads nothing.
#[derive(Debug, Default)]
struct Tally {
    accepted: usize,
    displaced: usize,
    dropped: usize,
    refused: usize,
    slow: usize,
    closed: usize,
}

fn send_all(socket: &Socket) -> Tally {
    let mut tally = Tally::default();
    for number in 0..COUNT {
        match socket.try_emit("number", &(number, "x".repeat(100))) {
            Ok(Sent::Queued) => tally.accepted += 1,
            Ok(Sent::Displaced(displaced)) => {
                tally.accepted += 1;
                tally.displaced += usize::try_from(displaced).unwrap();
            }
            Ok(_) => tally.dropped += 1,
            Err(EmitError::Refused(SendError::Full)) => tally.refused += 1,
            Err(EmitError::Refused(SendError::SlowConsumer)) => tally.slow += 1,
            Err(EmitError::Disconnected) => tally.closed += 1,
            Err(error) => panic!("{error}"),
        }
    }
    tally
}

/// A client that reads nothing was sent `COUNT` events; it reads again.
async fn stall(policy: SlowConsumer, mut check: impl AsyncFnMut(&str, Tally, &TestClient)) {
    for (transport, builder) in transports() {
        let io = io(config(policy));
        let client = builder.buffer(8192).connect(&io).await;
        client.stop_reading();
        sleep(secs(1)).await;
        let tally = send_all(&only_socket(&io));
        client.read_again();
        check(transport, tally, &client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_client_gets_ten_thousand_events_in_order() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        io.on("begin", async |socket: Socket, ack: Ack| {
            for number in 0..COUNT {
                socket.emit("number", &(number, "x")).await?;
            }
            ack.send(&())?;
            Ok::<_, HandlerError>(())
        });
        let client = builder.connect(&io).await;
        client.emit_with_ack::<()>("begin", &()).await;
        let got = numbers(&client.received_so_far());
        assert!(
            got.iter().copied().eq(0..COUNT),
            "{transport}: {}",
            got.len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn close_ends_a_slow_client_after_what_was_accepted() {
    stall(SlowConsumer::Close, async |transport, tally, client| {
        let (all, reason) = client.all_until_disconnect(secs(60)).await;
        let got = numbers(&all);
        assert_eq!(
            (tally.slow, tally.dropped, tally.displaced),
            (1, 0, 0),
            "{tally:?}"
        );
        assert!(
            got.iter()
                .copied()
                .eq(0..u32::try_from(tally.accepted).unwrap()),
            "{transport}"
        );
        let counted = tally.accepted + tally.slow + tally.closed;
        assert_eq!(counted, COUNT as usize, "{transport}");
        // No disconnect packet: it comes back.
        assert_eq!(reason, Reason::TransportClose, "{transport}");
        if transport == "websocket" {
            assert_eq!(client.close_code(), Some(1013));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_keeps_the_newest_and_counts_the_rest() {
    stall(
        SlowConsumer::DropOldest,
        async |transport, tally, client| {
            let got = all_that_comes(client).await;
            assert_eq!(tally.accepted, COUNT as usize, "{transport}: {tally:?}");
            assert_eq!(
                got.len() + tally.displaced,
                COUNT as usize,
                "{transport}: {tally:?}"
            );
            assert!(
                tally.displaced > 8000 && is_rising(&got),
                "{transport}: {tally:?}"
            );
            assert_eq!(got.last(), Some(&(COUNT - 1)), "{transport}");
            assert!(client.is_connected(), "{transport}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn drop_newest_keeps_the_oldest_and_counts_the_rest() {
    stall(
        SlowConsumer::DropNewest,
        async |transport, tally, client| {
            let got = all_that_comes(client).await;
            assert_eq!(
                got.len() + tally.dropped,
                COUNT as usize,
                "{transport}: {tally:?}"
            );
            assert!(
                got.iter()
                    .copied()
                    .eq(0..u32::try_from(tally.accepted).unwrap()),
                "{transport}"
            );
            assert!(tally.dropped > 8000, "{transport}: {tally:?}");
            assert!(client.is_connected(), "{transport}");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn wait_refuses_and_loses_nothing_of_what_it_accepted() {
    stall(SlowConsumer::Wait, async |transport, tally, client| {
        let got = all_that_comes(client).await;
        assert_eq!(
            got.len() + tally.refused,
            COUNT as usize,
            "{transport}: {tally:?}"
        );
        assert!(
            got.iter()
                .copied()
                .eq(0..u32::try_from(tally.accepted).unwrap()),
            "{transport}"
        );
        assert!(client.is_connected(), "{transport}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_emit_waits_for_room_and_gives_up_at_its_deadline() {
    for (transport, builder) in transports() {
        for policy in [
            SlowConsumer::Wait,
            SlowConsumer::Close,
            SlowConsumer::DropNewest,
        ] {
            let io = io(config(policy)
                .with_outbox_messages(10)
                .with_ping_timeout(secs(600)));
            let client = builder.clone().buffer(8192).connect(&io).await;
            let socket = only_socket(&io);
            client.stop_reading();
            sleep(secs(1)).await;
            let long = "x".repeat(1000);
            let (mut sent, began) = (0, Instant::now());
            let failed = loop {
                match socket.emit("number", &(sent, &long)).await {
                    Ok(()) => sent += 1,
                    Err(error) => break error,
                }
            };
            let is_late = matches!(failed, EmitError::Refused(SendError::TimedOut));
            assert!(is_late, "{transport}, {policy:?}: {failed:?}");
            assert_eq!(began.elapsed().as_secs(), 10, "{transport}, {policy:?}");
            let room = async {
                sleep(secs(3)).await;
                client.read_again();
            };
            let last = (sent, &long);
            let (waited, ()) = tokio::join!(socket.emit("number", &last), room);
            waited.unwrap();
            let got = all_that_comes(&client).await;
            assert!(
                got.iter().copied().eq(0..=sent),
                "{transport}, {policy:?}: {got:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn volatile_events_go_first() {
    for (transport, builder) in transports() {
        let io = io(config(SlowConsumer::Close));
        let client = builder.buffer(2048).connect(&io).await;
        let socket = only_socket(&io);
        let sent = socket.emit_volatile("volatile", &(0, "")).unwrap();
        assert_eq!(sent, Sent::Queued, "{transport}");
        client.expect("volatile").await;
        client.stop_reading();
        sleep(secs(1)).await;
        for number in 0..100 {
            let sent = socket
                .try_emit("number", &(number, "x".repeat(100)))
                .unwrap();
            assert_eq!(sent, Sent::Queued, "{transport}");
        }
        sleep(secs(1)).await;
        let sent = socket.emit_volatile("volatile", &(0, "")).unwrap();
        assert_eq!(sent, Sent::Dropped, "{transport}");
        let report = io.volatile().emit("volatile", &(0, "")).unwrap();
        assert_eq!((report.dropped, report.queued), (1, 0), "{transport}");
        client.read_again();
        let got = all_that_comes(&client).await;
        assert!(got.iter().copied().eq(0..100), "{transport}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_slow_client_costs_the_others_nothing() {
    let io = io(config(SlowConsumer::Close));
    let slow = TestClient::builder().buffer(4096).connect(&io).await;
    let (ann, bob) = (TestClient::connect(&io).await, {
        TestClient::builder().polling().connect(&io).await
    });
    slow.stop_reading();
    let mut slow_reports = 0;
    for number in 0..3000 {
        slow_reports += io.emit("number", &(number, "x")).unwrap().slow;
        if number % 100 == 0 {
            sleep(secs(1)).await;
        }
    }
    assert_eq!(slow_reports, 1);
    for client in [&ann, &bob] {
        let got = all_that_comes(client).await;
        assert!(got.iter().copied().eq(0..3000), "{}", got.len());
    }
    until(|| io.clients() == 2).await;
}
