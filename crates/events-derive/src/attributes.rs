//! What `#[event(…)]` says.

use syn::{Attribute, LitStr, Path, Result, Type};

/// Names that Socket.IO keeps for itself: its parsers refuse events called so.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) name: Option<LitStr>,
    pub(crate) ack: Option<Type>,
    pub(crate) krate: Option<Path>,
}

impl Attributes {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|it| it.path().is_ident("event")) {
            attribute.parse_nested_meta(|meta| {
                let again = if meta.path.is_ident("name") {
                    read.name.replace(meta.value()?.parse()?).is_some()
                } else if meta.path.is_ident("ack") {
                    read.ack.replace(meta.value()?.parse()?).is_some()
                } else if meta.path.is_ident("crate") {
                    let path = meta.value()?.call(Path::parse_mod_style)?;
                    read.krate.replace(path).is_some()
                } else {
                    return Err(
                        meta.error("expected `name = \"…\"`, `ack = Type` or `crate = path`")
                    );
                };
                if again {
                    return Err(meta.error("is said twice"));
                }
                Ok(())
            })?;
        }
        Ok(read)
    }
}

/// Why `name` cannot be the name of an event.
pub(crate) fn complaint(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("an event needs a name".to_owned())
    } else if RESERVED.contains(&name) {
        Some(format!(
            "Socket.IO keeps the name `{name}` for itself: choose another with `#[event(name = \"…\")]`"
        ))
    } else {
        None
    }
}
