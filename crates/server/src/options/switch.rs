//! Settings that are `false`, or say more: for serde's `with` and `deserialize_with`.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// What `true` stands for.
pub(super) trait Switch: Sized {
    /// `None` when `true` says too little.
    fn on() -> Option<Self> {
        None
    }
}

impl Switch for switchboard_connection::Rate {}

impl Switch for super::HttpCompression {
    fn on() -> Option<Self> {
        Some(Self::default())
    }
}

impl Switch for super::Recovery {
    fn on() -> Option<Self> {
        Some(Self::default())
    }
}

impl Switch for super::CorsConfig {
    fn on() -> Option<Self> {
        Some(Self::default())
    }
}

impl Switch for super::CookieConfig {
    fn on() -> Option<Self> {
        Some(Self::default())
    }
}

impl Switch for super::SslConfig {}

/// `false` or `null` for `None`, an object, or `true` where that is clear. TOML and the environment
/// have no `null`, so `None` is written as `false`.
pub(super) mod off {
    use super::{
        Deserialize, Deserializer, PhantomData, Serialize, Serializer, Switch, SwitchVisitor,
    };

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(in super::super) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_bool(false),
        }
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: Deserialize<'de> + Switch,
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(SwitchVisitor(PhantomData))
    }
}

struct SwitchVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Switch> Visitor<'de> for SwitchVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("false or an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Self::Value, E> {
        match (on, T::on()) {
            (false, _) => Ok(None),
            (true, Some(value)) => Ok(Some(value)),
            (true, None) => Err(E::invalid_value(de::Unexpected::Bool(true), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// Refuses whatever is not `false`, and says why.
fn only_false<'de, D: Deserializer<'de>>(
    deserializer: D,
    why: &'static str,
) -> Result<bool, D::Error> {
    struct OnlyFalse(&'static str);

    impl<'de> Visitor<'de> for OnlyFalse {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("false")
        }

        fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_bool<E: de::Error>(self, on: bool) -> Result<bool, E> {
            if on {
                Err(E::custom(self.0))
            } else {
                Ok(false)
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
            Err(de::Error::custom(self.0))
        }
    }

    deserializer.deserialize_any(OnlyFalse(why))
}

/// Why `perMessageDeflate` stays off.
pub(super) const NO_DEFLATE: &str = "perMessageDeflate must be false: a message is encoded once and \
     shared by all who get it, while this extension compresses it anew for each and keeps memory for \
     each";

/// Why `allowEIO3` stays off.
pub(super) const NO_EIO3: &str = "allowEIO3 must be false: clients of Socket.IO 2 are told code 5, \"Unsupported protocol version\"";

pub(super) fn no_deflate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    only_false(deserializer, NO_DEFLATE)
}

pub(super) fn no_eio3<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    only_false(deserializer, NO_EIO3)
}

/// A whole number, also as `1e6`.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<usize, E> {
            usize::try_from(number)
                .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<usize, E> {
            usize::try_from(number)
                .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<usize, E> {
            // Up to here every whole number is a double of its own.
            let fits = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
            if !fits {
                return Err(E::invalid_value(de::Unexpected::Float(number), &self));
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked above"
            )]
            let number = number as u64;
            self.visit_u64(number)
        }
    }

    deserializer.deserialize_any(Whole)
}

/// A list of texts, or one text with commas.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of texts, or one text with commas")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let items = text.split(',').map(str::trim);
            Ok(items.filter(|i| !i.is_empty()).map(str::to_owned).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = seq.next_element()? {
                list.push(item);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_any(List)
}

/// The same, where `null` and an empty text mean that nothing was said.
pub(super) fn optional_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Text(String),
        List(Vec<String>),
    }
    let said = Option::<Said>::deserialize(deserializer)?;
    Ok(match said {
        None => None,
        Some(Said::List(list)) => Some(list),
        Some(Said::Text(text)) if text.is_empty() => None,
        Some(Said::Text(text)) => Some(text.split(',').map(|i| i.trim().to_owned()).collect()),
    })
}
