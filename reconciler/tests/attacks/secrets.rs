//! Secrets that a tenant names and may not read.

use serde_json::json;

use crate::outbound::listener;
use crate::stage::Outcome;
use crate::world::{ATTACKER, VICTIM, World, kustomization};

/// What acts for a Kustomization reads for it, too. Flux reads all of this with its own rights.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_the_account_may_not_read() -> Outcome {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: attacker}\n";
    let world = World::new(&[("attack/map.yaml", map)]).await?;
    let here = |resource: &str| format!("/api/v1/namespaces/{ATTACKER}/{resource}");
    let rbac =
        |resource: &str| format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{ATTACKER}/{resource}");
    let named =
        |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
    world.stage.post(&here("serviceaccounts"), &named("ServiceAccount", "weak")).await?;
    world.stage.post(&here("secrets"), &named("Secret", "keys")).await?;
    let api = "rbac.authorization.k8s.io/v1";
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]);
    let role = json!({"apiVersion": api, "kind": "Role", "metadata": {"name": "weak"}, "rules": rules});
    world.stage.post(&rbac("roles"), &role).await?;
    let binding = json!({
        "apiVersion": api, "kind": "RoleBinding", "metadata": {"name": "weak"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "weak"},
        "subjects": [{"kind": "ServiceAccount", "name": "weak", "namespace": ATTACKER}],
    });
    world.stage.post(&rbac("rolebindings"), &binding).await?;
    let keys = json!({"name": "keys"});
    let check = json!([{"apiVersion": "v1", "kind": "Secret", "name": "keys", "namespace": ATTACKER}]);
    let uses = [
        ("decrypts", json!({"decryption": {"provider": "sops", "secretRef": keys}})),
        ("substitutes", json!({"postBuild": {"substituteFrom": [{"kind": "Secret", "name": "keys"}]}})),
        ("connects", json!({"kubeConfig": {"secretRef": keys}})),
        ("looks", json!({"healthChecks": check, "timeout": "5s"})),
    ];
    for (name, mut spec) in uses {
        spec["serviceAccountName"] = json!("weak");
        world.create(&kustomization(name, spec)).await?;
        let why =
            format!("secrets \"keys\" is forbidden: User \"system:serviceaccount:{ATTACKER}:weak\" cannot");
        world.refused("kustomizations", name, &why).await.map_err(|error| format!("{name}: {error}"))?;
    }
    // The other account may read it.
    world.create(&kustomization("allowed", json!({"healthChecks": check, "timeout": "5s"}))).await?;
    let is_ready = |found: &serde_json::Value| crate::stage::condition(found)["status"] == "True";
    world.stage.object_becomes(&world.path("kustomizations", "allowed"), is_ready).await?;
    world.end().await
}

/// Sources, receivers and providers read Secrets of their own namespace, with the rights of the reconciler.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_paths() -> Outcome {
    let world = World::new(&[]).await?;
    let (address, heard) = listener().await?;
    let treasure = format!("/api/v1/namespaces/{VICTIM}/secrets/treasure");
    let data =
        json!({"token": "x", "username": "x", "password": "x", "address": format!("http://{address}/")});
    world.stage.change(&treasure, &json!({"stringData": data})).await?;
    let up = format!("../../../namespaces/{VICTIM}/secrets/treasure");
    for (number, name) in [up.as_str(), "../secrets/treasure", "treasure?x=", ".."].into_iter().enumerate() {
        let metadata = json!({"name": format!("path-{number}"), "namespace": ATTACKER});
        let secret = json!({"name": name});
        let receiver = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver", "metadata": metadata,
            "spec": {
                "type": "generic", "secretRef": secret, "resources": [{"kind": "GitRepository", "name": "source"}],
            },
        });
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
            "spec": {"url": format!("http://{address}/x"), "interval": "10m", "secretRef": secret},
        });
        for (plural, object) in [("receivers", receiver), ("gitrepositories", source)] {
            world.create(&object).await?;
            let refused = world.refused(plural, &format!("path-{number}"), "").await;
            refused.map_err(|error| format!("{plural} with {name}: {error}"))?;
        }
    }
    assert_eq!(heard.take(), Vec::<String>::new());
    world.end().await
}
