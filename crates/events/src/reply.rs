use serde::{Serialize, de::DeserializeOwned};

/// What an event is acknowledged with: any type that serde reads and writes, or [`NoAck`].
///
/// A tuple acknowledges with one argument per element, everything else with one argument. There is
/// nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot acknowledge an event",
    note = "an acknowledgement implements `Serialize` and `Deserialize`, is `Send`, and owns its data"
)]
pub trait Reply: Sized + Send + 'static {
    /// Whether the sender asks for an acknowledgement: false for [`NoAck`] alone.
    const EXPECTED: bool;

    /// What travels.
    type Arguments: Serialize + DeserializeOwned;

    /// What travels, to be serialised by whoever acknowledges.
    fn reply_arguments(&self) -> &Self::Arguments;

    /// Makes the reply from what has arrived.
    fn from_arguments(arguments: Self::Arguments) -> Self;
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Reply for T {
    const EXPECTED: bool = true;
    type Arguments = T;

    fn reply_arguments(&self) -> &T {
        self
    }

    fn from_arguments(arguments: T) -> T {
        arguments
    }
}

/// The event is not acknowledged.
///
/// Converts from `()`, so that a handler that returns nothing fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoAck;

// `NoAck` implements neither `Serialize` nor `Deserialize`, and never will: that is what keeps this
// apart from the implementation for every `T`.
impl Reply for NoAck {
    const EXPECTED: bool = false;
    type Arguments = ();

    fn reply_arguments(&self) -> &() {
        &()
    }

    fn from_arguments((): ()) -> Self {
        Self
    }
}

impl From<()> for NoAck {
    fn from((): ()) -> Self {
        Self
    }
}
