//! Requests: method, path and JSON body of what the call wants made.

use callflow_core::command::{MediaConfig, RejectReason};
use callflow_core::identity::Identity;
use callflow_core::request::Request;
use serde_json::{Value, json};

/// The HTTP method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// DELETE
    Delete,
}

impl Method {
    /// Its name in HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A request over HTTP: its path is below the API's base (`https://graph.microsoft.com/v1.0`).
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The path, with its leading slash.
    pub path: String,
    /// The JSON body.
    pub body: Option<String>,
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A body holds callback keys, prompts' signatures and numbers.
        let body = self.body.as_ref().map(|body| format!("<{} bytes>", body.len()));
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body", &body)
            .finish()
    }
}

/// The texts of ids, which core keeps as bits only.
pub trait IdTexts {
    /// The call's id, as Graph wrote it.
    fn call(&self) -> Option<&str>;
    /// The text of this operation's id.
    fn operation(&self, id: callflow_core::id::OperationId) -> Option<&str>;
}

/// Writes `request`; `None` for one that has no HTTP of its own, or whose ids have no text yet.
///
/// `tenant_id` goes into the creation of a call.
///
/// Source: Graph docs, call: create, answer, reject, delete, keepAlive, get, playPrompt, subscribeToTone.
pub fn write(request: &Request<'_>, ids: &impl IdTexts, tenant_id: Option<&str>) -> Option<HttpRequest> {
    let of_call = |method, below: &str, body: Option<Value>| {
        let id = segment(ids.call()?);
        Some(HttpRequest {
            method,
            path: format!("/communications/calls/{id}{below}"),
            body: body.map(|b| b.to_string()),
        })
    };
    match request {
        Request::Create { callback, targets, media, .. } => {
            let mut body = json!({
                "@odata.type": "#microsoft.graph.call",
                "callbackUri": callback.reveal(),
                "requestedModalities": ["audio"],
                "mediaConfig": media_config(*media),
                "targets": targets.iter().map(target).collect::<Vec<_>>(),
            });
            if let (Some(body), Some(tenant)) = (body.as_object_mut(), tenant_id) {
                body.insert("tenantId".to_owned(), json!(tenant));
            }
            let path = "/communications/calls".to_owned();
            Some(HttpRequest { method: Method::Post, path, body: Some(body.to_string()) })
        }
        Request::Answer { callback, media, .. } => of_call(
            Method::Post,
            "/answer",
            Some(json!({
                "callbackUri": callback.reveal(),
                "acceptedModalities": ["audio"],
                "mediaConfig": media_config(*media),
            })),
        ),
        Request::Reject { reason, .. } => {
            of_call(Method::Post, "/reject", Some(json!({"reason": reject_reason(*reason)})))
        }
        Request::HangUp { .. } => of_call(Method::Delete, "", None),
        Request::KeepAlive { .. } => of_call(Method::Post, "/keepAlive", None),
        Request::GetCall { .. } => of_call(Method::Get, "", None),
        Request::GetOperation { operation, .. } => {
            let below = format!("/operations/{}", segment(ids.operation(*operation)?));
            of_call(Method::Get, &below, None)
        }
        Request::PlayPrompt { context, prompts, .. } => {
            let prompts: Vec<_> = prompts
                .iter()
                .map(|uri| {
                    json!({
                        "@odata.type": "#microsoft.graph.mediaPrompt",
                        "mediaInfo": {
                            "@odata.type": "#microsoft.graph.mediaInfo",
                            "uri": uri.reveal(),
                            "resourceId": resource_id(uri.reveal()),
                        },
                    })
                })
                .collect();
            of_call(
                Method::Post,
                "/playPrompt",
                Some(json!({"clientContext": context.to_string(), "prompts": prompts})),
            )
        }
        Request::SubscribeToTone { context, .. } => {
            of_call(Method::Post, "/subscribeToTone", Some(json!({"clientContext": context.to_string()})))
        }
        Request::Release { .. } => None,
    }
}

fn media_config(media: MediaConfig<'_>) -> Value {
    match media {
        MediaConfig::ServiceHosted => json!({"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"}),
        MediaConfig::AppHosted(blob) => {
            json!({"@odata.type": "#microsoft.graph.appHostedMediaConfig", "blob": blob.reveal()})
        }
    }
}

fn reject_reason(reason: RejectReason) -> &'static str {
    reason.name()
}

fn target(identity: Identity<'_>) -> Value {
    let (kind, id) = match identity {
        Identity::User(id) => ("user", id),
        Identity::Application(id) => ("application", id),
        Identity::ApplicationInstance(id) => ("applicationInstance", id),
        Identity::Phone(number) => ("phone", number.reveal()),
        Identity::Guest(id) => ("guest", id),
    };
    json!({
        "@odata.type": "#microsoft.graph.invitationParticipantInfo",
        "identity": {
            "@odata.type": "#microsoft.graph.identitySet",
            kind: {"@odata.type": "#microsoft.graph.identity", "id": id},
        },
    })
}

/// A stable id for a prompt, so that the service can cache it: a GUID made of the address.
///
/// Source: Graph docs, mediaInfo (`resourceId`).
fn resource_id(uri: &str) -> String {
    let bits = u128::from_be_bytes(callflow_core::id::OperationId::parse(uri).to_bytes());
    let part = |shift: u32, mask: u128| bits.wrapping_shr(shift) & mask;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 0xFFFF_FFFF),
        part(80, 0xFFFF),
        part(64, 0xFFFF),
        part(48, 0xFFFF),
        part(0, 0xFFFF_FFFF_FFFF)
    )
}

/// An id as a segment of a path: whatever would end the segment is escaped.
fn segment(id: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:@!$&'()*+,;=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    // A whole segment of dots would walk up the path.
    if text.bytes().all(|b| b == b'.') { text.replace('.', "%2E") } else { text }
}

#[cfg(test)]
mod tests {
    use callflow_core::id::{CallKey, ClientContext, OperationId, Ticket};
    use callflow_core::list::List;
    use callflow_core::request::Dispatch;
    use callflow_core::text::{Secret, Uri};

    use super::*;

    struct Ids(Option<&'static str>);

    impl IdTexts for Ids {
        fn call(&self) -> Option<&str> {
            self.0
        }

        fn operation(&self, _: OperationId) -> Option<&str> {
            Some("op/1")
        }
    }

    fn body(request: &Request<'_>) -> (String, Value) {
        let http = write(request, &Ids(Some("57DA")), Some("tenant")).unwrap();
        let body = http.body.map_or(Value::Null, |body| serde_json::from_str(&body).unwrap());
        (format!("{} {}", http.method, http.path), body)
    }

    const TICKET: Ticket = Ticket::FIRST;

    #[test]
    fn creating_calls_a_user_with_service_hosted_media() {
        let targets = [Identity::User("112f7296"), Identity::Phone(Secret::new("+4912"))];
        let request = Request::Create {
            ticket: TICKET,
            callback: Uri::new("https://bot.example/cb"),
            targets: List::new(&targets),
            media: MediaConfig::ServiceHosted,
        };
        let (line, body) = body(&request);
        assert_eq!(line, "POST /communications/calls");
        assert_eq!(body["targets"][0]["identity"]["user"]["id"], "112f7296");
        assert_eq!(body["targets"][1]["identity"]["phone"]["id"], "+4912");
        assert_eq!(body["mediaConfig"]["@odata.type"], "#microsoft.graph.serviceHostedMediaConfig");
        assert_eq!(body["tenantId"], "tenant");
        let http = write(&request, &Ids(None), None).unwrap();
        assert!(!format!("{http:?}").contains("+4912"));
    }

    #[test]
    fn each_request_has_its_line() {
        let context = ClientContext { key: CallKey::new(1), ticket: TICKET };
        let prompts = [Uri::new("https://bot.example/menu.wav?sig=1")];
        let play = Request::PlayPrompt { context, prompts: List::new(&prompts), dispatch: Dispatch::Now };
        for (request, line) in [
            (
                Request::Answer {
                    ticket: TICKET,
                    callback: Uri::new("https://b"),
                    media: MediaConfig::ServiceHosted,
                },
                "POST /communications/calls/57DA/answer",
            ),
            (
                Request::Reject { ticket: TICKET, reason: RejectReason::Busy },
                "POST /communications/calls/57DA/reject",
            ),
            (Request::HangUp { ticket: TICKET }, "DELETE /communications/calls/57DA"),
            (Request::KeepAlive { ticket: TICKET }, "POST /communications/calls/57DA/keepAlive"),
            (Request::GetCall { ticket: TICKET }, "GET /communications/calls/57DA"),
            (
                Request::GetOperation { ticket: TICKET, operation: OperationId::parse("op/1") },
                "GET /communications/calls/57DA/operations/op%2F1",
            ),
            (play, "POST /communications/calls/57DA/playPrompt"),
            (
                Request::SubscribeToTone { context, dispatch: Dispatch::Held },
                "POST /communications/calls/57DA/subscribeToTone",
            ),
        ] {
            assert_eq!(body(&request).0, line);
        }
        let (_, body) = body(&play);
        assert_eq!(body["clientContext"], "0000000000000001-1");
        assert_eq!(body["prompts"][0]["mediaInfo"]["uri"], "https://bot.example/menu.wav?sig=1");
        assert_eq!(write(&Request::Release { ticket: TICKET }, &Ids(None), None), None);
        assert_eq!(write(&Request::HangUp { ticket: TICKET }, &Ids(None), None), None);
    }

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(segment("../x?y#z"), "..%2Fx%3Fy%23z");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
