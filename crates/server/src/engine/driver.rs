//! The one task of a session: reads what the client sends, and runs its handlers.
//!
//! Answers and heartbeats are settled as they are read, also while a handler runs, so that a handler may
//! ask its own client. Reading rests while too much waits to be handled; if a handler waits for an answer of
//! this very client, it goes on up to a second bound.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use switchboard_connection::{Cork, Disconnect, Event, Initiator, WebSocket, WebSocketError};
use switchboard_wire::{Body, Decoder, Packet, Text, engine};
use tokio::time::Instant;

use crate::{
    engine::{
        clock::Clock,
        polling::{Polling, Posted},
        seat::{Job, Seat},
        session::{Order, Session},
    },
    gate::Permit,
    io::{ack::AckError, reason::DisconnectReason, socket::SocketCore},
    trace,
};

/// Runs one session until its last handler has ended.
pub(crate) struct Driver {
    pub(super) session: Arc<Session>,
    websocket: Option<Box<WebSocket>>,
    decoder: Decoder,
    pub(super) seats: Vec<Seat>,
    /// Namespaces that the server took the client out of, the newest last: what the client sent before it knew
    /// is ignored. As many as the client may be in.
    kicked: VecDeque<switchboard_connection::Namespace>,
    pub(super) clock: Clock,
    /// Its place among the connections; given back when the transport has ended.
    permit: Option<Permit>,
    ended: bool,
}

/// What arrived.
enum Arrived {
    Text(Text),
    Binary(Bytes),
    Nothing,
}

impl Driver {
    pub(crate) fn new(session: Arc<Session>, websocket: Option<WebSocket>, permit: Permit) -> Self {
        let clock = Clock::new(&session, Instant::now());
        Self {
            websocket: websocket.map(Box::new),
            session,
            decoder: Decoder::server(),
            seats: Vec::new(),
            kicked: VecDeque::new(),
            clock,
            permit: Some(permit),
            ended: false,
        }
    }

    fn run(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.session.driver().register(context.waker());
        loop {
            self.follow_orders();
            if let Some(reason) = self.session.ended()
                && !self.ended
            {
                self.ended = true;
                self.all_leave(reason);
            }
            let progress = self.poll_seats(context);
            if self.ended {
                match self.poll_end(context) {
                    Poll::Pending if progress => continue,
                    end => return end,
                }
            }
            let reads = self.may_read();
            if let Some(reason) = self.clock.poll(context, &self.session, reads) {
                self.session.end(reason);
                continue;
            }
            // Whatever else is to be done wakes this task: a handler that ends, an order, a deadline.
            if reads {
                let arrived = ready!(self.poll_read(context));
                self.arrived(arrived, context);
            } else {
                if let Some(websocket) = &self.websocket {
                    websocket.pauses_reading();
                }
                return Poll::Pending;
            }
        }
    }

    fn follow_orders(&mut self) {
        while let Some(order) = self.session.take_order() {
            match order {
                Order::Upgraded(websocket) => {
                    self.websocket = Some(websocket);
                    self.clock.upgraded();
                }
                Order::Kicked(socket, reason) => {
                    self.session.forget_socket(&socket);
                    let seat = self
                        .seats
                        .iter_mut()
                        .find(|seat| Arc::ptr_eq(&seat.socket, &socket));
                    if let Some(seat) = seat {
                        seat.drop_events();
                        dismiss(seat, reason);
                        self.remember_kick(&socket);
                    }
                }
            }
        }
    }

    fn poll_seats(&mut self, context: &mut Context<'_>) -> bool {
        let mut progress = false;
        for index in 0..self.seats.len() {
            if let Poll::Ready(decision) = self.seats[index].poll_entry(context) {
                self.decided(index, decision);
                progress = true;
            }
            progress |= self.seats[index].poll(context);
        }
        let before = self.seats.len();
        self.seats.retain(|seat| !seat.closing || !seat.is_idle());
        progress | (self.seats.len() < before)
    }

    /// Whether there is room for what is read; a client that is asked is read further.
    fn may_read(&self) -> bool {
        let Some(seat) = self.seats.first() else {
            return true;
        };
        let bounds = &seat.socket.namespace().core().config.handler_queue;
        let (mut messages, mut bytes, mut asked) = (0, 0, false);
        for seat in &self.seats {
            let (waiting, cost) = seat.waiting();
            messages += waiting;
            bytes += cost;
            asked |= !seat.socket.acks.is_empty();
        }
        if messages < bounds.messages && bytes < bounds.bytes {
            return true;
        }
        if !asked {
            return false;
        }
        if bytes < bounds.bytes_while_asking {
            return true;
        }
        for seat in &self.seats {
            seat.socket.acks.fail_all(|| AckError::Flooded);
        }
        false
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Arrived> {
        let Some(websocket) = &mut self.websocket else {
            let posted = self.session.polling().and_then(Polling::take);
            return match posted {
                Some(Posted::Text(text)) => Poll::Ready(Arrived::Text(text)),
                Some(Posted::Binary(payload)) => Poll::Ready(Arrived::Binary(payload)),
                Some(Posted::End(reason)) => {
                    self.session.end(reason);
                    Poll::Ready(Arrived::Nothing)
                }
                None => Poll::Pending,
            };
        };
        let event = ready!(websocket.poll_event(context));
        Poll::Ready(match event {
            Some(Event::Text(text)) => self.engine_packet(text),
            Some(Event::Binary(payload)) => Arrived::Binary(payload),
            Some(Event::Error(error)) => {
                tracing::debug!(%error, "transport failed");
                let reason = match error {
                    WebSocketError::RateLimited => DisconnectReason::ForcedServerClose,
                    _ => DisconnectReason::TransportError,
                };
                self.session.end_as(reason, error.disconnect());
                Arrived::Nothing
            }
            Some(Event::Close(closed)) => {
                if closed.by == Initiator::Local && closed.disconnect == Disconnect::SLOW_CONSUMER {
                    trace::slow_consumer();
                }
                self.session.end(DisconnectReason::of_closed(&closed));
                Arrived::Nothing
            }
            // Pings and pongs of the WebSocket itself.
            Some(_) => Arrived::Nothing,
            None => {
                self.session.end(DisconnectReason::TransportClose);
                Arrived::Nothing
            }
        })
    }

    /// A packet that came over a WebSocket.
    fn engine_packet(&mut self, text: String) -> Arrived {
        if text.starts_with('4') {
            return Arrived::Text(Text::of_message(text));
        }
        let reason = match engine::Packet::decode(&text) {
            Ok(engine::Packet::Close) => DisconnectReason::TransportClose,
            // Heartbeats come from the server.
            Ok(engine::Packet::Ping(_)) => DisconnectReason::TransportError,
            Ok(_) => return Arrived::Nothing,
            Err(error) => {
                tracing::debug!(%error, "bad packet");
                DisconnectReason::ParseError
            }
        };
        self.session.end(reason);
        Arrived::Nothing
    }

    fn arrived(&mut self, arrived: Arrived, context: &mut Context<'_>) {
        let core = &self.session.io().core;
        let packet = match arrived {
            Arrived::Nothing => return,
            Arrived::Text(text) => {
                core.metrics.message(text.size());
                self.decoder.text(core.parser, &core.limits, text)
            }
            Arrived::Binary(payload) => {
                core.metrics.message(payload.len());
                self.decoder.binary(core.parser, &core.limits, payload)
            }
        };
        self.clock.assembling(self.decoder.is_assembling(), core);
        match packet {
            Ok(None) if self.seats.is_empty() && !self.decoder.is_assembling() => {
                // What is nothing to a socket is still no way to begin.
                self.illegal();
            }
            Ok(None) => {}
            Ok(Some(packet)) => {
                core.metrics.received();
                self.packet(packet, context);
            }
            Err(error) => {
                tracing::debug!(code = error.code(), %error, "bad packet");
                core.metrics.bad_packet();
                self.session.end(DisconnectReason::ForcedClose);
            }
        }
    }

    fn packet(&mut self, packet: Packet, context: &mut Context<'_>) {
        let Packet { namespace, body } = packet;
        let seat = self.seats.iter_mut().find(|seat| {
            !seat.closing && seat.socket.namespace().name().as_str() == namespace.as_str()
        });
        match (body, seat) {
            (Body::Connect(auth), None) => {
                self.connect(namespace.as_str(), auth.unwrap_or_default());
            }
            // The first one is answered.
            (Body::Connect(_), Some(seat)) if seat.entry.is_some() => {}
            (Body::Event(event), Some(seat)) if seat.entry.is_none() => {
                seat.handle(event, context);
            }
            (Body::Ack { id, args }, Some(seat)) if seat.entry.is_none() => {
                if !seat.socket.acks.settle(id, args) {
                    tracing::debug!(id, "an answer that nobody waits for");
                }
            }
            (Body::Disconnect, Some(seat)) if seat.entry.is_none() => {
                let reason = DisconnectReason::ClientNamespaceDisconnect;
                if seat.socket.leave(reason).is_some() {
                    self.session.forget_socket(&seat.socket);
                    dismiss(seat, reason);
                }
            }
            (Body::Event(_) | Body::Ack { .. } | Body::Disconnect, None)
                if self
                    .kicked
                    .iter()
                    .any(|name| name.as_str() == namespace.as_str()) => {}
            _ => self.illegal(),
        }
    }

    /// The client sent what makes no sense now. Node's words for it depend on the transport.
    fn illegal(&self) {
        self.session.end(match self.websocket {
            Some(_) => DisconnectReason::ForcedClose,
            None => DisconnectReason::ForcedServerClose,
        });
    }

    fn remember_kick(&mut self, socket: &SocketCore) {
        let namespace = socket.namespace();
        self.forgive(namespace.name());
        if self.kicked.len() >= namespace.core().config.max_namespaces_per_connection {
            self.kicked.pop_front();
        }
        self.kicked.push_back(namespace.name().clone());
    }

    /// Forgets that the client was taken out of `namespace`: it is coming back.
    pub(super) fn forgive(&mut self, namespace: &str) {
        self.kicked.retain(|name| name.as_str() != namespace);
    }

    /// The session has ended: everybody leaves.
    fn all_leave(&mut self, reason: DisconnectReason) {
        for seat in &mut self.seats {
            if seat.socket.leave(reason).is_some() {
                self.session.forget_socket(&seat.socket);
                if matches!(
                    reason,
                    DisconnectReason::ServerNamespaceDisconnect
                        | DisconnectReason::ForcedServerClose
                ) {
                    seat.drop_events();
                }
                dismiss(seat, reason);
            }
        }
        self.decoder = Decoder::server();
    }

    /// Waits for the last handlers and the end of the transport.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(websocket) = &mut self.websocket {
            // What still comes is thrown away.
            match websocket.poll_event(context) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => self.websocket = None,
                Poll::Pending => break,
            }
        }
        let transport_ended =
            self.websocket.is_none() && self.clock.poll_farewell(context, &self.session).is_ready();
        if transport_ended && self.permit.take().is_some() {
            self.session.io().forget(&self.session);
        }
        if transport_ended && self.seats.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// The socket has left: after what waits, its disconnect handlers run, and that is all.
fn dismiss(seat: &mut Seat, reason: DisconnectReason) {
    seat.closing = true;
    match seat.entry.take() {
        None => seat.push(Job::Disconnect(reason)),
        Some(entry) => {
            let namespace = seat.socket.namespace();
            if let (Some(recovery), Some(resumed), Some(pid)) =
                (&namespace.recovery, entry.resumed, seat.socket.pid())
                && reason.is_recoverable()
            {
                recovery.give_back(pid, resumed);
            }
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // What a turn sends goes out at its end.
        let _cork = Cork::new();
        self.run(context)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The runtime goes down, or the task panicked: a value that a handler held, for one, in its destructor.
        self.session.end(DisconnectReason::ServerShuttingDown);
        self.follow_orders();
        self.all_leave(
            self.session
                .ended()
                .unwrap_or(DisconnectReason::ServerShuttingDown),
        );
        self.session.forget_all_sockets();
        let io = self.session.io();
        io.forget(&self.session);
        let seats = std::mem::take(&mut self.seats);
        if !seats.is_empty() {
            let rest = io.tasks.track_future(Rest(seats));
            io.core.runtime.spawn(rest);
        }
    }
}

/// The handlers that a task left behind: who was in is seen off.
struct Rest(Vec<Seat>);

impl Future for Rest {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let _cork = Cork::new();
        for seat in &mut self.0 {
            seat.poll(context);
        }
        self.0.retain(|seat| !seat.is_idle());
        if self.0.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
