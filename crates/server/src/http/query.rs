//! The query string of an Engine.IO request.

use percent_encoding::percent_decode_str;

use super::RequestError;

/// Most bytes of a query string.
const MAX_LEN: usize = 8 * 1024;

/// Most pairs of a query string.
const MAX_PAIRS: usize = 128;

/// The pairs of a query string, decoded as a form is.
///
/// A name that appears twice counts with its last value, as in Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EngineQuery {
    pairs: Vec<(String, String)>,
}

impl EngineQuery {
    /// Reads what stands behind the `?`.
    ///
    /// # Errors
    ///
    /// [`RequestError::BadRequest`] beyond 8 KiB or 128 pairs.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, RequestError> {
        let query = query.unwrap_or_default();
        if query.len() > MAX_LEN {
            return Err(RequestError::BadRequest);
        }
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(RequestError::BadRequest);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(name), decode(value)));
        }
        Ok(Self { pairs })
    }

    /// The value of a name; the last one where there are several.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter().rev();
        pairs.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every pair, in the order of the request.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Each name once, where it first stood, with its last value: what a handshake's `query` shows.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let first = |at: usize, name: &str| !self.pairs[..at].iter().any(|(n, _)| n == name);
        let names = self.pairs.iter().enumerate();
        names
            .filter(move |(at, (name, _))| first(*at, name))
            .map(|(_, (name, _))| (name.as_str(), self.get(name).unwrap_or_default()))
    }

    /// The protocol revision: 4, or 3 for whatever else is said or not said.
    pub(crate) fn revision(&self) -> u8 {
        if self.get("EIO") == Some("4") { 4 } else { 3 }
    }

    /// The transport asked for.
    pub(crate) fn transport(&self) -> Option<&str> {
        self.get("transport")
    }

    /// The session; empty counts as none.
    pub(crate) fn sid(&self) -> Option<&str> {
        self.get("sid").filter(|sid| !sid.is_empty())
    }

    /// What a client adds so that no cache answers.
    pub(crate) fn t(&self) -> Option<&str> {
        self.get("t")
    }

    /// The index of a JSONP callback; present means that JSONP is wanted.
    pub(crate) fn j(&self) -> Option<&str> {
        self.get("j")
    }

    /// Whether the client said that it takes no binary. Only older protocols listen to it.
    pub(crate) fn b64(&self) -> bool {
        self.get("b64").is_some()
    }
}

/// `+` is a space, `%XX` a byte, and bytes that are no UTF-8 become U+FFFD.
pub(super) fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> EngineQuery {
        EngineQuery::parse(Some(query)).unwrap()
    }

    #[test]
    fn a_usual_request() {
        let query = parse("EIO=4&transport=polling&t=abc&sid=xyz");
        assert_eq!(query.revision(), 4);
        assert_eq!(query.transport(), Some("polling"));
        assert_eq!(query.t(), Some("abc"));
        assert_eq!(query.sid(), Some("xyz"));
        assert_eq!((query.j(), query.b64()), (None, false));
    }

    #[test]
    fn an_empty_sid_is_none_and_a_missing_revision_is_three() {
        let query = parse("sid=&EIO=&j=&b64=1");
        assert_eq!(query.sid(), None);
        assert_eq!(query.revision(), 3);
        assert_eq!(query.j(), Some(""));
        assert!(query.b64());
        assert_eq!(EngineQuery::parse(None).unwrap().revision(), 3);
        assert_eq!(parse("EIO=5").revision(), 3);
    }

    #[test]
    fn decoded_as_urlsearchparams_does() {
        let query = parse("&a=1+2&b%20c=%C3%A9&&d&=e&f=g=h&bad=%zz%e");
        let pairs: Vec<_> = query
            .pairs()
            .iter()
            .map(|(n, v)| (&n[..], &v[..]))
            .collect();
        assert_eq!(
            pairs,
            [
                ("a", "1 2"),
                ("b c", "é"),
                ("d", ""),
                ("", "e"),
                ("f", "g=h"),
                ("bad", "%zz%e")
            ]
        );
        assert_eq!(parse("x=%ff").get("x"), Some("\u{fffd}"));
    }

    #[test]
    fn the_last_of_several_counts_and_the_list_keeps_all() {
        let query = parse("a=1&b=2&a=3");
        assert_eq!(query.get("a"), Some("3"));
        assert_eq!(query.pairs().len(), 3);
        let entries: Vec<_> = query.entries().collect();
        assert_eq!(entries, [("a", "3"), ("b", "2")]);
    }

    #[test]
    fn too_long_and_too_many_are_refused() {
        let many = |n| vec!["a"; n].join("&");
        assert!(EngineQuery::parse(Some(&many(MAX_PAIRS))).is_ok());
        let refused = Err(RequestError::BadRequest);
        assert_eq!(EngineQuery::parse(Some(&many(MAX_PAIRS + 1))), refused);
        assert!(EngineQuery::parse(Some(&"a".repeat(MAX_LEN))).is_ok());
        assert_eq!(EngineQuery::parse(Some(&"a".repeat(MAX_LEN + 1))), refused);
    }

    proptest! {
        #[test]
        fn any_text_is_read(query in ".{0,200}") {
            if let Ok(query) = EngineQuery::parse(Some(&query)) {
                for (name, value) in query.entries() {
                    prop_assert_eq!(query.get(name), Some(value));
                }
            }
        }
    }
}
