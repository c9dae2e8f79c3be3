//! The conformance suite catches adapters that are wrong: each defect, planted alone, fails the test that is
//! about it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use switchboard_adapter::{
    Adapter, AdapterError, Answer, Arrival, BusStatus, Capabilities, Cluster, ClusterConfig,
    ClusterNode, LocalDelivery, MAX_NOTICE, Publication, Restored, SavedSession, SocketDetails,
    Target,
    conformance::{self, Harness},
};
use switchboard_connection::{ConnectionId, Namespace, NodeId, Room};
use switchboard_wire::{Args, EventName, Value};

macro_rules! defects {
    ($($defect:ident => $test:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Defect { $($defect),* }

        /// Each defect, and the test that is about it.
        const DEFECTS: &[(Defect, &str)] = &[$((Defect::$defect, stringify!($test))),*];
    };
}

defects! {
    PublishesTwice => publications_of_one_node_arrive_in_order_and_once,
    SwapsNeighbours => publications_of_one_node_arrive_in_order_and_once,
    LosesEveryTenth => publications_of_one_node_arrive_in_order_and_once,
    DeliversToItself => nothing_comes_back_to_its_sender,
    IgnoresRooms => rooms_and_exceptions_are_kept,
    IgnoresExceptions => rooms_and_exceptions_are_kept,
    KeepsOneRoom => rooms_and_exceptions_are_kept,
    LosesBinary => arguments_arrive_as_they_are,
    LosesVolatile => flags_travel,
    LosesCompress => flags_travel,
    NeverClosesNamespaces => only_open_namespaces_hear,
    JoinsItself => joins_leaves_and_disconnects_reach_the_others_once,
    DoesNotLeave => joins_leaves_and_disconnects_reach_the_others_once,
    AlwaysCloses => joins_leaves_and_disconnects_reach_the_others_once,
    JoinsLater => operations_and_events_keep_their_order,
    EmitsToItsOwnServer => server_side_events_reach_the_other_servers,
    LosesServerSideArguments => server_side_events_reach_the_other_servers,
    AsksEverybody => clients_answer_on_all_nodes,
    TakesOneAnswer => clients_answer_on_all_nodes,
    WaitsToTheEnd => asking_nobody_is_quick,
    HidesMissing => a_client_that_is_silent_costs_its_own_answer,
    FailsWhole => a_silent_node_costs_its_own_part,
    HidesSilence => a_silent_node_costs_its_own_part,
    NamesNobody => a_silent_node_costs_its_own_part,
    MixesAnswers => questions_at_once_do_not_mix,
    ListsEverybody => sockets_are_listed_and_told_of,
    ForgetsData => sockets_are_listed_and_told_of,
    ForgetsRooms => rooms_of_all_nodes_are_listed,
    AnswersForItself => other_servers_answer,
    HidesSilentServers => a_server_that_does_not_answer_is_counted,
    CountsAllServers => servers_are_counted_by_namespace,
    NotifiesEverybody => notices_reach_one_node,
    CutsNotices => bad_notices_are_refused,
    LeavesWithoutAWord => nodes_see_each_other_come_and_go,
    DoesNotClose => who_has_closed_hears_nothing_and_is_not_waited_for,
    LogsNothing => logged_events_come_to_all_in_one_order,
    MissesTheLast => a_session_goes_on_elsewhere_with_what_it_missed,
    GivesSessionsTwice => a_session_is_given_out_once,
    KeepsSessionsForEver => a_session_ends,
}

#[tokio::test(start_paused = true)]
async fn each_planted_defect_is_found() {
    assert!(DEFECTS.len() > 30);
    for &(defect, test) in DEFECTS {
        let failures = conformance::failures(Arc::new(Planted::new(Some(defect)))).await;
        let names: Vec<_> = failures.iter().map(|failure| failure.test).collect();
        assert!(names.contains(&test), "{defect:?} only failed {names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wrapper_itself_is_sound() {
    conformance::all(Arc::new(Planted::new(None))).await;
}

struct Planted {
    defect: Option<Defect>,
    last: Mutex<Option<Cluster>>,
}

impl Planted {
    fn new(defect: Option<Defect>) -> Self {
        Self {
            defect,
            last: Mutex::default(),
        }
    }
}

#[async_trait]
impl Harness for Planted {
    async fn cluster(&self, nodes: usize) -> Vec<Arc<dyn Adapter>> {
        let cluster = Cluster::new(ClusterConfig::default().with_sessions(true));
        *self.last.lock() = Some(cluster.clone());
        let node = |_| {
            let broken: Arc<dyn Adapter> = Arc::new(Broken {
                inner: Arc::new(cluster.node()),
                defect: self.defect,
                local: OnceLock::new(),
                held: Mutex::default(),
                published: Mutex::default(),
            });
            broken
        };
        (0..nodes).map(node).collect()
    }

    async fn silence(&self, node: &NodeId) -> bool {
        let cluster = self.last.lock().clone().unwrap();
        cluster.pause(node);
        true
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// The in-process adapter with one defect.
#[derive(Debug)]
struct Broken {
    inner: Arc<ClusterNode>,
    defect: Option<Defect>,
    local: OnceLock<Local>,
    /// An event that waits for the next one.
    held: Mutex<Option<(EventName, Args)>>,
    published: Mutex<usize>,
}

struct Local(Weak<dyn LocalDelivery>);

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Local")
    }
}

impl Broken {
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn local(&self) -> Arc<dyn LocalDelivery> {
        self.local.get().unwrap().0.upgrade().unwrap()
    }

    fn publish_again(&self, publication: &Publication<'_>, event: &str, args: &Args) {
        let packet = publication
            .parser
            .event(publication.namespace, None, event, args, None);
        let packet = packet.unwrap();
        let mut publication = *publication;
        publication.packet = &packet;
        self.inner.publish(&publication);
    }

    fn target(&self, target: &Target) -> Target {
        if self.has(Defect::ListsEverybody) {
            Target::default()
        } else {
            target.clone()
        }
    }

    /// What becomes of an answer.
    fn answer<T: Default>(&self, mut answer: Answer<T>) -> Answer<T> {
        if self.has(Defect::FailsWhole) && !answer.is_complete() {
            answer.value = T::default();
        }
        if self.has(Defect::HidesSilence) {
            answer.silent_nodes = 0;
        }
        if self.has(Defect::NamesNobody) {
            answer.silent_ids.clear();
        }
        if self.has(Defect::HidesMissing) {
            answer.missing = 0;
        }
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Adapter for Broken {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn attach(&self, node: &NodeId, local: Weak<dyn LocalDelivery>) {
        self.local.get_or_init(|| Local(local.clone()));
        self.inner.attach(node, local);
    }

    fn open_namespace(&self, namespace: &Namespace) {
        self.inner.open_namespace(namespace);
    }

    fn close_namespace(&self, namespace: &Namespace) {
        if !self.has(Defect::NeverClosesNamespaces) {
            self.inner.close_namespace(namespace);
        }
    }

    fn publish(&self, publication: &Publication<'_>) {
        let mut changed = *publication;
        let (event, args) = publication.event().unwrap();
        let number = {
            let mut published = self.published.lock();
            *published += 1;
            *published
        };
        match self.defect {
            Some(Defect::PublishesTwice) => self.inner.publish(publication),
            Some(Defect::SwapsNeighbours) if event != "mark" => {
                let Some((event, args)) = self.held.lock().take() else {
                    *self.held.lock() = Some((event, args));
                    return;
                };
                self.inner.publish(publication);
                return self.publish_again(publication, &event, &args);
            }
            Some(Defect::LosesEveryTenth) if number % 10 == 0 => return,
            Some(Defect::DeliversToItself) => {
                let target = publication.target();
                let arrival = Arrival::new(publication.namespace, &target, &event, &args);
                self.local().deliver(&arrival);
            }
            Some(Defect::IgnoresRooms) => changed.rooms = &[],
            Some(Defect::KeepsOneRoom) => {
                changed.rooms = &changed.rooms[..changed.rooms.len().min(1)];
            }
            Some(Defect::IgnoresExceptions) => changed.except = &[],
            Some(Defect::LosesVolatile) => changed.volatile = false,
            Some(Defect::LosesCompress) => changed.compress = None,
            Some(Defect::LosesBinary) => {
                let no_binary = |value| match value {
                    Value::Binary(_) => Value::Null,
                    other => other,
                };
                let values = args.values().into_iter().map(no_binary).collect();
                return self.publish_again(publication, &event, &Args::from_values(values));
            }
            _ => {}
        }
        self.inner.publish(&changed);
    }

    fn publish_logged(&self, publication: &Publication<'_>) {
        if self.has(Defect::LogsNothing) {
            return self.inner.publish(publication);
        }
        self.inner.publish_logged(publication);
    }

    async fn ask(&self, question: &Publication<'_>, within: Duration) -> Answer<Vec<Args>> {
        let mut question = *question;
        if self.has(Defect::AsksEverybody) {
            (question.rooms, question.except) = (&[], &[]);
        }
        let mut answer = self.inner.ask(&question, within).await;
        if self.has(Defect::TakesOneAnswer) {
            answer.value.truncate(1);
        }
        if self.has(Defect::WaitsToTheEnd) {
            tokio::time::sleep(within).await;
        }
        if self.has(Defect::MixesAnswers)
            && let Some(args) = answer.value.pop()
        {
            let held = self
                .held
                .lock()
                .replace((EventName::new("held"), args.clone()));
            answer.value.push(held.map_or(args, |(_, held)| held));
        }
        self.answer(answer)
    }

    async fn sockets(&self, namespace: &Namespace, target: &Target) -> Answer<Vec<ConnectionId>> {
        let answer = self.inner.sockets(namespace, &self.target(target)).await;
        self.answer(answer)
    }

    async fn fetch_sockets(
        &self,
        namespace: &Namespace,
        target: &Target,
    ) -> Answer<Vec<SocketDetails>> {
        let mut answer = self.inner.fetch_sockets(namespace, target).await;
        if self.has(Defect::ForgetsData) {
            for details in &mut answer.value {
                details.data = serde_json::Value::Null;
            }
        }
        self.answer(answer)
    }

    async fn all_rooms(&self, namespace: &Namespace) -> Answer<Vec<Room>> {
        let mut answer = self.inner.all_rooms(namespace).await;
        if self.has(Defect::ForgetsRooms) {
            answer.value.truncate(2);
        }
        self.answer(answer)
    }

    async fn server_count(&self, namespace: &Namespace) -> Answer<usize> {
        if self.has(Defect::CountsAllServers) {
            return Answer::complete(self.inner.nodes().len() + 1);
        }
        self.inner.server_count(namespace).await
    }

    async fn join(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError> {
        if self.has(Defect::JoinsItself) {
            self.local().join(namespace, target, rooms);
        }
        if self.has(Defect::JoinsLater) {
            // Its own task sends it, some time after the call was ready.
            let inner = Arc::clone(&self.inner);
            let (namespace, target, rooms) = (namespace.clone(), target.clone(), rooms.to_vec());
            tokio::spawn(async move { inner.join(&namespace, &target, &rooms).await });
            return Ok(());
        }
        self.inner.join(namespace, target, rooms).await
    }

    async fn leave(
        &self,
        namespace: &Namespace,
        target: &Target,
        rooms: &[Room],
    ) -> Result<(), AdapterError> {
        if self.has(Defect::DoesNotLeave) {
            return Ok(());
        }
        self.inner.leave(namespace, target, rooms).await
    }

    async fn disconnect(
        &self,
        namespace: &Namespace,
        target: &Target,
        close: bool,
    ) -> Result<(), AdapterError> {
        let close = close || self.has(Defect::AlwaysCloses);
        self.inner.disconnect(namespace, target, close).await
    }

    fn server_side_emit(&self, namespace: &Namespace, event: &EventName, args: &Args) {
        if self.has(Defect::EmitsToItsOwnServer) {
            self.local().server_side_event(namespace, event, args);
        }
        let args = if self.has(Defect::LosesServerSideArguments) {
            &Args::empty()
        } else {
            args
        };
        self.inner.server_side_emit(namespace, event, args);
    }

    async fn server_side_ask(
        &self,
        namespace: &Namespace,
        event: &EventName,
        args: &Args,
    ) -> Answer<Vec<Args>> {
        let mut answer = self.inner.server_side_ask(namespace, event, args).await;
        if self.has(Defect::AnswersForItself) {
            let own = self
                .local()
                .server_side_question(namespace, event, args)
                .await;
            answer.value.extend(own);
        }
        if self.has(Defect::HidesSilentServers) {
            answer.silent_nodes = 0;
        }
        self.answer(answer)
    }

    fn notify(&self, node: &NodeId, notice: Bytes) -> Result<(), AdapterError> {
        if self.has(Defect::NotifiesEverybody) {
            for node in self.inner.nodes() {
                self.inner.notify(&node, notice.clone())?;
            }
            return Ok(());
        }
        let mut notice = notice;
        if self.has(Defect::CutsNotices) {
            notice.truncate(MAX_NOTICE);
        }
        self.inner.notify(node, notice)
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.inner.nodes()
    }

    fn leaving(&self) {
        if !self.has(Defect::LeavesWithoutAWord) {
            self.inner.leaving();
        }
    }

    async fn persist_session(
        &self,
        namespace: &Namespace,
        session: &SavedSession,
        keep: Duration,
    ) -> Result<(), AdapterError> {
        let keep = if self.has(Defect::KeepsSessionsForEver) {
            Duration::from_hours(1)
        } else {
            keep
        };
        self.inner.persist_session(namespace, session, keep).await
    }

    async fn restore_session(
        &self,
        namespace: &Namespace,
        pid: &str,
        offset: Option<&str>,
    ) -> Result<Option<Restored>, AdapterError> {
        let mut restored = self.inner.restore_session(namespace, pid, offset).await?;
        if let Some(restored) = &mut restored {
            if self.has(Defect::MissesTheLast) {
                restored.missed.pop();
            }
            if self.has(Defect::GivesSessionsTwice) {
                let keep = Duration::from_secs(9);
                let again = self
                    .inner
                    .persist_session(namespace, &restored.session, keep);
                again.await?;
            }
        }
        Ok(restored)
    }

    fn status(&self) -> BusStatus {
        self.inner.status()
    }

    async fn close(&self) {
        if !self.has(Defect::DoesNotClose) {
            self.inner.close().await;
        }
    }
}
