//! How the chat finds `socket.io-client` for its page, or does without. No test uses a network: what is called
//! `npm` here is a script.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Example, PLAIN, STOCK, soon};

/// A directory for one test, and in it a `bin` that is all the chat's `PATH`.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        fs::remove_dir_all(&place).ok();
        fs::create_dir_all(place.join("bin")).unwrap();
        Self(place)
    }

    /// Makes an `npm` of these shell commands; its arguments go to a file.
    fn with_npm(self, commands: &str) -> Self {
        let npm = self.0.join("bin/npm");
        let place = self.0.display();
        let script = format!(
            "#!/bin/sh\necho \"$@\" > '{place}/arguments'\nPATH=/usr/bin:/bin\n{commands}\n"
        );
        fs::write(&npm, script).unwrap();
        fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    async fn chat(&self) -> Example {
        let bin = self.0.join("bin");
        let client = self.0.join("client");
        let environment = [
            ("PATH", bin.to_str().unwrap()),
            ("SOCKET_IO_CLIENT", client.to_str().unwrap()),
            ("NPM_SECONDS", "20"),
        ];
        Example::start("chat", &[], &environment).await
    }
}

/// The status of `GET /socket.io/socket.io.js`, and what came with it.
async fn bundle(chat: &Example) -> (u16, String) {
    let mut stream = TcpStream::connect(chat.host()).await.unwrap();
    let request = format!(
        "GET /socket.io/socket.io.js HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        chat.host()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("the answer", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
    (status.unwrap(), answer)
}

#[track_caller]
fn only_line(chat: &Example) -> &str {
    let [line] = chat.said() else {
        panic!("{:?}", chat.said())
    };
    line
}

#[tokio::test]
async fn a_client_that_is_installed_is_served() {
    let chat = Example::start("chat", &[], &[STOCK]).await;
    assert!(only_line(&chat).starts_with("socket.io-client is served from "));
    let (status, answer) = bundle(&chat).await;
    assert_eq!(status, 200);
    assert!(answer.contains("Socket.IO v4."), "{answer:.400}");
}

#[tokio::test]
async fn switched_off_nothing_is_looked_for() {
    let chat = Example::start("chat", &[], &[PLAIN]).await;
    assert!(only_line(&chat).contains("pages use plain WebSockets"));
    assert_eq!(bundle(&chat).await.0, 404);
}

#[tokio::test]
async fn npm_installs_the_client_once() {
    let install = format!(
        "mkdir node_modules && cp -R '{}/node_modules/socket.io-client' node_modules/",
        STOCK.1
    );
    let place = Place::new("npm-installs").with_npm(&install);
    let chat = place.chat().await;
    let line = only_line(&chat);
    assert!(line.starts_with("installing socket.io-client 4.8.4 from npm"));
    assert_eq!(bundle(&chat).await.0, 200);
    let arguments = fs::read_to_string(place.0.join("arguments")).unwrap();
    assert!(arguments.starts_with("install socket.io-client@4.8.4 "));
    assert!(arguments.contains(" --ignore-scripts "), "{arguments}");
    drop(chat);

    let place = place.with_npm("exit 1");
    let chat = place.chat().await;
    assert!(only_line(&chat).starts_with("socket.io-client is served from "));
    assert_eq!(bundle(&chat).await.0, 200);
    // Nothing of the installation is left lying about.
    let entries = fs::read_dir(place.0.join("client")).unwrap();
    assert_eq!(entries.count(), 1);
}

#[tokio::test]
async fn without_npm_the_page_does_without() {
    let chat = Place::new("npm-is-missing").chat().await;
    let [_, line] = chat.said() else {
        panic!("{:?}", chat.said())
    };
    assert_eq!(
        line,
        "no socket.io-client (npm is not installed): pages use plain WebSockets"
    );
    assert_eq!(bundle(&chat).await.0, 404);
}

#[tokio::test]
async fn when_npm_fails_one_line_says_why() {
    let place =
        Place::new("npm-fails").with_npm("echo 'no network here' >&2; echo more >&2; exit 3");
    let chat = place.chat().await;
    let [_, line] = chat.said() else {
        panic!("{:?}", chat.said())
    };
    assert_eq!(
        line,
        "no socket.io-client (npm failed: no network here): pages use plain WebSockets"
    );
    assert_eq!(bundle(&chat).await.0, 404);
}

#[tokio::test]
async fn when_npm_takes_too_long_it_is_given_up() {
    let place = Place::new("npm-hangs").with_npm("exec sleep 600");
    let bin = place.0.join("bin");
    let client = place.0.join("client");
    let environment = [
        ("PATH", bin.to_str().unwrap()),
        ("SOCKET_IO_CLIENT", client.to_str().unwrap()),
        ("NPM_SECONDS", "1"),
    ];
    let chat = Example::start("chat", &[], &environment).await;
    let line = chat.said().last().unwrap();
    assert!(line.contains("npm took longer than 1 s"), "{line}");
}

#[tokio::test]
async fn what_is_in_the_way_of_an_installation_stays() {
    let place = Place::new("npm-in-the-way").with_npm("mkdir node_modules && touch node_modules/x");
    let precious = place.0.join("client/node_modules/precious");
    fs::create_dir_all(precious.join("code")).unwrap();
    let chat = place.chat().await;
    let line = chat.said().last().unwrap();
    assert!(line.contains("is in the way"), "{line}");
    assert!(precious.join("code").is_dir());
}
