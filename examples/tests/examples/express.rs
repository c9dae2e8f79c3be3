//! The twin of "Socket.IO with Express", met by npm's client.

use crate::support::{Example, run_node};

/// What the clients of the tutorial do and hear.
async fn tutorial() {
    let server = Example::start("express", &[], &[]).await;
    run_node("seed3-client.mjs", &[&server.url()]).await;
}

/// One of the cases of `seed3-emits.mjs`.
async fn emits(case: &str) {
    let server = Example::start("express", &[], &[]).await;
    run_node("seed3-emits.mjs", &[&server.url(), case]).await;
}

#[tokio::test]
async fn e1_an_emit_to_all_reaches_every_socket() {
    emits("to-all").await;
}

#[tokio::test]
async fn e2_an_emit_to_rooms_reaches_each_member_once() {
    emits("to-rooms").await;
    // The same with rooms that were joined one after another, and with exceptions.
    let server = Example::start("conformance_server", &[], &[]).await;
    run_node("sio.mjs", &[&server.url(), "rooms"]).await;
}

#[tokio::test]
async fn e3_a_broadcast_reaches_all_but_its_socket() {
    emits("to-others").await;
}

#[tokio::test]
async fn e4_a_broadcast_to_a_room_reaches_the_room_but_its_socket() {
    emits("to-others-in-room").await;
}

#[tokio::test]
async fn e5_joining_is_announced_and_messages_stay_in_their_room() {
    tutorial().await;
}

#[tokio::test]
async fn e6_namespaces_do_not_hear_each_other() {
    emits("namespaces").await;
}

#[tokio::test]
async fn e11_who_left_is_told_to_the_others_with_the_right_user() {
    tutorial().await;
}

#[tokio::test]
async fn a_node_lists_its_sockets_and_rooms() {
    emits("questions").await;
}

#[tokio::test]
async fn the_page_of_the_tutorial_is_served() {
    let server = Example::start("express", &[], &[]).await;
    run_node("seed3-page.mjs", &[&server.url()]).await;
}
