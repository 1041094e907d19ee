//! Speech by Azure: one POST of SSML a text.
//!
//! Source: Azure docs, Text to speech REST API; Speech synthesis markup: document structure, voice and sound.

mod access;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, Uri};

use super::{Content, Speech, Tts, TtsError, Utterance, check_name};
use crate::client::retry::read_retry_after;
use crate::transport::{Transport, check_scheme};

pub use access::Access;
use access::Entrance;

/// Azure's speech service, over its REST interface.
///
/// It speaks at most ten minutes a request, what is longer it cuts off. The sound is asked for at 24 kHz, which is what its
/// voices have, and converted here.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use callflow_graph::prompt::tts::{AzureSpeech, TtsError};
/// use callflow_graph::transport::Https;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = Arc::new(Https::try_new(Duration::from_secs(3), Duration::from_secs(10))?);
/// let key = std::env::var("SPEECH_KEY").unwrap_or_default();
/// let speech = AzureSpeech::in_region("westeurope", key, "en-US-AvaMultilingualNeural", transport)?;
/// # Ok(())
/// # }
/// ```
pub struct AzureSpeech {
    address: String,
    entrance: Entrance,
    voice: String,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for AzureSpeech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureSpeech")
            .field("address", &self.address)
            .field("voice", &self.voice)
            .finish_non_exhaustive()
    }
}

const OUTPUT_FORMAT: &str = "riff-24khz-16bit-mono-pcm";
const APPLICATION: &str = concat!("callflow/", env!("CARGO_PKG_VERSION"));

impl AzureSpeech {
    /// The service in `region`, as `westeurope`, let in by the key of a speech resource that is there, or
    /// by other [`Access`] to it. `voice` speaks where an
    /// utterance names none.
    ///
    /// # Errors
    /// [`TtsError::Address`], [`TtsError::Voice`]
    pub fn in_region(
        region: &str,
        access: impl Into<Access>,
        voice: impl Into<String>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, TtsError> {
        Self::at(&Self::endpoint_of(region)?, access, voice, transport)
    }

    /// The endpoint of a region.
    ///
    /// # Errors
    /// [`TtsError::Address`]: it would name another host.
    pub(crate) fn endpoint_of(region: &str) -> Result<String, TtsError> {
        let is_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(is_region) {
            return Err(TtsError::Region(region.chars().take(40).collect()));
        }
        Ok(format!("https://{region}.tts.speech.microsoft.com"))
    }

    /// The service at another `endpoint`: that of a national cloud (`https://usgovvirginia.tts.speech.azure.us`), of a
    /// private network, of a container.
    ///
    /// # Errors
    /// [`TtsError::Address`], [`TtsError::Voice`]
    pub fn at(
        endpoint: &str,
        access: impl Into<Access>,
        voice: impl Into<String>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, TtsError> {
        let address = format!("{}/cognitiveservices/v1", endpoint.trim_end_matches('/'));
        let is_good =
            address.parse::<Uri>().is_ok_and(|uri| check_scheme(&uri).is_ok() && uri.query().is_none());
        if !is_good {
            return Err(TtsError::Address(endpoint.to_owned()));
        }
        let voice = voice.into();
        check_name(&voice)?;
        Ok(Self { address, entrance: Entrance::new(access.into()), voice, transport })
    }

    async fn request(&self, utterance: &Utterance) -> Result<Request<Bytes>, TtsError> {
        let document = self.document(utterance)?;
        let (name, value) = self.entrance.header(&self.host()).await?;
        Request::post(&self.address)
            .header(name, value)
            .header(CONTENT_TYPE, "application/ssml+xml")
            .header("x-microsoft-outputformat", OUTPUT_FORMAT)
            .header(USER_AGENT, APPLICATION)
            .body(Bytes::from(document))
            .map_err(|_| TtsError::Address(self.host()))
    }

    /// The SSML of an utterance.
    fn document(&self, utterance: &Utterance) -> Result<String, TtsError> {
        let text = match utterance.content() {
            Content::Ssml(document) => return Ok(document.clone()),
            Content::Text(text) => escaped(text),
        };
        let voice = utterance.voice().unwrap_or(&self.voice);
        check_name(voice)?;
        let (said, locale) = match utterance.language() {
            Some(language) => {
                check_name(language)?;
                (format!("<lang xml:lang=\"{language}\">{text}</lang>"), language)
            }
            None => (text, locale_of(voice)),
        };
        Ok(format!(
            "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"{locale}\">\
             <voice name=\"{voice}\">{said}</voice></speak>"
        ))
    }

    /// For messages.
    fn host(&self) -> String {
        self.address.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default()
    }

    fn error(&self, status: u16, headers: &HeaderMap) -> TtsError {
        let host = self.host();
        let what_to_do = match status {
            429 => {
                let said = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after = said.and_then(|said| read_retry_after(said, SystemTime::now()));
                return TtsError::Throttled { host, retry_after };
            }
            500..=599 => return TtsError::Unavailable { host, status },
            300..=399 => "it sends elsewhere, where the key does not go; give the address that it has",
            400 => {
                "a voice is not there, or the SSML is not what it takes; look at the names and the elements"
            }
            401 | 403 => {
                "the key is not good, or of another region, or a role is missing; take key and region of one speech resource"
            }
            404 => {
                "there is no such address; look at the region, and whether a custom voice needs one of its own"
            }
            413 => "the text is too long; make several prompts of it",
            415 => "it does not take SSML at this address; look whether it is that of text to speech",
            _ => "for a reason that it does not document; look at the speech resource in Azure's portal",
        };
        TtsError::Refused { host, status, what_to_do }
    }
}

impl Tts for AzureSpeech {
    fn speak<'a>(&'a self, utterance: &'a Utterance) -> Speech<'a> {
        Box::pin(async move {
            utterance.check()?;
            let response =
                self.transport.send(self.request(utterance).await?).await.map_err(TtsError::NoAnswer)?;
            let (parts, sound) = response.into_parts();
            match parts.status.as_u16() {
                200 if sound.is_empty() => Err(TtsError::Refused {
                    host: self.host(),
                    status: 200,
                    what_to_do: "it answers without sound; look whether the voice speaks this language",
                }),
                200 => Ok(sound),
                status => {
                    if status == 401 {
                        self.entrance.forget().await;
                    }
                    Err(self.error(status, &parts.headers))
                }
            }
        })
    }

    fn identity(&self) -> String {
        format!("azure speech, {OUTPUT_FORMAT}, {}", self.voice)
    }
}

/// The locale in the name of a voice: `en-US` of `en-US-AvaMultilingualNeural`.
fn locale_of(voice: &str) -> &str {
    let end = voice.match_indices('-').nth(1).map(|(at, _)| at);
    end.and_then(|end| voice.get(..end)).unwrap_or("en-US")
}

/// A text as it stands in an XML document. What no document may hold becomes a space.
///
/// Source: XML 1.0, 2.2 (characters) and 2.4 (markup).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use axum::Router;
    use axum::response::IntoResponse;
    use http::{HeaderValue, Method, StatusCode};

    use super::*;
    use crate::client::{AccessToken, TokenError};
    use crate::transport::InProcess;
    use crate::wav;

    const HOST: &str = "westeurope.tts.speech.microsoft.com";
    const VOICE: &str = "en-US-AvaMultilingualNeural";
    const KEY: &str = "0123456789abcdef0123456789abcdef";

    type Heard = Arc<Mutex<Vec<String>>>;

    /// The service, as its page says: what it checks, and what it answers.
    fn service(heard: Heard) -> Router {
        let speak = async move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
            let header =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if (method, uri.path()) != (Method::POST, "/cognitiveservices/v1") {
                return StatusCode::NOT_FOUND.into_response();
            }
            if header("ocp-apim-subscription-key") != KEY
                && !header("authorization").starts_with("Bearer aad#/id#good-")
            {
                return StatusCode::UNAUTHORIZED.into_response();
            }
            if header("content-type") != "application/ssml+xml" {
                return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
            }
            let agent = header("user-agent");
            if agent.is_empty() || agent.len() >= 255 || header("x-microsoft-outputformat").is_empty() {
                return StatusCode::BAD_REQUEST.into_response();
            }
            if !body.starts_with("<speak") || body.contains("NobodyNeural") {
                return StatusCode::BAD_REQUEST.into_response();
            }
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(body);
            wav::write(&[9; 100]).into_response()
        };
        Router::new().fallback(speak)
    }

    fn scene() -> (InProcess, AzureSpeech, Heard) {
        let (net, heard) = (InProcess::new(), Heard::default());
        net.mount(HOST, service(Arc::clone(&heard)));
        let speech = AzureSpeech::in_region("westeurope", KEY, VOICE, Arc::new(net.clone())).unwrap();
        (net, speech, heard)
    }

    #[tokio::test]
    async fn a_text_becomes_ssml_and_nothing_of_it_markup() {
        let (_net, speech, heard) = scene();
        let ssml = "<speak version=\"1.0\" xml:lang=\"en-US\"><voice name=\"x\">hi</voice></speak>";
        for (utterance, expected) in [
            (
                Utterance::text("Tom & \"Jerry\" <b>'s</b>\u{1}"),
                "xml:lang=\"en-US\"><voice name=\"en-US-AvaMultilingualNeural\">Tom &amp; &quot;Jerry&quot; \
                 &lt;b&gt;&apos;s&lt;/b&gt; </voice></speak>",
            ),
            (
                Utterance::text("Guten Tag").with_voice("de-DE-KatjaNeural"),
                "xml:lang=\"de-DE\"><voice name=\"de-DE-KatjaNeural\">Guten Tag</voice></speak>",
            ),
            (
                Utterance::text("Guten Tag").with_language("de-DE"),
                "xml:lang=\"de-DE\"><voice name=\"en-US-AvaMultilingualNeural\"><lang xml:lang=\"de-DE\">Guten \
                 Tag</lang></voice></speak>",
            ),
            (Utterance::ssml(ssml), ssml),
        ] {
            assert_eq!(speech.speak(&utterance).await, Ok(wav::write(&[9; 100]).into()));
            let sent = heard.lock().unwrap().pop().unwrap();
            assert!(sent.ends_with(expected), "{sent}");
        }
    }

    #[tokio::test]
    async fn what_it_refuses_is_told_with_the_way_out() {
        let (net, _, _) = scene();
        let with = |key: &str, voice: &str| {
            AzureSpeech::in_region("westeurope", key, voice, Arc::new(net.clone())).unwrap()
        };
        for (speech, status, says) in [
            (with("wrong", VOICE), 401, "take key and region of one speech resource"),
            (with("", VOICE), 401, "the key is empty"),
            (with("line\nbreak", VOICE), 401, "characters that no key has"),
            (with(KEY, "en-US-NobodyNeural"), 400, "a voice is not there"),
        ] {
            let error = speech.speak(&"hello".into()).await.unwrap_err();
            assert!(
                matches!(&error, TtsError::Refused { status: found, host, .. } if (*found, host.as_str()) == (status, HOST)),
                "{error:?}"
            );
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    /// Gives tokens of a hundred seconds, one after another, of which the service takes the good ones.
    struct Tokens(Mutex<Vec<&'static str>>);

    impl crate::client::TokenSource for Tokens {
        fn token<'a>(&'a self, tenant_id: &'a str, scope: &'a str) -> crate::client::Fetch<'a, AccessToken> {
            Box::pin(async move {
                assert_eq!((tenant_id, scope), ("tenant", "https://cognitiveservices.azure.com/.default"));
                let next = self.0.lock().unwrap().pop();
                let token =
                    next.ok_or_else(|| TokenError::Source("the vault is closed; open it".to_owned()))?;
                Ok(AccessToken::new(token.into(), Duration::from_secs(100)))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_shortly_before_its_end_or_until_it_is_refused() {
        let (net, _, _) = scene();
        let source = Arc::new(Tokens(Mutex::new(vec!["good-3", "bad-2", "good-1"])));
        let access = Access::Tokens {
            resource_id: "/id".to_owned(),
            tenant_id: "tenant".to_owned(),
            source: Arc::clone(&source) as Arc<dyn crate::client::TokenSource>,
        };
        let speech = AzureSpeech::in_region("westeurope", access, VOICE, Arc::new(net)).unwrap();
        let hello = Utterance::text("hello");
        for (after, is_spoken, left) in
            [(0, true, 2), (89, true, 2), (2, false, 1), (0, true, 0), (80, true, 0)]
        {
            tokio::time::advance(Duration::from_secs(after)).await;
            assert_eq!(speech.speak(&hello).await.is_ok(), is_spoken, "{left}");
            assert_eq!(source.0.lock().unwrap().len(), left);
        }
        tokio::time::advance(Duration::from_secs(100)).await;
        let error = speech.speak(&hello).await.unwrap_err();
        assert!(error.to_string().contains("the vault is closed; open it"), "{error}");
    }

    #[tokio::test]
    async fn each_status_has_its_meaning() {
        for (status, wait, says) in [
            (400u16, "", "look at the names"),
            (403, "", "of another region"),
            (404, "", "look at the region"),
            (413, "", "make several prompts"),
            (415, "", "does not take SSML"),
            (302, "", "where the key does not go"),
            (418, "", "Azure's portal"),
            (429, "7", "asks to wait 7s"),
            (429, "", "have the quota raised"),
            (502, "", "cannot speak now (502); try again later"),
            (503, "", "cannot speak now (503)"),
            (200, "", "answers without sound"),
        ] {
            let net = InProcess::new();
            let answer = async move || {
                let mut response = StatusCode::from_u16(status).unwrap().into_response();
                if !wait.is_empty() {
                    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(wait));
                }
                response
            };
            net.mount(HOST, Router::new().fallback(answer));
            let speech = AzureSpeech::in_region("westeurope", KEY, VOICE, Arc::new(net)).unwrap();
            let error = speech.speak(&"a secret text".into()).await.unwrap_err();
            assert!(error.to_string().contains(says), "{status}: {error}");
            for secret in [KEY, "a secret text"] {
                assert!(!format!("{error} {error:?} {speech:?}").contains(secret), "{error:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_host_that_is_down_is_told() {
        let (net, speech, _) = scene();
        net.unmount(HOST);
        let error = speech.speak(&"hello".into()).await.unwrap_err();
        assert!(matches!(error, TtsError::NoAnswer(_)), "{error:?}");
        assert!(error.to_string().contains("play a prompt that is there"), "{error}");
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_refused_before_it_leaves() {
        let (net, speech, heard) = scene();
        for (utterance, says) in [
            (Utterance::text(" \n"), "no text"),
            (Utterance::text("x".repeat(70_000)), "70000 bytes"),
            (Utterance::text("x").with_voice("\"><break/>"), "no name of a voice"),
            (Utterance::text("x").with_language("de\""), "no name of a voice or a language"),
        ] {
            let error = speech.speak(&utterance).await.unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(heard.lock().unwrap().is_empty());
        let at = |endpoint: &str| AzureSpeech::at(endpoint, KEY, VOICE, Arc::new(net.clone())).map(|_| ());
        for (endpoint, is_good) in [
            ("https://usgovvirginia.tts.speech.azure.us/", true),
            ("http://127.0.0.1:5000", true),
            ("http://speech.example", false),
            ("speech.example", false),
        ] {
            assert_eq!(at(endpoint).is_ok(), is_good, "{endpoint}");
        }
        for region in ["", "west europe", "evil.example/", "westeurope@evil"] {
            assert!(AzureSpeech::in_region(region, KEY, VOICE, Arc::new(net.clone())).is_err(), "{region}");
        }
    }
}
