//! A client asks to enter a namespace: is it there, what do the middlewares say, the answer.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Context,
};

use switchboard_connection::{Address, Connection, ConnectionId};
use switchboard_wire::Args;
use tokio::time::timeout;

use crate::{
    engine::{
        driver::Driver,
        seat::{Entry, Job, Seat},
    },
    http::Sid,
    io::{
        core::NamespaceCore,
        handler::{HandlerError, Running},
        incoming::{Incoming, What},
        reason::DisconnectReason,
        recovery::Resumed,
        send::frame,
        socket::{Socket, SocketCore},
    },
};

impl Driver {
    /// A CONNECT for a namespace that the client is not in.
    pub(super) fn connect(&mut self, name: &str, auth: Args, _context: &mut Context<'_>) {
        let io = Arc::clone(self.session.io());
        if self.seats.len() >= io.core.config.max_namespaces_per_connection {
            return self.refuse(name, &HandlerError::new("Too many namespaces"));
        }
        let Some(namespace) = io.find_or_make(name, self.session.handshake()) else {
            return self.refuse(name, &HandlerError::new("Invalid namespace"));
        };
        let namespace = Guest::new(namespace);
        self.forgive(name);
        let resumed = resume(&namespace.0, &auth);
        let id = match &resumed {
            Some(resumed) => resumed.saved.id.clone(),
            None => fresh_id(),
        };
        let pid = namespace.0.recovery.as_ref().map(|_| pid(&auth, &resumed));
        let socket = SocketCore::new(
            Address::new(id, namespace.0.name().clone()),
            Arc::clone(&self.session),
            Arc::clone(&namespace.0),
            auth,
            pid,
            resumed.as_ref().map(|resumed| &resumed.saved),
        );
        self.session.add_socket(&socket);
        let skips = resumed.is_some()
            && namespace.0.recovery.as_ref().is_some_and(|recovery| recovery.skips_middlewares());
        let decision = decide(&socket, skips, namespace);
        self.add_seat(Seat::new(socket, Entry { decision, resumed }));
    }

    fn refuse(&self, namespace: &str, error: &HandlerError) {
        let parser = self.session.io().core.parser;
        let packet = parser.connect_error(namespace, error.message(), error.data());
        self.session.io().core.metrics.entry_refused();
        // A client that is gone needs no answer.
        let _ = self.session.try_send(&frame(&packet), switchboard_connection::Delivery::Policy);
    }

    /// The middlewares have decided about the socket at `index`.
    pub(super) fn decided(&mut self, index: usize, decision: Result<(), HandlerError>) {
        let seat = &mut self.seats[index];
        let Some(entry) = seat.entry.take() else {
            return;
        };
        let socket = Arc::clone(&seat.socket);
        let entered = match decision {
            Ok(()) => enter(&socket, entry.resumed.as_ref()),
            Err(error) => Err(Some(error)),
        };
        match entered {
            Ok(()) => {
                self.clock.joined();
                seat.push(Job::Connect);
            }
            Err(refusal) => {
                seat.closing = true;
                socket.leave(DisconnectReason::ServerNamespaceDisconnect);
                self.session.forget_socket(&socket);
                match refusal {
                    Some(error) => self.refuse(socket.namespace().name(), &error),
                    None => {
                        self.session.end(DisconnectReason::ServerShuttingDown);
                    }
                }
            }
        }
    }
}

/// Goes into the namespace and answers the client. `Err(None)`: the client is to come back elsewhere.
fn enter(socket: &Arc<SocketCore>, resumed: Option<&Resumed>) -> Result<(), Option<HandlerError>> {
    let namespace = socket.namespace();
    let saved = resumed.map(|resumed| &resumed.saved);
    let go_in = || {
        let pid = socket.pid();
        let packet = namespace
            .parser()
            .connect(namespace.name(), &socket.address().id, pid.as_deref());
        let events = socket.enter(saved)?;
        // Whatever is sent to it from now on comes after the answer: it is queued under the same turn.
        let _ = socket.send_now(&frame(&packet));
        Ok(events)
    };
    let entered: Result<_, switchboard_pool::AddError> = match &namespace.recovery {
        Some(recovery) => recovery.enter(socket, resumed, go_in).ok_or(None)?,
        None => go_in(),
    };
    match entered {
        Ok(events) => {
            namespace.announce(events);
            Ok(())
        }
        Err(switchboard_pool::AddError::Draining) => Err(None),
        Err(error) => Err(Some(HandlerError::new(error.code()))),
    }
}

/// Keeps a namespace alive while a client is on its way in.
struct Guest(Arc<NamespaceCore>);

impl Guest {
    fn new(namespace: Arc<NamespaceCore>) -> Self {
        namespace.entering.fetch_add(1, Ordering::AcqRel);
        Self(namespace)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.entering.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs the middlewares, one after another.
fn decide(socket: &Arc<SocketCore>, skips: bool, guest: Guest) -> Running {
    let handlers = guest.0.handlers.get();
    let incoming = Incoming {
        socket: Socket(Arc::clone(socket)),
        what: What::Connect,
    };
    let within = guest.0.core().config.middleware_timeout;
    Box::pin(async move {
        let guest = guest;
        if skips || handlers.middlewares.is_empty() {
            return Ok(());
        }
        let decision = async {
            for middleware in &handlers.middlewares {
                let running = middleware(&incoming)
                    .map_err(|rejected| HandlerError::new(rejected.to_string()))?;
                running.await?;
            }
            Ok(())
        };
        let decision = timeout(within, decision).await;
        drop(guest);
        decision.unwrap_or_else(|_| Err(HandlerError::new("timed out")))
    })
}

/// The earlier session that the client wants to continue, if it can.
fn resume(namespace: &NamespaceCore, auth: &Args) -> Option<Resumed> {
    #[derive(serde::Deserialize)]
    struct Claim {
        pid: String,
        #[serde(default)]
        offset: Option<String>,
    }
    let recovery = namespace.recovery.as_ref()?;
    let claim: Claim = auth.get(0).ok()?;
    recovery.resume(&claim.pid, claim.offset.as_deref())
}

/// The secret with which the client may come back: as before, or a new one.
fn pid(auth: &Args, resumed: &Option<Resumed>) -> Box<str> {
    #[derive(serde::Deserialize)]
    struct Claim {
        pid: String,
    }
    match resumed {
        Some(_) => auth.get::<Claim>(0).map(|claim| claim.pid.into()),
        None => Ok(Sid::random().as_str().into()),
    }
    .unwrap_or_else(|_| Sid::random().as_str().into())
}

fn fresh_id() -> ConnectionId {
    ConnectionId::new(Sid::random().as_str()).unwrap_or_else(|_| ConnectionId::random())
}
