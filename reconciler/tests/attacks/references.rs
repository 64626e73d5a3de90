//! References of a tenant to what belongs to others: of every kind, refused until the owner allows them.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::alerts::alert;
use crate::outbound::listener;
use crate::stage::{Outcome, condition};
use crate::world::{ATTACKER, PLATFORM, VICTIM, World, kustomization};

const RIGHTS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/victim";
/// How long it may take until a change of an owner's mind has been noticed: less than any interval of these tests.
const NOTICED: Duration = Duration::from_secs(20);
const BLOCKED: &str = "cross-namespace references have been blocked";

/// Lets the attacker refer to an object.
async fn allow(world: &World, path: &str) -> Outcome {
    let annotation = json!({"toolkit.fluxcd.io/allowed-namespaces": format!("others, {ATTACKER}")});
    world.stage.change(path, &json!({"metadata": {"annotations": annotation}})).await
}

fn message(object: &Value) -> String {
    condition(object)["message"].as_str().unwrap_or_default().to_owned()
}

/// Asks for another try, and waits until an object of the attacker is not refused any more, but says this.
async fn accepted(world: &World, plural: &str, name: &str, text: &str) -> Outcome {
    let path = world.path(plural, name);
    world.stage.annotate(&path).await?;
    world.stage.object_becomes(&path, |found| message(found).contains(text)).await
}

/// Waits until an object of the attacker says this, without asking for another try. Its interval is longer than this takes.
async fn noticed(world: &World, plural: &str, name: &str, text: &str) -> Outcome {
    let path = world.path(plural, name);
    let wait = world.stage.object_becomes(&path, |found| message(found).contains(text));
    if let Ok(waited) = tokio::time::timeout(NOTICED, wait).await {
        return waited;
    }
    let found = world.stage.get(&path).await?.unwrap_or_default();
    Err(format!("not noticed: {text}\n{found:#}").into())
}

/// What is said of how a reference is allowed.
fn remedy() -> String {
    format!("; its owner can allow it with the annotation toolkit.fluxcd.io/allowed-namespaces: {ATTACKER}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_allows_a_reference_is_noticed() -> Outcome {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n";
    let world = World::new(&[("attack/map.yaml", map)]).await?;
    let source = json!({"kind": "GitRepository", "name": "flux-system", "namespace": PLATFORM});
    let slow = |spec: Value| {
        let mut spec = spec;
        spec["retryInterval"] = json!("10m");
        spec["targetNamespace"] = json!(ATTACKER);
        spec
    };
    world.create(&kustomization("uses", slow(json!({"sourceRef": source})))).await?;
    let dependency = json!([{"name": "flux-system", "namespace": PLATFORM}]);
    world.create(&kustomization("waits", slow(json!({"dependsOn": dependency})))).await?;
    let blocked = |object: &str| format!("can't access '{object}', {BLOCKED}{}", remedy());
    let (source, main) = (world.stage.source(), world.stage.path_of("main"));
    world
        .refused("kustomizations", "uses", &blocked(&format!("GitRepository/{PLATFORM}/flux-system")))
        .await?;
    world
        .refused("kustomizations", "waits", &blocked(&format!("Kustomization/{PLATFORM}/flux-system")))
        .await?;
    for (path, name) in [(source, "uses"), (main, "waits")] {
        allow(&world, &path).await?;
        noticed(&world, "kustomizations", name, "Applied revision").await?;
        let nobody = json!({"metadata": {"annotations": {"toolkit.fluxcd.io/allowed-namespaces": null}}});
        world.stage.change(&path, &nobody).await?;
        noticed(&world, "kustomizations", name, BLOCKED).await?;
    }
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_of_what_belongs_to_others() -> Outcome {
    let world =
        World::new(&[("attack/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n")])
            .await?;
    let maps = format!("/api/v1/namespaces/{VICTIM}/configmaps");
    let shared = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}});
    world.stage.post(&maps, &shared).await?;
    let check = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "shared", "namespace": VICTIM}]);
    let spec = json!({"healthChecks": check, "targetNamespace": ATTACKER, "timeout": "10s"});
    world.create(&kustomization("looks", spec)).await?;
    let blocked = format!("can't access 'ConfigMap/{VICTIM}/shared', {BLOCKED}");
    // The annotation gives no rights, and rights are not the owner's word.
    world.refused("kustomizations", "looks", &format!("{blocked}: ")).await?;
    allow(&world, &format!("{maps}/shared")).await?;
    accepted(&world, "kustomizations", "looks", &format!("{blocked}: ")).await?;
    let api = "rbac.authorization.k8s.io/v1";
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]);
    let role = json!({"apiVersion": api, "kind": "Role", "metadata": {"name": "look"}, "rules": rules});
    world.stage.post(&format!("{RIGHTS}/roles"), &role).await?;
    let binding = json!({
        "apiVersion": api, "kind": "RoleBinding", "metadata": {"name": "look"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "look"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": ATTACKER}],
    });
    world.stage.post(&format!("{RIGHTS}/rolebindings"), &binding).await?;
    accepted(&world, "kustomizations", "looks", "Applied revision").await?;
    let nobody = json!({"metadata": {"annotations": {"toolkit.fluxcd.io/allowed-namespaces": null}}});
    world.stage.change(&format!("{maps}/shared"), &nobody).await?;
    accepted(&world, "kustomizations", "looks", &blocked).await?;
    let found = world.stage.get(&world.path("kustomizations", "looks")).await?.unwrap_or_default();
    assert_eq!(message(&found), blocked + &remedy());
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn image_automation_with_what_belongs_to_others() -> Outcome {
    let world = World::new(&[]).await?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let api = "image.toolkit.fluxcd.io/v1";
    let here = |name: &str, namespace: &str| json!({"name": name, "namespace": namespace});
    let repository = json!({
        "apiVersion": api, "kind": "ImageRepository", "metadata": here("app", VICTIM),
        "spec": {"image": format!("{closed}/app"), "interval": "10m"},
    });
    let policy = json!({
        "apiVersion": api, "kind": "ImagePolicy", "metadata": here("app", ATTACKER),
        "spec": {"imageRepositoryRef": here("app", VICTIM), "policy": {"alphabetical": {}}},
    });
    let automation = json!({
        "apiVersion": api, "kind": "ImageUpdateAutomation", "metadata": here("app", ATTACKER),
        "spec": {
            "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": PLATFORM},
            "interval": "10m", "git": {"commit": {"author": {"email": "a@example.org"}}},
        },
    });
    for object in [&repository, &policy, &automation] {
        world.create(object).await?;
    }
    let denied = "access denied: ImageRepository/victim/app can't be accessed due to missing ACL labels on 'accessFrom'";
    world.refused("imagepolicies", "app", &format!("{denied}{}", remedy())).await?;
    let source = format!("can't access 'GitRepository/{PLATFORM}/flux-system', {BLOCKED}{}", remedy());
    world.refused("imageupdateautomations", "app", &source).await?;
    allow(&world, &format!("/apis/{api}/namespaces/{VICTIM}/imagerepositories/app")).await?;
    allow(&world, &world.stage.source()).await?;
    // Nothing has been scanned.
    noticed(&world, "imagepolicies", "app", "no tags in database").await?;
    noticed(&world, "imageupdateautomations", "app", "repository up-to-date").await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_for_what_belongs_to_others() -> Outcome {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let world = World::with(&[], |options| options.receivers = Some(address)).await?;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"}, "stringData": {"token": "x"}});
    world.stage.post(&format!("/api/v1/namespaces/{ATTACKER}/secrets"), &secret).await?;
    let receiver = |name: &str, resource: Value| {
        json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": {"name": name, "namespace": ATTACKER},
            "spec": {"type": "generic", "secretRef": {"name": "hook"}, "resources": [resource]},
        })
    };
    let mut resource = json!({"kind": "GitRepository", "name": "flux-system", "namespace": PLATFORM});
    world.create(&receiver("named", resource.clone())).await?;
    resource["name"] = json!("absent");
    world.create(&receiver("absent", resource.clone())).await?;
    resource["name"] = json!("*");
    resource["matchLabels"] = json!({"shared": "yes"});
    world.create(&receiver("labelled", resource)).await?;
    let other = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "other", "namespace": PLATFORM, "labels": {"shared": "yes"}},
        "spec": {"url": "http://127.0.0.1:1/x", "interval": "10m"},
    });
    world.create(&other).await?;
    let source = world.stage.source();
    world.stage.change(&source, &json!({"metadata": {"labels": {"shared": "yes"}}})).await?;
    let other = source.replace("/flux-system", "/other");
    let asked = async |path: &str| -> Outcome<Value> {
        let found = world.stage.get(path).await?.unwrap_or_default();
        Ok(found["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].clone())
    };
    let call = async |name: &str| -> Outcome<u16> {
        let object = world.path("receivers", name);
        world.stage.object_becomes(&object, |found| found["status"]["webhookPath"].is_string()).await?;
        let found = world.stage.get(&object).await?.unwrap_or_default();
        let path = found["status"]["webhookPath"].as_str().unwrap_or_default();
        Ok(reqwest::Client::new().post(format!("http://{address}{path}")).send().await?.status().as_u16())
    };
    let before = asked(&source).await?;
    // The answer does not tell what exists.
    assert_eq!((call("named").await?, call("absent").await?, call("labelled").await?), (400, 400, 200));
    assert_eq!((asked(&source).await?, asked(&other).await?), (before.clone(), Value::Null));
    assert!(!world.stage.text().contains("\\\"absent\\\" not found"));
    for name in ["flux-system", "absent"] {
        let place = format!("GitRepository/{PLATFORM}/{name}: cross-namespace references are not allowed");
        assert!(world.stage.text().contains(&format!("{place}{}", remedy())), "{place}");
    }
    allow(&world, &source).await?;
    assert_eq!(call("labelled").await?, 200);
    let first = asked(&source).await?;
    assert_ne!(first, before);
    assert_eq!(asked(&other).await?, Value::Null);
    assert_eq!(call("named").await?, 200);
    assert_ne!(asked(&source).await?, first);
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_for_what_others_share() -> Outcome {
    let world = World::new(&[]).await?;
    let (address, heard) = listener().await?;
    let provider = json!({"type": "generic", "address": format!("http://{address}/")});
    alert(&world, "spy", provider, json!({"kind": "Kustomization", "name": "*", "namespace": PLATFORM}))
        .await?;
    let noted = format!("'Kustomization/{PLATFORM}/*'");
    world.stage.object_becomes(&world.path("alerts", "spy"), |found| message(found).contains(&noted)).await?;
    let broken = async |name: &str, allowed: &str| -> Outcome {
        let mut broken = kustomization(name, json!({"path": "./nowhere"}));
        broken["metadata"]["namespace"] = json!(PLATFORM);
        broken["metadata"]["annotations"] = json!({"toolkit.fluxcd.io/allowed-namespaces": allowed});
        broken["spec"]["sourceRef"] = json!({"kind": "GitRepository", "name": "flux-system"});
        world.create(&broken).await?;
        world.stage.not_ready(name, "ArtifactFailed", "nowhere").await.map(|_| ())
    };
    broken("secret-plans", VICTIM).await?;
    broken("shared", ATTACKER).await?;
    // The listener answers that there is no such page, which counts as delivered by nobody.
    let is_sent = |found: &Value| {
        found["status"]["lastFailure"]["object"] == format!("Kustomization/{PLATFORM}/shared")
    };
    world.stage.object_becomes(&world.path("alerts", "spy"), is_sent).await?;
    // A new alert hears what is broken already, and no more of it.
    let provider = json!({"type": "generic", "address": format!("http://{address}/late")});
    alert(&world, "late", provider, json!({"kind": "Kustomization", "name": "*", "namespace": PLATFORM}))
        .await?;
    world.stage.object_becomes(&world.path("alerts", "late"), is_sent).await?;
    // What was allowed when it broke, and is not any more, is nothing for the next one.
    broken("still-shared", ATTACKER).await?;
    let revoked = json!({"metadata": {"annotations": {"toolkit.fluxcd.io/allowed-namespaces": null}}});
    world.stage.patch("shared", &revoked).await?;
    world.stage.reconcile("shared").await?;
    let provider = json!({"type": "generic", "address": format!("http://{address}/later")});
    alert(&world, "later", provider, json!({"kind": "Kustomization", "name": "*", "namespace": PLATFORM}))
        .await?;
    let is_sent = |found: &Value| {
        found["status"]["lastFailure"]["object"] == format!("Kustomization/{PLATFORM}/still-shared")
    };
    world.stage.object_becomes(&world.path("alerts", "later"), is_sent).await?;
    let found = world.stage.get(&world.path("alerts", "later")).await?.unwrap_or_default();
    assert_eq!(found["status"]["pending"], 1, "{found:#}");
    let bodies = heard.bodies();
    assert!(bodies.iter().any(|body| body.contains("shared")), "{bodies:#?}");
    for alert in ["spy", "late"] {
        let found = world.stage.get(&world.path("alerts", alert)).await?.unwrap_or_default();
        assert!(!found.to_string().contains("secret-plans"), "{found:#}");
    }
    assert!(!bodies.iter().any(|body| body.contains("secret-plans")), "{bodies:#?}");
    // What is gone is nothing for anybody.
    broken("gone", ATTACKER).await?;
    world.stage.delete("gone").await?;
    world.stage.disappears(&world.stage.path_of("gone")).await?;
    let own = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": kind,
            "metadata": {"name": "own", "namespace": PLATFORM}, "spec": spec,
        })
    };
    let address = format!("http://{address}/own");
    world.create(&own("Provider", json!({"type": "generic", "address": address}))).await?;
    let sources = json!([{"kind": "Kustomization", "name": "*"}]);
    world.create(&own("Alert", json!({"providerRef": {"name": "own"}, "eventSources": sources}))).await?;
    let path = format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/{PLATFORM}/alerts/own");
    world.stage.object_becomes(&path, |found| found["status"]["lastFailure"].is_object()).await?;
    let found = world.stage.get(&path).await?.unwrap_or_default();
    assert_eq!(found["status"]["pending"], 3, "{found:#}");
    for name in ["secret-plans", "shared", "still-shared"] {
        world.stage.delete(name).await?;
    }
    world.end().await
}

/// Whoever can write the status of a source could ask for the archives of others by name.
#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_at_the_address_of_another_source() -> Outcome {
    let world = World::new(&[]).await?;
    let (address, heard) = listener().await?;
    let cases = [
        ("there", "gitrepository/victim/app/latest.tar.gz"),
        ("not-there", "gitrepository/victim/none/latest.tar.gz"),
        ("escaped", "prefix//GitRepository/%76ictim/./app/latest.tar.gz"),
    ];
    for (name, path) in cases {
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact",
            "metadata": {"name": name, "namespace": ATTACKER},
            "spec": {"sourceRef": {"apiVersion": "example.com/v1", "kind": "Source", "name": "x"}},
        });
        world.create(&object).await?;
        let digest = format!("sha256:{}", "0".repeat(64));
        let artifact = json!({
            "digest": digest, "lastUpdateTime": "2026-01-01T00:00:00Z", "path": path, "revision": "x",
            "url": format!("http://{address}/{path}"),
        });
        let status = format!("{}/status", world.path("externalartifacts", name));
        world.stage.change(&status, &json!({"status": {"artifact": artifact}})).await?;
        let source = json!({"sourceRef": {"kind": "ExternalArtifact", "name": name}});
        world.create(&kustomization(name, source)).await?;
        let why = "cross-namespace references have been blocked";
        world.refused("kustomizations", name, why).await.map_err(|error| format!("{name}: {error}"))?;
    }
    assert_eq!(heard.take(), Vec::<String>::new());
    world.end().await
}
