//! An event for the sockets of other nodes.

use bytes::Bytes;

use super::super::{
    data::List,
    doc::Doc,
    error::{ClusterError, ClusterLimits, PublishError},
    options::{Options, Order, To, name, read_options, write_options},
};
use crate::{
    Args, Encoded, EventName, Name,
    msgpack::{write_list, write_map, write_str, write_unsigned},
};

/// An event that another node has published: `[uid, {type, data, nsp}, {rooms, except, flags}]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Broadcast {
    /// Who published it. A node ignores its own; `emitter` is a process without sockets.
    pub uid: String,
    /// Where. A node ignores what is for another namespace.
    pub namespace: Name,
    /// What it is called.
    pub event: EventName,
    /// What it carries. Not copied: it keeps the message.
    pub args: Args,
    /// Whom it means, whatever channel it came on.
    pub options: Options,
}

impl Broadcast {
    /// Reads an event.
    pub fn decode(limits: &ClusterLimits, message: &Bytes) -> Result<Self, ClusterError> {
        let doc = Doc::msgpack(limits, message)?;
        let mut parts = doc.elements().ok_or(ClusterError::Malformed)?;
        let uid = parts.next().and_then(Doc::name);
        let uid = name(limits, uid.ok_or(ClusterError::InvalidField("uid"))?)?;
        let packet = parts.next().ok_or(ClusterError::InvalidField("packet"))?;
        let (namespace, event, args) = read_packet(limits, packet, message)?;
        let options = parts.next().ok_or(ClusterError::InvalidField("opts"))?;
        let options = read_options(limits, options)?;
        Ok(Self {
            uid,
            namespace,
            event,
            args,
            options,
        })
    }
}

/// `{type, data, nsp}`. Without `nsp` it is for `/`.
pub(in super::super) fn read_packet(
    limits: &ClusterLimits,
    packet: Doc<'_>,
    message: &Bytes,
) -> Result<(Name, EventName, Args), ClusterError> {
    let (mut kind, mut data, mut namespace) = (None, None, Name::ROOT);
    for (key, value) in packet
        .fields()
        .ok_or(ClusterError::InvalidField("packet"))?
    {
        match &*key {
            "type" => kind = value.unsigned(),
            "data" => data = Some(value),
            "nsp" => {
                let text = value.text().ok_or(ClusterError::InvalidField("nsp"))?;
                namespace = Name::new(name(limits, text)?);
            }
            _ => {}
        }
    }
    // 5 is a binary event, which nobody publishes, but Node would deliver.
    if !matches!(kind, Some(2 | 5)) {
        return Err(ClusterError::NotAnEvent);
    }
    let (event, args) = data
        .ok_or(ClusterError::InvalidField("data"))?
        .event(message)?;
    Ok((namespace, event, args))
}

/// `[uid, packet, options]`, without a value in between.
pub(in super::super) fn write_broadcast(
    uid: &str,
    namespace: &str,
    packet: &Encoded,
    to: &To<'_>,
    order: Order,
) -> Result<Vec<u8>, PublishError> {
    let list = List::of(packet)?;
    let mut out = Vec::with_capacity(room(packet, to));
    write_list(&mut out, 3);
    write_str(&mut out, uid);
    write_packet(&mut out, namespace, &list)?;
    write_options(&mut out, to, order);
    Ok(out)
}

pub(super) fn write_packet(
    out: &mut Vec<u8>,
    namespace: &str,
    list: &List<'_>,
) -> Result<(), PublishError> {
    write_map(out, 3);
    write_str(out, "type");
    write_unsigned(out, 2);
    write_str(out, "data");
    list.write(out)?;
    write_str(out, "nsp");
    write_str(out, if namespace.is_empty() { "/" } else { namespace });
    Ok(())
}

/// About what it takes, so that the buffer need not grow.
pub(super) fn room(packet: &Encoded, to: &To<'_>) -> usize {
    let text = packet.text.as_ref().map_or(0, String::len);
    let binary: usize = packet.binary.iter().map(Bytes::len).sum();
    let names = to.rooms.iter().chain(to.except).map(|name| name.len() + 5);
    96 + text + binary + names.sum::<usize>()
}
