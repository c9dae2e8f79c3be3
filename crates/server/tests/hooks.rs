//! Hooks that decide who enters, and pools that decide about ids.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{
    Peer, ask, bind, close_of, connect, echo, next_text, round_trip, soon, until, upgrade,
    upgrade_with,
};
use http::{StatusCode, header};
use switchboard_connection::{
    Address, Connection, ConnectionExt, ConnectionId, Disconnect, Namespace, WebSocket,
};
use switchboard_pool::{OnDuplicate, Pool, PoolConfig};
use switchboard_server::{Admission, Admit, ListenerConfig, Refusal, UpgradeRequest};
use tokio::{io::AsyncWriteExt, sync::Notify};

#[derive(Debug)]
struct Nickname(String);

/// Namespace and id from query and header; kept for the handler: the nickname.
fn by_query(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
    let Some(name) = request.query("nick name") else {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    };
    let tenant = request
        .head
        .headers
        .get("x-tenant")
        .and_then(|tenant| tenant.to_str().ok());
    let namespace = Namespace::new(tenant.unwrap_or("none"))
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "BAD_TENANT"))?;
    let id = ConnectionId::new(format!("id of {name}")).unwrap();
    Ok(Admission::new(Address::new(id, namespace))
        .with(Nickname(name))
        .with(request.peer))
}

#[tokio::test]
async fn a_hook_decides_who_enters_and_where() {
    let config = ListenerConfig::default().with_path("/ws");
    let greet = |mut socket: WebSocket| async move {
        let name = socket.metadata().get::<Nickname>().expect("kept");
        assert!(socket.metadata().get::<std::net::SocketAddr>().is_some());
        socket.send(format!("hello {}", name.0)).await.unwrap();
        while socket.next().await.is_some() {}
    };
    let server = bind(config)
        .await
        .with_admit(by_query)
        .serve(greet)
        .unwrap();
    let reply = ask(server.local_addr(), upgrade("/ws?x=1")).await.unwrap();
    assert_eq!(reply.told(), (401, "UNAUTHENTICATED"));

    let request = upgrade_with(
        "/ws?x=1&nick+name=no&nick%20name=ada+l%21",
        "X-Tenant: acme\r\n",
    );
    let mut peer = Peer::open(server.local_addr()).await;
    peer.tcp.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(soon(peer.reply()).await.unwrap().status, 101);
    let expected = b"hello ada l!".to_vec();
    assert_eq!(soon(peer.frame()).await, Some((common::TEXT, expected)));
    assert!(server.pool().has("acme", "id of ada l!"));
    assert_eq!(server.stats().refused, 1);
}

/// Asks somebody else, who answers when told to.
struct Slow {
    asked: Arc<Notify>,
    go: Arc<Notify>,
}

#[async_trait]
impl Admit for Slow {
    async fn admit(&self, _: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
        self.asked.notify_one();
        self.go.notified().await;
        Ok(Admission::to(Namespace::from_static("slow")))
    }
}

#[tokio::test]
async fn a_hook_may_wait_and_a_client_that_leaves_meanwhile_frees_its_place() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let hook = Slow {
        asked: Arc::clone(&asked),
        go: Arc::clone(&go),
    };
    let server = bind(ListenerConfig::default())
        .await
        .with_admit(hook)
        .serve(echo)
        .unwrap();

    let mut impatient = Peer::open(server.local_addr()).await;
    impatient
        .tcp
        .write_all(upgrade("/namespace/a").as_bytes())
        .await
        .unwrap();
    soon(asked.notified()).await;
    assert_eq!(
        server.stats().connections,
        1,
        "it has a place while it is asked about"
    );
    drop(impatient);
    until("its place is free", || server.stats().connections == 0).await;

    let address = server.local_addr();
    let patient = tokio::spawn(async move { connect(address, "/namespace/a").await });
    soon(asked.notified()).await;
    go.notify_one();
    round_trip(&mut soon(patient).await.unwrap(), "hello").await;
    assert_eq!(server.pool().count("slow"), 1);
}

/// Everybody has the id that the query gives.
fn by_id(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
    let id = request
        .query("id")
        .and_then(|id| ConnectionId::new(id).ok());
    let id = id.ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "NO_ID"))?;
    Ok(Admission::new(Address::new(
        id,
        Namespace::from_static("ids"),
    )))
}

#[tokio::test]
async fn a_taken_id_is_refused() {
    let server = bind(ListenerConfig::default())
        .await
        .with_admit(by_id)
        .serve(echo)
        .unwrap();
    let mut first = connect(server.local_addr(), "/namespace/x?id=7").await;
    round_trip(&mut first, "there").await;
    let reply = ask(server.local_addr(), upgrade("/namespace/x?id=7"))
        .await
        .unwrap();
    assert_eq!(reply.told(), (409, "DUPLICATE_ID"));
    round_trip(&mut first, "still there").await;
    assert_eq!(server.stats().connections, 1);

    // Many at once: whoever comes through the check together is told in the close frame.
    let attempts = (0..20).map(|_| async {
        let mut peer = Peer::open(server.local_addr()).await;
        peer.tcp
            .write_all(upgrade("/namespace/x?id=8").as_bytes())
            .await
            .unwrap();
        match soon(peer.reply()).await.unwrap().status {
            409 => None,
            101 if peer.echoes("mine").await => Some(peer),
            status => {
                assert_eq!(status, 101);
                None
            }
        }
    });
    let winners = futures_util::future::join_all(attempts).await;
    assert_eq!(winners.iter().flatten().count(), 1);
    assert_eq!(server.pool().count("ids"), 2);
    until("losers are gone", || server.stats().connections == 2).await;
}

#[tokio::test]
async fn a_pool_that_replaces_closes_the_old_connection() {
    let pool = Pool::new(PoolConfig::default().with_on_duplicate(OnDuplicate::Replace));
    let listener = bind(ListenerConfig::default())
        .await
        .with_pool(pool.clone());
    let server = listener.with_admit(by_id).serve(echo).unwrap();
    let mut old = connect(server.local_addr(), "/namespace/x?id=7").await;
    round_trip(&mut old, "there").await;
    let mut new = connect(server.local_addr(), "/namespace/x?id=7").await;
    let replaced = Disconnect::REPLACED;
    assert_eq!(
        close_of(&mut old).await,
        Some((replaced.code(), replaced.reason().to_owned()))
    );
    round_trip(&mut new, "here").await;
    until("the old place is free", || server.stats().connections == 1).await;
    assert_eq!(pool.len(), 1);
    pool.get("ids", "7").unwrap().send("found").await.unwrap();
    assert_eq!(next_text(&mut new).await, "found");
}

#[tokio::test]
async fn a_refusal_tells_whole_seconds_to_wait() {
    let hook = |_: &UpgradeRequest<'_>| -> Result<Admission, Refusal> {
        let wait = Duration::from_millis(1_200);
        Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA").with_retry_after(wait))
    };
    let server = bind(ListenerConfig::default())
        .await
        .with_admit(hook)
        .serve(echo)
        .unwrap();
    let reply = ask(server.local_addr(), upgrade("/namespace/a"))
        .await
        .unwrap();
    assert_eq!(reply.told(), (429, "QUOTA"));
    assert_eq!(reply.header(header::RETRY_AFTER.as_str()), Some("2"));
}

#[tokio::test]
async fn a_hook_that_hangs_is_answered_for_and_frees_its_place() {
    let hook = Slow {
        asked: Arc::default(),
        go: Arc::default(),
    };
    let config = ListenerConfig::default().with_admit_timeout(Duration::from_millis(50));
    let server = bind(config).await.with_admit(hook).serve(echo).unwrap();
    let reply = soon(ask(server.local_addr(), upgrade("/namespace/a")))
        .await
        .unwrap();
    assert_eq!(reply.told(), (503, "TIMED_OUT"));
    until("its place is free", || server.stats().connections == 0).await;
}
