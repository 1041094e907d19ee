//! A Graph that answers at once, and knows when it was asked to play something.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use callflow_graph::transport::{Exchange, Transport};
use http::{Request, Response, StatusCode};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The bot's app.
pub(crate) const APP: &str = "8a34a46b-3d17-4adc-8dce-dc4e7d572698";
/// Its tenant.
pub(crate) const TENANT: &str = "932899f8-2ea1-4604-8413-27bd2892079f";
/// Who signs notifications.
pub(crate) const ISSUER: &str = "https://api.botframework.com";
/// The id of its key.
pub(crate) const KEY: &str = "bench-1";

pub(crate) struct Graph {
    sign: EncodingKey,
    published: Value,
    created: AtomicU64,
    /// When a prompt was asked for, in order.
    pub(crate) played: Mutex<Vec<Instant>>,
    /// Whether a call was hung up, one count each.
    pub(crate) hung_up: AtomicU64,
}

impl Graph {
    pub(crate) fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let sign = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&sign, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(KEY.to_owned());
        Self {
            sign,
            published: json!({"keys": [jwk]}),
            created: AtomicU64::new(0),
            played: Mutex::default(),
            hung_up: AtomicU64::new(0),
        }
    }

    /// The value of an `Authorization` header; another number, another token.
    pub(crate) fn authorization(&self, number: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": APP, "tid": TENANT, "iat": now, "nbf": now, "exp": now + 3900, "jti": number,
        });
        let header = Header { kid: Some(KEY.to_owned()), ..Header::new(Algorithm::RS256) };
        format!("Bearer {}", jsonwebtoken::encode(&header, &claims, &self.sign).unwrap())
    }

    /// The key set, as it is published.
    pub(crate) fn published(&self) -> &Value {
        &self.published
    }

    fn answer(&self, request: &Request<Bytes>) -> (StatusCode, String) {
        let path = request.uri().path();
        let last = path.rsplit('/').next().unwrap_or_default();
        match (request.method().as_str(), last) {
            ("POST", "token") => {
                (StatusCode::OK, json!({"access_token": "opaque", "expires_in": 3599}).to_string())
            }
            ("GET", "openid") => (StatusCode::OK, json!({"jwks_uri": "https://graph.test/keys"}).to_string()),
            ("GET", "keys") => (StatusCode::OK, self.published.to_string()),
            ("POST", "calls") => {
                let number = self.created.fetch_add(1, Ordering::Relaxed);
                let call = json!({
                    "@odata.type": "#microsoft.graph.call", "id": id_of(1 << 40 | number), "state": "establishing",
                });
                (StatusCode::CREATED, call.to_string())
            }
            ("POST", "playPrompt") => {
                let mut played = self.played.lock().unwrap();
                played.push(Instant::now());
                let operation = json!({
                    "@odata.type": "#microsoft.graph.playPromptOperation", "status": "running",
                    "id": id_of(played.len() as u64),
                });
                (StatusCode::OK, operation.to_string())
            }
            ("POST", "answer") => (StatusCode::ACCEPTED, String::new()),
            ("DELETE", _) => {
                self.hung_up.fetch_add(1, Ordering::Relaxed);
                (StatusCode::NO_CONTENT, String::new())
            }
            _ => (StatusCode::OK, String::new()),
        }
    }
}

impl Transport for Graph {
    fn send(&self, request: Request<Bytes>) -> Exchange {
        let (status, body) = self.answer(&request);
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        Box::pin(async { Ok(response) })
    }
}

/// The id of the call of this number.
pub(crate) fn id_of(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// A notification of this call.
pub(crate) fn notification(change: &str, id: &str, call: &Value) -> Bytes {
    let mut data = json!({"@odata.type": "#microsoft.graph.call"});
    if let (Some(data), Some(call)) = (data.as_object_mut(), call.as_object()) {
        data.extend(call.clone());
    }
    let one = json!({
        "@odata.type": "#microsoft.graph.commsNotification", "changeType": change,
        "resourceUrl": format!("/communications/calls/{id}"), "resourceData": data,
    });
    Bytes::from(json!({"@odata.type": "#microsoft.graph.commsNotifications", "value": [one]}).to_string())
}
