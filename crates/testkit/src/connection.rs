//! One transport and the namespaces on it.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::Serialize;
use switchboard_server::Io;
use switchboard_wire::{Decoder, EncodeError, Encoded, Limits, Packet, Parser};
use tokio::sync::mpsc;

use crate::{
    builder::{ConnectFailure, Settings},
    engine::{Arrived, Engine, Outgoing},
    reason::Reason,
    seat::Seat,
};

/// A client's connection; dropping it cuts the transport.
pub(crate) struct Connection {
    pub(crate) engine: Engine,
    pub(crate) sender: Sender,
    seats: Arc<Seats>,
}

type Seats = Mutex<HashMap<String, Arc<Seat>>>;

/// Writes packets.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    pub(crate) parser: Parser,
}

impl Connection {
    pub(crate) async fn open(io: &Io, settings: &Settings) -> Result<Self, ConnectFailure> {
        let seats = Arc::<Seats>::default();
        let parser = io.config().parser;
        let mut reading = Reading {
            seats: Arc::clone(&seats),
            decoder: Decoder::client(),
            parser,
            has_failed: false,
        };
        let listener = Box::new(move |arrived| reading.arrived(arrived));
        let engine = settings.open(io, listener).await?;
        let sender = Sender {
            outgoing: engine.outgoing.clone(),
            parser,
        };
        Ok(Self {
            engine,
            sender,
            seats,
        })
    }

    /// Asks to enter a namespace.
    pub(crate) fn request<T: Serialize + ?Sized>(
        &self,
        namespace: &str,
        auth: Option<&T>,
    ) -> Result<Arc<Seat>, EncodeError> {
        let packet = self.sender.parser.connect_request(namespace, auth)?;
        let seat = Arc::<Seat>::default();
        let old = self
            .seats
            .lock()
            .insert(namespace.to_owned(), Arc::clone(&seat));
        if let Some(old) = old {
            old.end(Reason::ClientDisconnect);
        }
        self.sender.send(packet);
        Ok(seat)
    }

    pub(crate) fn end(&self, reason: Reason) {
        end_all(&self.seats, reason);
    }
}

fn end_all(seats: &Seats, reason: Reason) {
    let seats: Vec<_> = seats.lock().values().cloned().collect();
    for seat in seats {
        seat.end(reason);
    }
}

impl Sender {
    pub(crate) fn send(&self, packet: Encoded) {
        // A transport that has ended takes nothing, as with a real client that is offline.
        if let Some(text) = packet.text {
            let _ = self.outgoing.send(Outgoing::Text(text));
        }
        for payload in packet.binary {
            let _ = self.outgoing.send(Outgoing::Binary(payload));
        }
    }
}

/// From messages to the namespaces they are for.
struct Reading {
    seats: Arc<Seats>,
    decoder: Decoder,
    parser: Parser,
    has_failed: bool,
}

impl Reading {
    fn arrived(&mut self, arrived: Arrived) {
        if self.has_failed {
            return;
        }
        let limits = Limits {
            max_event_bytes: usize::MAX,
            ..Limits::default()
        };
        let packet = match arrived {
            Arrived::Text(text) => self.decoder.text(self.parser, &limits, text),
            Arrived::Binary(payload) => self.decoder.binary(self.parser, &limits, payload),
            Arrived::Ended(reason) => return end_all(&self.seats, reason),
        };
        match packet {
            Ok(Some(packet)) => self.packet(packet),
            Ok(None) => {}
            Err(_) => {
                self.has_failed = true;
                end_all(&self.seats, Reason::ParseError);
            }
        }
    }

    fn packet(&self, packet: Packet) {
        let seat = self.seats.lock().get(packet.namespace.as_str()).cloned();
        if let Some(seat) = seat {
            seat.packet(packet);
        }
    }
}
