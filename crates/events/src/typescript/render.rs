//! The text of the file.

use std::fmt::Write as _;

use ts_rs::{Config, TS};

use super::{Direction, Listener, Parameters, ReplyParameters, TypeScript};
use crate::{Event, Shape};

const HEADER: &str =
    "// Written by switchboard-events from types in Rust. Changes made here are lost.\n";

pub(super) fn file(events: &TypeScript) -> String {
    let mut file = HEADER.to_owned();
    interface(
        &mut file,
        Direction::ServerToClient,
        &events.server_to_client,
    );
    interface(
        &mut file,
        Direction::ClientToServer,
        &events.client_to_server,
    );
    for declaration in events.types.declarations.values() {
        file.push('\n');
        file.push_str(declaration);
    }
    file
}

fn interface<'a>(
    file: &mut String,
    direction: Direction,
    events: impl IntoIterator<Item = (&'a &'static str, &'a Listener)>,
) {
    let mut members = String::new();
    for (name, listener) in events {
        _ = writeln!(members, "  {}: {};", key(name), listener.signature);
    }
    _ = write!(
        file,
        "\nexport interface {} {{\n{members}}}\n",
        direction.interface()
    );
}

/// The type of an event's handler.
pub(super) fn signature<E>(config: &Config) -> String
where
    E: Event<Arguments: Parameters, Ack: ReplyParameters>,
{
    let types = <E::Arguments as Parameters>::names(config);
    let mut parameters: Vec<String> = types
        .into_iter()
        .enumerate()
        .map(|(index, name)| match E::SHAPE {
            Shape::Whole => format!("data: {name}"),
            Shape::Fields | Shape::Empty => format!("arg{index}: {name}"),
        })
        .collect();
    if let Some(reply) = <E::Ack as ReplyParameters>::parameters(config) {
        parameters.push(format!("ack: ({reply}) => void"));
    }
    format!("({}) => void", parameters.join(", "))
}

/// A type with its documentation.
pub(super) fn declaration<T: TS + ?Sized>(config: &Config) -> String {
    let docs = T::docs().unwrap_or_default();
    format!("{docs}export {}\n", T::decl(config))
}

/// A name as the key of a member: bare where TypeScript lets it be.
fn key(name: &str) -> String {
    let mut letters = name.chars();
    let starts = letters
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic() || "_$".contains(it));
    if starts && letters.all(|it| it.is_ascii_alphanumeric() || "_$".contains(it)) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn quoted(name: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in name.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            // Line ends of JavaScript beyond those of ASCII are control characters or these two.
            _ if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') => {
                _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_quoted_where_they_must_be() {
        let keys = [
            "say",
            "$_1",
            "user-joined",
            "1st",
            "",
            "a\"b\\c",
            "a\nb",
            "grüße",
        ]
        .map(key);
        assert_eq!(
            keys,
            [
                "say",
                "$_1",
                r#""user-joined""#,
                r#""1st""#,
                r#""""#,
                r#""a\"b\\c""#,
                r#""a\u000ab""#,
                r#""grüße""#
            ]
        );
    }
}
