//! OCIRepositories.

use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::registry::{CONTENT, Registry, archive};
use crate::stage::{Outcome, Stage, condition};

pub(crate) fn map(text: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-oci\n  namespace: default\ndata:\n  a: {text}\n"
    )
}

pub(crate) const MAP: &str = "/api/v1/namespaces/default/configmaps/from-oci";

pub(crate) fn path(name: &str) -> String {
    format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/oci/ocirepositories/{name}")
}

/// Makes an OCIRepository.
pub(crate) async fn create(stage: &Stage, name: &str, url: &str, spec: Value) -> Outcome {
    let mut object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": "oci"},
        "spec": {"url": url, "interval": "10m", "insecure": true, "secretRef": {"name": "login"}},
    });
    if let (Some(into), Some(spec)) = (object["spec"].as_object_mut(), spec.as_object()) {
        into.extend(spec.clone());
    }
    stage.post(&path(""), &object).await
}

/// Asks for a fetch, and waits for it.
pub(crate) async fn fetch(stage: &Stage, name: &str) -> Outcome {
    let token = stage.annotate(&path(name)).await?;
    stage.object_becomes(&path(name), |found| found["status"]["lastHandledReconcileAt"] == *token).await
}

/// Waits until an OCIRepository is ready, or not, with a message.
pub(crate) async fn becomes(stage: &Stage, name: &str, status: &str, reason: &str, message: &str) -> Outcome {
    stage
        .object_becomes(&path(name), |found| {
            let ready = condition(found);
            ready["status"] == status && ready["reason"] == reason && ready["message"] == message
        })
        .await
}

pub(crate) async fn stage() -> Outcome<Stage> {
    let mut stage = Stage::new("oci").await?;
    stage.commit("first commit", &[("main/.keep", "")])?;
    stage.start("main").await?;
    Ok(stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_followed() -> Outcome {
    let registry = Registry::start().await?;
    let url = registry.url();
    let first = registry.push("1.0.0", &[(CONTENT, archive(&[("deploy/map.yaml", &map("first"))])?)]);
    let stage = stage().await?;
    create(&stage, "apps", &url, json!({"ref": {"semver": ">=1.0.0", "semverFilter": "^[0-9.]+$"}})).await?;
    let message = "failed to get credential: failed to get secret 'oci/login': secrets \"login\" not found";
    becomes(&stage, "apps", "False", "AuthenticationFailed", message).await?;
    stage.add("secrets", &registry.secret()).await?;
    fetch(&stage, "apps").await?;
    let revision = format!("1.0.0@{first}");
    becomes(&stage, "apps", "True", "Succeeded", &format!("stored artifact for digest '{revision}'")).await?;
    let found = stage.get(&path("apps")).await?.unwrap_or_default();
    let artifact = &found["status"]["artifact"];
    assert_eq!(artifact["revision"], *revision);
    assert_eq!(artifact["metadata"]["org.opencontainers.image.source"], "https://example.org/apps");
    let news = format!(
        "stored artifact with revision '{revision}' from '{url}', origin source 'https://example.org/apps', origin revision '1.0.0@sha1:0123'"
    );
    let has_news = |list: &Value| {
        list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|event| event["message"] == *news && event["reason"] == "NewArtifact")
    };
    stage.object_becomes("/api/v1/namespaces/oci/events", has_news).await?;

    let source = json!({"kind": "OCIRepository", "name": "apps"});
    stage.create("deploy", &json!({"sourceRef": source})).await?;
    stage.ready("deploy", &revision).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    // A tag that does not count, and one that does.
    registry.push("2.0.0-rc.1", &[(CONTENT, archive(&[("deploy/map.yaml", &map("not"))])?)]);
    let second = registry.push("1.1.0", &[(CONTENT, archive(&[("deploy/map.yaml", &map("second"))])?)]);
    fetch(&stage, "apps").await?;
    stage.ready("deploy", &format!("1.1.0@{second}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;
    // What is there already is not downloaded again.
    let downloads = registry.downloads();
    fetch(&stage, "apps").await?;
    assert_eq!(registry.downloads(), downloads);

    // The same content under another digest changes the revision and nothing else.
    stage.change(&path("apps"), &json!({"spec": {"ref": {"digest": first, "semver": null}}})).await?;
    stage.ready("deploy", &first).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;
    stage.delete("deploy").await?;
    stage.disappears(MAP).await?;
    stage.remove(&path("apps")).await?;
    stage.disappears(&path("apps")).await?;
    stage.delete("main").await?;
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused() -> Outcome {
    let registry = Registry::start().await?;
    let url = registry.url();
    let stage = stage().await?;
    stage.add("secrets", &registry.secret()).await?;
    let good = archive(&[("deploy/map.yaml", &map("good")), ("deploy/picture.png", "")])?;
    registry.push("layers", &[("text/plain", b"a note".to_vec()), (CONTENT, good)]);
    create(
        &stage,
        "layers",
        &url,
        json!({"ref": {"tag": "layers"}, "layerSelector": {"mediaType": CONTENT}}),
    )
    .await?;
    stage.create("deploy", &json!({"sourceRef": {"kind": "OCIRepository", "name": "layers"}})).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "good").await?;
    stage.change(&path("layers"), &json!({"spec": {"layerSelector": {"mediaType": "x/y"}}})).await?;
    let message = "failed to find layer with media type 'x/y' in artifact";
    becomes(&stage, "layers", "False", "OCIArtifactLayerOperationFailed", message).await?;

    // A file that wants to go elsewhere: what is there stays.
    let mut hostile = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    header.as_old_mut().name[..10].copy_from_slice(b"../../evil");
    header.set_cksum();
    hostile.append(&header, &b"x"[..])?;
    registry.push("layers", &[(CONTENT, hostile.into_inner()?)]);
    stage.change(&path("layers"), &json!({"spec": {"layerSelector": null}})).await?;
    let message =
        "failed to extract layer contents from artifact: \"../../evil\" cannot be the path of a file";
    becomes(&stage, "layers", "False", "OCIArtifactLayerOperationFailed", message).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "good").await?;

    create(&stage, "bad-url", &format!("{url}:1.0.0"), json!({})).await?;
    let message =
        format!("URL validation failed for '{url}:1.0.0': URL must not contain a tag; remove ':1.0.0'");
    becomes(&stage, "bad-url", "False", "URLInvalid", &message).await?;
    create(&stage, "none", &url, json!({"ref": {"semver": "9.x"}})).await?;
    let message = format!("failed to determine the artifact tag for '{url}': no match found for semver: 9.x");
    becomes(&stage, "none", "False", "ReadOperationFailed", &message).await?;
    stage.create("nothing", &json!({"sourceRef": {"kind": "OCIRepository", "name": "none"}})).await?;
    stage.not_ready("nothing", "ArtifactFailed", "Source artifact not found, retrying in 30s").await?;

    for name in ["deploy", "nothing", "main"] {
        stage.delete(name).await?;
    }
    stage.disappears(MAP).await?;
    for name in ["layers", "bad-url", "none"] {
        stage.remove(&path(name)).await?;
        stage.disappears(&path(name)).await?;
    }
    stage.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_demands_a_client_certificate() -> Outcome {
    let certificates = Certificates::make()?;
    let registry = Registry::start_tls(certificates.demanding_server()?).await?;
    let stage = stage().await?;
    stage.add("secrets", &registry.secret()).await?;
    let mut data = json!({"ca.crt": certificates.text("ca.crt")?});
    let tls = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "stringData": data});
    stage.add("secrets", &tls).await?;
    let push = |text: &str| -> Outcome<String> {
        Ok(registry.push("v1", &[(CONTENT, archive(&[("deploy/map.yaml", &map(text))])?)]))
    };
    let first = push("first")?;
    let spec = json!({"ref": {"tag": "v1"}, "insecure": false, "certSecretRef": {"name": "tls"}});
    create(&stage, "apps", &registry.url(), spec).await?;
    let has_failed = |found: &Value| {
        let ready = condition(found);
        ready["status"] == "False"
            && ready["message"].as_str().is_some_and(|said| said.contains("CertificateRequired"))
    };
    stage.object_becomes(&path("apps"), has_failed).await?;
    for key in ["crt", "key"] {
        data[format!("tls.{key}")] = certificates.text(&format!("client.{key}"))?.into();
    }
    stage.change("/api/v1/namespaces/oci/secrets/tls", &json!({"stringData": data})).await?;
    fetch(&stage, "apps").await?;
    let message = |digest: &str| format!("stored artifact for digest 'v1@{digest}'");
    becomes(&stage, "apps", "True", "Succeeded", &message(&first)).await?;
    stage.create("deploy", &json!({"sourceRef": {"kind": "OCIRepository", "name": "apps"}})).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;
    // The server that hands out tokens demands the certificate, too.
    registry.want_tokens();
    let second = push("second")?;
    fetch(&stage, "apps").await?;
    becomes(&stage, "apps", "True", "Succeeded", &message(&second)).await?;
    scan(&stage, &registry, &certificates).await?;
    stage.remove("/api/v1/namespaces/oci/secrets/tls").await?;
    crate::finish(stage, MAP, &path("apps")).await
}

/// An ImageRepository shows its certificate as well.
async fn scan(stage: &Stage, registry: &Registry, certificates: &Certificates) -> Outcome {
    let path = "/apis/image.toolkit.fluxcd.io/v1/namespaces/oci/imagerepositories";
    let authority = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "authority"},
        "stringData": {"ca.crt": certificates.text("ca.crt")?},
    });
    stage.add("secrets", &authority).await?;
    let repository = json!({
        "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImageRepository",
        "metadata": {"name": "apps", "namespace": "oci"},
        "spec": {
            "image": registry.name(), "interval": "10m", "secretRef": {"name": "login"},
            "certSecretRef": {"name": "authority"},
        },
    });
    stage.post(path, &repository).await?;
    let path = format!("{path}/apps");
    let says = |status: &str, words: &str| {
        let (status, words) = (status.to_owned(), words.to_owned());
        move |found: &Value| {
            let ready = condition(found);
            ready["status"] == *status && ready["message"].as_str().is_some_and(|said| said.contains(&words))
        }
    };
    stage.object_becomes(&path, says("False", "CertificateRequired")).await?;
    stage.change(&path, &json!({"spec": {"certSecretRef": {"name": "tls"}}})).await?;
    stage.object_becomes(&path, says("True", "successful scan: found 1 tags")).await?;
    stage.remove(&path).await?;
    stage.disappears(&path).await?;
    stage.remove("/api/v1/namespaces/oci/secrets/authority").await
}
