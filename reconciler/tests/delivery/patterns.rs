//! Regular expressions in alerts that cannot be compiled.

use serde_json::{Value, json};

use crate::server::Server;
use crate::world::{NAMESPACE, Outcome, World, until};

/// What Go says of the pattern, as Flux's event has it up to the reason.
const BROKEN: &str =
    "failed to compile inclusion regex: (: error parsing regexp: missing closing ): `(`, it matches nothing";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pattern_is_reported() -> Outcome {
    let (server, address) = Server::start().await?;
    server.received().is_up = true;
    let mut world = World::new().await?;
    let secret = json!({"address": format!("http://{address}/people")});
    world.provider("people", &json!({"type": "slack"}), &secret).await?;
    let alert = format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{NAMESPACE}/alerts/people");
    world.change(&alert, &json!({"spec": {"inclusionList": ["(", "no such place"]}})).await?;
    let files = ["other", "place"]
        .map(|name| (format!("{name}/kustomization.yaml"), "resources: [nowhere.yaml]\n".to_owned()));
    world.commit(&files).await?;
    world.start()?;
    let ready = async || -> Outcome<Value> {
        let found = world.get(&alert).await?;
        let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
        Ok(conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default())
    };
    until("the condition says so", async || Ok(ready().await?["status"] == "False")).await?;
    let found = ready().await?;
    assert_eq!((&found["reason"], &found["message"]), (&json!("InvalidConfig"), &json!(BROKEN)));
    let events = format!("/api/v1/namespaces/{NAMESPACE}/events");
    let is_told = async || {
        let events = world.get(&events).await?;
        let mut events = events["items"].as_array().cloned().unwrap_or_default().into_iter();
        Ok(events.any(|event| event["reason"] == "InvalidConfig" && event["message"] == BROKEN))
    };
    until("an event says so", is_told).await?;
    assert!(world.log().contains(&BROKEN.replace('"', "\\\"")), "{}", world.log());

    // The other pattern is still good for what it matches.
    world.kustomization("other", "./elsewhere").await?;
    world.kustomization("place", "./no such place").await?;
    let texts = || -> Vec<String> {
        let taken = server.received().taken.clone();
        taken.iter().map(|taken| String::from_utf8_lossy(&taken.body).into_owned()).collect()
    };
    until("it is sent", async || Ok(texts().iter().any(|text| text.contains("no such place")))).await?;
    assert!(!texts().iter().any(|text| text.contains("elsewhere")), "{:?}", texts());

    world.change(&alert, &json!({"spec": {"inclusionList": ["no such place"]}})).await?;
    until("it is ready", async || Ok(ready().await?["status"] == "True")).await?;
    world.kill().await
}
