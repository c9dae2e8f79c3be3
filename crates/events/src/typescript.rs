//! Events as the interfaces that users of `socket.io-client` declare.

mod parameters;
mod render;

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::{fmt, fs, io};

use ts_rs::{Config, TS, TypeVisitor};

use crate::Event;
pub use parameters::{Parameters, ReplyParameters};

/// Collects events, and writes them as one TypeScript file.
///
/// `socket.io-client` is generic over two interfaces: the events that it receives and those that it
/// sends. The file declares both, and each type that they mention, once. Types describe themselves by
/// [`ts_rs::TS`]: derive it, from the crate `ts-rs` 12, on events with named fields and on every type
/// within an event. Its derive reads serde's attributes. (Without a dependency of your own: this crate
/// re-exports `ts_rs`, and `#[ts(crate = "switchboard_events::ts_rs")]` tells the derive.)
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use switchboard_events::{Event, TypeScript};
/// use ts_rs::TS;
///
/// #[derive(Serialize, Deserialize, Event, TS)]
/// struct UserJoined {
///     user_id: String,
///     room: Option<String>,
/// }
///
/// /// A tuple struct needs no `TS` of its own, only its fields do.
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(ack = bool)]
/// struct Say(String, u32);
///
/// let file = TypeScript::new()
///     .server_to_client::<UserJoined>()
///     .client_to_server::<Say>()
///     .render()?;
/// assert_eq!(
///     file,
///     r#"// Written by switchboard-events from types in Rust. Changes made here are lost.
///
/// export interface ServerToClientEvents {
///   "user-joined": (data: UserJoined) => void;
/// }
///
/// export interface ClientToServerEvents {
///   say: (arg0: string, arg1: number, ack: (reply: boolean) => void) => void;
/// }
///
/// export type UserJoined = { user_id: string, room: string | null, };
/// "#
/// );
/// # Ok::<(), switchboard_events::TypeScriptError>(())
/// ```
///
/// The client takes the interfaces as they are:
///
/// ```ts
/// import { io, type Socket } from "socket.io-client";
/// import type { ClientToServerEvents, ServerToClientEvents } from "./events";
///
/// const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
/// socket.on("user-joined", ({ user_id }) => console.log(user_id));
/// socket.emit("say", "hello", 1, (taken) => console.log(taken));
/// ```
///
/// # What to rely on
///
/// - *Deterministic.* Events and types are sorted by name; the order of the calls does not matter.
/// - *Numbers are `number`*, 64-bit integers too: JSON knows no `bigint`, and JavaScript rounds above
///   2⁵³.
/// - *Bytes* are not JSON: say how the client sees them, for example
///   `#[ts(type = "ArrayBuffer")]` beside `#[serde(with = "serde_bytes")]`.
/// - *Nothing is written* but by [`write_to`](Self::write_to). `#[ts(export)]` and `#[ts(export_to)]`
///   belong to ts-rs alone and are not needed.
#[derive(Debug, Default)]
pub struct TypeScript {
    server_to_client: BTreeMap<&'static str, Listener>,
    client_to_server: BTreeMap<&'static str, Listener>,
    types: Types,
    /// The first thing that went wrong: told by `render`, so that calls can be chained.
    error: Option<TypeScriptError>,
}

impl TypeScript {
    /// Without any event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event that clients send.
    pub fn client_to_server<E>(mut self) -> Self
    where
        E: Event<Arguments: Parameters, Ack: ReplyParameters>,
    {
        self.add::<E>(Direction::ClientToServer);
        self
    }

    /// Adds an event that the server sends.
    pub fn server_to_client<E>(mut self) -> Self
    where
        E: Event<Arguments: Parameters, Ack: ReplyParameters>,
    {
        self.add::<E>(Direction::ServerToClient);
        self
    }

    /// Declares a type that no event mentions, such as the payload of the handshake.
    pub fn declare<T: TS + 'static>(mut self) -> Self {
        self.types.visit::<T>();
        T::visit_generics(&mut self.types);
        self
    }

    /// The file's text.
    ///
    /// # Errors
    ///
    /// Two events or two types contend for one name.
    pub fn render(&self) -> Result<String, TypeScriptError> {
        if let Some(error) = self.error.as_ref().or(self.types.error.as_ref()) {
            return Err(error.again());
        }
        Ok(render::file(self))
    }

    /// Writes the file, and makes the directories above it.
    ///
    /// A file that says the same already is left alone, so that whoever watches it does not start.
    /// Call it where the types are at hand: in a test, in an `xtask`, at the start of a development
    /// server.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render), and whatever the file system says; a file that could not be
    /// written may be incomplete.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), TypeScriptError> {
        let path = path.as_ref();
        let text = self.render()?;
        if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        Ok(fs::write(path, text)?)
    }

    fn add<E>(&mut self, direction: Direction)
    where
        E: Event<Arguments: Parameters, Ack: ReplyParameters>,
    {
        let events = match direction {
            Direction::ClientToServer => &mut self.client_to_server,
            Direction::ServerToClient => &mut self.server_to_client,
        };
        let event = TypeId::of::<E>();
        match events.get(E::NAME) {
            Some(there) if there.event == event => return,
            Some(_) => {
                let name = E::NAME;
                self.error
                    .get_or_insert(TypeScriptError::DuplicateEvent { name, direction });
                return;
            }
            None => {}
        }
        <E::Arguments as Parameters>::visit(&mut self.types);
        <E::Ack as ReplyParameters>::visit(&mut self.types);
        let signature = render::signature::<E>(&self.types.config);
        events.insert(E::NAME, Listener { event, signature });
    }
}

/// One event of an interface.
#[derive(Debug)]
struct Listener {
    event: TypeId,
    signature: String,
}

/// Who sends an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Clients send it.
    ClientToServer,
    /// The server sends it.
    ServerToClient,
}

impl Direction {
    /// The interface's name.
    const fn interface(self) -> &'static str {
        match self {
            Self::ClientToServer => "ClientToServerEvents",
            Self::ServerToClient => "ServerToClientEvents",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.interface())
    }
}

/// Why there is no file. Nothing was written, unless it is [`Io`](Self::Io).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypeScriptError {
    /// Two Rust types are called so on the wire, in one direction.
    #[error("two events are named `{name}` in {direction}")]
    DuplicateEvent {
        /// Their name on the wire.
        name: &'static str,
        /// Who sends them.
        direction: Direction,
    },
    /// Two Rust types have this name in TypeScript, and say different things; or a type is called
    /// like one of the interfaces. `#[ts(rename = "…")]` gives it another name.
    #[error("two types are named `{name}`")]
    DuplicateType {
        /// Their name in TypeScript.
        name: String,
    },
    /// The file system refused.
    #[error("the file could not be written")]
    Io(#[from] io::Error),
}

impl TypeScriptError {
    /// The same error once more; those that are kept are no I/O.
    fn again(&self) -> Self {
        match self {
            Self::DuplicateEvent { name, direction } => Self::DuplicateEvent {
                name,
                direction: *direction,
            },
            Self::DuplicateType { name } => Self::DuplicateType { name: name.clone() },
            Self::Io(error) => Self::Io(error.kind().into()),
        }
    }
}

/// The declarations of all types met so far, by their names in TypeScript.
struct Types {
    config: Config,
    met: HashSet<TypeId>,
    declarations: BTreeMap<String, String>,
    error: Option<TypeScriptError>,
}

impl Default for Types {
    fn default() -> Self {
        Self {
            config: Config::new().with_large_int("number"),
            met: HashSet::new(),
            declarations: BTreeMap::new(),
            error: None,
        }
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.declarations).finish()
    }
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.met.insert(TypeId::of::<T>()) {
            return;
        }
        // Types without a file to go to are built in: strings, lists, options.
        if T::output_path().is_some() {
            let name = T::ident(&self.config);
            let declaration = render::declaration::<T>(&self.config);
            let taken = [Direction::ClientToServer, Direction::ServerToClient]
                .iter()
                .any(|direction| direction.interface() == name);
            let there = self.declarations.get(&name);
            if taken || there.is_some_and(|there| *there != declaration) {
                self.error
                    .get_or_insert(TypeScriptError::DuplicateType { name });
                return;
            }
            self.declarations.insert(name, declaration);
        }
        T::visit_dependencies(self);
    }
}
