//! What Redis sends to a subscriber, without I/O.
//!
//! A connection that only subscribes and pings gets few kinds of replies: flat arrays of strings and
//! numbers, simple strings and errors. Nothing else is accepted, so depth is bounded by construction.
//! Payloads are slices of the buffer they were read into. A payload above the limit is not kept: it is
//! reported and skipped as it arrives, and the subscription goes on.

use bytes::{Buf, Bytes, BytesMut};

/// The longest header line: a length, or an error's text.
const MAX_LINE: usize = 64 * 1024;

/// The longest array: `pmessage` has four elements.
const MAX_ELEMENTS: usize = 8;

/// Something that Redis sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    /// `message`, `smessage` or `pmessage`. The topic is what was subscribed to: the channel or a pattern.
    Message {
        kind: Kind,
        topic: Bytes,
        channel: Bytes,
        payload: Bytes,
    },
    /// A message that was too large to be kept.
    Oversized { channel: Bytes },
    /// A subscription is there.
    Subscribed { kind: Kind, topic: Bytes },
    /// A subscription is gone, asked for or not.
    Unsubscribed { kind: Kind, topic: Bytes },
    /// The answer to a ping.
    Pong,
    /// `+OK` and the like.
    Okay,
    /// An error, such as `NOAUTH …`.
    Error(Bytes),
}

/// The three ways to subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `SUBSCRIBE`: one channel.
    Channel,
    /// `PSUBSCRIBE`: all that match.
    Pattern,
    /// `SSUBSCRIBE`: one channel of the shard that holds it.
    Shard,
}

/// What came is not what Redis sends to a subscriber. The connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("redis sent what a subscriber does not expect: {0}")]
pub(crate) struct ProtocolError(&'static str);

/// Takes bytes as they come, and gives what they mean.
#[derive(Debug)]
pub(crate) struct Reader {
    buffer: BytesMut,
    /// Bytes of an oversized payload that are still to come.
    skip: usize,
    max_payload: usize,
}

impl Reader {
    pub(crate) fn new(max_payload: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            skip: 0,
            max_payload,
        }
    }

    /// Where to put what is read next.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        // What is left of the last read is the beginning of a message: room for more of it.
        self.buffer.reserve(16 * 1024);
        &mut self.buffer
    }

    /// The next message, if it is complete.
    pub(crate) fn next(&mut self) -> Result<Option<Push>, ProtocolError> {
        if self.skip > 0 {
            let here = self.skip.min(self.buffer.len());
            self.buffer.advance(here);
            self.skip -= here;
            if self.skip > 0 {
                return Ok(None);
            }
        }
        let mut scan = Scan {
            bytes: &self.buffer,
            at: 0,
            max_payload: self.max_payload,
        };
        let Some(reply) = scan.reply()? else {
            return Ok(None);
        };
        let end = scan.at;
        let bytes = self.buffer.split_to(end).freeze();
        if let Reply::Array {
            oversized: Some(length),
            ..
        } = &reply
        {
            self.skip = length + 2;
        }
        reply.meaning(&bytes).map(Some)
    }
}

/// A range of the message's bytes.
type Span = (usize, usize);

#[derive(Debug)]
enum Reply {
    Simple(Span),
    Error(Span),
    Array {
        elements: [Span; MAX_ELEMENTS],
        count: usize,
        /// The length of the last element, when it is too large to be waited for.
        oversized: Option<usize>,
    },
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    max_payload: usize,
}

impl Scan<'_> {
    /// A whole reply, or `None` when more must come.
    fn reply(&mut self) -> Result<Option<Reply>, ProtocolError> {
        let Some((marker, line)) = self.line()? else {
            return Ok(None);
        };
        match marker {
            b'+' => Ok(Some(Reply::Simple(line))),
            b'-' => Ok(Some(Reply::Error(line))),
            b'*' | b'>' => self.array(line),
            _ => Err(ProtocolError("neither an array nor a status")),
        }
    }

    fn array(&mut self, line: Span) -> Result<Option<Reply>, ProtocolError> {
        let count = self.number(line)?;
        let count = usize::try_from(count)
            .ok()
            .filter(|count| (1..=MAX_ELEMENTS).contains(count))
            .ok_or(ProtocolError("an array of no use"))?;
        let mut elements = [(0, 0); MAX_ELEMENTS];
        for (index, element) in elements.iter_mut().take(count).enumerate() {
            let Some((marker, line)) = self.line()? else {
                return Ok(None);
            };
            match marker {
                b':' | b'+' => *element = line,
                b'_' => {}
                b'$' => {
                    let length = self.number(line)?;
                    if length < 0 {
                        continue;
                    }
                    let length = usize::try_from(length)
                        .map_err(|_| ProtocolError("a length beyond all memory"))?;
                    if length > self.max_payload {
                        if index + 1 != count {
                            return Err(ProtocolError("a name beyond the limit"));
                        }
                        return Ok(Some(Reply::Array {
                            elements,
                            count,
                            oversized: Some(length),
                        }));
                    }
                    let Some(span) = self.bulk(length)? else {
                        return Ok(None);
                    };
                    *element = span;
                }
                _ => return Err(ProtocolError("an element of another kind")),
            }
        }
        Ok(Some(Reply::Array {
            elements,
            count,
            oversized: None,
        }))
    }

    fn bulk(&mut self, length: usize) -> Result<Option<Span>, ProtocolError> {
        let (start, end) = (self.at, self.at + length);
        match self.bytes.get(end..end + 2) {
            None => Ok(None),
            Some(b"\r\n") => {
                self.at = end + 2;
                Ok(Some((start, end)))
            }
            Some(_) => Err(ProtocolError("a string without its end")),
        }
    }

    /// The marker and the rest of a line.
    fn line(&mut self) -> Result<Option<(u8, Span)>, ProtocolError> {
        let rest = &self.bytes[self.at..];
        let window = &rest[..rest.len().min(MAX_LINE)];
        let Some(length) = window.iter().position(|&byte| byte == b'\r') else {
            return if rest.len() < MAX_LINE {
                Ok(None)
            } else {
                Err(ProtocolError("a line without end"))
            };
        };
        match rest.get(length + 1) {
            None => return Ok(None),
            Some(b'\n') => {}
            Some(_) => return Err(ProtocolError("a line without its end")),
        }
        if length == 0 {
            return Err(ProtocolError("an empty line"));
        }
        let span = (self.at + 1, self.at + length);
        self.at += length + 2;
        Ok(Some((rest[0], span)))
    }

    fn number(&self, (start, end): Span) -> Result<i64, ProtocolError> {
        std::str::from_utf8(&self.bytes[start..end])
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or(ProtocolError("not a number"))
    }
}

impl Reply {
    fn meaning(&self, bytes: &Bytes) -> Result<Push, ProtocolError> {
        let (elements, count, oversized) = match self {
            Self::Simple((start, end)) if &bytes[*start..*end] == b"PONG" => return Ok(Push::Pong),
            Self::Simple(_) => return Ok(Push::Okay),
            Self::Error((start, end)) => return Ok(Push::Error(bytes.slice(*start..*end))),
            Self::Array {
                elements,
                count,
                oversized,
            } => (elements, *count, oversized.is_some()),
        };
        let slice = |index: usize| {
            let (start, end) = elements[index];
            bytes.slice(start..end)
        };
        let (start, end) = elements[0];
        let message = |kind, channel: usize| {
            if oversized {
                Push::Oversized {
                    channel: slice(channel),
                }
            } else {
                Push::Message {
                    kind,
                    topic: slice(1),
                    channel: slice(channel),
                    payload: slice(channel + 1),
                }
            }
        };
        let subscribed = |kind| Push::Subscribed {
            kind,
            topic: slice(1),
        };
        let unsubscribed = |kind| Push::Unsubscribed {
            kind,
            topic: slice(1),
        };
        Ok(match (&bytes[start..end], count) {
            (b"message", 3) => message(Kind::Channel, 1),
            (b"pmessage", 4) => message(Kind::Pattern, 2),
            (b"smessage", 3) => message(Kind::Shard, 1),
            (b"subscribe", 3) => subscribed(Kind::Channel),
            (b"psubscribe", 3) => subscribed(Kind::Pattern),
            (b"ssubscribe", 3) => subscribed(Kind::Shard),
            (b"unsubscribe", 3) => unsubscribed(Kind::Channel),
            (b"punsubscribe", 3) => unsubscribed(Kind::Pattern),
            (b"sunsubscribe", 3) => unsubscribed(Kind::Shard),
            (b"pong", 2) => Push::Pong,
            _ => return Err(ProtocolError("an unknown push")),
        })
    }
}

/// For the fuzz target: `bytes` in pieces of `step`.
#[doc(hidden)]
pub fn fuzz_reader(bytes: &[u8], step: usize, max_payload: usize) {
    let mut reader = Reader::new(max_payload);
    for piece in bytes.chunks(step.max(1)) {
        reader.buffer().extend_from_slice(piece);
        loop {
            match reader.next() {
                Ok(Some(Push::Message { payload, .. })) => assert!(payload.len() <= max_payload),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_in_steps(bytes: &[u8], step: usize, max: usize) -> Result<Vec<Push>, ProtocolError> {
        let mut reader = Reader::new(max);
        let mut pushes = Vec::new();
        for piece in bytes.chunks(step) {
            reader.buffer().extend_from_slice(piece);
            while let Some(push) = reader.next()? {
                pushes.push(push);
            }
        }
        Ok(pushes)
    }

    fn message(channel: &'static str, payload: &'static str) -> Push {
        Push::Message {
            kind: Kind::Channel,
            topic: channel.into(),
            channel: channel.into(),
            payload: payload.into(),
        }
    }

    #[test]
    fn each_reply_is_known_in_pieces_of_any_size() {
        let bytes = b"+OK\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n\
            *4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nab\r\n$4\r\n\r\n\x00\xff\r\n\
            >3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$0\r\n\r\n\
            *3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n\
            *3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n-NOAUTH no\r\n+PONG\r\n";
        let expected = vec![
            Push::Okay,
            Push::Subscribed {
                kind: Kind::Channel,
                topic: "a".into(),
            },
            Push::Message {
                kind: Kind::Pattern,
                topic: "a*".into(),
                channel: "ab".into(),
                payload: Bytes::from_static(b"\r\n\x00\xff"),
            },
            Push::Message {
                kind: Kind::Shard,
                topic: "s".into(),
                channel: "s".into(),
                payload: Bytes::new(),
            },
            Push::Unsubscribed {
                kind: Kind::Shard,
                topic: "s".into(),
            },
            Push::Pong,
            Push::Unsubscribed {
                kind: Kind::Channel,
                topic: Bytes::new(),
            },
            Push::Error("NOAUTH no".into()),
            Push::Pong,
        ];
        for step in 1..=bytes.len() {
            assert_eq!(read_in_steps(bytes, step, 100).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn what_is_too_large_is_skipped_and_what_follows_is_read() {
        let bytes = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$20\r\n01234567890123456789\r\n\
            *3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$2\r\nok\r\n";
        let expected = vec![
            Push::Oversized {
                channel: "a".into(),
            },
            message("b", "ok"),
        ];
        for step in 1..=bytes.len() {
            assert_eq!(read_in_steps(bytes, step, 19).unwrap(), expected, "{step}");
        }
        assert_eq!(read_in_steps(bytes, 7, 20).unwrap().len(), 2);
        // A claimed length costs nothing.
        let claim = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$9223372036854775807\r\nxx";
        assert_eq!(
            read_in_steps(claim, 3, 1_000).unwrap(),
            [Push::Oversized {
                channel: "a".into()
            }]
        );
    }

    #[test]
    fn what_a_subscriber_does_not_get_is_refused() {
        for bytes in [
            &b":1\r\n"[..],
            b"$3\r\nabc\r\n",
            b"*1\r\n*1\r\n:1\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"*9\r\n",
            b"*x\r\n",
            b"*3\r\n$7\r\nmessage\r\n$1\r\nab\r\n",
            b"*2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
            b"*1\r\n$7\r\nunknown\r\n",
            b"\r\n",
            b"+OK\rx",
            b"*3\r\n$99\r\n",
        ] {
            assert!(read_in_steps(bytes, 1, 10).is_err(), "{bytes:?}");
        }
        let endless = vec![b'+'; MAX_LINE + 1];
        assert!(read_in_steps(&endless, 1_000, 10).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_mean_the_same(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'*'), Just(b'$'), Just(b':'), b'0'..=b'9', any::<u8>()],
                0..60,
            ),
            step in 1_usize..20,
        ) {
            let whole = read_in_steps(&bytes, bytes.len().max(1), 16);
            let pieces = read_in_steps(&bytes, step, 16);
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn payloads_arrive_as_they_were_sent(payload in proptest::collection::vec(any::<u8>(), 0..200), step in 1_usize..50) {
            let mut bytes = format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n${}\r\n", payload.len()).into_bytes();
            bytes.extend_from_slice(&payload);
            bytes.extend_from_slice(b"\r\n");
            let pushes = read_in_steps(&bytes, step, 200).unwrap();
            let [Push::Message { payload: read, .. }] = &pushes[..] else { panic!() };
            prop_assert_eq!(read, &payload);
        }
    }
}
