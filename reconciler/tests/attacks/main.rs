//! Attacks by a tenant: one test for each. The cluster is the embedded one, or the one that `KUBECONFIG` names.

#[path = "../walkthrough/stage.rs"]
#[expect(dead_code, reason = "the walk-through uses the rest")]
mod stage;

mod alerts;
mod builds;
mod fairness;
mod outbound;
mod prune;
mod references;
mod secrets;
mod world;

use std::os::unix::fs::symlink;

use reconciler_api::image_policy::ImageRef;
use reconciler_core::setters::Setters;
use reconciler_core::ssa::ObjectId;
use serde_json::{Value, json};

use stage::Outcome;
use world::{ATTACKER, VICTIM, World, kustomization};

const TREASURE: &str = "/api/v1/namespaces/victim/secrets/treasure";

#[tokio::test(flavor = "multi_thread")]
async fn a_kustomization_without_an_account_is_not_the_reconciler() -> Outcome {
    let binding = format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: attack}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{kind: ServiceAccount, name: default, namespace: {ATTACKER}}}]
"
    );
    let world = World::new(&[("attack/binding.yaml", &binding)]).await?;
    world.create(&kustomization("attack", json!({}))).await?;
    let account = format!("User \"system:serviceaccount:{ATTACKER}:default\" cannot ");
    world.refused("kustomizations", "attack", &account).await?;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/attack";
    assert!(!world.stage.exists(path).await?);
    // Nor is it whom it likes to be: another namespace's account has another name.
    world
        .create(&kustomization("borrow", json!({"serviceAccountName": "victim:default", "path": "./attack"})))
        .await?;
    world.refused("kustomizations", "borrow", "").await?;
    assert!(!world.stage.exists(path).await?);
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_moves_objects_to_another_namespace() -> Outcome {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: moved}\n";
    let world = World::new(&[("attack/map.yaml", map)]).await?;
    let patch = format!("- {{op: add, path: /metadata/namespace, value: {VICTIM}}}");
    let patches = json!({"patches": [{"target": {"kind": "ConfigMap"}, "patch": patch}]});
    world.create(&kustomization("attack", patches)).await?;
    world.create(&kustomization("target", json!({"path": "./attack", "targetNamespace": VICTIM}))).await?;
    for name in ["attack", "target"] {
        let account = format!("User \"system:serviceaccount:{ATTACKER}:default\" cannot ");
        world.refused("kustomizations", name, &account).await?;
    }
    let moved = "/api/v1/namespaces/victim/configmaps/moved";
    assert!(!world.stage.exists(moved).await?);
    // They have applied nothing: they can be deleted without the right to read the object, and delete nothing of others.
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "moved"}});
    world.stage.post("/api/v1/namespaces/victim/configmaps", &map).await?;
    for name in ["attack", "target"] {
        let path =
            format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{ATTACKER}/kustomizations/{name}");
        world.stage.remove(&path).await?;
        world.stage.disappears(&path).await?;
    }
    assert!(world.stage.exists(moved).await?);
    world.stage.remove(moved).await?;
    world.end().await
}

/// Kubeconfigs are written by tenants: they must not use files and programs of the machine, nor lead to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_that_uses_the_machine() -> Outcome {
    let world =
        World::new(&[("attack/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")]).await?;
    let token = world.directory().join("token");
    std::fs::write(&token, "the token of the reconciler")?;
    let token = token.display().to_string();
    let (address, heard) = outbound::listener().await?;
    let here = format!("http://{address}");
    let port = address.port();
    let cases: [(&str, Value, Value, &str); 12] = [
        ("token-file", json!({"server": here}), json!({"tokenFile": token}), "it names files"),
        ("certificate-file", json!({"server": here}), json!({"client-certificate": token}), "it names files"),
        ("key-file", json!({"server": here}), json!({"client-key": token}), "it names files"),
        (
            "authority-file",
            json!({"server": here, "certificate-authority": token}),
            json!({}),
            "it names files",
        ),
        (
            "program",
            json!({"server": here}),
            json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/true", "interactiveMode": "Never"}}),
            "it runs programs",
        ),
        (
            "provider",
            json!({"server": here}),
            json!({"auth-provider": {"name": "gcp", "config": {}}}),
            "it runs programs",
        ),
        (
            "trusting",
            json!({"server": here, "insecure-skip-tls-verify": true}),
            json!({}),
            "insecure-skip-tls-verify",
        ),
        ("local", json!({"server": here}), json!({"token": "x"}), "leads to the machine of the reconciler"),
        (
            "link-local",
            json!({"server": "http://169.254.169.254"}),
            json!({"token": "x"}),
            "link-local address",
        ),
        // Libraries read these in different ways.
        (
            "signed-port",
            json!({"server": format!("http://127.0.0.1:+{port}")}),
            json!({"token": "x"}),
            "is not the address of a server",
        ),
        (
            "in-brackets",
            json!({"server": format!("http://[127.0.0.1]:{port}")}),
            json!({"token": "x"}),
            "is not the address of a server",
        ),
        (
            "large-port",
            json!({"server": "http://169.254.169.254:99999"}),
            json!({"token": "x"}),
            "is not the address of a server",
        ),
    ];
    for (name, cluster, user, _) in &cases {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "clusters": [{"name": "x", "cluster": cluster}], "users": [{"name": "x", "user": user}],
        });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"value": config.to_string()},
        });
        world.stage.post(&format!("/api/v1/namespaces/{ATTACKER}/secrets"), &secret).await?;
        let spec = json!({"path": "./attack", "kubeConfig": {"secretRef": {"name": name}}});
        world.create(&kustomization(name, spec)).await?;
    }
    for (name, _, _, why) in &cases {
        world.refused("kustomizations", name, why).await.map_err(|error| format!("{name}: {error}"))?;
    }
    assert_eq!(heard.take(), Vec::<String>::new());
    assert!(!world.stage.text().contains("the token of the reconciler"));
    // Nothing was applied: what cannot be reached any more keeps no namespace alive.
    world.remove_tenants().await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_paths_out_of_the_repository() -> Outcome {
    let linked = "resources: [file.yaml]\n";
    let world = World::new(&[("linked/kustomization.yaml", linked)]).await?;
    symlink("/etc", world.stage.repository().join("etc"))?;
    symlink("../../outside.yaml", world.stage.repository().join("linked/file.yaml"))?;
    let secret = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: outside}\n";
    std::fs::write(world.directory().join("outside.yaml"), secret)?;
    world.stage.commit("links", &[("more", "")])?;
    world.fetch().await?;
    for (name, path) in [("up", "../../../etc"), ("root", "/etc"), ("link", "./etc"), ("linked", "./linked")]
    {
        world.create(&kustomization(name, json!({"path": path}))).await?;
        world.refused("kustomizations", name, "").await?;
        let found = world.stage.get(&world.path("kustomizations", name)).await?.unwrap_or_default();
        assert!(found["status"]["inventory"]["entries"].as_array().is_none_or(Vec::is_empty), "{found:#}");
    }
    let outside = format!("/api/v1/namespaces/{ATTACKER}/configmaps/outside");
    assert!(!world.stage.exists(&outside).await?);
    assert!(!world.stage.text().contains("root:x:"));
    world.end().await
}

/// The inventory says what is deleted, and it is in the status, which a tenant may be able to write.
#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_names_what_belongs_to_others() -> Outcome {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: attacker}\n";
    let world = World::new(&[("attack/map.yaml", map)]).await?;
    let own = format!("/api/v1/namespaces/{ATTACKER}/configmaps/own");
    world.create(&kustomization("attack", json!({}))).await?;
    world.stage.object_becomes(&own, |_| true).await?;
    // One with all rights, too: what it did not apply is not its own.
    let mut strong = kustomization("strong", json!({"path": "./attack", "targetNamespace": "default"}));
    strong["metadata"]["namespace"] = json!("attacks");
    strong["spec"]["sourceRef"] = json!({"kind": "GitRepository", "name": "flux-system"});
    world.create(&strong).await?;
    let moved = "/api/v1/namespaces/default/configmaps/own";
    world.stage.object_becomes(moved, |_| true).await?;
    let strong = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/attacks/kustomizations/strong".to_owned();
    let attack = world.path("kustomizations", "attack");
    let inventory = |entries: &[Value]| json!({"status": {"inventory": {"entries": entries}}});
    let entry = json!({"id": "victim_treasure__Secret", "v": "v1"});
    for (path, object) in [(&attack, &*own), (&strong, moved)] {
        let found = world.stage.get(path).await?.unwrap_or_default();
        let mut entries = found["status"]["inventory"]["entries"].as_array().cloned().unwrap_or_default();
        entries.push(entry.clone());
        world.stage.change(&format!("{path}/status"), &inventory(&entries)).await?;
        world.stage.remove(path).await?;
        world.stage.disappears(object).await?;
    }
    world.stage.disappears(&strong).await?;
    assert!(world.stage.exists(TREASURE).await?);
    // The tenant may not even read it, and does not own it: there is nothing to delete.
    world.stage.disappears(&attack).await?;
    assert!(world.stage.exists(TREASURE).await?);
    world.end().await
}

/// Names that look like other entries of an inventory are still the names of what they are.
#[test]
fn a_name_that_looks_like_another_entry() -> Outcome {
    for name in
        ["victim_treasure", "x_victim_treasure", "_", "victim_treasure_rbac.authorization.k8s.io_ClusterRole"]
    {
        let id = ObjectId {
            namespace: ATTACKER.to_owned(),
            name: name.to_owned(),
            group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
        };
        let read: ObjectId = id.to_string().parse().map_err(|_| format!("{id} is not read"))?;
        assert_eq!((read.namespace.as_str(), read.kind.as_str()), (ATTACKER, "Role"), "{id}");
        assert_eq!(read.name, name);
    }
    Ok(())
}

#[test]
fn a_marker_in_the_file_of_another_tenant() -> Outcome {
    let directory = tempfile::tempdir()?;
    let text = "image: app:1 # {\"$imagepolicy\": \"victim:app\"}\n";
    std::fs::write(directory.path().join("a.yaml"), text)?;
    let mut setters = Setters::default();
    let latest = ImageRef { name: "evil".to_owned(), tag: "2".to_owned(), digest: None };
    setters.add(ATTACKER, "app", &latest)?;
    let updated = reconciler::image::update(directory.path(), "", &setters)?;
    assert!(updated.files.is_empty());
    // What lies elsewhere is reached neither upwards nor through links.
    for folder in ["..", "../", "a/../.."] {
        assert!(reconciler::image::update(&directory.path().join("inner"), folder, &setters).is_err());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_without_a_token() -> Outcome {
    let world = World::new(&[]).await?;
    let receiver = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": {"name": "open", "namespace": ATTACKER},
        "spec": {"type": "generic", "resources": [{"kind": "GitRepository", "name": "source"}]},
    });
    let refused = world.create(&receiver).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("secretRef has to be set")));
    // A Secret without a token in it is no better.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook"}, "stringData": {"token": ""}});
    world.stage.post(&format!("/api/v1/namespaces/{ATTACKER}/secrets"), &secret).await?;
    let mut receiver = receiver;
    receiver["spec"]["secretRef"] = json!({"name": "hook"});
    world.create(&receiver).await?;
    world.refused("receivers", "open", "required field 'token'").await?;
    let found = world.stage.get(&world.path("receivers", "open")).await?.unwrap_or_default();
    assert!(found["status"]["webhookPath"].is_null(), "{found:#}");
    world.end().await
}

/// What a build of a tenant cannot use, in any namespace.
#[tokio::test(flavor = "multi_thread")]
async fn remote_bases_functions_and_charts() -> Outcome {
    let world = World::new(&[]).await?;
    let (address, heard) = outbound::listener().await?;
    let trace = world.directory().join("trace");
    let program = format!("#!/bin/sh\ntouch {}\ncat\n", trace.display());
    let function = "apiVersion: example.org/v1\nkind: F\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: |\n";
    let exec = format!("{function}      exec: {{path: ./run.sh}}\n");
    let container = format!("{function}      container: {{image: example.org/f}}\n");
    let files = [
        ("remote-git/kustomization.yaml", format!("resources: [\"http://{address}/base.git?ref=main\"]\n")),
        ("remote-file/kustomization.yaml", format!("resources: [\"http://{address}/map.yaml\"]\n")),
        ("exec/kustomization.yaml", "generators: [f.yaml]\n".to_owned()),
        ("exec/f.yaml", exec),
        ("exec/run.sh", program),
        ("container/kustomization.yaml", "transformers: [f.yaml]\n".to_owned()),
        ("container/f.yaml", container),
        (
            "charts/kustomization.yaml",
            format!("helmCharts: [{{name: x, repo: \"http://{address}\", version: 1.0.0}}]\n"),
        ),
        (
            "host-file/kustomization.yaml",
            "configMapGenerator: [{name: x, files: [/etc/hostname]}]\n".to_owned(),
        ),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    world.stage.commit("what reaches out", &files)?;
    std::process::Command::new("chmod")
        .arg("+x")
        .arg(world.stage.repository().join("exec/run.sh"))
        .status()?;
    world.stage.commit("a program", &[("exec/run.txt", "")])?;
    world.fetch().await?;
    for name in ["remote-git", "remote-file", "exec", "container", "charts", "host-file"] {
        world.create(&kustomization(name, json!({"path": format!("./{name}")}))).await?;
        world.refused("kustomizations", name, "kustomize build failed").await?;
    }
    assert_eq!(heard.take(), Vec::<String>::new());
    assert!(!trace.exists());
    world.end().await
}
