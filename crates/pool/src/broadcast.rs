//! One message to many: chosen once, encoded once, queued once each.
//!
//! A fan-out takes the namespace's lock only to choose. It then walks the chosen with no lock held and
//! allocates nothing per recipient; outboxes that were filled are flushed at its end, one write each.

use serde::Serialize;
use switchboard_connection::{
    AnyConnection, ConnectionId, Cork, Delivery, Disconnect, EncodeError, Frame, Room, SendError,
    Sent,
};

use crate::{
    identity::{Identity, Met},
    name::NameOf,
    namespace::Selection,
    pool::Pool,
    report::Report,
    roll::Connections,
};

/// Whom to send to: everyone in a namespace, or in some of its rooms, except some.
///
/// A value: each operator returns a new one, and each send looks afresh at who is there.
///
/// ```
/// # use switchboard_connection::{ConnectionId, Room};
/// # use switchboard_pool::Pool;
/// # fn example(pool: &Pool, sender: &ConnectionId) {
/// let players = pool.namespace("game").to("red").to("blue");
/// let report = players.clone().except(sender).volatile().send("tick");
/// if report.absent > 0 {
///     println!("a team has nobody left");
/// }
/// let _ = players.send("game over");
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Recipients<'a> {
    pool: &'a Pool,
    namespace: &'a str,
    /// `None` means everyone.
    rooms: Option<Vec<&'a str>>,
    left_out: Vec<&'a str>,
    rooms_left_out: Vec<&'a str>,
    delivery: Delivery,
}

/// Operators: who, and how.
impl<'a> Recipients<'a> {
    pub(crate) fn new(pool: &'a Pool, namespace: &'a str) -> Self {
        Self {
            pool,
            namespace,
            rooms: None,
            left_out: Vec::new(),
            rooms_left_out: Vec::new(),
            delivery: Delivery::Policy,
        }
    }

    /// Only members of `room`, or of one of the rooms named so far. A member of several is reached once.
    pub fn to(mut self, room: &'a (impl NameOf<Room> + ?Sized)) -> Self {
        self.rooms.get_or_insert_default().push(room.as_name());
        self
    }

    /// As [`to`](Self::to) for each of `rooms`. No rooms at all means nobody.
    pub fn to_all<R>(mut self, rooms: impl IntoIterator<Item = &'a R>) -> Self
    where
        R: NameOf<Room> + ?Sized + 'a,
    {
        self.rooms
            .get_or_insert_default()
            .extend(rooms.into_iter().map(R::as_name));
        self
    }

    /// Not the connection `id`.
    pub fn except(mut self, id: &'a (impl NameOf<ConnectionId> + ?Sized)) -> Self {
        self.left_out.push(id.as_name());
        self
    }

    /// None of the connections `ids`.
    pub fn except_all<I>(mut self, ids: impl IntoIterator<Item = &'a I>) -> Self
    where
        I: NameOf<ConnectionId> + ?Sized + 'a,
    {
        self.left_out.extend(ids.into_iter().map(I::as_name));
        self
    }

    /// Nobody who is in `room`.
    pub fn except_room(mut self, room: &'a (impl NameOf<Room> + ?Sized)) -> Self {
        self.rooms_left_out.push(room.as_name());
        self
    }

    /// For what is stale a moment later: drops the message for each peer that does not take bytes
    /// right now, rather than apply its slow-consumer policy.
    pub fn volatile(mut self) -> Self {
        self.delivery = Delivery::Volatile;
        self
    }
}

/// What to do with the chosen.
impl Recipients<'_> {
    /// Sends one message: a text (`&str`, `String`), bytes (`Vec<u8>`, `Bytes`) or a [`Frame`].
    ///
    /// Never waits: what a recipient's outbox does not take is dropped, or the recipient closed, as its
    /// policy says, and counted.
    pub fn send(&self, message: impl Into<Frame>) -> Report {
        let cork = Cork::new();
        let frame = cork.broadcast(message.into());
        let delivery = self.delivery;
        let mut report = Report::default();
        let absent = self.each(|connection| report.record(connection.try_send(&frame, delivery)));
        Report { absent, ..report }
    }

    /// The same, and says of each recipient what became of the message, in the order of sending.
    ///
    /// It costs a list; [`send`](Self::send) only counts.
    pub fn send_each(
        &self,
        message: impl Into<Frame>,
    ) -> Vec<(AnyConnection, Result<Sent, SendError>)> {
        let cork = Cork::new();
        let frame = cork.broadcast(message.into());
        let delivery = self.delivery;
        let mut outcomes = Vec::new();
        self.each(|connection| {
            outcomes.push((connection.clone(), connection.try_send(&frame, delivery)));
        });
        outcomes
    }

    /// Sends `value` as a JSON text message, encoded once. On an error nothing was sent.
    pub fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<Report, EncodeError> {
        Ok(self.send(Frame::json(value)?))
    }

    /// Sends the text `{"message", "code", "reason"}` to each and closes each with that code and reason.
    ///
    /// [`Report::ended`] counts the closes this began; who was closing already is not closed again.
    pub fn send_error(&self, message: &str, disconnect: &Disconnect) -> Report {
        let frame = Frame::error(message, disconnect);
        let delivery = self.delivery;
        let mut report = Report::default();
        let _cork = Cork::new();
        let absent = self.each(|connection| {
            report.record(connection.try_send(&frame, delivery));
            report.ended += usize::from(connection.close(disconnect.clone()));
        });
        Report { absent, ..report }
    }

    /// Begins to close each and says how many closes this began.
    ///
    /// The connections stay in the pool until whoever put them there takes them out;
    /// [`Pool::close_all`] waits for the end and removes.
    pub fn close(&self, disconnect: &Disconnect) -> usize {
        let mut begun = 0;
        let _cork = Cork::new();
        self.each(|connection| begun += usize::from(connection.close(disconnect.clone())));
        begun
    }

    /// The chosen themselves, each once: what a send would reach now, in its order.
    pub fn connections(&self) -> Vec<AnyConnection> {
        let mut chosen = Vec::new();
        self.each(|connection| chosen.push(connection.clone()));
        chosen
    }

    /// Calls `visit` for each recipient once, with no lock held. Returns how many targets are absent.
    #[inline]
    fn each(&self, mut visit: impl FnMut(&AnyConnection)) -> usize {
        let Selection {
            mut targets,
            mut owners,
            left_out,
            absent,
        } = self.select();
        if !owners.is_empty() {
            // A room may have been named twice.
            let mut met = Met::with_capacity(owners.len());
            owners.retain(|owner| met.insert(Identity::of(owner)));
            targets.insert(0, Connections::of(owners));
        }
        match (&targets[..], &left_out[..]) {
            ([all], []) => all.each(visit),
            // A broadcast without its sender.
            ([all], [one]) => all.each(|connection| {
                if Identity::of(connection) != *one {
                    visit(connection);
                }
            }),
            (targets, left_out) => {
                let Some((last, targets)) = targets.split_last() else {
                    return absent;
                };
                let most = targets.iter().map(Connections::len).sum::<usize>() + left_out.len();
                let mut met = Met::with_capacity(most);
                for identity in left_out {
                    met.insert(*identity);
                }
                for target in targets {
                    target.each(|connection| {
                        if met.insert(Identity::of(connection)) {
                            visit(connection);
                        }
                    });
                }
                // Nobody is in one target twice, so who is met in the last need not be remembered.
                last.each(|connection| {
                    if !met.contains(Identity::of(connection)) {
                        visit(connection);
                    }
                });
            }
        }
        absent
    }

    fn select(&self) -> Selection {
        let rooms = self.rooms.as_deref();
        let selection = self
            .pool
            .entry(self.namespace)
            .map(|entry| entry.select(rooms, &self.left_out, &self.rooms_left_out));
        selection.unwrap_or_else(|| Selection {
            absent: rooms.map_or(1, <[_]>::len),
            ..Selection::default()
        })
    }
}
