//! The list of tests, and what they stand on.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use switchboard_connection::{ConnectionId, Namespace, NodeId};
use switchboard_wire::{Args, EventName, Parser};

use super::{
    Case, Harness, events,
    fake::{FakeNode, FakeSocket, Heard, as_local},
    members, questions, sessions,
};
use crate::{
    adapter::Adapter,
    publication::{Publication, Target},
};

macro_rules! cases {
    ($($module:ident: $($name:ident),*;)*) => {
        pub(super) const CASES: &[(&str, Case)] = &[
            $($((stringify!($name), |harness| Box::pin($module::$name(harness)))),*),*
        ];
    };
}

cases! {
    events:
        publications_of_one_node_arrive_in_order_and_once,
        nothing_comes_back_to_its_sender,
        rooms_and_exceptions_are_kept,
        arguments_arrive_as_they_are,
        flags_travel,
        only_open_namespaces_hear,
        names_may_hold_any_characters,
        joins_leaves_and_disconnects_reach_the_others_once,
        operations_and_events_keep_their_order,
        server_side_events_reach_the_other_servers,
        garbage_is_ignored;
    questions:
        clients_answer_on_all_nodes,
        a_client_that_is_silent_costs_its_own_answer,
        asking_nobody_is_quick,
        questions_at_once_do_not_mix,
        a_question_may_be_dropped,
        sockets_are_listed_and_told_of,
        rooms_of_all_nodes_are_listed,
        other_servers_answer,
        a_server_that_does_not_answer_is_counted,
        a_silent_node_costs_its_own_part;
    members:
        servers_are_counted_by_namespace,
        a_node_that_is_alone_has_complete_answers,
        notices_reach_one_node,
        bad_notices_are_refused,
        nodes_see_each_other_come_and_go,
        what_was_sent_before_the_end_arrives,
        who_has_closed_hears_nothing_and_is_not_waited_for;
    sessions:
        logged_events_come_to_all_in_one_order,
        a_session_goes_on_elsewhere_with_what_it_missed,
        a_session_goes_on_when_its_node_has_heard_what_it_missed,
        a_session_is_given_out_once,
        a_session_ends;
}

/// The names of all tests.
pub fn names() -> Vec<&'static str> {
    CASES.iter().map(|&(name, _)| name).collect()
}

/// A cluster of fakes.
pub struct Nodes {
    /// How they were made.
    pub(super) harness: Arc<dyn Harness>,
    /// The adapters.
    pub(super) adapters: Vec<Arc<dyn Adapter>>,
    /// What they are attached to.
    pub(super) fakes: Vec<Arc<FakeNode>>,
    /// What they are called.
    pub(super) ids: Vec<NodeId>,
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nodes")
            .field("ids", &self.ids)
            .finish_non_exhaustive()
    }
}

pub(super) fn chat() -> Namespace {
    Namespace::from_static("/chat")
}

pub(super) fn names_of(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(super) fn target(rooms: &[&str], except: &[&str]) -> Target {
    Target::new(&names_of(rooms), &names_of(except))
}

pub(super) fn args<T: Serialize + ?Sized>(data: &T) -> Args {
    Args::of(data).expect("data of the suite can be written")
}

impl Nodes {
    /// So many, all with the namespace `/chat`, who know of each other.
    pub(super) async fn new(harness: Arc<dyn Harness>, count: usize) -> Self {
        let adapters = harness.cluster(count).await;
        assert_eq!(
            adapters.len(),
            count,
            "the harness made another number of adapters"
        );
        let fakes: Vec<_> = adapters
            .iter()
            .map(|_| Arc::<FakeNode>::default())
            .collect();
        let ids: Vec<_> = adapters.iter().map(|_| NodeId::random()).collect();
        for ((adapter, fake), id) in adapters.iter().zip(&fakes).zip(&ids) {
            adapter.attach(id, as_local(fake));
            adapter.open_namespace(&chat());
        }
        let nodes = Self {
            harness,
            adapters,
            fakes,
            ids,
        };
        nodes.meet(&chat(), count).await;
        nodes
    }

    /// Waits until each node knows that so many have the namespace.
    pub(super) async fn meet(&self, namespace: &Namespace, count: usize) {
        for adapter in &self.adapters {
            self.until("all nodes see each other", async || {
                adapter.server_count(namespace).await.value == count
            })
            .await;
        }
    }

    pub(super) fn socket(&self, node: usize, socket: FakeSocket) {
        self.fakes[node].add(&chat(), socket);
    }

    pub(super) fn publish<T: Serialize + ?Sized>(
        &self,
        from: usize,
        target: &Target,
        event: &str,
        data: &T,
    ) {
        self.publish_in(&chat(), from, target, event, data);
    }

    pub(super) fn publish_in<T: Serialize + ?Sized>(
        &self,
        namespace: &Namespace,
        from: usize,
        target: &Target,
        event: &str,
        data: &T,
    ) {
        with_publication(namespace, target, event, data, |publication| {
            self.adapters[from].publish(publication);
        });
    }

    /// Waits until it is so.
    pub(super) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let patience = self.harness.patience();
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let ended = tokio::time::timeout(patience, waiting).await;
        assert!(ended.is_ok(), "not within {patience:?}: {what}");
    }

    /// Waits until a node has heard so much of what `pick` takes, and for more that should not come.
    pub(super) async fn hears<T>(
        &self,
        node: usize,
        count: usize,
        pick: impl Fn(Heard) -> Option<T>,
    ) -> Vec<T> {
        let picked = || -> Vec<T> {
            let heard = self.fakes[node].heard().into_iter();
            heard.filter_map(&pick).collect()
        };
        let what = format!("node {node} hears {count}, has {}", picked().len());
        self.until(&what, async || picked().len() >= count).await;
        self.quiet().await;
        let all = picked();
        assert_eq!(all.len(), count, "node {node} heard too much");
        all
    }

    pub(super) async fn hears_nothing(&self, node: usize) {
        self.quiet().await;
        let heard = self.fakes[node].heard();
        assert_eq!(heard, [], "node {node} should have heard nothing");
    }

    pub(super) async fn quiet(&self) {
        tokio::time::sleep(self.harness.quiet()).await;
    }

    /// A node tells another one, and waits until it has heard: what came before has come, or never will.
    pub(super) async fn mark(&self, from: usize, to: usize) {
        let mark = ConnectionId::random().to_string();
        self.publish(from, &Target::default(), "mark", &mark);
        let mark = args(&mark);
        self.until(&format!("a message from {from} arrives at {to}"), async || {
            let heard = self.fakes[to].heard();
            heard.iter().any(|heard| {
                matches!(heard, Heard::Event { event, args, .. } if event == "mark" && *args == mark)
            })
        })
        .await;
    }
}

/// An event that is no mark: name, arguments, recipients.
pub(super) fn event(heard: Heard) -> Option<(EventName, Args, Vec<ConnectionId>)> {
    match heard {
        Heard::Event {
            event, args, to, ..
        } if event != "mark" => Some((event, args, to)),
        _ => None,
    }
}

pub(super) fn with_publication<T: Serialize + ?Sized, R>(
    namespace: &Namespace,
    target: &Target,
    event: &str,
    data: &T,
    act: impl FnOnce(&Publication<'_>) -> R,
) -> R {
    let packet = Parser::Json
        .event(namespace, None, event, data, None)
        .expect("data of the suite can be written");
    act(&Publication::new(
        namespace,
        &packet,
        Parser::Json,
        &target.rooms,
        &target.except,
    ))
}
