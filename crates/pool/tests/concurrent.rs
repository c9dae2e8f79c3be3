//! Many tasks at once: facts are told exactly once, and nobody is lost or kept.

mod fake;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use fake::Fake;
use switchboard_connection::{Connection, Disconnect, Room};
use switchboard_pool::{
    AddError, Added, Drain, DrainOutcome, Joined, Left, OnDuplicate, Pool, PoolConfig, Removed,
};
use tokio::{
    task::{JoinSet, yield_now},
    time::timeout,
};

const TASKS: usize = 8;
const ROUNDS: usize = 500;

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Count {
    fn add_if(&self, happened: bool) {
        self.0.fetch_add(usize::from(happened), SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c18_each_first_has_one_last_under_racing_adds_and_removes() {
    let pool = Pool::default();
    let (firsts, lasts) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (pool, firsts, lasts) = (pool.clone(), firsts.clone(), lasts.clone());
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let connection = Fake::new("shared", &format!("{task}/{round}"));
                firsts.add_if(pool.add(connection.clone()).unwrap() == Added::FirstInNamespace);
                assert!(pool.holds(&connection));
                if round % 3 == 0 {
                    yield_now().await;
                }
                let removed = pool.remove(&connection);
                assert_ne!(removed, Removed::Absent);
                lasts.add_if(removed.is_last());
                assert_eq!(pool.remove(&connection), Removed::Absent);
                assert_eq!(Arc::strong_count(&connection), 1);
            }
        });
    }
    tasks.join_all().await;
    assert!(lasts.get() > 0);
    assert_eq!(firsts.get(), lasts.get());
    assert!(pool.is_empty() && !pool.has_namespace("shared"));
    assert!(format!("{pool:?}").contains("namespaces: 0"), "{pool:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c18_one_removal_wins_when_many_remove_one_connection() {
    let pool = Pool::default();
    for round in 0..ROUNDS {
        let connection = Fake::new("shared", &round.to_string());
        pool.add(connection.clone()).unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (pool, connection) = (pool.clone(), connection.clone());
            tasks.spawn(async move { pool.remove(&connection) });
        }
        let removed = tasks.join_all().await;
        let lasts = removed.iter().filter(|removed| removed.is_last()).count();
        assert_eq!(lasts, 1, "{removed:?}");
        assert!(pool.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_address_has_one_holder() {
    let pool = Pool::default();
    let held = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (pool, held) = (pool.clone(), held.clone());
        tasks.spawn(async move {
            for _ in 0..ROUNDS {
                match pool.enter(Fake::new("shared", "1")) {
                    Ok(membership) => {
                        assert!(!held.swap(true, SeqCst), "two hold one address");
                        yield_now().await;
                        held.store(false, SeqCst);
                        assert!(membership.leave().is_last());
                    }
                    Err(error) => {
                        assert_eq!(error, AddError::Duplicate);
                        yield_now().await;
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    assert!(pool.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c18_replaced_or_removed_but_never_both() {
    let pool = Pool::new(PoolConfig::default().with_on_duplicate(OnDuplicate::Replace));
    let [replaced, removed, firsts, lasts] = [(); 4].map(|()| Arc::new(Count::default()));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let pool = pool.clone();
        let (replaced, removed) = (replaced.clone(), removed.clone());
        let (firsts, lasts) = (firsts.clone(), lasts.clone());
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let connection = Fake::new("shared", "1");
                let added = pool.add(connection.clone()).unwrap();
                replaced.add_if(added == Added::Replaced);
                firsts.add_if(added == Added::FirstInNamespace);
                if round % 2 == 0 {
                    yield_now().await;
                }
                let left = pool.remove(&connection);
                removed.add_if(left != Removed::Absent);
                lasts.add_if(left.is_last());
                if left == Removed::Absent {
                    // Out already, and told to close by whoever took its place, now or in a moment.
                    let closed = timeout(Duration::from_secs(10), connection.closed());
                    closed.await.expect("lost without a close");
                    assert_eq!(connection.close_reason(), Some(Disconnect::REPLACED));
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(replaced.get() + removed.get(), TASKS * ROUNDS);
    assert_eq!(firsts.get(), lasts.get());
    assert!(pool.is_empty() && pool.namespaces().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_member_gets_each_message_once_and_in_order_while_others_come_and_go() {
    const BROADCASTERS: usize = 2;
    let pool = Pool::default();
    let (x, y) = (Room::from_static("x"), Room::from_static("y"));
    let stay: Vec<_> = (0..70)
        .map(|n| Fake::new("shared", &format!("stay{n}")))
        .collect();
    for connection in &stay {
        pool.add(connection.clone()).unwrap();
        pool.join(connection, &x).unwrap();
        pool.join(connection, &y).unwrap();
    }
    let (firsts, lasts) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut tasks = JoinSet::new();
    for broadcaster in 0..BROADCASTERS {
        let pool = pool.clone();
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let to = pool.namespace("shared");
                let to = if round % 2 == 0 {
                    to
                } else {
                    to.to("x").to("y")
                };
                let report = to.except("nobody").send(format!("{broadcaster} {round}"));
                assert!(report.queued >= 70 && report.absent == 0, "{report:?}");
                yield_now().await;
            }
        });
    }
    for task in 0..TASKS {
        let (pool, firsts, lasts) = (pool.clone(), firsts.clone(), lasts.clone());
        let own = Room::new(format!("own{}", task % 2)).unwrap();
        let (x, y) = (x.clone(), y.clone());
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let connection = Fake::new("shared", &format!("{task}/{round}"));
                let membership = pool.enter(connection.clone()).unwrap();
                for room in [&x, &y, &own] {
                    let joined = pool.join(&connection, room).unwrap();
                    firsts.add_if(joined == Joined::FirstInRoom);
                }
                yield_now().await;
                let left = pool.leave_all(&connection);
                assert_eq!(left.len(), 3);
                lasts.add_if(left.iter().any(|(_, left)| *left == Left::LastInRoom));
                assert_eq!(membership.leave(), Removed::Member);
                let texts = connection.texts();
                let mut different = texts.clone();
                different.sort();
                different.dedup();
                assert_eq!(different.len(), texts.len(), "a message came twice");
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(firsts.get(), lasts.get(), "rooms of their own come and go");
    assert!(lasts.get() > 0);
    assert_eq!(pool.len(), stay.len());
    for connection in &stay {
        let texts = connection.texts();
        for broadcaster in 0..BROADCASTERS {
            let prefix = format!("{broadcaster} ");
            let mine: Vec<_> = texts
                .iter()
                .filter_map(|text| text.strip_prefix(&prefix))
                .collect();
            let expected: Vec<_> = (0..ROUNDS).map(|round| round.to_string()).collect();
            assert_eq!(mine, expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c17_whoever_enters_while_a_drain_begins_is_drained_or_refused() {
    for round in 0..40 {
        let pool = Pool::default();
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let pool = pool.clone();
            tasks.spawn(async move {
                let mut entered = Vec::new();
                for n in 0_usize.. {
                    // Some namespaces are new, some are there already.
                    let namespace = format!("ns{}", n % 7);
                    let connection = Fake::new(&namespace, &format!("{task}/{n}"));
                    match pool.add(connection.clone()) {
                        Ok(_) => entered.push(connection),
                        Err(error) => {
                            assert_eq!(error, AddError::Draining);
                            break;
                        }
                    }
                    if n % 5 == 0 {
                        yield_now().await;
                    }
                }
                entered
            });
        }
        for _ in 0..round {
            yield_now().await;
        }
        let report = pool.drain(Drain::per_second(u32::MAX)).unwrap().await;
        let entered: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        assert_eq!(report.outcome, DrainOutcome::Completed);
        assert_eq!(report.closed, entered.len());
        assert!(entered.iter().all(|connection| connection.is_closed()));
        assert!(pool.is_empty() && pool.namespaces().is_empty());
        assert!(format!("{pool:?}").contains("namespaces: 0"), "{pool:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_ends_empty_and_tells_each_last_once() {
    let pool = Pool::default();
    let (firsts, lasts) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let room = Room::from_static("room");
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (pool, room) = (pool.clone(), room.clone());
        let (firsts, lasts) = (firsts.clone(), lasts.clone());
        tasks.spawn(async move {
            for n in 0..ROUNDS {
                let connection = Fake::new(&format!("ns{}", n % 3), &format!("{task}/{n}"));
                let membership = match pool.enter(connection.clone()) {
                    Ok(membership) => membership,
                    Err(error) => {
                        assert_eq!(error, AddError::Draining);
                        yield_now().await;
                        continue;
                    }
                };
                firsts.add_if(membership.added() == Added::FirstInNamespace);
                let _ = pool.join(&connection, &room);
                let _ = pool.namespace("ns0").to("room").except("nobody").send("hi");
                yield_now().await;
                lasts.add_if(membership.leave().is_last());
            }
        });
    }
    for _ in 0..20 {
        let draining = pool.drain(Drain::per_second(100_000)).unwrap();
        let handle = draining.handle();
        let cancel = tokio::spawn(async move {
            yield_now().await;
            handle.cancel()
        });
        let report = draining.await;
        let cancelled = cancel.await.unwrap();
        assert_eq!(cancelled, report.outcome == DrainOutcome::Cancelled);
        lasts.0.fetch_add(report.last_removals.len(), SeqCst);
        assert_eq!(pool.refuses_newcomers(), !cancelled);
        pool.reopen();
        let report = pool.close_all("ns1", &Disconnect::NORMAL).await;
        lasts.0.fetch_add(report.last_removals, SeqCst);
    }
    tasks.join_all().await;
    assert_eq!(firsts.get(), lasts.get());
    assert!(pool.is_empty() && pool.namespaces().is_empty());
    assert!(format!("{pool:?}").contains("namespaces: 0"), "{pool:?}");
}
