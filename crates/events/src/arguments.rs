use serde::de::value::UnitDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::spread::Spread;
use crate::{Event, Shape};

/// An event on its way out: serialises as a tuple of its arguments.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use switchboard_events::Event;
/// #[derive(Serialize, Deserialize, Event)]
/// struct Say(String, u32);
///
/// let say = Say("hi".into(), 3);
/// assert_eq!(serde_json::to_string(&say.outgoing())?, r#"["hi",3]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Outgoing<'a, E>(pub &'a E);

impl<E> Clone for Outgoing<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Outgoing<'_, E> {}

impl<E: Event> Serialize for Outgoing<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match E::SHAPE {
            Shape::Whole => (self.0,).serialize(serializer),
            Shape::Fields => self.0.serialize(Spread(serializer)),
            Shape::Empty => <[(); 0]>::serialize(&[], serializer),
        }
    }
}

/// An event as it comes in: deserialises from a tuple of its arguments.
///
/// Asks its deserializer for a tuple of as many elements as the event has arguments. What to do with
/// arguments that are missing or too many is for the deserializer to say.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use switchboard_events::{Event, Incoming};
/// #[derive(Serialize, Deserialize, Event)]
/// struct UserJoined {
///     room: String,
/// }
///
/// let Incoming(joined) = serde_json::from_str::<Incoming<UserJoined>>(r#"[{"room":"lobby"}]"#)?;
/// assert_eq!(joined.room, "lobby");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming<E>(pub E);

impl<'de, E: Event> Deserialize<'de> for Incoming<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = match E::SHAPE {
            Shape::Whole => <(E,)>::deserialize(deserializer)?.0,
            Shape::Fields => E::deserialize(Spread(deserializer))?,
            Shape::Empty => {
                let [] = <[(); 0]>::deserialize(deserializer)?;
                E::deserialize(UnitDeserializer::new())?
            }
        };
        Ok(Self(event))
    }
}
