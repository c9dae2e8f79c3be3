//! A redis-server of the test's own: on a free port, with an empty directory, ended by its pid.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Ends with the value, also when the test panics.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    directory: PathBuf,
    extra: Vec<String>,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With more words for the command line.
    pub(crate) fn with(extra: &[&str]) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("switchboard-redis-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let mut server = Self {
            port: 0,
            directory,
            extra: extra.iter().map(|&word| word.to_owned()).collect(),
            child: None,
        };
        for _ in 0..20 {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server does not start: is it installed? Try `cargo xtask setup`");
    }

    /// Whether it came up; not if somebody else has taken the port.
    fn launch(&mut self) -> bool {
        let port = self.port.to_string();
        let mut words = vec!["--port", &port, "--bind", "127.0.0.1", "--save", ""];
        words.extend([
            "--appendonly",
            "no",
            "--enable-debug-command",
            "yes",
            "--daemonize",
            "no",
        ]);
        words.extend(self.extra.iter().map(String::as_str));
        let child = Command::new("redis-server")
            .args(words)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else { return false };
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            if self
                .try_command(&["PING"])
                .is_ok_and(|reply| reply.contains("PONG") || reply.contains("NOAUTH"))
            {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, empty, on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let end = Instant::now() + Duration::from_secs(20);
        while !self.launch() {
            assert!(Instant::now() < end, "redis-server does not come back");
            sleep(Duration::from_millis(50));
        }
    }

    /// Stops its clock: nothing is answered, connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// One command on a connection of its own; the first line of the reply, or all of a string or list.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap()
    }

    pub(crate) fn try_command(&self, words: &[&str]) -> std::io::Result<String> {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.raw(&bytes)
    }

    /// Publishes any bytes; answers how many got them.
    pub(crate) fn publish(&self, channel: &str, payload: &[u8]) -> usize {
        let reply = self
            .raw(&[b"PUBLISH", channel.as_bytes(), payload])
            .unwrap();
        reply.trim_start_matches(':').parse().unwrap()
    }

    fn raw(&self, words: &[&[u8]]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        stream.write_all(&bytes)?;
        reply(&mut BufReader::new(stream))
    }
}

fn reply(from: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let line = line.trim_end().to_owned();
    let count = line.get(1..).and_then(|rest| rest.parse::<i64>().ok());
    match (line.as_bytes().first(), count) {
        (Some(b'$'), Some(length)) if length >= 0 => {
            let mut text = vec![0; usize::try_from(length).unwrap() + 2];
            from.read_exact(&mut text)?;
            text.truncate(text.len() - 2);
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        (Some(b'*'), Some(count)) => {
            let parts: Result<Vec<_>, _> = (0..count).map(|_| reply(from)).collect();
            Ok(parts?.join(" "))
        }
        _ => Ok(line),
    }
}

fn free_port() -> u16 {
    // With room for a cluster's bus, 10,000 above it.
    loop {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < 55_000 {
            return port;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
