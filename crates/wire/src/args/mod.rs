//! The arguments of an event or ack, as they came.

mod pass;
mod read;
mod write;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    EncodeError, Value,
    decode::{DecodeError, MAX_DEPTH},
    json,
    msgpack::Reader,
};
use read::{Arguments, ReadError, ReadFirst};

pub(crate) use read::Argument;

/// The arguments of an event or ack: any number of them, of any type.
///
/// They stay the bytes that arrived. Cloning counts references; reading an argument parses it then, so
/// an event that nobody reads costs nothing more.
///
/// As something to send they are the same arguments again, see [`Parser::event`](crate::Parser::event).
///
/// ```
/// use switchboard_wire::{Args, Value};
///
/// let args = Args::of(&("hello", 3))?;
/// assert_eq!(args.len(), 2);
/// assert_eq!(args.get::<u8>(1)?, 3);
/// assert_eq!(args.read::<(String, u8, Option<bool>)>()?, ("hello".to_owned(), 3, None));
/// assert_eq!(args.value(0), Some(Value::from("hello")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Args {
    /// The list from behind its bracket, or behind an event's name.
    bytes: Bytes,
    /// What the rare kinds need; a plain list of JSON needs nothing.
    extra: Option<Arc<Extra>>,
}

#[derive(Debug)]
enum Extra {
    /// What the placeholders stand for.
    Attachments(Vec<Bytes>),
    /// That many values of msgpack.
    Msgpack(usize),
    /// JSON that nobody may read.
    TooDeep,
}

/// Why an argument is not what its reader asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgError {
    /// There are fewer arguments.
    #[error("argument {index} is missing")]
    Missing {
        /// Which one, counted from zero.
        index: usize,
    },
    /// It is of another type or shape.
    #[error("argument {index} is invalid: {message}")]
    Invalid {
        /// Which one, counted from zero.
        index: usize,
        /// What the reader says about it.
        message: String,
    },
    /// The arguments are nested deeper than [`Limits::max_depth`](crate::Limits::max_depth).
    #[error("arguments are nested too deeply")]
    TooDeep,
}

impl ArgError {
    /// A name that stays, for answers, metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "MISSING_ARGUMENT",
            Self::Invalid { .. } => "INVALID_ARGUMENT",
            Self::TooDeep => "TOO_DEEP",
        }
    }
}

impl Args {
    /// No arguments.
    pub const fn empty() -> Self {
        Self {
            bytes: Bytes::new(),
            extra: None,
        }
    }

    /// These values, one argument each.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "values to send are made for it"
    )]
    pub fn from_values(values: Vec<Value>) -> Self {
        Self::of(&write::Each(&values)).unwrap_or_default()
    }

    /// The arguments that `data` is sent as: a tuple is many, `()` is none, the rest is one.
    pub fn of<T: Serialize + ?Sized>(data: &T) -> Result<Self, EncodeError> {
        let (list, attachments) = json::encode_arguments(data)?;
        let extra = (!attachments.is_empty()).then(|| Arc::new(Extra::Attachments(attachments)));
        Ok(Self {
            bytes: Bytes::from(list).slice(1..),
            extra,
        })
    }

    pub(crate) fn of_json(bytes: Bytes, too_deep: bool) -> Self {
        Self {
            bytes,
            extra: too_deep.then(|| Arc::new(Extra::TooDeep)),
        }
    }

    pub(crate) fn of_msgpack(bytes: Bytes, count: usize) -> Self {
        if count == 0 {
            return Self::empty();
        }
        Self {
            bytes,
            extra: Some(Arc::new(Extra::Msgpack(count))),
        }
    }

    /// Puts attachments to the text they belong to.
    pub(crate) fn attach(&mut self, attachments: Vec<Bytes>) -> Result<(), DecodeError> {
        if self.extra.is_some() {
            return Ok(());
        }
        let mut rest = &self.bytes[..];
        while let Some((argument, left)) = json::next(rest) {
            if !json::check(argument, attachments.len()) {
                return Err(DecodeError::InvalidPlaceholder);
            }
            rest = left;
        }
        self.extra = Some(Arc::new(Extra::Attachments(attachments)));
        Ok(())
    }

    /// How many bytes they hold, attachments included: what keeping them costs.
    pub fn size(&self) -> usize {
        let attachments = match self.extra.as_deref() {
            Some(Extra::Attachments(attachments)) => attachments.iter().map(Bytes::len).sum(),
            _ => 0,
        };
        self.bytes.len() + attachments
    }

    /// How many there are. Takes a walk over the text.
    pub fn len(&self) -> usize {
        match self.extra.as_deref() {
            Some(Extra::Msgpack(count)) => *count,
            _ => self.arguments().count(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.arguments().next().is_none()
    }

    /// Reads one argument.
    ///
    /// One that is missing is like `null`: an `Option` is `None`.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgError> {
        self.readable()?;
        let first = ReadFirst(self.arguments().nth(index));
        T::deserialize(first).map_err(|error| error.at(index))
    }

    /// Reads arguments by the shape of `T`: a tuple, or an array of fixed length, takes as many as it
    /// has elements; `()` takes none; anything else takes the first.
    ///
    /// What is missing is like `null`, what is left over is ignored, as in JavaScript.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ArgError> {
        self.readable()?;
        T::deserialize(self.arguments()).map_err(|error| error.at(0))
    }

    /// One argument, whatever it is. `None` if it is missing, or not readable: nested too deeply, or a
    /// number or text that Rust has not.
    pub fn value(&self, index: usize) -> Option<Value> {
        self.readable().ok()?;
        self.arguments().nth(index)?.value().ok()
    }

    /// All arguments, whatever they are; those that are not readable are [`Value::Null`].
    pub fn values(&self) -> Vec<Value> {
        if self.readable().is_err() {
            return Vec::new();
        }
        self.arguments()
            .map(|argument| argument.value().unwrap_or_default())
            .collect()
    }

    fn readable(&self) -> Result<(), ArgError> {
        match self.extra.as_deref() {
            Some(Extra::TooDeep) => Err(ArgError::TooDeep),
            _ => Ok(()),
        }
    }

    /// Whether there are bytes in them, at any depth.
    pub(crate) fn has_binary(&self) -> bool {
        self.arguments().any(|argument| argument.has_binary())
    }

    /// One by one, as they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Argument<'_>> {
        self.arguments()
    }

    fn arguments(&self) -> Arguments<'_> {
        match self.extra.as_deref() {
            None | Some(Extra::TooDeep) => Arguments::Json(&self.bytes, None),
            Some(Extra::Attachments(bytes)) => Arguments::Json(&self.bytes, Some(bytes)),
            Some(Extra::Msgpack(count)) => {
                Arguments::Msgpack(Reader::new(&self.bytes, MAX_DEPTH), *count)
            }
        }
    }
}

/// Two lists are equal if their values are; those that nobody may read, if their text is.
impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        if self.readable().is_ok() && other.readable().is_ok() {
            self.values() == other.values()
        } else {
            self.readable() == other.readable() && self.bytes == other.bytes
        }
    }
}

/// Only how many there are: arguments may be secret.
impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Args({})", self.len())
    }
}

impl ReadError {
    fn at(self, index: usize) -> ArgError {
        match self {
            Self::Missing(None) => ArgError::Missing { index },
            Self::Missing(Some(index)) => ArgError::Missing { index },
            Self::Invalid(None, message) => ArgError::Invalid { index, message },
            Self::Invalid(Some(index), message) => ArgError::Invalid { index, message },
        }
    }
}
