//! The client: connecting, sending, leaving. What it expects is in [`expect`](crate::expect).

use std::{fmt, panic::Location, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use switchboard_server::Io;
use switchboard_wire::ConnectError;

use crate::{
    builder::{ClientBuilder, ConnectFailure, Settings},
    connection::Connection,
    engine::Outgoing,
    reason::Reason,
    seat::{Consent, Seat},
};

/// A client in one namespace of one connection. A clone is the same client.
///
/// ```
/// # use switchboard_server::{Io, IoConfig, Socket, extract::Data};
/// # use switchboard_testkit::TestClient;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let io = Io::new(IoConfig::default()).unwrap();
/// io.on("say", async |socket: Socket, Data(text): Data<String>| {
///     socket.namespace().emit("said", &text).ok();
/// });
///
/// let client = TestClient::connect(&io).await;
/// client.emit("say", "hello");
/// assert_eq!(client.expect_as::<String>("said").await, "hello");
/// # }
/// ```
///
/// When the last client of a connection is dropped, the transport is cut without a word.
#[derive(Clone)]
pub struct TestClient {
    pub(crate) connection: Arc<Connection>,
    pub(crate) seat: Arc<Seat>,
    pub(crate) settings: Settings,
    namespace: Arc<str>,
    consent: Consent,
    auth: Option<Value>,
}

/// Connecting.
impl TestClient {
    /// A client in the namespace `/`.
    ///
    /// # Panics
    ///
    /// When it does not get in.
    #[track_caller]
    pub fn connect(io: &Io) -> impl Future<Output = Self> + Send {
        ClientBuilder::default().connect(io)
    }

    /// Says how to connect.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) async fn open(
        io: &Io,
        settings: Settings,
        namespace: String,
        auth: Option<Value>,
    ) -> Result<Self, ConnectFailure> {
        let connection = Arc::new(Connection::open(io, &settings).await?);
        Self::enter_as(connection, settings, &namespace, auth.clone(), auth).await
    }

    /// Asks to enter with `spoken`; `auth` is what is spoken again by a reconnect.
    async fn enter_as(
        connection: Arc<Connection>,
        settings: Settings,
        namespace: &str,
        spoken: Option<Value>,
        auth: Option<Value>,
    ) -> Result<Self, ConnectFailure> {
        let seat = connection
            .request(namespace, spoken.as_ref())
            .map_err(|error| ConnectFailure::Protocol(error.to_string()))?;
        let entry = seat.entry().await.map_err(ConnectFailure::Ended)?;
        Ok(Self {
            consent: entry.map_err(ConnectFailure::Refused)?,
            connection,
            seat,
            settings,
            namespace: namespace.into(),
            auth,
        })
    }

    /// Enters another namespace over the same connection.
    ///
    /// # Panics
    ///
    /// When it does not get in.
    #[track_caller]
    pub fn enter<T: Serialize + Sync + ?Sized>(
        &self,
        namespace: &str,
        auth: &T,
    ) -> impl Future<Output = Self> + Send {
        let at = Location::caller();
        async move {
            match self.try_enter(namespace, auth).await {
                Ok(client) => client,
                Err(failure) => panic!("{at}: not in `{namespace}`: {failure}"),
            }
        }
    }

    /// Asks to enter another namespace over the same connection, and expects a refusal (`connect_error`).
    ///
    /// # Panics
    ///
    /// When it gets in, or the connection ends.
    #[track_caller]
    pub fn refused<T: Serialize + Sync + ?Sized>(
        &self,
        namespace: &str,
        auth: &T,
    ) -> impl Future<Output = ConnectError> + Send {
        let at = Location::caller();
        async move {
            match self.try_enter(namespace, auth).await {
                Err(ConnectFailure::Refused(error)) => error,
                Err(failure) => panic!("{at}: expected a refusal, but: {failure}"),
                Ok(client) => panic!("{at}: expected a refusal, but {client} is in"),
            }
        }
    }

    /// Asks to enter another namespace over the same connection. `auth` must serialise as an object, or as
    /// `null` for none.
    pub async fn try_enter<T: Serialize + Sync + ?Sized>(
        &self,
        namespace: &str,
        auth: &T,
    ) -> Result<Self, ConnectFailure> {
        let auth = serde_json::to_value(auth)
            .map_err(|error| ConnectFailure::Protocol(error.to_string()))?;
        let auth = (!auth.is_null()).then_some(auth);
        let (connection, settings) = (Arc::clone(&self.connection), self.settings.clone());
        let deadline = settings.deadline;
        let entering = Self::enter_as(connection, settings, namespace, auth.clone(), auth);
        let entered = tokio::time::timeout(deadline, entering).await;
        entered.unwrap_or(Err(ConnectFailure::TimedOut(deadline)))
    }

    /// Connects anew over a new transport, as a real client does after it lost its own: with the same auth
    /// and, if the server keeps sessions (connection state recovery), where it was.
    ///
    /// # Panics
    ///
    /// When it does not get in.
    #[track_caller]
    pub fn reconnect(&self, io: &Io) -> impl Future<Output = Self> + Send {
        let at = Location::caller();
        let io = io.clone();
        async move {
            match self.try_reconnect(&io).await {
                Ok(client) => client,
                Err(failure) => panic!("{at}: not back in `{}`: {failure}", self.namespace),
            }
        }
    }

    /// The same, for a client that may not get in.
    pub async fn try_reconnect(&self, io: &Io) -> Result<Self, ConnectFailure> {
        let mut sent = self.auth.clone();
        if let Some(pid) = self.pid() {
            let fields = sent.get_or_insert_with(|| Value::Object(serde_json::Map::new()));
            fields["pid"] = pid.into();
            if let Some(offset) = self.last_offset() {
                fields["offset"] = offset.into();
            }
        }
        let (settings, auth) = (self.settings.clone(), self.auth.clone());
        let deadline = settings.deadline;
        let connecting = async {
            let connection = Arc::new(Connection::open(io, &settings).await?);
            Self::enter_as(connection, settings, &self.namespace, sent, auth).await
        };
        let connected = tokio::time::timeout(deadline, connecting).await;
        connected.unwrap_or(Err(ConnectFailure::TimedOut(deadline)))
    }
}

/// Who it is.
impl TestClient {
    /// The id of its socket: on the server, [`Socket::id`](switchboard_server::Socket::id).
    pub fn id(&self) -> &str {
        &self.consent.sid
    }

    /// The namespace it is in.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The secret with which it may continue its session; with connection state recovery only.
    pub fn pid(&self) -> Option<&str> {
        self.consent.pid.as_deref()
    }

    /// The offset of the last event it got, as a real client takes it: the last argument, if it is a text.
    pub fn last_offset(&self) -> Option<String> {
        self.seat.offset()
    }

    /// Whether it is still in its namespace, as far as it knows.
    pub fn is_connected(&self) -> bool {
        self.seat.ended().is_none()
    }

    /// The code with which the server closed the WebSocket, if it has.
    pub fn close_code(&self) -> Option<u16> {
        self.connection.engine.facts.close_code.get().copied()
    }
}

/// Sending.
impl TestClient {
    /// Sends an event: a tuple is several arguments, `()` none, everything else one. Never waits: what the
    /// server does not read yet is kept, as a real client does.
    ///
    /// # Panics
    ///
    /// When the name is reserved or `data` cannot be written.
    #[track_caller]
    pub fn emit(&self, event: &str, data: &(impl Serialize + ?Sized)) {
        self.send(event, None, data);
    }

    /// Sends an event and returns the server's answer: its first argument, or all of them when `R` is a tuple.
    ///
    /// # Panics
    ///
    /// When no answer comes within the deadline, or it is of another type.
    #[track_caller]
    pub fn emit_with_ack<R: DeserializeOwned>(
        &self,
        event: &str,
        data: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = R> + Send {
        let at = Location::caller();
        let (id, answer) = self.seat.ask();
        self.send(event, Some(id), data);
        let (this, event) = (self.clone(), event.to_owned());
        async move {
            let within = this.settings.deadline;
            match tokio::time::timeout(within, answer).await {
                Ok(Ok(args)) => match args.read() {
                    Ok(answer) => answer,
                    Err(error) => panic!("{at}: the answer to `{event}`: {error}"),
                },
                Ok(Err(_)) => panic!("{at}: no answer to `{event}`: {}", this.whereabouts()),
                Err(tokio::time::error::Elapsed { .. }) => {
                    panic!("{at}: no answer to `{event}` within {within:?}")
                }
            }
        }
    }

    #[track_caller]
    fn send(&self, event: &str, id: Option<u64>, data: &(impl Serialize + ?Sized)) {
        let sender = &self.connection.sender;
        match sender.parser.event(&self.namespace, id, event, data, None) {
            Ok(packet) => sender.send(packet),
            Err(error) => panic!("`{event}` cannot be sent: {error}"),
        }
    }

    /// Changes from polling to a WebSocket, as real clients do soon after they have connected. What is sent
    /// meanwhile goes the old way until the new one is ready; nothing is lost or overtaken. With a WebSocket
    /// already, nothing happens.
    ///
    /// ```
    /// # use switchboard_server::{Io, IoConfig};
    /// # use switchboard_testkit::TestClient;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// let client = TestClient::builder().polling().connect(&io).await;
    /// assert_eq!(io.root().everybody().local_sockets()[0].transport(), "polling");
    /// client.upgrade().await;
    /// io.emit("hello", &()).unwrap();
    /// client.expect("hello").await;
    /// assert_eq!(io.root().everybody().local_sockets()[0].transport(), "websocket");
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// When it has not changed within the deadline: the server refuses, or the client is disconnected.
    #[track_caller]
    pub fn upgrade(&self) -> impl Future<Output = ()> + Send {
        let at = Location::caller();
        let (done, is_done) = tokio::sync::oneshot::channel();
        // A transport that has ended drops it, which is an answer.
        let _ = self
            .connection
            .engine
            .outgoing
            .send(Outgoing::Upgrade(done));
        let this = self.clone();
        async move {
            let within = this.settings.deadline;
            match tokio::time::timeout(within, is_done).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => panic!("{at}: still polling: {}", this.whereabouts()),
                Err(tokio::time::error::Elapsed { .. }) => {
                    panic!("{at}: still polling after {within:?}")
                }
            }
        }
    }

    /// Takes no more bytes of the server, until [`read_again`](Self::read_again): a client that hangs.
    /// Concerns the whole connection. What is written goes on.
    pub fn stop_reading(&self) {
        self.connection.engine.reading.send_replace(false);
    }

    /// Ends [`stop_reading`](Self::stop_reading).
    pub fn read_again(&self) {
        self.connection.engine.reading.send_replace(true);
    }
}

/// Its end.
impl TestClient {
    /// Leaves the namespace (`socket.disconnect()`), after all that was sent before. The transport stays.
    pub fn leave(&self) {
        let sender = &self.connection.sender;
        sender.send(sender.parser.disconnect(&self.namespace));
        self.seat.end(Reason::ClientDisconnect);
    }

    /// Closes the transport in good order, after all that was sent before; in all namespaces.
    pub fn close(&self) {
        // If it has ended, nobody is left to be told.
        let _ = self.connection.engine.outgoing.send(Outgoing::Close);
    }

    /// Cuts the transport, in all namespaces: nothing that waits is sent, and the server is told nothing.
    pub fn drop_transport(&self) {
        self.connection.end(Reason::TransportClose);
        self.connection.engine.task.abort();
    }

    pub(crate) fn whereabouts(&self) -> String {
        match self.seat.ended() {
            Some(reason) => format!("the client is disconnected ({reason})"),
            None => "the client is connected".to_owned(),
        }
    }
}

/// Its namespace and id.
impl fmt::Display for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.namespace, self.id())
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("namespace", &self.namespace)
            .field("id", &self.id())
            .field("ended", &self.seat.ended())
            .finish_non_exhaustive()
    }
}
