//! A client that sends too much, or a handler that takes too long.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use switchboard_connection::Rate;
use switchboard_server::{
    Ack, AckError, HandlerError, HandlerQueue, Io, IoConfig, Socket, extract::Data,
};
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    counted::counted,
    support::{Journal, io, only_socket, secs, transports, until},
};

const RECEIVED: &str = "switchboard_packets_received_total";

/// Has `number` noted, each when the gate lets it.
fn note_numbers(io: &Io, gate: &Arc<Semaphore>) -> Journal {
    let journal = Journal::default();
    let (log, gate) = (journal.clone(), Arc::clone(gate));
    io.on("number", move |Data((number, _)): Data<(u32, String)>| {
        let (log, gate) = (log.clone(), Arc::clone(&gate));
        async move {
            gate.acquire().await.unwrap().forget();
            log.note(number);
        }
    });
    journal
}

#[tokio::test(start_paused = true)]
async fn who_sends_beyond_the_queue_is_read_no_further_and_loses_nothing() {
    for (transport, builder) in transports() {
        let queue = HandlerQueue::new(16, 1024 * 1024);
        let config = IoConfig::default()
            .with_handler_queue(queue)
            .with_message_rate(None);
        let (io, counters) = counted(config);
        let gate = Arc::new(Semaphore::new(0));
        let journal = note_numbers(&io, &gate);
        let client = builder.buffer(4096).connect(&io).await;
        for number in 0..500 {
            client.emit("number", &(number, ""));
        }
        sleep(secs(100)).await;
        // The CONNECT, one event at work, sixteen that wait.
        assert_eq!(counters.read(RECEIVED), 18, "{transport}");
        gate.add_permits(10);
        sleep(secs(100)).await;
        assert_eq!(counters.read(RECEIVED), 28, "{transport}");
        assert!(client.is_connected(), "{transport}");
        gate.add_permits(490);
        until(|| journal.len() == 500).await;
        journal.assert_counts_to(500);
    }
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_in_bytes_too() {
    let queue = HandlerQueue::new(1024, 10_000);
    let config = IoConfig::default()
        .with_handler_queue(queue)
        .with_message_rate(None);
    let (io, counters) = counted(config);
    let gate = Arc::new(Semaphore::new(0));
    let journal = note_numbers(&io, &gate);
    let [(_, builder), _] = transports();
    let client = builder.connect(&io).await;
    let long = "x".repeat(1000);
    for number in 0..100 {
        client.emit("number", &(number, &long));
    }
    sleep(secs(10)).await;
    let read = counters.read(RECEIVED);
    assert!((9..=12).contains(&read), "{read}");
    gate.add_permits(100);
    until(|| journal.len() == 100).await;
    journal.assert_counts_to(100);
}

/// Asks its client while that floods with `noise` events of a kilobyte; the client answers behind them.
async fn ask_in_a_flood(noise: usize) -> Result<u32, AckError> {
    let queue = HandlerQueue::new(1024, 10_000).with_bytes_while_asking(40_000);
    let config = IoConfig::default()
        .with_handler_queue(queue)
        .with_message_rate(None);
    let io = io(config);
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    io.on("ask", move |socket: Socket| {
        let tell = tell.lock().unwrap().take().unwrap();
        async move { drop(tell.send(socket.emit_with_ack::<u32, _>("question", &()).await)) }
    });
    let gate = Arc::new(Semaphore::new(noise));
    let journal = note_numbers(&io, &gate);
    let [(_, builder), _] = transports();
    let client = builder.connect(&io).await;
    client.emit("ask", &());
    let question = client.expect_question("question").await;
    let long = "x".repeat(1000);
    for number in 0..noise {
        client.emit("number", &(number, &long));
    }
    question.reply(&42);
    let answer = told.await.unwrap();
    // Whatever became of the question: nothing else is lost, and the client stays.
    until(|| journal.len() == noise).await;
    journal.assert_counts_to(noise);
    client.expect_silence(secs(100)).await;
    answer
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_is_read_beyond_the_first_bound() {
    assert_eq!(ask_in_a_flood(25).await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_second_bound_the_question_fails_and_nothing_else() {
    let failed = ask_in_a_flood(100).await;
    assert!(matches!(failed, Err(AckError::Flooded)), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_delays_neither_answers_nor_heartbeats() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default());
        io.on("work", async |ack: Ack| {
            // Longer than pingInterval and pingTimeout together, several times.
            sleep(secs(500)).await;
            ack.send(&"done")
        });
        let client = builder.deadline(secs(600)).connect(&io).await;
        let socket = only_socket(&io);
        let work = client.emit_with_ack::<String>("work", &());
        let asked = async {
            for round in 0..10 {
                sleep(secs(40)).await;
                let question = socket.timeout(secs(1));
                let (answer, ()) = tokio::join!(
                    question.emit_with_ack::<u32, _>("question", &round),
                    async { client.expect_question("question").await.reply(&round) }
                );
                assert_eq!(answer.unwrap(), round, "{transport}");
            }
        };
        let (done, ()) = tokio::join!(work, asked);
        assert_eq!(done, "done", "{transport}");
        assert!(
            client.is_connected() && socket.is_connected(),
            "{transport}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_ends_no_client_that_waits_longer_than_its_heartbeats() {
    for (transport, builder) in transports() {
        let io = io(IoConfig::default().with_handler_queue(HandlerQueue::new(4, 1024 * 1024)));
        let gate = Arc::new(Semaphore::new(0));
        let journal = note_numbers(&io, &gate);
        let client = builder.connect(&io).await;
        for number in 0..50 {
            client.emit("number", &(number, ""));
        }
        sleep(secs(300)).await;
        assert!(client.is_connected(), "{transport}");
        gate.add_permits(50);
        until(|| journal.len() == 50).await;
        client.expect_silence(secs(300)).await;
        journal.assert_counts_to(50);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_slowed_down_for_longer_than_its_heartbeats_stays() {
    for (transport, builder) in transports() {
        let config = IoConfig::default()
            .with_message_rate(Some(Rate::new(1, 5)))
            .with_ping_interval(secs(5))
            .with_ping_timeout(secs(4));
        let io = io(config);
        let journal = note_numbers(&io, &Arc::new(Semaphore::new(100)));
        let client = builder.connect(&io).await;
        for number in 0..100 {
            client.emit("number", &(number, ""));
        }
        for second in 0..200 {
            sleep(secs(1)).await;
            assert!(client.is_connected(), "{transport}, after {second} s");
        }
        assert_eq!(only_socket(&io).id().as_str(), client.id(), "{transport}");
        journal.assert_counts_to(100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_may_have_several_handlers_at_once() {
    let io = io(IoConfig::default().with_handler_concurrency(4));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, peak) = (Arc::clone(&now), Arc::clone(&most));
    io.on("work", move |ack: Ack| {
        let (running, peak) = (Arc::clone(&running), Arc::clone(&peak));
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(secs(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            ack.send(&()).map_err(HandlerError::from)
        }
    });
    let [(_, builder), _] = transports();
    let client = builder.deadline(secs(60)).connect(&io).await;
    let began = tokio::time::Instant::now();
    let answers = (0..20).map(|_| client.emit_with_ack::<()>("work", &()));
    futures_util::future::join_all(answers).await;
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(began.elapsed().as_secs(), 5);
}
