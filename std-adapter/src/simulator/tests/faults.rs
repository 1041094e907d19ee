use http::header::RETRY_AFTER;

use super::*;
use crate::simulator::fault::{Fault, Faults};

impl Scene {
    /// A request as it is, sent once.
    async fn sent_once(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<http::Response<Bytes>, String> {
        let form =
            format!("grant_type=client_credentials&client_id={APP}&client_secret=s3cret&scope=x/.default");
        let request = Request::post(format!("https://graph.test/{TENANT}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into())
            .unwrap();
        let token: Value = serde_json::from_slice(self.net.send(request).await.unwrap().body()).unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("https://graph.test/v1.0/communications/calls{path}"))
            .header("authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))
            .body(body.to_string().into())
            .unwrap();
        self.net.send(request).await.map_err(|error| error.to_string())
    }

    async fn create(&self) -> Result<http::Response<Bytes>, String> {
        let body = json!({
            "callbackUri": "https://bot.test/calls",
            "targets": invited(&["eve"]),
            "mediaConfig": {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"},
        });
        self.sent_once(Method::POST, "", body).await
    }

    fn told_so_far(&mut self) -> Vec<String> {
        let body_of = |(_, body): (String, Value)| {
            let data = &body["value"][0]["resourceData"];
            data["state"].as_str().unwrap_or("-").to_owned()
        };
        std::iter::from_fn(|| self.told.try_recv().ok()).map(body_of).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_meets_each_fault_before_or_after_it_took_effect() {
    for (fault, status, calls) in [
        (Fault::Throttled, Some(429), 0),
        (Fault::FailedBefore, Some(503), 0),
        (Fault::FailedAfter, Some(503), 1),
        (Fault::CutBefore, None, 0),
        (Fault::CutAfter, None, 1),
        (Fault::TokenExpired, Some(401), 0),
        (Fault::SlowAnswer, Some(201), 1),
        (Fault::NotificationFirst, Some(201), 1),
        (Fault::PassingNotFound, Some(201), 1),
    ] {
        let mut scene = scene(&["Calls.Initiate.All"]);
        scene.simulator.set_faults(Faults::seeded(3).with(fault, 100));
        let before = scene.clock.now_millis();
        let answer = scene.create().await;
        assert_eq!(answer.as_ref().ok().map(|answer| answer.status().as_u16()), status, "{fault:?}");
        assert_eq!(scene.simulator.calls().len(), calls, "{fault:?}");
        let has_retry_after = answer.as_ref().is_ok_and(|answer| answer.headers().contains_key(RETRY_AFTER));
        assert_eq!(has_retry_after, fault == Fault::Throttled, "{fault:?}");
        let took = scene.clock.now_millis() - before;
        assert_eq!(took > 1000, fault == Fault::SlowAnswer, "{fault:?}: {took} ms");
        if fault == Fault::NotificationFirst {
            assert_eq!(scene.told_so_far(), ["establishing"]);
        }
        let noted = scene.simulator.history(0).into_iter().any(|one| matches!(one.what, What::Fault { .. }));
        assert_eq!(noted, fault != Fault::PassingNotFound, "{fault:?}");
        if fault == Fault::PassingNotFound {
            let id = scene.simulator.calls()[0].id.clone();
            let answer = scene.sent_once(Method::GET, &format!("/{id}"), Value::Null).await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.body().len()), (404, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_meets_each_fault() {
    for (fault, within, later) in [
        (None, vec!["incoming", "terminated"], vec![]),
        (Some(Fault::NotificationLost), vec![], vec![]),
        (Some(Fault::NotificationTwice), vec!["incoming", "incoming", "terminated", "terminated"], vec![]),
        (Some(Fault::NotificationReordered), vec!["terminated", "incoming"], vec![]),
        (Some(Fault::NotificationLate), vec![], vec!["incoming", "terminated"]),
    ] {
        let mut scene = scene(&[]);
        let mut faults = Faults::seeded(3).late_by(Duration::from_secs(60));
        if let Some(fault) = fault {
            faults = faults.with(fault, 100);
        }
        scene.simulator.set_faults(faults);
        scene
            .simulator
            .call_bot("ada", APP, vec![Step::Wait(Duration::from_millis(10)), Step::HangUp])
            .unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(scene.told_so_far(), within, "{fault:?}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mut told = scene.told_so_far();
        told.sort();
        assert_eq!(told, later, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_notification_of_a_call_is_overtaken_by_none_and_comes_all_the_same() {
    let mut scene = scene(&[]);
    scene.simulator.set_faults(Faults::seeded(3).with(Fault::NotificationReordered, 100));
    scene.simulator.call_bot("ada", APP, vec![]).unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(scene.told_so_far(), ["incoming"]);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_published_under_its_new_name() {
    let mut scene = scene(&[]);
    let key_set = async |scene: &Scene| {
        let request = Request::get("https://graph.test/v1/.well-known/keys").body(Bytes::new()).unwrap();
        let keys: Value = serde_json::from_slice(scene.net.send(request).await.unwrap().body()).unwrap();
        keys["keys"][0]["kid"].as_str().unwrap().to_owned()
    };
    let before = key_set(&scene).await;
    scene.simulator.set_faults(Faults::seeded(3).with(Fault::KeyRotated, 100));
    scene.simulator.call_bot("ada", APP, vec![]).unwrap();
    let (header, _) = scene.told.recv().await.unwrap();
    let signed_by = jsonwebtoken::decode_header(header.trim_start_matches("Bearer ")).unwrap().kid.unwrap();
    assert_ne!(signed_by, before);
    assert_eq!(signed_by, key_set(&scene).await);
}
