//! A client asks to enter a namespace: is it there, what do the middlewares say, the answer.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use switchboard_connection::{Address, Connection, ConnectionId, Delivery};
use switchboard_wire::Args;
use tokio::time::timeout;
use tracing::Span;

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
        io::IoInner,
        reason::DisconnectReason,
        recovery::{Recovery, Resumed},
        send::frame,
        socket::{Socket, SocketCore, Stage},
    },
    trace::{self, Traced},
};

impl Driver {
    /// A CONNECT for a namespace that the client is not in.
    pub(super) fn connect(&mut self, name: &str, auth: Args) {
        let server = Arc::clone(self.session.io());
        if self.seats.len() >= server.core.config.max_namespaces_per_connection {
            trace::entry_refused("too many namespaces");
            return self.refuse(name, &HandlerError::new("Too many namespaces"));
        }
        let Some(namespace) = server.find_or_make(name, self.session.handshake()) else {
            trace::entry_refused("no such namespace");
            return self.refuse(name, &HandlerError::new("Invalid namespace"));
        };
        let guest = Guest {
            io: server,
            namespace: Arc::clone(&namespace),
        };
        self.forgive(name);
        let resumed = resume(&namespace, &auth);
        let Ok((id, pid)) = identify(&namespace, &auth, resumed.as_ref()) else {
            trace::entry_refused("no random bytes");
            return self.refuse(name, &HandlerError::new("internal error"));
        };
        let socket = SocketCore::new(
            Address::new(id, namespace.name().clone()),
            Arc::clone(&self.session),
            Arc::clone(&namespace),
            auth,
            pid,
            resumed.as_ref().map(|resumed| &resumed.saved),
        );
        self.session.add_socket(&socket);
        let skips = resumed.is_some()
            && namespace
                .recovery
                .as_ref()
                .is_some_and(Recovery::skips_middlewares);
        let decision = decide(&socket, skips);
        if self.seats.is_empty() {
            // Most clients are in one namespace.
            self.seats.reserve_exact(1);
        }
        self.seats.push(Seat::new(
            socket,
            Entry {
                decision,
                resumed,
                _guest: guest,
            },
        ));
    }

    fn refuse(&self, namespace: &str, error: &HandlerError) {
        let parser = self.session.io().core.parser;
        let packet = parser.connect_error(namespace, error.message(), error.data());
        self.session.io().core.metrics.entry_refused();
        // A client that is gone needs no answer.
        let _ = self.session.try_send(&frame(&packet), Delivery::Policy);
    }

    /// The middlewares have decided about the socket at `index`.
    pub(super) fn decided(&mut self, index: usize, decision: Result<(), HandlerError>) {
        let seat = &mut self.seats[index];
        let Some(entry) = seat.entry.take() else {
            return;
        };
        let socket = Arc::clone(&seat.socket);
        let entered = match decision {
            // A middleware may have taken it out.
            Ok(()) if socket.stage() == Stage::Left => {
                Err(Some(HandlerError::new("disconnected by the server")))
            }
            Ok(()) => enter(&socket, entry.resumed.as_ref()),
            Err(error) => {
                trace::entry_refused("a middleware");
                Err(Some(error))
            }
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
    let pid = socket.pid();
    let parser = namespace.parser();
    let packet = parser.connect(namespace.name(), &socket.address().id, pid.as_deref());
    let answer = frame(&packet);
    let entered = match &namespace.recovery {
        Some(recovery) => recovery
            .enter(socket, resumed, answer, || socket.enter(saved))
            .ok_or(None)?,
        None => socket.enter(saved).inspect(|_| {
            // A client that is gone hears nothing.
            let _ = socket.send_now(&answer);
        }),
    };
    match entered {
        Ok(events) => {
            trace::entered(socket, resumed.is_some());
            namespace.announce(events);
            Ok(())
        }
        Err(switchboard_pool::AddError::Draining) => Err(None),
        Err(error) => {
            trace::entry_refused(error.code());
            Err(Some(HandlerError::new(error.code())))
        }
    }
}

/// A client on its way into a namespace, which lives on meanwhile: `find_or_make` has counted it.
pub(crate) struct Guest {
    io: Arc<IoInner>,
    namespace: Arc<NamespaceCore>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.namespace.entering.fetch_sub(1, Ordering::AcqRel);
        if self.namespace.is_empty() {
            self.io.watch_if_empty(&self.namespace);
        }
    }
}

/// Runs the middlewares, one after another.
fn decide(socket: &Arc<SocketCore>, skips: bool) -> Running {
    let handlers = socket.namespace().handlers.get();
    let incoming = Incoming {
        socket: Socket(Arc::clone(socket)),
        what: What::Connect,
    };
    let core = Arc::clone(socket.namespace().core());
    let within = core.config.middleware_timeout;
    let span = if handlers.middlewares.is_empty() {
        Span::none()
    } else {
        trace::entry(socket)
    };
    Box::pin(Traced::new(span, async move {
        if skips || handlers.middlewares.is_empty() {
            return Ok(());
        }
        let began = core.metrics.now();
        let decision = async {
            for middleware in &handlers.middlewares {
                let running = middleware(&incoming)
                    .map_err(|rejected| HandlerError::new(rejected.to_string()))?;
                running.await?;
            }
            Ok(())
        };
        let decision = timeout(within, decision).await;
        let decision = decision.unwrap_or_else(|_| Err(HandlerError::new("timed out")));
        core.metrics.decided(began, decision.is_ok());
        decision
    }))
}

/// What a client sends to continue an earlier session.
#[derive(serde::Deserialize)]
struct Claim {
    pid: String,
    #[serde(default)]
    offset: Option<String>,
}

/// The earlier session that the client wants to continue, if it can.
fn resume(namespace: &NamespaceCore, auth: &Args) -> Option<Resumed> {
    let recovery = namespace.recovery.as_ref()?;
    let claim: Claim = auth.get(0).ok()?;
    if let Some(earlier) = recovery.socket_of(&claim.pid) {
        // Its transport is dead, and nobody has noticed yet.
        earlier.is_succeeded();
    }
    let room = namespace.core().config.outbox_bytes;
    let resumed = recovery.resume(&claim.pid, claim.offset.as_deref(), room);
    namespace.core().metrics.recovery(resumed.is_some());
    resumed
}

/// The socket's id and, with recovery, the secret with which the client may come back: as before, or new.
/// Fails when the operating system has no random bytes.
fn identify(
    namespace: &NamespaceCore,
    auth: &Args,
    resumed: Option<&Resumed>,
) -> io::Result<(ConnectionId, Option<Box<str>>)> {
    if let Some(resumed) = resumed
        && let Ok(claim) = auth.get::<Claim>(0)
    {
        return Ok((resumed.saved.id.clone(), Some(claim.pid.into())));
    }
    let fresh = || Ok::<_, io::Error>(Sid::random()?.as_str().to_owned());
    let id = ConnectionId::new(fresh()?).map_err(io::Error::other)?;
    let pid = match namespace.recovery {
        Some(_) => Some(fresh()?.into()),
        None => None,
    };
    Ok((id, pid))
}
