//! An event as a client got it.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use switchboard_wire::{Args, Event};

use crate::connection::Sender;

/// An event of the server.
#[derive(Clone, Debug)]
pub struct Received {
    pub(crate) event: Event,
    pub(crate) namespace: String,
    pub(crate) sender: Sender,
}

impl Received {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.event.name
    }

    /// Its arguments. With connection state recovery the last one is the server's offset.
    pub fn args(&self) -> &Args {
        &self.event.args
    }

    /// Its arguments as a type of yours: a tuple takes all, anything else the first.
    ///
    /// # Panics
    ///
    /// When they are of another type.
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        match self.event.args.read() {
            Ok(data) => data,
            Err(error) => panic!("{self}: {error}"),
        }
    }

    /// Whether the server waits for an answer.
    pub fn is_question(&self) -> bool {
        self.event.id.is_some()
    }

    /// Answers: a tuple is several arguments, `()` none, everything else one. May be called again, as a bad
    /// client would; the server ignores what it does not wait for.
    ///
    /// # Panics
    ///
    /// When the server asked for no answer, or `data` cannot be written.
    #[track_caller]
    pub fn reply<T: Serialize + ?Sized>(&self, data: &T) {
        let Some(id) = self.event.id else {
            panic!("{self}: no answer is asked for");
        };
        match self.sender.parser.ack(&self.namespace, id, data) {
            Ok(packet) => self.sender.send(packet),
            Err(error) => panic!("the answer cannot be written: {error}"),
        }
    }
}

/// The name and the arguments as JSON.
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args = serde_json::to_string(&self.event.args.values()).unwrap_or_default();
        write!(f, "`{}` with {args}", self.name())?;
        if self.is_question() {
            f.write_str(" (a question)")?;
        }
        Ok(())
    }
}
