//! Finds the arguments in text that is known to be JSON.
//!
//! A list is checked once, when it arrives. After that its elements are found by their brackets and
//! quotes alone.

/// The next element of what is left of a list, and what is left after it.
///
/// `rest` begins behind the list's opening bracket or behind an element.
pub(crate) fn next(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = rest
        .iter()
        .position(|byte| !matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n'))?;
    let rest = &rest[start..];
    let len = match rest.first()? {
        b']' | b'}' => return None,
        b'"' => string(rest),
        b'[' | b'{' => nested(rest),
        _ => rest
            .iter()
            .position(|byte| {
                matches!(
                    byte,
                    b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n'
                )
            })
            .unwrap_or(rest.len()),
    };
    Some(rest.split_at(len))
}

/// The next field of what is left of an object: its name with quotes, its value, and what is left.
pub(crate) fn field(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (key, left) = next(rest)?;
    let colon = left.iter().position(|byte| *byte == b':')?;
    let (value, left) = next(left.get(colon + 1..)?)?;
    Some((key, value, left))
}

/// How deep arrays and objects are nested.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at += string(&json[at..]);
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// The length of the string that `json` begins with, quotes included.
fn string(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(rest) = json.get(at..) {
        match memchr::memchr2(b'"', b'\\', rest) {
            None => break,
            Some(found) if rest[found] == b'"' => return at + found + 1,
            Some(found) => at += found + 2,
        }
    }
    json.len()
}

/// The length of the array or object that `json` begins with.
fn nested(json: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at += string(&json[at..]);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut rest: &str) -> Vec<String> {
        let mut found = Vec::new();
        while let Some((element, left)) = next(rest.as_bytes()) {
            found.push(str::from_utf8(element).unwrap().to_owned());
            rest = str::from_utf8(left).unwrap();
        }
        found
    }

    #[test]
    fn elements_are_found() {
        assert_eq!(all(""), [""; 0]);
        assert_eq!(all("]"), [""; 0]);
        assert_eq!(all(" , \n1 , -2.5e3,null]"), ["1", "-2.5e3", "null"]);
        assert_eq!(
            all(r#""a,]\"\\",[1,["]"]],{"}":"{"}, true ]"#),
            [r#""a,]\"\\""#, r#"[1,["]"]]"#, r#"{"}":"{"}"#, "true",]
        );
    }

    #[test]
    fn fields_are_found() {
        let object = br#" "a" : 1,"b,\"":{"c":[]} , "d":true}"#;
        let (key, value, left) = field(object).unwrap();
        assert_eq!((key, value), (&br#""a""#[..], &b"1"[..]));
        let (key, value, left) = field(left).unwrap();
        assert_eq!((key, value), (&br#""b,\"""#[..], &br#"{"c":[]}"#[..]));
        let (key, value, left) = field(left).unwrap();
        assert_eq!((key, value), (&br#""d""#[..], &b"true"[..]));
        assert_eq!(field(left), None);
        assert_eq!(field(b"}"), None);
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth(br#"["[[[",{"a":[]},[]]"#), 3);
        assert_eq!(depth("[".repeat(9).as_bytes()), 9);
    }

    #[test]
    fn what_is_no_json_does_not_panic() {
        for text in ["\"", "\"\\", "[\"", "{", "}", "x", "[]]", "]["] {
            depth(text.as_bytes());
            all(text);
            field(text.as_bytes());
        }
    }
}
