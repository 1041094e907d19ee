//! Ids and texts in URLs.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What would end a segment of a path, or is no character of one.
///
/// Source: RFC 3986, 3.3 (`pchar`).
const NO_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What is no character of a value in a query.
///
/// Source: RFC 3986, 3.4.
const NO_QUERY: &AsciiSet = &NO_SEGMENT.add(b'&').add(b'+').add(b'=').add(b':').add(b';').add(b'@').add(b',');

/// An id as a segment of a path.
pub(super) fn segment(id: &str) -> String {
    // A whole segment of dots would walk up the path.
    if !id.is_empty() && id.bytes().all(|byte| byte == b'.') {
        return id.replace('.', "%2E");
    }
    utf8_percent_encode(id, NO_SEGMENT).to_string()
}

/// A text as a value in a query.
pub(super) fn query(text: &str) -> String {
    utf8_percent_encode(text, NO_QUERY).to_string()
}

/// A segment of a path as it was before it was escaped.
pub(crate) fn unescaped(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_segment() {
        for (id, escaped) in [
            ("../x?y#z", "..%2Fx%3Fy%23z"),
            ("..", "%2E%2E"),
            ("19:meeting_a@thread.v2", "19:meeting_a@thread.v2"),
            ("57da\\ä", "57da%5C%C3%A4"),
            ("50%", "50%25"),
        ] {
            assert_eq!(segment(id), escaped);
            assert_eq!(unescaped(escaped), id);
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(unescaped("100%"), "100%");
        assert_eq!(query("a='b&c+d'"), "a%3D'b%26c%2Bd'");
    }
}
