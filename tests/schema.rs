//! Every body that is written has the types, the required members and the words that the model of Graph v1.0 has.
//!
//! The extract of the model lies beside the checkout, not in it. Where it is not there this test says so; on a machine that
//! has `CI=true` its absence is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)] // helpers of a test

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use callflow_core::command::{JoiningAnswer, RejectReason};
use callflow_core::text::Uri;
use callflow_graph::wire::device_quality::{
    BothWays, CloudService, DeviceMediaQuality, DeviceMedium, Pictures, TeleconferenceDeviceQuality,
};
use callflow_graph::wire::direct::Direct;
use callflow_graph::wire::joining::write_answer;
use callflow_graph::wire::request::{HttpRequest, Method, Version};
use callflow_tests::asks;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

/// Members that a page documents and the model of v1.0 lacks: where, which, and the page.
const DOCUMENTED: [(&str, &str, &str); 3] = [
    ("playPrompt", "loop", "call: playPrompt (beta)"),
    ("redirect", "maskCallee", "call: redirect (beta)"),
    ("redirect", "maskCaller", "call: redirect (beta)"),
];

/// The extract of the model.
struct Schema {
    json: Value,
    /// The rows of [`DOCUMENTED`] that were needed.
    needed: RefCell<BTreeSet<(String, String)>>,
}

impl Schema {
    fn load() -> Option<Self> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/graph/schema.json");
        let Ok(bytes) = std::fs::read(&path) else {
            let must_be_there = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!must_be_there, "the model is not at {}", path.display());
            println!("skipped: the model is not at {}", path.display());
            return None;
        };
        Some(Self { json: serde_json::from_slice(&bytes).unwrap(), needed: RefCell::default() })
    }

    /// What is wrong with a request.
    fn faults(&self, http: &HttpRequest) -> Vec<String> {
        let body = http.body.as_deref().map(|body| serde_json::from_str::<Value>(body).unwrap());
        let path = http.path.strip_prefix("/communications/calls").expect("a path below the calls");
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let mut faults = Vec::new();
        let bound_to = match (http.method, segments.as_slice()) {
            (Method::Post, []) => return self.of_type("call", body.as_ref(), "call"),
            (Method::Post, [_, "audioRoutingGroups"]) | (Method::Patch, [_, "audioRoutingGroups", _]) => {
                return self.of_type("audioRoutingGroup", body.as_ref(), "audioRoutingGroup");
            }
            (Method::Get | Method::Delete, _) => {
                return body.map(|_| "a body where none belongs".to_owned()).into_iter().collect();
            }
            (Method::Post, ["logTeleconferenceDeviceQuality"]) => "Collection(graph.call)",
            (Method::Post, [_, "participants", _]) => "Collection(graph.participant)",
            (Method::Post, [_, "participants", _, _]) => "graph.participant",
            (Method::Post, [_, _]) => "graph.call",
            (method, _) => panic!("{method} {path} is not in this test"),
        };
        let name = *segments.last().unwrap();
        let operations = self.json["operations"].as_array().unwrap();
        let Some(operation) = operations.iter().find(|one| one["name"] == name && one["boundTo"] == bound_to)
        else {
            return vec![format!("the model has no action {name} on {bound_to}")];
        };
        let empty = Map::new();
        let members = body.as_ref().map_or(&empty, |body| body.as_object().unwrap());
        let parameters = operation["parameters"].as_array().unwrap();
        for parameter in parameters {
            self.member(name, parameter, members, parameter["required"] == true, &mut faults);
        }
        let is_known = |member: &str| parameters.iter().any(|parameter| parameter["name"] == member);
        for member in members.keys().filter(|member| !is_known(member)) {
            self.undeclared(name, member, &mut faults);
        }
        faults
    }

    fn of_type(&self, name: &str, body: Option<&Value>, path: &str) -> Vec<String> {
        let mut faults = Vec::new();
        match body {
            Some(body) => self.value(&format!("graph.{name}"), body, path, &mut faults),
            None => faults.push(format!("{path}: no body")),
        }
        faults
    }

    fn undeclared(&self, of: &str, member: &str, faults: &mut Vec<String>) {
        if DOCUMENTED.iter().any(|(action, documented, _)| (*action, *documented) == (of, member)) {
            self.needed.borrow_mut().insert((of.to_owned(), member.to_owned()));
        } else {
            faults.push(format!("{of}.{member}: the model has no such member"));
        }
    }

    /// A declared member among those that were written.
    fn member(
        &self,
        path: &str,
        declared: &Value,
        written: &Map<String, Value>,
        is_required: bool,
        faults: &mut Vec<String>,
    ) {
        let name = declared["name"].as_str().unwrap();
        let path = format!("{path}.{name}");
        match written.get(name) {
            None if is_required => faults.push(format!("{path}: required, and missing")),
            Some(Value::Null) if is_required => faults.push(format!("{path}: may not be null")),
            None | Some(Value::Null) => {}
            Some(value) => self.value(declared["type"].as_str().unwrap(), value, &path, faults),
        }
    }

    fn value(&self, declared: &str, value: &Value, path: &str, faults: &mut Vec<String>) {
        if let Some(item) = declared.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
            match value.as_array() {
                Some(items) => items.iter().for_each(|one| self.value(item, one, path, faults)),
                None => faults.push(format!("{path}: no array of {item}")),
            }
            return;
        }
        let is_fine = match declared {
            "Edm.String" => value.is_string(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Double" => value.is_number(),
            "Edm.Int64" => value.is_i64(),
            "Edm.Guid" => value.as_str().is_some_and(|text| text.len() == 36 && text.split('-').count() == 5),
            "Edm.Duration" => {
                value.as_str().is_some_and(|text| text.starts_with("PT") && text.ends_with('S'))
            }
            "Edm.Int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            _ => match declared.strip_prefix("graph.") {
                Some(name) if self.json["enumTypes"].get(name).is_some() => self.is_word(name, value),
                Some(name) => return self.object(name, value, path, faults),
                None => panic!("{declared} is not in this test"),
            },
        };
        if !is_fine {
            faults.push(format!("{path}: {value} is no {declared}"));
        }
    }

    fn is_word(&self, name: &str, value: &Value) -> bool {
        let words = self.json["enumTypes"][name]["members"].as_array().unwrap();
        // The last word stands for what a client does not know; nobody may send it.
        *value != "unknownFutureValue" && words.iter().any(|word| word["name"] == *value)
    }

    fn declaration(&self, name: &str) -> &Value {
        let found = ["entityTypes", "complexTypes"].into_iter().find_map(|kind| self.json[kind].get(name));
        found.unwrap_or_else(|| panic!("the extract has no type {name}"))
    }

    /// The type and those that it is derived from.
    fn chain(&self, name: &str) -> Vec<&Value> {
        let mut chain = vec![self.declaration(name)];
        while let Some(base) = chain.last().unwrap()["baseType"].as_str() {
            match base.strip_prefix("graph.").unwrap() {
                "entity" => break,
                base => chain.push(self.declaration(base)),
            }
        }
        chain
    }

    fn object(&self, declared: &str, value: &Value, path: &str, faults: &mut Vec<String>) {
        let Some(members) = value.as_object() else {
            return faults.push(format!("{path}: {value} is no {declared}"));
        };
        let name = match members.get("@odata.type").and_then(Value::as_str) {
            Some(written) => {
                let name = written.strip_prefix("#microsoft.graph.").unwrap_or_default();
                let is_one =
                    ["entityTypes", "complexTypes"].iter().any(|kind| self.json[*kind].get(name).is_some())
                        && self
                            .chain(name)
                            .iter()
                            .any(|one| one["odataType"] == format!("#microsoft.graph.{declared}"));
                if !is_one {
                    return faults.push(format!("{path}: `{written}` is no {declared}"));
                }
                name
            }
            None => declared,
        };
        let chain = self.chain(name);
        if chain[0]["abstract"] == true {
            return faults.push(format!("{path}: {name} is abstract, and no type is written"));
        }
        let declared: Vec<&Value> =
            chain.iter().flat_map(|one| one["properties"].as_array().unwrap()).collect();
        for member in &declared {
            self.member(path, member, members, member["nullable"] == false, faults);
        }
        if chain.iter().any(|one| one["openType"] == true) {
            return;
        }
        let is_known =
            |member: &str| member == "@odata.type" || declared.iter().any(|one| one["name"] == member);
        for member in members.keys().filter(|member| !is_known(member)) {
            self.undeclared(name, member, faults);
        }
    }
}

#[test]
fn every_request_is_as_the_model_has_it() {
    let Some(schema) = Schema::load() else { return };
    let config = ProptestConfig::with_cases(2_000);
    let check = |http: Option<HttpRequest>| {
        let http = http.unwrap();
        let needed = schema.needed.borrow().len();
        let faults = schema.faults(&http);
        let is_beta = http.version == Version::Beta;
        prop_assert!(
            is_beta || schema.needed.borrow().len() == needed,
            "v1.0 lacks a member of {:?}",
            http.body
        );
        prop_assert!(faults.is_empty(), "{faults:?}: {} {} {:?}", http.method, http.path, http.body);
        Ok(())
    };
    TestRunner::new(config.clone()).run(&asks::orders(), |order| check(asks::written(&order))).unwrap();
    TestRunner::new(config).run(&asks::placements(), |one| check(asks::placed(&one))).unwrap();
    let needed = schema.needed.into_inner();
    for (of, member, page) in DOCUMENTED {
        let row = (of.to_owned(), member.to_owned());
        assert!(needed.contains(&row), "{of}.{member} ({page}) is in the model, or never written");
    }
}

#[test]
fn the_quality_of_a_device_is_as_the_model_has_it() {
    let Some(schema) = Schema::load() else { return };
    let guid = "112f7296-5fa4-42ca-bae8-6a692b15d4b8".to_owned();
    let both = |one: f64| BothWays { inbound: Some(one), outbound: Some(one) };
    let pictures = Pictures { bit_rate: both(1.5), frame_rate: both(30.0) };
    let media = [DeviceMedium::Audio, DeviceMedium::Video(pictures), DeviceMedium::ScreenSharing(pictures)]
        .map(|medium| {
            let second = Duration::from_millis(1_500);
            let times = BothWays { inbound: Some(second), outbound: Some(second) };
            DeviceMediaQuality {
                duration: Some(second),
                local: Some(([10, 0, 0, 1], 443).into()),
                remote: Some(([10, 0, 0, 2], 443).into()),
                link_speed: Some(1),
                packets: BothWays { inbound: Some(1), outbound: Some(2) },
                average_loss: both(0.5),
                maximum_loss: both(1.0),
                average_jitter: times,
                maximum_jitter: times,
                average_round_trip: times,
                maximum_round_trip: times,
                ..DeviceMediaQuality::new(medium, 0)
            }
        });
    let quality = TeleconferenceDeviceQuality {
        call_chain_id: guid.clone(),
        participant_id: guid.clone(),
        media_leg_id: guid,
        device_name: "room".to_owned(),
        device_description: "a room".to_owned(),
        cloud_service: CloudService {
            name: Some("n".to_owned()),
            instance: Some("i".to_owned()),
            deployment_id: Some("d".to_owned()),
            environment: Some("e".to_owned()),
        },
        media: media.to_vec(),
    };
    let http = Direct::LogTeleconferenceDeviceQuality(Box::new(quality)).write("unused");
    assert_eq!(schema.faults(&http), Vec::<String>::new());
}

#[test]
fn every_answer_to_a_joining_participant_is_as_the_model_has_it() {
    let Some(schema) = Schema::load() else { return };
    let reasons = RejectReason::ALL.iter().copied().map(JoiningAnswer::Reject);
    let others = [JoiningAnswer::Accept, JoiningAnswer::InviteNewBot(Uri::new("https://bot.test/2"))];
    for answer in reasons.chain(others) {
        let body = serde_json::from_str(&write_answer(&answer)).unwrap();
        let faults = schema.of_type("participantJoiningResponse", Some(&body), "answer");
        assert_eq!(faults, Vec::<String>::new(), "{body}");
    }
}

/// That the check itself finds what it is there for.
#[test]
fn what_is_not_as_the_model_has_it_is_found() {
    let Some(schema) = Schema::load() else { return };
    let call = |body: Value| schema.of_type("call", Some(&body), "call").join("; ");
    let service = json!({"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"});
    for (body, fault) in [
        (json!({}), "call.callbackUri: required, and missing"),
        (json!({"callbackUri": 1}), "call.callbackUri: 1 is no Edm.String"),
        (json!({"callbackUri": "x", "mediaConfig": {}}), "call.mediaConfig: mediaConfig is abstract"),
        (
            json!({"callbackUri": "x", "meetingInfo": service}),
            "`#microsoft.graph.serviceHostedMediaConfig` is no meetingInfo",
        ),
        (
            json!({"callbackUri": "x", "requestedModalities": ["audio", "smell"]}),
            "\"smell\" is no graph.modality",
        ),
        (json!({"callbackUri": "x", "targets": [{}]}), "call.targets.identity: required, and missing"),
        (
            json!({"callbackUri": "x", "chatInfo": {"thread": "x"}}),
            "chatInfo.thread: the model has no such member",
        ),
    ] {
        let found = call(body);
        assert!(found.contains(fault), "{fault} is not in {found}");
    }
    let post = |below: &str, body: Value| {
        let path = format!("/communications/calls/1{below}");
        let http =
            HttpRequest { version: Version::V1, method: Method::Post, path, body: Some(body.to_string()) };
        schema.faults(&http).join("; ")
    };
    for (below, body, fault) in [
        ("/recordResponse", json!({"maxSilenceTimeoutInSeconds": "5"}), "\"5\" is no Edm.Int32"),
        ("/changeScreenSharingRole", json!({"role": "unknownFutureValue"}), "is no graph.screenSharingRole"),
        ("/transfer", json!({"clientContext": "x"}), "transfer.clientContext: the model has no such member"),
        ("/transfer", json!({}), "transfer.transferTarget: required, and missing"),
        ("/participants/muteAll", json!({}), "the model has no action muteAll"),
    ] {
        let found = post(below, body);
        assert!(found.contains(fault), "{fault} is not in {found}");
    }
    let http = HttpRequest {
        version: Version::V1,
        method: Method::Delete,
        path: "/communications/calls/1".to_owned(),
        body: Some("{}".to_owned()),
    };
    assert_eq!(schema.faults(&http), ["a body where none belongs"]);
}
