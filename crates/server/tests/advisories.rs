//! Advisories against other implementations, and what the same requests and frames do to our server; and
//! which packets close a connection in the reference, and which do not.
//!
//! | advisory | against | here |
//! |---|---|---|
//! | CVE-2026-33151 | socket.io-parser: any number of attachments | `wire/tests/advisories.rs`; [`reference_outcomes_what_closes`] |
//! | CVE-2026-48779 | ws: memory of tiny fragments | `connection/tests/attack_floods.rs`, `tiny_fragments_are_counted`; [`cve_2026_48779_tiny_packets_of_a_post`] |
//! | CVE-2026-59725 | engine.io: posted binary | [`cve_2026_59725_posts_that_are_no_packets`] |
//! | CVE-2026-48802 | python-engineio: a task for each pong | [`cve_2026_48802_pongs_start_nothing`] |
//! | CVE-2026-45736 | ws: foreign bytes in a close reason | [`cve_2026_45736_a_close_says_what_it_was_given`] |
//! | CVE-2026-1526 | undici: inflating without end | [`cve_2026_1526_nothing_is_inflated`]; reserved bits: `connection/tests/attack_frames.rs`, `each_broken_rule_of_the_protocol_is_1002` |
//! | CVE-2026-1528 | undici: lengths of 64 bits | [`cve_2026_1528_lengths_of_64_bits`]; `connection/tests/attack_floods.rs`, `claims_reserve_nothing` |
//! | CVE-2024-38355, CVE-2023-32695, CVE-2022-2421 | socket.io, its parser | `wire/tests/advisories.rs`; [`reference_outcomes_what_closes`], [`reference_outcomes_what_stays_open`] |
//! | CVE-2022-21676, CVE-2022-41940, CVE-2023-31125 | engine.io: a request ended the process | [`cve_2022_21676_garbage_right_behind_the_upgrade`], [`cve_2022_41940_a_reset_in_the_middle`], [`cve_2023_31125_requests_that_make_no_sense`] |
//! | CVE-2024-37890 | ws: too many headers | [`cve_2024_37890_too_many_headers`]; `tests/limits.rs`, `heads_have_a_size_and_a_number_of_headers` |
//! | CVE-2023-43669 | tungstenite: a head read again with each byte | [`cve_2023_43669_a_head_in_single_bytes`]; size and time: `tests/limits.rs`, `small_heads_can_be_asked_for`, `dribblers_are_cut_and_stop_nobody` |
//! | GHSA-86ch-6w7v-v6xf | soketi: an empty post | [`ghsa_86ch_6w7v_v6xf_empty_posts`] |
//! | CVE-2020-28481 | socket.io: every origin was allowed | [`cve_2020_28481_no_origin_is_allowed_unasked`] |
//! | CVE-2020-36048, CVE-2020-36049 | engine.io, its parser: memory of posts | [`cve_2020_36048_posts_have_a_size`]; `wire/tests/advisories.rs` |
//! | CVE-2017-16031 | socket.io: ids that can be guessed | [`cve_2017_16031_ids_are_random`] |

mod common;

use std::{collections::HashSet, io::Write};

use common::{
    Peer, TEXT, ask,
    engine::{BINARY, ENGINE, End, Poller, io_server, serve},
    masked, soon, until, upgrade, upgrade_with,
};
use flate2::{Compression, write::GzEncoder};
use switchboard_server::{Io, IoConfig, Socket};
use tokio::{io::AsyncWriteExt, runtime::Handle};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

/// A packet of a session, over a WebSocket: texts without their Engine.IO digit being added.
#[derive(Clone, Copy, Debug)]
enum Say<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

use Say::{Bytes, Text};

/// Says it over a WebSocket, in one write.
async fn say(peer: &mut Peer, all: &[Say<'_>]) {
    let mut frames = Vec::new();
    for one in all {
        frames.extend(match one {
            Text(text) => masked(TEXT, text.as_bytes()),
            Bytes(bytes) => masked(BINARY, bytes),
        });
    }
    // Who is closed in the middle may not take all of it.
    peer.tcp.write_all(&frames).await.ok();
}

/// The same as one body to post.
fn body(all: &[Say<'_>]) -> String {
    let mut body = String::new();
    for one in all {
        match one {
            Text(text) => switchboard_wire::engine::push_text(&mut body, text),
            Bytes(bytes) => switchboard_wire::engine::push_binary(&mut body, bytes),
        }
    }
    body
}

/// As measured on socket.io 4.8.4; `tests-node/sio/wire.mjs` has many more.
#[tokio::test]
async fn reference_outcomes_what_stays_open() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let deep = format!("42[\"echo\",{}{}]", "[".repeat(5_000), "]".repeat(5_000));
    let huge_id = format!("42{}[\"echo\"]", "9".repeat(60));
    let huge_ack = format!("43{}[]", "9".repeat(60));
    let cases: [(&str, Vec<Say<'_>>); 7] = [
        ("deep JSON", vec![Text(&deep)]),
        ("a huge id", vec![Text(&huge_id), Text(&huge_ack)]),
        ("an unknown namespace", vec![Text("40/nowhere,")]),
        ("pongs that nobody asked for", vec![Text("3"); 100]),
        ("an event called error", vec![Text(r#"42["error"]"#)]),
        ("an event without a payload", vec![Text("42")]),
        (
            "ten attachments",
            [Text(r#"4510-["echo"]"#)]
                .into_iter()
                .chain([Bytes(b"x"); 10])
                .collect(),
        ),
    ];
    for (name, packets) in &cases {
        let mut peer = Peer::entered(address).await;
        say(&mut peer, packets).await;
        assert!(peer.lives().await, "{name}, over a WebSocket");
        let poller = Poller::entered(address).await;
        assert_eq!(poller.post(body(packets)).await.status, 200);
        assert!(poller.lives().await, "{name}, by polling");
    }
    // While ten attachments are awaited, the rest of Engine.IO goes on.
    let mut peer = Peer::entered(address).await;
    say(&mut peer, &[Text(r#"4510-["echo"]"#), Text("3")]).await;
    say(&mut peer, &[Bytes(b"x"); 10]).await;
    assert!(peer.lives().await);
}

#[tokio::test]
async fn reference_outcomes_what_closes() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let eleven = format!("4511-[\"echo\",{PLACEHOLDER}]");
    let one = format!("451-[\"echo\",{PLACEHOLDER}]");
    let splice = one.replace(":0", r#":"splice""#);
    let cases: [(&str, Vec<Say<'_>>); 17] = [
        ("eleven attachments", vec![Text(&eleven)]),
        ("a stray binary", vec![Bytes(b"x")]),
        (
            "text while an attachment is awaited",
            vec![Text(&one), Text(r#"42["echo"]"#)],
        ),
        ("a bad placeholder", vec![Text(&splice), Bytes(b"x")]),
        ("a reserved event", vec![Text(r#"42["disconnect"]"#)]),
        (
            "an event that is an object",
            vec![Text(r#"42[{"toString":"x"}]"#)],
        ),
        ("an event that is null", vec![Text("42[null]")]),
        ("an empty list", vec![Text("42[]")]),
        ("wrong JSON", vec![Text(r#"42["echo""#)]),
        ("a namespace not joined", vec![Text(r#"42/admin,["echo"]"#)]),
        (
            "an ack of a namespace not joined",
            vec![Text("43/admin,1[]")],
        ),
        ("a ping of the client", vec![Text("2")]),
        ("an unknown type", vec![Text("49")]),
        ("an unknown type of Engine.IO", vec![Text("x")]),
        ("an empty text", vec![Text("")]),
        ("joining again", vec![Text("40")]),
        ("a refusal by a client", vec![Text(r#"44{"message":"x"}"#)]),
    ];
    for (name, packets) in &cases {
        let mut peer = Peer::entered(address).await;
        say(&mut peer, packets).await;
        // Node says no code and no reason. Clients look at neither, so ours say what was wrong.
        let code = if *name == "a ping of the client" {
            1000
        } else {
            1008
        };
        assert_eq!(
            peer.end().await,
            End::Code(code),
            "{name}, over a WebSocket"
        );
        let poller = Poller::entered(address).await;
        // Node answers "ok" whatever is in it, and so do we; the next poll is told.
        assert_eq!(poller.post(body(packets)).await.status, 200, "{name}");
        assert!(!poller.lives().await, "{name}, by polling");
    }
    until("nobody is left", || server.stats().connections == 0).await;
}

#[tokio::test]
async fn reference_outcomes_too_large_is_1009() {
    let (_io, server) = io_server(IoConfig::default().with_max_http_buffer_size(1_000)).await;
    let mut peer = Peer::entered(server.local_addr()).await;
    let text = format!("42[\"echo\",\"{}\"]", "x".repeat(1_000));
    peer.send(TEXT, text.as_bytes()).await;
    assert_eq!(peer.end().await, End::Code(1009));
}

/// A million packets of two bytes in one post: what waits is bounded by the post, nobody else waits.
#[tokio::test]
async fn cve_2026_48779_tiny_packets_of_a_post() {
    let (_io, server) = io_server(IoConfig::default().with_message_rate(None)).await;
    let poller = Poller::entered(server.local_addr()).await;
    let mut tiny = "43\u{1e}".repeat(333_000);
    tiny.pop();
    assert_eq!(poller.post(&tiny).await.status, 200);
    assert!(poller.lives().await);
    // With the default rate the client is slowed down, and the session goes on.
    let (_io, server) = io_server(IoConfig::default()).await;
    let poller = Poller::entered(server.local_addr()).await;
    let mut few = "43\u{1e}".repeat(3_000);
    few.pop();
    assert_eq!(poller.post(&few).await.status, 200);
    assert!(poller.lives().await);
}

/// A post that is no text, or whose binary is none, ended the process.
#[tokio::test]
async fn cve_2026_59725_posts_that_are_no_packets() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let bystander = Poller::entered(address).await;
    let poller = Poller::entered(address).await;
    let reply = poller
        .post_as("application/octet-stream", b"\x04\x00\xff")
        .await;
    assert_eq!((reply.status, &*reply.body), (400, ""));
    assert!(!poller.lives().await);
    for body in ["b*", "bAQ\u{1e}b!", "b\u{e9}", "\u{1e}", "4\u{1e}"] {
        let poller = Poller::entered(address).await;
        assert_eq!(poller.post(body).await.status, 200, "{body:?}");
        assert!(!poller.lives().await, "{body:?}");
    }
    let poller = Poller::entered(address).await;
    assert_eq!(poller.post(b"b\xff\xfe\x80").await.status, 200);
    assert!(!poller.lives().await);
    assert!(bystander.lives().await);
}

/// Each pong started a task of its own, also before anybody was let in.
#[tokio::test]
async fn cve_2026_48802_pongs_start_nothing() {
    let (_io, server) = io_server(IoConfig::default().with_message_rate(None)).await;
    let address = server.local_addr();
    let mut entered = Peer::entered(address).await;
    let mut stranger = Peer::greeted(address).await;
    let poller = Poller::entered(address).await;
    assert!(entered.lives().await && poller.lives().await);
    let tasks = || Handle::current().metrics().num_alive_tasks();
    // Transports of the polls have ended.
    let mut before = tasks();
    until("the last poll's task has ended", || {
        let now = tasks();
        std::mem::replace(&mut before, now) == now
    })
    .await;
    let pongs = masked(TEXT, b"3").repeat(2_000);
    entered.tcp.write_all(&pongs).await.unwrap();
    stranger.tcp.write_all(&pongs).await.unwrap();
    let mut posted = "3\u{1e}".repeat(2_000);
    posted.pop();
    assert_eq!(poller.post(&posted).await.status, 200);
    assert!(entered.lives().await);
    until("no task is left of 6,000 pongs", || tasks() <= before).await;
    assert!(poller.lives().await);
    stranger.enter("/").await;
}

/// A close frame carries the code and reason it was given and nothing else.
#[tokio::test]
async fn cve_2026_45736_a_close_says_what_it_was_given() {
    let io = Io::new(IoConfig::default()).unwrap();
    io.on("go", async |socket: Socket| {
        socket.disconnect(true);
        Ok::<_, switchboard_server::HandlerError>(())
    });
    let server = serve(&io).await;
    let mut peer = Peer::entered(server.local_addr()).await;
    peer.send(TEXT, br#"42["go"]"#).await;
    assert_eq!(peer.text().await.as_deref(), Some("41"));
    let expected = 1000_u16.to_be_bytes().to_vec();
    assert_eq!(soon(peer.frame()).await, Some((common::CLOSE, expected)));

    let echo = common::echo_server(common::with_connection(
        switchboard_connection::ConnectionConfig::default().with_max_message_size(10),
    ))
    .await;
    let mut peer = Peer::join(echo.local_addr(), "/namespace/a").await;
    peer.send(TEXT, &[b'x'; 11]).await;
    let expected = [&1009_u16.to_be_bytes()[..], b"TOO_LARGE"].concat();
    assert_eq!(soon(peer.frame()).await, Some((common::CLOSE, expected)));
}

/// Ten megabytes of zeros in ten kilobytes: no body is inflated, and compression of frames is not on
/// offer.
#[tokio::test]
async fn cve_2026_1526_nothing_is_inflated() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b'0'; 10_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    let poller = Poller::entered(address).await;
    let more = format!(
        "Content-Encoding: gzip\r\nContent-Length: {}\r\n",
        bomb.len()
    );
    let request = [poller.head("POST", &more).as_bytes(), &bomb].concat();
    assert_eq!(ask(address, request).await.unwrap().status, 200);
    assert!(!poller.lives().await, "it is no packet");

    let mut peer = Peer::open(address).await;
    let path = format!("{ENGINE}&transport=websocket");
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    peer.tcp
        .write_all(upgrade_with(&path, offer).as_bytes())
        .await
        .unwrap();
    let reply = soon(peer.reply()).await.unwrap();
    assert_eq!(
        (reply.status, reply.header("sec-websocket-extensions")),
        (101, None)
    );
    assert!(peer.text().await.is_some());
    // The bit that says "compressed".
    peer.send(0xC1, b"\x4a\x4c\x4a\x06\x00").await;
    assert_eq!(peer.end().await, End::Code(1002));
}

/// A length that does not fit into 63, 53 or 32 bits.
#[tokio::test]
async fn cve_2026_1528_lengths_of_64_bits() {
    let (_io, server) = io_server(IoConfig::default()).await;
    for (length, code) in [
        (u64::MAX, 1002),
        (1 << 63, 1002),
        ((1 << 63) - 1, 1009),
        ((1 << 53) + 1, 1009),
        (1 << 32, 1009),
    ] {
        let mut peer = Peer::entered(server.local_addr()).await;
        let mut frame = vec![TEXT, 0xFF];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        peer.tcp.write_all(&frame).await.unwrap();
        assert_eq!(peer.end().await, End::Code(code), "{length:x}");
    }
}

/// The first frame came before anybody listened for errors.
#[tokio::test]
async fn cve_2022_21676_garbage_right_behind_the_upgrade() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    for garbage in [
        &[0xFF; 64][..],
        &[0; 64],
        b"\x81\x00",
        b"\x88\x80\0\0\0\0",
        b"\xc1\x81\0\0\0\0x",
    ] {
        let request = upgrade(&format!("{ENGINE}&transport=websocket"));
        let mut peer = Peer::open(address).await;
        peer.tcp
            .write_all(&[request.as_bytes(), garbage].concat())
            .await
            .unwrap();
        peer.ended().await;
        // And as a probe of a session that polls.
        let poller = Poller::entered(address).await;
        let request = upgrade(&format!("{ENGINE}&transport=websocket&sid={}", poller.sid));
        let mut peer = Peer::open(address).await;
        peer.tcp
            .write_all(&[request.as_bytes(), garbage].concat())
            .await
            .unwrap();
        peer.ended().await;
        assert!(poller.lives().await, "{garbage:?}");
    }
    assert!(Peer::entered(address).await.lives().await);
}

/// A transport that was reset while its request was answered.
#[tokio::test]
async fn cve_2022_41940_a_reset_in_the_middle() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    for round in 0..20 {
        let poller = Poller::greeted(address).await;
        let requests = [
            upgrade(&format!("{ENGINE}&transport=websocket")),
            upgrade(&format!("{ENGINE}&transport=websocket&sid={}", poller.sid)),
            poller.head("GET", ""),
            poller.head("POST", "Content-Length: 10\r\n"),
        ];
        for request in requests {
            let mut peer = Peer::open(address).await;
            peer.tcp.write_all(request.as_bytes()).await.unwrap();
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            peer.reset();
        }
    }
    assert!(Peer::entered(address).await.lives().await);
    assert!(Poller::entered(address).await.lives().await);
}

/// Upgrades and polls whose transport, revision or session are something else than they seem.
#[tokio::test]
async fn cve_2023_31125_requests_that_make_no_sense() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let websocket = Peer::entered(address).await;
    let poller = Poller::entered(address).await;
    let sids = [
        "",
        "__proto__",
        "constructor",
        "toString",
        "x",
        "%00",
        "\u{e9}",
        &poller.sid,
    ];
    for transport in [
        "",
        "polling",
        "websocket",
        "webtransport",
        "__proto__",
        "constructor",
        "flash",
    ] {
        for sid in sids {
            for revision in ["EIO=4&", "EIO=3&", "EIO=__proto__&", ""] {
                let path = format!("/socket.io/?{revision}transport={transport}&sid={sid}");
                if sid == poller.sid && transport != "flash" && revision == "EIO=4&" {
                    continue; // That would be a request that makes sense.
                }
                let plain = format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
                for request in [upgrade(&path), plain] {
                    let opens = transport == "websocket" && sid.is_empty() && revision == "EIO=4&";
                    let status = ask(address, request).await.map(|reply| reply.status);
                    assert!(
                        status == Some(400) || (opens && status == Some(101)),
                        "{path} {status:?}"
                    );
                }
            }
        }
    }
    let mut websocket = websocket;
    assert!(websocket.lives().await && poller.lives().await);
}

/// More headers than the server remembers ended the process.
#[tokio::test]
async fn cve_2024_37890_too_many_headers() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let path = format!("{ENGINE}&transport=websocket");
    for count in [101, 2_000] {
        let many: Vec<_> = (0..count).map(|at| format!("x{at}:\r\n")).collect();
        let many = many.concat();
        let reply = ask(address, upgrade_with(&path, &many)).await;
        assert_eq!(reply.map(|reply| reply.status), Some(431), "{count}");
    }
    assert!(Peer::entered(address).await.lives().await);
}

/// A head that comes byte by byte is read once, not anew with each byte. It is bounded, so that this
/// could not cost much; that it is answered shows that it is put together.
#[tokio::test]
async fn cve_2023_43669_a_head_in_single_bytes() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let padding = format!("X-Padding: {}\r\n", "x".repeat(10_000));
    let request = upgrade_with(&format!("{ENGINE}&transport=websocket"), &padding);
    let mut peer = Peer::open(server.local_addr()).await;
    for byte in request.as_bytes() {
        peer.tcp.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(
        soon(peer.reply()).await.map(|reply| reply.status),
        Some(101)
    );
}

/// A post without a body ended the process.
#[tokio::test]
async fn ghsa_86ch_6w7v_v6xf_empty_posts() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    for more in [
        "",
        "Content-Length: 0\r\n",
        "Content-Type: application/json\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n",
    ] {
        let poller = Poller::entered(address).await;
        let reply = ask(address, poller.head("POST", more)).await;
        assert_eq!(reply.map(|reply| reply.status), Some(200), "{more:?}");
        assert!(!poller.lives().await, "an empty body is an empty packet");
        let jsonp = poller
            .head("POST", more)
            .replace("transport", "j=0&transport");
        let reply = ask(address, jsonp).await;
        assert_eq!(
            reply.map(|reply| reply.status),
            Some(400),
            "its session is over"
        );
        let stranger = "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n";
        let reply = ask(address, format!("{stranger}{more}\r\n")).await;
        assert_eq!(
            reply.map(|reply| reply.body).as_deref(),
            Some(r#"{"code":2,"message":"Bad handshake method"}"#)
        );
    }
    assert!(Poller::entered(address).await.lives().await);
}

#[tokio::test]
async fn cve_2020_28481_no_origin_is_allowed_unasked() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let asked = "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n";
    let nobody = Poller {
        server: address,
        sid: String::new(),
    };
    for method in ["GET", "OPTIONS"] {
        let reply = ask(address, nobody.head(method, asked)).await.unwrap();
        for header in [
            "access-control-allow-origin",
            "access-control-allow-credentials",
        ] {
            assert_eq!(reply.header(header), None, "{method}");
        }
    }
    // No cross-origin rule of browsers covers WebSockets, so their origin is checked.
    let path = format!("{ENGINE}&transport=websocket");
    let reply = ask(
        address,
        upgrade_with(&path, "Origin: https://evil.example\r\n"),
    )
    .await;
    assert_eq!(reply.map(|reply| reply.status), Some(400));
}

/// Posts of any size were held in memory.
#[tokio::test]
async fn cve_2020_36048_posts_have_a_size() {
    let (_io, server) = io_server(IoConfig::default()).await;
    let address = server.local_addr();
    let poller = Poller::entered(address).await;
    let packet = |len: usize| format!("42[\"x\",\"{}\"]", "x".repeat(len - 10));
    assert_eq!(poller.post(packet(1_000_000)).await.status, 200);
    assert_eq!(poller.post(packet(1_000_001)).await.status, 413);
    // Without a length, and with one that is never fulfilled.
    let mut peer = Peer::open(address).await;
    let head = poller.head("POST", "Transfer-Encoding: chunked\r\n");
    peer.tcp.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"ffff\r\n", &vec![b'4'; 0xFFFF][..], b"\r\n"].concat();
    for _ in 0..20 {
        if peer.tcp.write_all(&chunk).await.is_err() {
            break;
        }
    }
    assert_eq!(
        soon(peer.reply()).await.map(|reply| reply.status),
        Some(413)
    );
    let claim = poller.head("POST", "Content-Length: 99999999999\r\n");
    let reply = ask(address, claim).await;
    assert_eq!(
        reply.map(|reply| reply.status),
        Some(413),
        "before anything of it came"
    );
    assert!(poller.lives().await, "as in Node the session goes on");
}

/// Ids came from a generator that can be predicted. 96 bits of ours are the operating system's.
#[tokio::test]
async fn cve_2017_16031_ids_are_random() {
    let (io, server) = io_server(IoConfig::default()).await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let poller = Poller::entered(server.local_addr()).await;
        assert_eq!(poller.sid.len(), 20);
        assert!(
            seen.insert(poller.sid[..16].to_owned()),
            "a random part that comes again"
        );
    }
    for id in io.all_sockets().await.value {
        assert_eq!(id.len(), 20);
        assert!(
            seen.insert(id[..16].to_owned()),
            "the public id says nothing about the secret one"
        );
    }
    assert_eq!(seen.len(), 40);
}
