use super::super::endpoint::{Endpoint, OnCall, TABLE, Version};
use super::super::headers::CLIENT_REQUEST_ID;
use super::*;

#[tokio::test(start_paused = true)]
async fn every_row_of_the_table_is_found_in_its_versions_only() {
    let scene = scene(&[]);
    for row in &TABLE {
        let path = row.path.replace(['{', '}'], "");
        for version in [Version::V1, Version::Beta] {
            let path = format!("/{}{path}", version.segment());
            let answer = scene.raw(row.verb.method(), &path, "{}").await;
            let found = (answer.status, answer.code());
            match row.endpoint {
                _ if row.since > version => {
                    // One that stands where the id of a participant may stand is a method that its place does not have.
                    let is_there = path.ends_with("/muteAll")
                        || path.ends_with("/configureMixer")
                        || path.ends_with("/admitAllFromLobby");
                    let expected = if is_there { (405, "Request_BadRequest") } else { (400, "BadRequest") };
                    assert_eq!(found, expected, "{path}");
                    assert_eq!(answer.why(), "Only the beta version documents this.");
                }
                Endpoint::OnCall(_) => assert_eq!(found, (404, "8522"), "{path}"),
                Endpoint::CreateCall => assert_eq!(answer.why(), "callbackUri is required.", "{path}"),
                Endpoint::LogTeleconferenceDeviceQuality
                | Endpoint::FindOnlineMeeting
                | Endpoint::GetOnlineMeeting
                | Endpoint::CreateOnlineMeeting
                | Endpoint::CreateOrGetOnlineMeeting => assert_eq!(found, (403, "7504"), "{path}"),
            }
            assert_ne!(answer.page(), "", "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_page_documents_is_not_there() {
    let mut scene = scene(&EVERY_PERMISSION);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let (get, post) = (Method::GET, Method::POST);
    for (method, path, expected, allow) in [
        // There is no list of calls, nor of operations.
        (get.clone(), "/v1.0/communications/calls", 405, Some("POST")),
        (get.clone(), "/v1.0/communications/calls/ID/operations", 405, Some("")),
        (post.clone(), "/v1.0/communications/calls/ID", 405, Some("GET, DELETE")),
        (Method::PATCH, "/v1.0/communications/calls/ID", 405, Some("GET, DELETE")),
        (get.clone(), "/v1.0/communications/calls/ID/answer", 405, Some("POST")),
        (Method::PUT, "/v1.0/communications/calls/ID/audioRoutingGroups/g", 405, Some("GET, PATCH, DELETE")),
        (post.clone(), "/v1.0/communications/calls/ID/dance", 400, None),
        (post.clone(), "/v1.0/communications/calls/ID/record", 400, None),
        (get.clone(), "/v1.0/communications/presences/x", 400, None),
        (get.clone(), "/v1.0/me/onlineMeetings", 400, None),
        (get.clone(), "/beta/communications/calls/ID/dance", 400, None),
        (get.clone(), "/v1.0/app/calls/ID", 400, None),
        // Only some operations have the deprecated address.
        (post.clone(), "/beta/app/calls/ID/keepAlive", 400, None),
        (get.clone(), "/beta/app/calls/ID", 200, None),
        // Both spellings of an action, and any case.
        (post.clone(), "/v1.0/communications/calls/ID/microsoft.graph.keepAlive", 200, None),
        (post.clone(), "/v1.0/communications/calls/ID/keepalive", 200, None),
        (get.clone(), "/v1.0/communications/calls/ID/contentsharingsessions", 200, None),
        (get, "/v1.0/communications/calls/ID/contentSharingSessions/s", 404, None),
    ] {
        let answer = scene.raw(method.clone(), &path.replace("ID", &id), "{}").await;
        assert_eq!(answer.status, expected, "{method} {path}");
        let allowed = answer.headers.get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!(allowed, allow, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_names_its_request() {
    let scene = scene(&[]);
    let own = "d45324c1-fcb5-430a-902c-f20af696537c";
    for chosen in [None, Some(own)] {
        let mut request = Request::get("https://graph.test/v1.0/communications/calls/none");
        request = request.header("authorization", format!("Bearer {}", scene.token()));
        if let Some(chosen) = chosen {
            request = request.header(CLIENT_REQUEST_ID, chosen);
        }
        let answer = scene.raw_with(request, "").await;
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        let (id, client_id) = (header("request-id"), header("client-request-id"));
        assert_eq!(client_id, chosen.unwrap_or(id));
        let inner = &answer.body["error"]["innerError"];
        assert_eq!((&inner["request-id"], &inner["client-request-id"]), (&json!(id), &json!(client_id)));
        assert_eq!(inner["date"].as_str().unwrap().len(), "2020-08-18T12:51:51".len());
        assert!(header("x-ms-ags-diagnostic").starts_with(r#"{"ServerInfo":"#));
        assert!(header("date").ends_with("GMT"));
    }
    // Answers that are no errors have them too.
    let created = scene.raw(Method::GET, "/v1.0/users/ada/onlineMeetings", "").await;
    assert!(created.headers.contains_key("request-id"));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_given_is_of_the_version_that_was_asked() {
    let mut scene = scene(&EVERY_PERMISSION);
    for version in ["v1.0", "beta"] {
        let body = create_body("ada").to_string();
        let call = scene.raw(Method::POST, &format!("/{version}/communications/calls"), body).await;
        let place = call.headers["location"].to_str().unwrap().to_owned();
        assert!(place.starts_with(&format!("https://graph.test/{version}/communications/calls/")), "{place}");
        let path = place.strip_prefix("https://graph.test").unwrap();
        scene.until(|_, data| data["mediaState"]["audio"] == "active").await;
        let body = json!({"prompts": prompts(1)}).to_string();
        let play = scene.raw(Method::POST, &format!("{path}/playPrompt"), body).await;
        assert!(play.headers["location"].to_str().unwrap().starts_with(&format!("{place}/operations/")));
        assert_eq!(scene.raw(Method::GET, path, "").await.body["targets"], create_body("ada")["targets"]);
        scene.raw(Method::DELETE, path, "").await;
        scene.until(|change, data| change == "deleted" && data["state"] == "terminated").await;
    }
}

/// What each refusal says beside the envelope: the rule, and the page that has it.
#[tokio::test(start_paused = true)]
async fn a_refusal_says_which_rule_it_keeps_and_where_that_stands() {
    let mut scene = scene(&["Calls.Initiate.All", "Calls.AccessMedia.All"]);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    let other = "00000000-0000-0000-0000-000000000001";
    let meeting = || json!({"organizer": {"user": {"id": "eve", "tenantId": other}}, "@odata.type": "#microsoft.graph.organizerMeetingInfo"});
    let target =
        |tenant: &str| json!({"transferTarget": {"identity": {"user": {"id": "eve", "tenantId": tenant}}}});
    let created = |name: &str, value: Value| {
        let mut body = create_body("ada");
        body[name] = value;
        body
    };
    for (path, body, expected, why, page) in [
        ("ID/mute", json!({}), (400, "8523"), "peer-to-peer", "call: mute"),
        ("ID/answer", answer_body(), (400, "8523"), "answered, rejected or redirected", "call: answer"),
        (
            "ID/participants/invite",
            json!({}),
            (403, "7504"),
            "Calls.InitiateGroupCall.All",
            "participant: invite",
        ),
        (
            "ID/redirect",
            json!({"targets": []}),
            (400, "BadRequest"),
            "targets has 1 to 25 entries",
            "call: redirect",
        ),
        ("none/mute", json!({}), (404, "8522"), "has ended, or there never was", "call: mute"),
        ("", created("tenantId", json!(other)), (403, "7505"), "tenantId is 0000", "call: create"),
        ("", created("meetingInfo", meeting()), (403, "7505"), "organizer.user.tenantId", "call: create"),
        (
            "ID/transfer",
            target(other),
            (403, "7505"),
            "transferTarget.identity.user.tenantId",
            "call: transfer",
        ),
        ("", create_body("nobody"), (400, "BadRequest"), "only those that were added", "assumed"),
        ("", created("targets", json!([])), (400, "BadRequest"), "targets is required", "call: create"),
    ] {
        let path = format!("/v1.0/communications/calls/{}", path.replace("ID", &id));
        let answer = scene.raw(Method::POST, path.trim_end_matches('/'), body.to_string()).await;
        assert_eq!((answer.status, answer.code()), expected, "{path} {body}");
        assert!(answer.why().contains(why), "{path} {body}: {}", answer.why());
        assert_eq!(answer.page(), page, "{path} {body}");
    }
    // The own tenant is no other one, in whatever case.
    let path = format!("/v1.0/communications/calls/{id}/transfer");
    let own = scene.raw(Method::POST, &path, target("TENANT-1").to_string()).await;
    assert_eq!(own.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_right_opens_nothing() {
    let scene = scene(&EVERY_PERMISSION);
    let world = &scene.simulator.world;
    let (app, now) = (world.app(APP).unwrap(), scene.clock.now_seconds());
    let foreign_tenant = Registration { tenant_id: "tenant-2".to_owned(), ..app.clone() };
    let foreign_app = Registration { app_id: "app-2".to_owned(), ..app.clone() };
    let of_notification = world.keys.for_notification(Issuer::default(), APP, TENANT, now).unwrap();
    let good = world.keys.for_graph(&app, now).unwrap();
    let forged = {
        let claims = json!({
            "iss": "https://graph.test",
            "aud": "https://graph.microsoft.com", "appid": APP, "tid": TENANT, "roles": [], "exp": now + 60,
        });
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(key.as_bytes()).unwrap();
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        header.kid = Some("simulator-1".to_owned());
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let (head, _) = forged.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.");
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    for (case, header, says) in [
        ("none", None, "empty"),
        ("an empty one", Some("Bearer ".to_owned()), "empty"),
        ("another scheme", Some(format!("Basic {good}")), "empty"),
        ("junk", bearer("junk"), "parsing failed"),
        ("of a notification", bearer(&of_notification), "audience"),
        ("expired", bearer(&world.keys.for_graph(&app, now - 3599).unwrap()), "expired"),
        ("of another key", bearer(&forged), "signature"),
        ("without a signature", bearer(&unsigned), "signature"),
        ("of another tenant", bearer(&world.keys.for_graph(&foreign_tenant, now).unwrap()), "tenant"),
        ("of an unknown app", bearer(&world.keys.for_graph(&foreign_app, now).unwrap()), "not registered"),
    ] {
        for path in ["/v1.0/communications/calls/x", "/beta/communications/calls/x", "/v1.0/dance", "/v1.0"] {
            let mut request = Request::get(format!("https://graph.test{path}"));
            if let Some(header) = &header {
                request = request.header("authorization", header);
            }
            let answer = scene.raw_with(request, "").await;
            assert_eq!((answer.status, answer.code()), (401, "InvalidAuthenticationToken"), "{case} {path}");
            assert!(answer.why().contains(says), "{case}: {}", answer.why());
            assert_eq!(answer.page(), "Microsoft Graph authorization");
        }
    }
    let last_second = world.keys.for_graph(&app, now - 3598).unwrap();
    for token in [good, last_second] {
        let request = Request::get("https://graph.test/v1.0/communications/calls/x");
        let answer = scene.raw_with(request.header("authorization", format!("Bearer {token}")), "").await;
        assert_eq!(answer.status, 404);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_needed_where_a_member_is() {
    let mut scene = scene(&EVERY_PERMISSION);
    let id = scene.answered(vec![Step::AwaitHangUp]).await;
    for row in &TABLE {
        let needs_one = matches!(row.body, super::super::endpoint::Body::Required(_));
        let (Endpoint::OnCall(endpoint), true) = (row.endpoint, needs_one) else { continue };
        let path = row.path.replace("{id}", &id).replace(['{', '}'], "");
        for body in ["", "[]", "null", "\"text\"", "{"] {
            let answer = scene.raw(row.verb.method(), &format!("/beta{path}"), body).await;
            assert_eq!((answer.status, answer.code()), (400, "BadRequest"), "{path} {body}");
        }
        let answer = scene.raw(row.verb.method(), &format!("/beta{path}"), "{}").await;
        let is_named = answer.why().ends_with("is required.");
        // All its members may be left out, and the group is not there.
        assert!(
            is_named || endpoint == OnCall::UpdateAudioRoutingGroup || endpoint == OnCall::RecordResponse,
            "{path}: {}",
            answer.why()
        );
    }
}
