//! Compressed bodies, for clients that take them.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{
    Compression as Level,
    write::{GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, header};

use crate::options::IoConfig;

/// From which size on bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compression {
    /// The smallest body that is compressed; `None` compresses none.
    pub(crate) threshold: Option<usize>,
}

impl Compression {
    /// Never.
    pub(crate) const OFF: Self = Self { threshold: None };

    /// The coding that fits a body of this length and this request.
    pub(crate) fn choose(self, length: usize, request: &HeaderMap) -> Option<Coding> {
        (length >= self.threshold?).then(|| Coding::accepted(request))?
    }
}

impl From<&IoConfig> for Compression {
    fn from(config: &IoConfig) -> Self {
        Self {
            threshold: config.http_compression.map(|c| c.threshold),
        }
    }
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// The zlib format, as RFC 9110 means it.
    Deflate,
}

impl Coding {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// What `Accept-Encoding` likes best: the higher weight, then a name before `*`, then the order
    /// of the request. Nothing is compressed for who prefers it as it is.
    pub(crate) fn accepted(request: &HeaderMap) -> Option<Self> {
        let mut accepted = Accepted::default();
        let values = request.get_all(header::ACCEPT_ENCODING).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        for item in values.flat_map(|value| value.split(',')) {
            accepted.add(item);
        }
        accepted.best()
    }

    /// Compresses a whole body.
    pub(crate) fn encode(self, body: &[u8], level: Level) -> io::Result<Bytes> {
        let room = Vec::with_capacity(body.len() / 4);
        let encoded = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(room, level);
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(room, level);
                encoder.write_all(body)?;
                encoder.finish()
            }
        };
        encoded.map(Bytes::from)
    }
}

/// The weights of one request, in thousandths.
#[derive(Debug, Default)]
struct Accepted {
    gzip: Option<u16>,
    deflate: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
    deflate_is_first: bool,
}

impl Accepted {
    fn add(&mut self, item: &str) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
            .map_or(1_000, thousandths);
        match name.as_str() {
            "gzip" => self.gzip = Some(weight),
            "deflate" => {
                self.deflate_is_first = self.gzip.is_none();
                self.deflate = Some(weight);
            }
            "identity" => self.identity = Some(weight),
            "*" => self.any = Some(weight),
            _ => {}
        }
    }

    fn best(&self) -> Option<Coding> {
        // Larger is better: the weight, whether it was named, whether it came first.
        let rank = |named: Option<u16>, first: bool| {
            let weight = named.or(self.any).unwrap_or(0);
            (weight, named.is_some(), first)
        };
        let gzip = rank(self.gzip, !self.deflate_is_first);
        let deflate = rank(self.deflate, self.deflate_is_first);
        let (best, coding) = if gzip >= deflate {
            (gzip.0, Coding::Gzip)
        } else {
            (deflate.0, Coding::Deflate)
        };
        (best > 0 && best >= self.identity.unwrap_or(0)).then_some(coding)
    }
}

/// A weight from 0 to 1; what is none counts as 0.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    match whole {
        "1" if digits => 1_000,
        "0" if digits => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::{GzDecoder, ZlibDecoder};
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn accepted(value: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_str(value).unwrap(),
        );
        Coding::accepted(&headers).map(Coding::as_str)
    }

    /// The answers of the npm package `accepts` to the same headers, but for the one that prefers
    /// `identity`, which it compresses all the same.
    #[test]
    fn weights_are_heard() {
        let cases = [
            ("gzip", Some("gzip")),
            ("gzip, deflate, br", Some("gzip")),
            ("deflate, gzip", Some("deflate")),
            ("deflate", Some("deflate")),
            ("gzip;q=0.5, deflate;q=0.8", Some("deflate")),
            ("gzip;q=0.5, deflate;q=0.50", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("br", None),
            ("", None),
            ("identity", None),
            ("*", Some("gzip")),
            ("*;q=0.1, deflate;q=0.1", Some("deflate")),
            ("gzip;q=0, *", Some("deflate")),
            ("gzip;q=0", None),
            ("*;q=0", None),
            ("gzip;q=0.000, deflate;q=0", None),
            ("identity;q=1, gzip;q=0.5", None),
            ("identity;q=0.5, gzip;q=1", Some("gzip")),
            ("gzip;q=nonsense", None),
            ("gzip ; q=1", Some("gzip")),
            (",,;;=,gzip", Some("gzip")),
        ];
        for (header, coding) in cases {
            assert_eq!(accepted(header), coding, "{header}");
        }
        assert_eq!(Coding::accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn small_bodies_and_an_off_switch() {
        let mut request = HeaderMap::new();
        request.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let on = Compression::from(&IoConfig::default());
        assert_eq!(on.choose(1_023, &request), None);
        assert_eq!(on.choose(1_024, &request), Some(Coding::Gzip));
        assert_eq!(on.choose(1_024, &HeaderMap::new()), None);
        assert_eq!(Compression::OFF.choose(1 << 20, &request), None);
    }

    proptest! {
        #[test]
        fn bodies_come_back(body in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            let gzip = Coding::Gzip.encode(&body, Level::fast()).unwrap();
            let mut back = Vec::new();
            GzDecoder::new(&gzip[..]).read_to_end(&mut back).unwrap();
            prop_assert_eq!(&back, &body);
            let deflate = Coding::Deflate.encode(&body, Level::fast()).unwrap();
            back.clear();
            ZlibDecoder::new(&deflate[..]).read_to_end(&mut back).unwrap();
            prop_assert_eq!(back, body);
        }

        #[test]
        fn any_header_is_read(value in "[ -~]{0,60}") {
            accepted(&value);
        }
    }
}
