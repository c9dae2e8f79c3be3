use serde::{Serialize, de::DeserializeOwned};

use crate::{Outgoing, Reply};

/// A Rust type that is one event: its name, what it carries, and what the other side answers.
///
/// Derive it. `#[derive(Event)]` takes the name from the type, in kebab case, and the arguments from
/// its form:
///
/// | the type | travels as | a JavaScript handler |
/// |---|---|---|
/// | named fields, or an enum | one argument, the object | `(data) => …` |
/// | a tuple struct of *n* fields | *n* arguments | `(arg0, arg1) => …` |
/// | a unit struct | no argument | `() => …` |
///
/// | attribute | is | without it |
/// |---|---|---|
/// | `#[event(name = "user-joined")]` | the name on the wire | the type's name in kebab case |
/// | `#[event(ack = Accepted)]` | the type of the acknowledgement | [`NoAck`](crate::NoAck) |
/// | `#[event(crate = path::to::events)]` | where this crate is found | `::switchboard_events` |
///
/// Serde's attributes mean what they always mean, on the fields of a tuple struct too. One in
/// `into`, `from`, `try_from`, `transparent` on a tuple struct says that the type has a form of its
/// own: it then travels as one argument, whatever that form is.
///
/// # Contract
///
/// - [`NAME`](Self::NAME) is none of the names that Socket.IO keeps for itself: `connect`,
///   `connect_error`, `disconnect`, `disconnecting`, `newListener`, `removeListener`. The derive
///   refuses them.
/// - With [`Shape::Fields`] the type serialises as a tuple struct, with [`Shape::Empty`] it
///   deserialises from a unit.
/// - [`Arguments`](Self::Arguments) names the types of the arguments in their order. It is read by the
///   TypeScript export alone, never serialised.
///
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// # use switchboard_events::Event;
/// #[derive(Serialize, Deserialize, Event)]
/// struct Disconnect; // "disconnect": Socket.IO keeps it for itself
/// ```
///
/// What an event carries it owns, since it may wait in a queue:
///
/// ```compile_fail
/// # use serde::{Deserialize, Serialize};
/// # use switchboard_events::Event;
/// #[derive(Serialize, Deserialize, Event)]
/// struct Say<'a>(&'a str);
/// ```
///
/// By hand, for a type that travels as one argument:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use switchboard_events::{Event, NoAck};
///
/// #[derive(Serialize, Deserialize)]
/// struct Tick {
///     count: u32,
/// }
///
/// impl Event for Tick {
///     const NAME: &'static str = "tick";
///     type Ack = NoAck;
///     type Arguments = (Self,);
/// }
/// ```
pub trait Event: Serialize + DeserializeOwned + Send + 'static {
    /// The name on the wire.
    const NAME: &'static str;

    /// How the value spreads over the arguments of a packet.
    const SHAPE: Shape = Shape::Whole;

    /// What the other side acknowledges with; [`NoAck`](crate::NoAck) where nothing is asked for.
    type Ack: Reply;

    /// The types of the arguments, as a tuple.
    type Arguments;

    /// The arguments as a sender serialises them: always a tuple, one element per argument.
    fn outgoing(&self) -> Outgoing<'_, Self> {
        Outgoing(self)
    }
}

/// How an event spreads over the arguments of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One argument: the value itself.
    Whole,
    /// One argument for each field of a tuple struct.
    Fields,
    /// No argument.
    Empty,
}
