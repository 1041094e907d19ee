//! Join links of Teams meetings: what a person copies out of an invitation.
//!
//! Two shapes are in use. The long one carries all coordinates; the short one only the meeting's id.
//!
//! ```
//! use callflow_graph::wire::join_url::JoinUrl;
//! use callflow_graph::wire::placement::{Meeting, Placement};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let link = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Win6%40thread.v2/0\
//!     ?context=%7b%22Tid%22%3a%22aa67bd4c%22%2c%22Oid%22%3a%225810cede%22%7d";
//! let meeting = JoinUrl::parse(link)?.into_meeting(None);
//! assert!(matches!(&meeting, Meeting::Organizer { thread_id, .. } if thread_id == "19:meeting_Win6@thread.v2"));
//! let placement = Placement::from(meeting);
//!
//! let short = JoinUrl::parse("https://teams.microsoft.com/meet/2345678901234?p=aBcD")?;
//! let with_passcode = short.into_meeting(Some("Xy7z".into()));
//! assert!(matches!(with_passcode, Meeting::JoinId { passcode: Some(_), .. }));
//! # Ok(())
//! # }
//! ```

use serde::Deserialize;

use super::escape::unescaped;
use super::placement::Meeting;
use super::text::Sensitive;

/// A join link, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinUrl {
    /// The long shape, `…/l/meetup-join/THREAD/MESSAGE?context={"Tid": …, "Oid": …}`: whose coordinates are all there.
    ///
    /// Source: Graph docs, application: post calls (join scheduled meeting); the vendor's samples.
    Long(Meeting),
    /// The short shape, `…/meet/ID?p=HASH`. Its `p` is said to be a hash of the passcode; no page says that a bot can join
    /// by it, so it is not taken for one: give the passcode of the invitation, or look the meeting up by
    /// [`online_meeting::by_join_url`](super::online_meeting::by_join_url).
    ///
    /// Source: the vendor's message center (shorter meeting URLs).
    Short {
        /// The meeting's id, digits only.
        id: String,
    },
}

/// Why a text is no join link. It shows no part of it: a link is a key to the meeting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinUrlError {
    /// It is no https URL.
    #[error("not an https link: give the whole link of the invitation, from https:// on")]
    NotHttps,
    /// It leads to something else.
    #[error(
        "no join link: one has /l/meetup-join/ or /meet/ in its path; copy the link of the invitation itself"
    )]
    NotAMeeting,
    /// It is of the free Teams, which Graph does not serve.
    #[error("a meeting of the free Teams (teams.live.com): bots join meetings of organizations only")]
    Consumer,
    /// Something of it lacks.
    #[error("the join link lacks {0}: copy it again, whole")]
    Lacks(&'static str),
    /// Its context cannot be read.
    #[error("the join link's context is not the JSON that Teams writes: copy the link again, whole")]
    Context,
}

/// `context` of a link.
#[derive(Deserialize)]
struct Context {
    #[serde(alias = "tid", rename = "Tid")]
    tenant: Option<String>,
    #[serde(alias = "oid", rename = "Oid")]
    organizer: Option<String>,
    #[serde(alias = "messageId", rename = "MessageId")]
    message: Option<String>,
}

impl JoinUrl {
    /// Reads a link, also one that the web page of Teams or a mail filter wrapped into its own.
    ///
    /// # Errors
    /// [`JoinUrlError`]
    pub fn parse(link: &str) -> Result<Self, JoinUrlError> {
        // One wrapped in another, and that once more, is what mail programs make of them.
        Self::read(link.trim(), 3)
    }

    fn read(link: &str, depth: u8) -> Result<Self, JoinUrlError> {
        let rest = link
            .get(..8)
            .filter(|scheme| scheme.eq_ignore_ascii_case("https://"))
            .and_then(|scheme| link.get(scheme.len()..))
            .ok_or(JoinUrlError::NotHttps)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let below = rest.get(host.len()..).unwrap_or_default();
        // Pages of one application put its path behind a `#`.
        let (_, query) = below.split_once('?').unwrap_or_default();
        let query = query.split('#').next().unwrap_or_default();
        let (path, query) = match below.split_once('#') {
            Some((_, inner)) if inner.starts_with("/l/") => inner.split_once('?').unwrap_or((inner, query)),
            _ => (below.split(['?', '#']).next().unwrap_or_default(), query),
        };
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            [.., join, thread, message] if join.eq_ignore_ascii_case("meetup-join") => {
                long(&unescaped(thread), &unescaped(message), query).map(Self::Long)
            }
            [.., join] | [.., join, _] if join.eq_ignore_ascii_case("meetup-join") => {
                Err(JoinUrlError::Lacks("the thread and the message"))
            }
            [.., meet, id] if meet.eq_ignore_ascii_case("meet") => short(host, id),
            _ => match value(query, "url").filter(|_| depth > 0) {
                Some(wrapped) if wrapped.starts_with('/') => Self::read(
                    &format!("https://{host}{}", wrapped.trim_start_matches("/_#")),
                    depth.saturating_sub(1),
                ),
                Some(wrapped) => Self::read(&wrapped, depth.saturating_sub(1)),
                None => Err(JoinUrlError::NotAMeeting),
            },
        }
    }

    /// The way into the meeting; `passcode` is that of the invitation, which a long link needs not.
    pub fn into_meeting(self, passcode: Option<Sensitive>) -> Meeting {
        match self {
            Self::Long(meeting) => meeting,
            Self::Short { id } => Meeting::JoinId { id, passcode },
        }
    }
}

impl std::str::FromStr for JoinUrl {
    type Err = JoinUrlError;

    fn from_str(link: &str) -> Result<Self, JoinUrlError> {
        Self::parse(link)
    }
}

fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
}

fn long(thread_id: &str, message_id: &str, query: &str) -> Result<Meeting, JoinUrlError> {
    let context = value(query, "context").ok_or(JoinUrlError::Lacks("its context"))?;
    let context: Context = serde_json::from_str(&context).map_err(|_| JoinUrlError::Context)?;
    Ok(Meeting::Organizer {
        thread_id: thread_id.to_owned(),
        message_id: message_id.to_owned(),
        reply_chain_message_id: context.message,
        organizer_id: context.organizer.ok_or(JoinUrlError::Lacks("the organizer (Oid)"))?,
        tenant_id: context.tenant.ok_or(JoinUrlError::Lacks("the tenant (Tid)"))?,
    })
}

fn short(host: &str, id: &str) -> Result<JoinUrl, JoinUrlError> {
    if host.to_ascii_lowercase().ends_with("teams.live.com") {
        return Err(JoinUrlError::Consumer);
    }
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { Ok(JoinUrl::Short { id: id.to_owned() }) } else { Err(JoinUrlError::NotAMeeting) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "context=%7b%22Tid%22%3a%22t-1%22%2c%22Oid%22%3a%22o-1%22%7d";

    fn organizer(thread_id: &str, message_id: &str, reply: Option<&str>) -> JoinUrl {
        JoinUrl::Long(Meeting::Organizer {
            thread_id: thread_id.to_owned(),
            message_id: message_id.to_owned(),
            reply_chain_message_id: reply.map(str::to_owned),
            organizer_id: "o-1".to_owned(),
            tenant_id: "t-1".to_owned(),
        })
    }

    #[test]
    fn long_links_in_all_their_spellings() {
        let meeting = organizer("19:meeting_a@thread.v2", "0", None);
        for link in [
            format!("https://teams.microsoft.com/l/meetup-join/19%3ameeting_a%40thread.v2/0?{CONTEXT}"),
            format!("  HTTPS://teams.microsoft.com/l/meetup-join/19:meeting_a@thread.v2/0/?{CONTEXT}\n"),
            format!("https://gov.teams.microsoft.us/l/meetup-join/19%3Ameeting_a%40thread.v2/0?anon=true&{CONTEXT}"),
            format!("https://teams.microsoft.com/_#/l/meetup-join/19:meeting_a@thread.v2/0?{CONTEXT}"),
            format!("https://teams.microsoft.com/v2/?meetingjoin=true#/l/meetup-join/19:meeting_a@thread.v2/0?{CONTEXT}&anon=true"),
            r#"https://teams.microsoft.com/l/meetup-join/19:meeting_a@thread.v2/0?context={"Tid":"t-1","Oid":"o-1"}"#.to_owned(),
        ] {
            assert_eq!(JoinUrl::parse(&link), Ok(meeting.clone()), "{link}");
        }
        let channel = format!(
            "https://teams.microsoft.com/l/meetup-join/19%3ac%40thread.tacv2/1533758867081?context={}",
            "%7b%22Tid%22%3a%22t-1%22%2c%22Oid%22%3a%22o-1%22%2c%22MessageId%22%3a%221533758867082%22%7d"
        );
        let meeting = organizer("19:c@thread.tacv2", "1533758867081", Some("1533758867082"));
        assert_eq!(channel.parse(), Ok(meeting));
    }

    #[test]
    fn links_that_others_wrapped() {
        let meeting = organizer("19:m@thread.v2", "0", None);
        let inner = format!("/l/meetup-join/19%3am%40thread.v2/0?{CONTEXT}");
        let escape = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let launcher = format!(
            "https://teams.microsoft.com/dl/launcher/launcher.html?url={}&type=meetup-join",
            escape(&format!("/_#{inner}"))
        );
        let filter = format!(
            "https://eur01.safelinks.protection.outlook.com/ap/t-59584e83/?url={}&data=05",
            escape(&format!("https://teams.microsoft.com{inner}"))
        );
        let both = format!("https://eur01.safelinks.protection.outlook.com/?url={}", escape(&launcher));
        for link in [launcher, filter, both] {
            assert_eq!(JoinUrl::parse(&link), Ok(meeting.clone()), "{link}");
        }
        let mut endless = "https://x.example/?url=y".to_owned();
        for _ in 0..5 {
            endless = format!("https://x.example/?url={}", escape(&endless));
        }
        assert_eq!(JoinUrl::parse(&endless), Err(JoinUrlError::NotAMeeting));
    }

    #[test]
    fn a_short_link_needs_the_passcode_of_the_invitation() {
        let link = JoinUrl::parse("https://teams.cloud.microsoft/meet/2345678901234?p=aBcDhash").unwrap();
        assert_eq!(link, JoinUrl::Short { id: "2345678901234".to_owned() });
        let meeting = link.clone().into_meeting(None);
        assert_eq!(meeting, Meeting::JoinId { id: "2345678901234".to_owned(), passcode: None });
        let Meeting::JoinId { passcode, .. } = link.into_meeting(Some("pw".into())) else { panic!() };
        assert_eq!(passcode, Some("pw".into()));
    }

    #[test]
    fn what_is_no_join_link_is_told_and_not_shown() {
        let thread = "https://teams.microsoft.com/l/meetup-join/19:s3cret@thread.v2";
        for (link, error) in [
            ("teams.microsoft.com/meet/1".to_owned(), JoinUrlError::NotHttps),
            ("http://teams.microsoft.com/meet/1".to_owned(), JoinUrlError::NotHttps),
            ("https://ä".to_owned(), JoinUrlError::NotAMeeting),
            ("https://teams.microsoft.com/l/chat/19:s3cret@thread.v2".to_owned(), JoinUrlError::NotAMeeting),
            ("https://teams.microsoft.com/meet/s3cret".to_owned(), JoinUrlError::NotAMeeting),
            ("https://teams.live.com/meet/93?p=s3cret".to_owned(), JoinUrlError::Consumer),
            (thread.to_owned(), JoinUrlError::Lacks("the thread and the message")),
            (format!("{thread}/0"), JoinUrlError::Lacks("its context")),
            (format!("{thread}/0?context=%7b%22Tid%22"), JoinUrlError::Context),
            (
                format!("{thread}/0?context=%7b%22Tid%22%3a%22t%22%7d"),
                JoinUrlError::Lacks("the organizer (Oid)"),
            ),
            (
                format!("{thread}/0?context=%7b%22Oid%22%3a%22o%22%7d"),
                JoinUrlError::Lacks("the tenant (Tid)"),
            ),
        ] {
            let found = JoinUrl::parse(&link).unwrap_err();
            assert_eq!(found, error, "{link}");
            assert!(!found.to_string().contains("s3cret"));
        }
    }
}
