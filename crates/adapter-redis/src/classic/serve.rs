//! Does what other nodes and emitters ask for.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use switchboard_adapter::{Arrival, LocalDelivery, SocketDetails, Target};
use switchboard_connection::Room;
use switchboard_wire::{
    Args, EventName, Value,
    cluster::{
        ClusterError, Options, PublishError, RemoteSocket,
        classic::{Request, RequestBody, Whom, Writer},
    },
};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{Node, Space, hear::target, written};
use crate::{envelope::Letter, link::Outgoing};

/// Whom an answer goes to.
#[derive(Clone, Debug)]
struct Asker {
    uid: Option<String>,
    request_id: Option<String>,
}

impl Node {
    /// One request, in its turn. What takes time goes on beside.
    pub(super) fn serve(
        self: &Arc<Self>,
        space: &Arc<Space>,
        payload: &Bytes,
    ) -> Result<(), ClusterError> {
        let Some(local) = self.local() else {
            return Ok(());
        };
        let request = match Request::decode(&self.limits, payload) {
            // Newer versions may ask for more.
            Err(ClusterError::UnknownType(_)) => return Ok(()),
            request => request?,
        };
        let is_own = request.uid.as_ref() == Some(&self.uid)
            || request
                .request_id
                .as_ref()
                .is_some_and(|id| self.questions.is_own(id));
        if is_own {
            return Ok(());
        }
        let asker = Asker {
            uid: request.uid,
            request_id: request.request_id,
        };
        let namespace = &space.namespace;
        match request.body {
            RequestBody::Sockets { rooms } => {
                let ids = local.sockets(namespace, &Target::new(&rooms, &[]));
                self.answer(space, &asker, |writer, id| writer.socket_ids(id, &ids));
            }
            RequestBody::AllRooms => {
                let rooms = local.rooms(namespace);
                self.answer(space, &asker, |writer, id| writer.rooms(id, &rooms));
            }
            RequestBody::FetchSockets { who } => {
                let sockets = local.socket_details(namespace, &target(&who));
                let sockets: Vec<_> = sockets.into_iter().map(remote).collect();
                self.answer(space, &asker, |writer, id| {
                    writer.sockets_fetched(id, &sockets)
                });
            }
            RequestBody::Join { who, rooms } => {
                let rooms = named(&rooms);
                let who = self.whom(space, &*local, &asker, who);
                if let Some(who) = who.filter(|_| !rooms.is_empty()) {
                    local.join(namespace, &who, &rooms);
                }
            }
            RequestBody::Leave { who, rooms } => {
                let rooms = named(&rooms);
                let who = self.whom(space, &*local, &asker, who);
                if let Some(who) = who.filter(|_| !rooms.is_empty()) {
                    local.leave(namespace, &who, &rooms);
                }
            }
            RequestBody::Disconnect { who, close } => {
                if let Some(who) = self.whom(space, &*local, &asker, who) {
                    local.disconnect(namespace, &who, close);
                }
            }
            RequestBody::ServerSideEmit { event, args } if asker.request_id.is_none() => {
                local.server_side_event(namespace, &event, &args);
            }
            RequestBody::ServerSideEmit { event, args } => {
                self.serve_question(space, local, asker, event, args);
            }
            RequestBody::Broadcast {
                namespace: meant,
                event,
                args,
                options,
            } if meant.as_str() == namespace.as_str() => {
                self.serve_ask(space, &*local, asker, &event, &args, &options);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whom an operation means. The form with one socket's id is answered by whoever has it.
    fn whom(
        &self,
        space: &Space,
        local: &dyn LocalDelivery,
        asker: &Asker,
        who: Whom,
    ) -> Option<Target> {
        match who {
            Whom::Matching(options) => Some(target(&options)),
            Whom::Socket(id) => {
                let one = Target::new(&[id], &[]);
                let is_here = !local.sockets(&space.namespace, &one).is_empty();
                if is_here {
                    #[expect(
                        clippy::redundant_closure_for_method_calls,
                        reason = "the method alone is of one lifetime, this is of any"
                    )]
                    self.answer(space, asker, |writer, id| writer.done(id));
                }
                is_here.then_some(one)
            }
        }
    }

    /// The servers are asked, and this one may take its time.
    fn serve_question(
        self: &Arc<Self>,
        space: &Arc<Space>,
        local: Arc<dyn LocalDelivery>,
        asker: Asker,
        event: EventName,
        args: Args,
    ) {
        let Some(permit) = self.permit() else { return };
        let (node, space) = (Arc::clone(self), Arc::clone(space));
        tokio::spawn(async move {
            let _permit = permit;
            let asking = local.server_side_question(&space.namespace, &event, &args);
            // Later the asking node listens no more.
            let within = node.config.requests_timeout.max(Duration::from_secs(5));
            if let Ok(Some(answer)) = timeout(within, asking).await {
                node.answer_generally(&space, &asker, |writer, id| {
                    writer.server_side_answer(id, &answer)
                });
            }
        });
    }

    /// Clients are asked: how many, and then each of their answers as it comes.
    fn serve_ask(
        self: &Arc<Self>,
        space: &Arc<Space>,
        local: &dyn LocalDelivery,
        asker: Asker,
        event: &EventName,
        args: &Args,
        options: &Options,
    ) {
        let Some(permit) = self.permit() else { return };
        let millis = options.flags.timeout;
        let within = millis.map_or(self.config.requests_timeout, Duration::from_millis);
        let target = target(options);
        let mut arrival = Arrival::new(&space.namespace, &target, event, args);
        arrival.volatile = options.flags.volatile;
        arrival.compress = options.flags.compress;
        let mut question = local.ask(&arrival, within.min(LONGEST_ASK));
        let clients = question.clients as u64;
        self.answer(space, &asker, |writer, id| writer.client_count(id, clients));
        if clients == 0 {
            return;
        }
        let (node, space) = (Arc::clone(self), Arc::clone(space));
        tokio::spawn(async move {
            let _permit = permit;
            while let Some(args) = question.answers.recv().await {
                node.answer(&space, &asker, |writer, id| writer.ack(id, &args));
            }
        });
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.requests).try_acquire_owned().ok();
        if permit.is_none() {
            self.stats.requests_refused.add(1);
        }
        permit
    }

    fn answer(
        &self,
        space: &Space,
        asker: &Asker,
        write: impl FnOnce(&Writer<'_>, &str) -> Result<Vec<u8>, PublishError>,
    ) {
        let specific = self.config.publish_on_specific_response_channel;
        self.send_answer(space, asker, specific, write);
    }

    /// The same for what Node expects on the general channel alone.
    fn answer_generally(
        &self,
        space: &Space,
        asker: &Asker,
        write: impl FnOnce(&Writer<'_>, &str) -> Result<Vec<u8>, PublishError>,
    ) {
        self.send_answer(space, asker, false, write);
    }

    fn send_answer(
        &self,
        space: &Space,
        asker: &Asker,
        specific: bool,
        write: impl FnOnce(&Writer<'_>, &str) -> Result<Vec<u8>, PublishError>,
    ) {
        let (Some(link), Some(id)) = (self.link(), &asker.request_id) else {
            return;
        };
        let Some(answer) = written(write(&self.writer(space), id)) else {
            return;
        };
        link.publish(match &asker.uid {
            // One of ours gets it in its inbox, with the name of who answers.
            Some(uid) if uid.starts_with('@') => {
                let letter = Letter::Answer(answer.into()).encode(&self.id);
                Outgoing::new(self.own.inbox(uid), letter)
            }
            Some(uid) if specific => Outgoing::new(space.channels.own_response(uid), answer),
            _ => Outgoing::new(space.channels.response().to_owned(), answer),
        });
    }
}

/// A time that another node names is bounded: it costs memory here.
const LONGEST_ASK: Duration = Duration::from_mins(10);

/// The names that can be rooms here.
fn named(rooms: &[String]) -> Vec<Room> {
    rooms
        .iter()
        .filter_map(|room| Room::new(room).ok())
        .collect()
}

fn remote(details: SocketDetails) -> RemoteSocket {
    RemoteSocket {
        id: details.id.to_string(),
        handshake: value(details.handshake),
        rooms: details.rooms.iter().map(ToString::to_string).collect(),
        data: value(details.data),
    }
}

fn value(json: serde_json::Value) -> Value {
    serde_json::from_value(json).unwrap_or(Value::Null)
}
