//! The Socket.IO server as its clients in memory see it, under paused time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use switchboard_pool::Drain;
use switchboard_server::{
    Ack, AckError, DisconnectReason, HandlerError, Io, IoConfig, Recovery, Socket, extract::Data,
};
use switchboard_testkit::TestClient;
use switchboard_wire::Args;
use tokio::time::sleep;

fn io(config: IoConfig) -> Io {
    Io::new(config).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_async_handler_gets_all_events_in_order() {
    let io = io(IoConfig::default().with_message_rate(None));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    io.on("number", move |Data(number): Data<u32>| {
        let log = Arc::clone(&log);
        async move {
            if number % 7 == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            log.lock().unwrap().push(number);
        }
    });
    io.on("done", async |ack: Ack| ack.send(&()));
    let client = TestClient::connect(&io).await;
    for number in 0..20_000 {
        client.emit("number", &number);
    }
    while seen.lock().unwrap().len() < 20_000 {
        sleep(Duration::from_millis(10)).await;
    }
    client.emit_with_ack::<()>("done", &()).await;
    assert!(seen.lock().unwrap().iter().copied().eq(0..20_000));
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_ask_its_own_client_and_wait() {
    let io = io(IoConfig::default());
    io.on("ask", async |socket: Socket, ack: Ack| {
        let answer: u32 = socket.emit_with_ack("question", &1).await?;
        ack.send(&(answer + 1))?;
        Ok::<_, HandlerError>(())
    });
    let client = TestClient::connect(&io).await;
    let (answer, ()) = tokio::join!(client.emit_with_ack::<u32>("ask", &()), async {
        let question = client.expect_question("question").await;
        for noise in 0..500 {
            client.emit("noise", &noise);
        }
        question.reply(&41);
    });
    assert_eq!(answer, 42);
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_times_out_and_is_forgotten() {
    let io = io(IoConfig::default());
    let client = TestClient::connect(&io).await;
    let socket = io.root().everybody().local_sockets().pop().unwrap();
    let within = Duration::from_secs(3);
    let error = socket
        .timeout(within)
        .emit_with_ack::<(), _>("question", &())
        .await;
    assert!(matches!(error, Err(AckError::TimedOut)), "{error:?}");
    let late = client.expect_question("question").await;
    late.reply(&());
    client.expect_silence(Duration::from_secs(1)).await;
    assert!(socket.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_call_and_nothing_else() {
    let io = io(IoConfig::default());
    io.on("panic", async |args: Args| {
        assert!(args.len() > 9, "on purpose");
    });
    io.on("echo", async |Data(text): Data<String>, ack: Ack| {
        ack.send(&text)
    });
    let client = TestClient::connect(&io).await;
    client.emit("panic", &());
    assert_eq!(
        client.emit_with_ack::<String>("echo", "still here").await,
        "still here"
    );
}

#[tokio::test(start_paused = true)]
async fn the_disconnect_handler_comes_last_and_knows_why() {
    let io = io(IoConfig::default());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let after = tell.clone();
    io.on("work", move || {
        let tell = tell.clone();
        async move {
            sleep(Duration::from_secs(1)).await;
            tell.send("worked".to_owned()).ok();
        }
    });
    io.on_disconnect(move |reason: DisconnectReason| {
        let tell = after.clone();
        async move { drop(tell.send(reason.to_string())) }
    });
    let client = TestClient::connect(&io).await;
    client.emit("work", &());
    client.emit("work", &());
    client.leave();
    for expected in ["worked", "worked", "client namespace disconnect"] {
        assert_eq!(told.recv().await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_keeps_its_pace_and_flips_readiness() {
    let io = io(IoConfig::default());
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(TestClient::connect(&io).await);
    }
    assert!(io.is_ready());
    let draining = io.drain(Drain::per_second(10)).unwrap();
    assert!(!io.is_ready());
    assert_eq!(
        io.health(&http::Method::GET, "/ready").unwrap().status(),
        503
    );
    let report = draining.await;
    assert_eq!((report.begun, report.left.len()), (20, 0));
    assert!(report.elapsed >= Duration::from_secs(1));
    io.close().await;
    assert_eq!(io.clients(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_gets_what_it_missed_once_and_in_order() {
    let recovery = Recovery::default();
    let io = io(IoConfig::default().with_connection_state_recovery(Some(recovery)));
    io.on_connect(async |socket: Socket| socket.join("news"));
    let client = TestClient::connect(&io).await;
    let id = client.id().to_owned();
    io.to("news").emit("news", &1).unwrap();
    assert_eq!(client.expect_as::<u32>("news").await, 1);
    client.drop_transport();
    while !io.root().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    for number in 2..5 {
        io.to("news").emit("news", &number).unwrap();
        io.to("others").emit("news", &99).unwrap();
    }
    let client = client.reconnect(&io).await;
    assert_eq!(client.id(), id);
    for number in 2..5 {
        assert_eq!(client.expect_as::<u32>("news").await, number);
    }
    client.expect_silence(Duration::from_secs(1)).await;
}
