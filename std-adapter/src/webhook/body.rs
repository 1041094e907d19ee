//! The body of a notification: how large it may be, how long it may take, and what its bytes mean.
//!
//! Source: field reports of `charset=utf-8` and of `charset=Windows-1252`; JSON without a charset is UTF-8 (RFC 8259).

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::admission::{Admission, Room};
use super::{Refusal, Settings, text};

/// The content type as far as it matters: what the bytes mean.
///
/// # Errors
/// [`Refusal::ContentType`] where it certainly is no JSON, or its charset is not known.
pub(super) fn encoding(headers: &HeaderMap) -> Result<&'static Encoding, Refusal> {
    let content_type = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    // Whatever may hold JSON is read as JSON: what it says then decides.
    let may_be_json = media.is_empty()
        || media.contains("json")
        || media.starts_with("text/")
        || matches!(media.as_str(), "application/octet-stream" | "*/*");
    if !may_be_json {
        return Err(Refusal::ContentType(format!("{media} is no JSON: send application/json")));
    }
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    match charset {
        None => Ok(UTF_8),
        Some(label) => Encoding::for_label(label.as_bytes())
            .ok_or_else(|| Refusal::ContentType(format!("charset {label} is not known: send UTF-8"))),
    }
}

/// Reads the body as text, with room made for its bytes: at once for as many as it says, else as they come.
///
/// # Errors
/// [`Refusal`]
pub(super) async fn read(
    body: Body,
    encoding: &'static Encoding,
    settings: &Settings,
    admission: &Admission,
) -> Result<(String, Room), Refusal> {
    let whole = collect(body, settings.max_body, admission);
    let read = tokio::time::timeout(settings.body_within, whole).await;
    let (bytes, room) = read.map_err(|_| Refusal::TooSlow(settings.body_within))??;
    // What the bytes begin with (a byte order mark) counts for more than what the header says.
    let (decoded, found, has_errors) = encoding.decode(&bytes);
    if has_errors {
        return Err(Refusal::Unreadable(format!("the body is not {} text", found.name())));
    }
    Ok((decoded.into_owned(), room))
}

async fn collect(mut body: Body, max: usize, admission: &Admission) -> Result<(Vec<u8>, Room), Refusal> {
    let said = body.size_hint().lower();
    let said = usize::try_from(said).ok().filter(|said| *said <= max).ok_or(Refusal::TooLarge(max))?;
    let mut room = admission.bytes(said)?;
    let mut bytes = Vec::with_capacity(said);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Refusal::Unreadable("the body broke off".to_owned()))?;
        let Ok(piece) = frame.into_data() else { continue };
        let length = bytes.len().saturating_add(piece.len());
        if length > max {
            return Err(Refusal::TooLarge(max));
        }
        let more = length.saturating_sub(room.num_permits());
        room.merge(admission.bytes(more)?);
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_charset_that_is_named_decides_and_an_unknown_one_is_refused() {
        let settings = Settings::default();
        let admission = Admission::new(&settings);
        let utf16: Vec<u8> = "\u{feff}Ärger".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (content_type, bytes, expected) in [
            (None, "Ärger".as_bytes().to_vec(), Some("Ärger")),
            (Some("application/json"), "Ärger".as_bytes().to_vec(), Some("Ärger")),
            (Some("Application/JSON; Charset=UTF-8"), "Ärger".as_bytes().to_vec(), Some("Ärger")),
            (Some("application/json; charset=\"utf-8\""), "\u{feff}Ärger".as_bytes().to_vec(), Some("Ärger")),
            (Some("application/json;charset=Windows-1252"), b"\xC4rger".to_vec(), Some("Ärger")),
            (Some("text/plain; charset=iso-8859-1; x=y"), b"\xC4rger".to_vec(), Some("Ärger")),
            (Some("application/json; charset=utf-16"), utf16.clone(), Some("Ärger")),
            (Some("application/json"), utf16, Some("Ärger")),
            (Some("application/json"), b"\xC4rger".to_vec(), None),
            (Some("application/json; charset=klingon"), b"x".to_vec(), None),
            (Some("multipart/form-data; boundary=x"), b"x".to_vec(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(content_type.map(|value| (CONTENT_TYPE, value.parse().unwrap())));
            let decoded = match encoding(&headers) {
                Ok(encoding) => read(Body::from(bytes), encoding, &settings, &admission).await.ok(),
                Err(_) => None,
            };
            assert_eq!(decoded.map(|(text, _)| text).as_deref(), expected, "{content_type:?}");
        }
    }

    /// A body that does not say how long it is.
    struct Pieces(u8, usize);

    impl HttpBody for Pieces {
        type Data = bytes::Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
            let Some(left) = self.0.checked_sub(1) else { return std::task::Poll::Ready(None) };
            self.0 = left;
            let piece = bytes::Bytes::from(vec![b' '; self.1]);
            std::task::Poll::Ready(Some(Ok(http_body::Frame::data(piece))))
        }
    }

    #[tokio::test]
    async fn what_does_not_say_its_length_is_counted_as_it_comes() {
        let settings = Settings { max_body: 40, max_buffered: 60, ..Settings::default() };
        let admission = Admission::new(&settings);
        let read = async |body: Body| read(body, UTF_8, &settings, &admission).await;
        let (text, first) = read(Body::new(Pieces(4, 10))).await.ok().unwrap();
        assert_eq!(text.len(), 40, "as long as may be");
        assert!(matches!(read(Body::new(Pieces(5, 10))).await, Err(Refusal::Overloaded(_))), "20 are left");
        assert!(matches!(read(Body::from(vec![b' '; 21])).await, Err(Refusal::Overloaded(_))));
        assert!(read(Body::from(vec![b' '; 20])).await.is_ok());
        drop(first);
        assert!(matches!(read(Body::new(Pieces(5, 10))).await, Err(Refusal::TooLarge(40))));
        assert!(matches!(read(Body::from(vec![b' '; 41])).await, Err(Refusal::TooLarge(40))));
        assert!(read(Body::from(vec![b' '; 40])).await.is_ok(), "what was held is free again");
    }
}
