use super::*;

/// Source: Graph docs, Microsoft Graph service-specific throttling limits, cloud communications.
#[test]
fn the_limits_are_those_of_the_documentation() {
    let limits = Throttling::default();
    assert_eq!(
        (limits.concurrent_calls, limits.calls_a_month, limits.meetings_a_month),
        (100, 10_000, 2_000)
    );
}

#[tokio::test(start_paused = true)]
async fn an_app_has_so_many_calls_at_a_time_and_places_so_many_in_a_month() {
    let limits =
        |concurrent_calls, calls_a_month| Throttling { concurrent_calls, calls_a_month, meetings_a_month: 1 };
    let scene = scene_with(&["Calls.Initiate.All"], |config| config.throttling = limits(2, 4));
    let create =
        async || scene.raw(Method::POST, "/v1.0/communications/calls", create_body("eve").to_string()).await;
    let first = create().await;
    assert_eq!((first.status, create().await.status), (201, 201));
    let refused = create().await;
    assert_eq!((refused.status, refused.code()), (429, "TooManyRequests"));
    assert_eq!(
        (refused.page(), &refused.body["error"]["innerError"]["status"]),
        ("throttling limits", &json!("429"))
    );
    assert!(refused.headers.contains_key("retry-after"));
    // One that ended makes room. What was refused is not counted for the month.
    let id = first.body["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.send(Method::DELETE, &format!("/{id}"), Value::Null).await.status, 204);
    assert_eq!(create().await.status, 201);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(create().await.status, 201);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(create().await.status, 429, "the month's are used up");
    tokio::time::sleep(Duration::from_secs(30 * 24 * 60 * 60)).await;
    assert_eq!(create().await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn so_many_meetings_of_one_person_are_served_in_a_month() {
    let scene =
        scene_with(&["OnlineMeetings.ReadWrite.All"], |config| config.throttling.meetings_a_month = 2);
    for (user, expected) in [("eve", 201), ("eve", 201), ("eve", 429), ("ada", 201)] {
        let path = format!("/v1.0/users/{user}/onlineMeetings");
        let answer = scene.raw(Method::POST, &path, "{}").await;
        assert_eq!(answer.status, expected, "{user}");
        assert_eq!(answer.headers.contains_key("retry-after"), expected == 429);
    }
}
