//! Reads a packet.

use bytes::Bytes;

use super::reader::{Item, Reader};
use crate::{
    Args, Body, ConnectError, Event, EventName, Name, Packet, Value,
    decode::{DecodeError, Limits, checked_name},
    encode::{ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT},
};

/// The fields of a packet that count. Of one that comes twice the last does, as in JavaScript.
#[derive(Default)]
struct Fields<'de> {
    kind: Option<Item<'de>>,
    namespace: Option<Item<'de>>,
    id: Option<Item<'de>>,
    data: Option<Reader<'de>>,
}

/// Reads a packet of a client (`server`) or of a server.
///
/// Stricter than the reference in the names of events: they follow the rules of the JSON parser. An id
/// that is negative or does not fit is like none.
pub(crate) fn decode(
    limits: &Limits,
    message: &Bytes,
    server: bool,
) -> Result<Option<Packet>, DecodeError> {
    // The packet is one level itself, which does not count.
    let mut reader = Reader::new(message, limits.depth() + 1);
    let fields = fields(&mut reader)?;
    let kind = kind(fields.kind.as_ref())?;
    let Some(Item::Text(namespace)) = fields.namespace else {
        return Err(DecodeError::InvalidNamespace);
    };
    let id = id(fields.id)?;
    let data = Data {
        message,
        reader: fields.data,
    };
    let body = match kind {
        CONNECT => Body::Connect(data.object()?),
        DISCONNECT if data.reader.is_none() => Body::Disconnect,
        EVENT => {
            let (name, args) = data.event()?;
            Body::Event(Event { id, name, args })
        }
        ACK => {
            let args = data.list()?;
            let Some(id) = id else { return Ok(None) };
            Body::Ack { id, args }
        }
        CONNECT_ERROR if server => return Err(DecodeError::UnexpectedType),
        CONNECT_ERROR => Body::ConnectError(data.refusal()?),
        _ => return Err(DecodeError::InvalidPayload),
    };
    Ok(Some(Packet {
        namespace: Name::new(namespace),
        body,
    }))
}

fn fields<'de>(reader: &mut Reader<'de>) -> Result<Fields<'de>, DecodeError> {
    let Item::Map(len) = reader.item()? else {
        return Err(DecodeError::NotMsgpack);
    };
    reader.enter()?;
    let mut fields = Fields::default();
    for _ in 0..len {
        let mut key = *reader;
        reader.skip()?;
        let mut value = *reader;
        reader.skip()?;
        let Item::Text(key) = key.item()? else {
            continue;
        };
        match &*key {
            "type" => fields.kind = Some(value.item()?),
            "nsp" => fields.namespace = Some(value.item()?),
            "id" => fields.id = Some(value.item()?),
            "data" => {
                let mut ahead = value;
                let undefined = ahead.item()? == Item::Undefined;
                fields.data = (!undefined).then_some(value);
            }
            _ => {}
        }
    }
    if reader.rest().is_empty() {
        Ok(fields)
    } else {
        Err(DecodeError::NotMsgpack)
    }
}

fn kind(item: Option<&Item<'_>>) -> Result<u8, DecodeError> {
    match item.map(integer) {
        Some(Some(kind @ 0.0..=4.0)) =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 4"
            )]
            Ok(kind as u8)
        }
        _ => Err(DecodeError::UnknownType),
    }
}

fn id(item: Option<Item<'_>>) -> Result<Option<u64>, DecodeError> {
    match item {
        None | Some(Item::Undefined) => Ok(None),
        Some(Item::Unsigned(id)) => Ok(Some(id)),
        Some(item) => {
            let id = integer(&item).ok_or(DecodeError::InvalidId)?;
            let fits = (0.0..9.007_199_254_740_992e15).contains(&id);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it fits"
            )]
            Ok(fits.then_some(id as u64))
        }
    }
}

/// A number without a fraction, whatever its form.
fn integer(item: &Item<'_>) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "so does JavaScript")]
    let number = match item {
        Item::Unsigned(number) => *number as f64,
        Item::Signed(number) => *number as f64,
        Item::Float(number) => *number,
        _ => return None,
    };
    (number.fract() == 0.0).then_some(number)
}

/// The value of `data`, if it is there.
struct Data<'a> {
    message: &'a Bytes,
    reader: Option<Reader<'a>>,
}

impl Data<'_> {
    fn object(self) -> Result<Option<Args>, DecodeError> {
        let Some(mut reader) = self.reader else {
            return Ok(None);
        };
        let start = reader.rest();
        let Item::Map(_) = reader.item()? else {
            return Err(DecodeError::InvalidPayload);
        };
        Ok(Some(Args::of_msgpack(self.message.slice_ref(start), 1)))
    }

    fn list(self) -> Result<Args, DecodeError> {
        let mut reader = self.reader.ok_or(DecodeError::InvalidPayload)?;
        match reader.item()? {
            Item::Array(len) => Ok(Args::of_msgpack(self.message.slice_ref(reader.rest()), len)),
            // What notepack makes of an unknown extension is a list as well, but nobody sends one.
            _ => Err(DecodeError::InvalidPayload),
        }
    }

    fn event(self) -> Result<(EventName, Args), DecodeError> {
        let mut reader = self.reader.ok_or(DecodeError::InvalidPayload)?;
        let Item::Array(len) = reader.item()? else {
            return Err(DecodeError::InvalidPayload);
        };
        let count = len.checked_sub(1).ok_or(DecodeError::InvalidEventName)?;
        let name = match reader.item()? {
            Item::Text(name) => EventName::new(name),
            Item::Unsigned(number) => EventName::from(number.to_string()),
            Item::Signed(number) => EventName::from(number.to_string()),
            Item::Float(number) if number.is_finite() => EventName::of_number(number),
            _ => return Err(DecodeError::InvalidEventName),
        };
        let args = Args::of_msgpack(self.message.slice_ref(reader.rest()), count);
        Ok((checked_name(name)?, args))
    }

    fn refusal(self) -> Result<ConnectError, DecodeError> {
        let mut reader = self.reader.ok_or(DecodeError::InvalidPayload)?;
        let value: Value = serde::Deserialize::deserialize(&mut reader)
            .map_err(|_| DecodeError::InvalidPayload)?;
        match value {
            Value::String(_) | Value::Object(_) => Ok(ConnectError::of_value(value)),
            _ => Err(DecodeError::InvalidPayload),
        }
    }
}
