//! The conformance server, met by stock clients: npm's of today and of 2020, Python's, and raw sockets. The
//! cases stand in `tests-node/sio/`.

use crate::support::{Example, run_node, run_python};

async fn groups(groups: &[&str]) {
    let server = Example::start("conformance_server", &[], &[]).await;
    let url = format!("http://{}", server.host());
    let mut words = vec![&*url];
    words.extend(groups);
    run_node("sio.mjs", &words).await;
}

#[tokio::test]
async fn stock_clients_find_events_rooms_and_namespaces() {
    groups(&["events", "rooms", "namespaces"]).await;
}

#[tokio::test]
async fn stock_clients_ask_and_order_a_cluster_of_one() {
    groups(&["cluster"]).await;
}

#[tokio::test]
async fn stock_clients_find_every_reason_to_disconnect() {
    groups(&["disconnects"]).await;
}

#[tokio::test]
async fn requests_polls_and_probes_are_answered_as_by_node() {
    groups(&["engine", "polling", "probe"]).await;
}

#[tokio::test]
async fn packets_are_accepted_and_refused_as_by_node() {
    groups(&["wire", "connecting"]).await;
}

#[tokio::test]
async fn messages_keep_their_order_through_upgrades() {
    groups(&["upgrade-traffic"]).await;
}

#[tokio::test]
async fn twenty_thousand_events_come_in_order() {
    groups(&["order"]).await;
}

#[tokio::test]
async fn clients_of_the_third_version_are_served() {
    groups(&["old-clients"]).await;
}

#[tokio::test]
async fn msgpack_clients_are_served() {
    let server = Example::start("conformance_server", &[], &[("PARSER", "msgpack")]).await;
    let url = format!("http://{}", server.host());
    run_node("sio.mjs", &[&url, "msgpack", &format!("--msgpack={url}")]).await;
}

#[tokio::test]
async fn sessions_are_recovered() {
    let server = Example::start("conformance_server", &[], &[("RECOVERY", "1")]).await;
    let url = format!("http://{}", server.host());
    run_node("sio.mjs", &[&url, "recovery", &format!("--recovery={url}")]).await;
}

#[tokio::test]
async fn python_clients_are_served() {
    let server = Example::start("conformance_server", &[], &[]).await;
    run_python("python_client.py", &[&format!("http://{}", server.host())]).await;
}
