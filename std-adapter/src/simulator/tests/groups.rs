use super::*;

#[tokio::test(start_paused = true)]
async fn a_group_is_of_one_source_and_of_participants() {
    let mut scene = scene(&EVERY_PERMISSION);
    let (id, bot) = scene.established(meeting_body()).await;
    let bot = bot.as_str();
    let group = |mode: &str, sources: &[&str], receivers: &[&str]| json!({"routingMode": mode, "sources": sources, "receivers": receivers});
    let (path, bad) = ("/audioRoutingGroups", (400, "BadRequest"));
    scene
        .check(
            &id,
            [
                (path, group("oneToOne", &[bot], &[bot, bot]), bad),
                (path, group("oneToOne", &[], &[bot]), bad),
                (path, group("multicast", &[bot, bot], &[bot]), bad),
                (path, group("multicast", &[bot], &[]), bad),
                (path, group("manyToMany", &[bot], &[bot]), bad),
                (path, json!({"sources": [bot], "receivers": [bot]}), bad),
                (path, group("oneToOne", &[bot], &["nobody"]), bad),
            ],
        )
        .await;
    let made = scene.post(&format!("/{id}{path}"), group("OneToOne", &[bot], &[bot])).await;
    assert_eq!(made.status, 200);
    let made = body_of(&made);
    assert_eq!(made["routingMode"], "oneToOne");
    let one = format!("/{id}{path}/{}", made["id"].as_str().unwrap());
    // A change that is refused changes nothing.
    let refused = scene.send(Method::PATCH, &one, json!({"receivers": [bot, bot]})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(body_of(&scene.send(Method::GET, &one, Value::Null).await), made);
    let changed = json!({"routingMode": "multicast", "receivers": [bot, bot]});
    assert_eq!(scene.send(Method::PATCH, &one, changed).await.status, 200);
    assert_eq!(scene.send(Method::DELETE, &one, Value::Null).await.status, 204);
    assert_eq!(scene.send(Method::DELETE, &one, Value::Null).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_peer_to_peer_call_has_no_groups() {
    let mut scene = scene(&EVERY_PERMISSION);
    let id = scene.answered(vec![]).await;
    let group = json!({"routingMode": "oneToOne", "sources": ["a"], "receivers": ["b"]});
    scene.check(&id, [("/audioRoutingGroups", group, (400, "8523"))]).await;
}
