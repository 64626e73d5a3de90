//! OCIRepositories in a registry that is not ours, over TLS, with a login and with signatures.
//!
//! `cargo xtask e2e` runs it: the program `registry` of e2e/cluster has to be on PATH. If `cosign` is, it signs as well.

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::certificates::Certificates;
use crate::oci::{MAP, create, fetch, map, path, stage};
use crate::registry::{CONTENT, MANIFEST, archive, digest};
use crate::signed::Signer;
use crate::stage::{Outcome, Stage, condition};

const USER: &str = "robot";
const PASSWORD: &str = "hunter2";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The type of the configuration of what cosign makes.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Runs a program to its end, with more environment variables.
async fn run(directory: &Path, program: &str, arguments: &[&str], variables: &[(&str, &Path)]) -> Outcome {
    let mut command = Command::new(program);
    command.current_dir(directory).args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().await.map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The registry, with a certificate of an authority that nobody else knows.
struct Registry {
    certificates: Certificates,
    client: reqwest::Client,
    address: String,
    _process: Child,
}

impl Registry {
    async fn start(has_referrers: bool) -> Outcome<Self> {
        let certificates = Certificates::make()?;
        let mut command = Command::new("registry");
        command
            .args([&format!("--referrers={has_referrers}"), "--user", USER, "--password", PASSWORD])
            .arg("--tls-cert")
            .arg(certificates.path("server.crt"))
            .arg("--tls-key")
            .arg(certificates.path("server.key"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let advice = "cargo xtask e2e puts the program on PATH";
        let mut process = command.spawn().map_err(|error| format!("registry: {error}; {advice}"))?;
        let output = process.stdout.take().ok_or("the registry has no output")?;
        let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
        let address =
            line.strip_prefix("READY address=").ok_or(format!("the registry says {line:?}"))?.to_owned();
        let authority = reqwest::Certificate::from_pem(certificates.text("ca.crt")?.as_bytes())?;
        let client = reqwest::Client::builder().tls_certs_only([authority]).build()?;
        Ok(Registry { certificates, client, address, _process: process })
    }

    fn url(&self) -> String {
        format!("oci://{}/team/apps", self.address)
    }

    /// The Secret with the authority of the certificate.
    fn authority(&self) -> Outcome<Value> {
        let data = json!({"ca.crt": self.certificates.text("ca.crt")?});
        let metadata = json!({"name": "authority"});
        Ok(json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}))
    }

    fn login(&self, password: &str) -> String {
        let auth = BASE64.encode(format!("{USER}:{password}"));
        json!({"auths": {&self.address: {"auth": auth}}}).to_string()
    }

    /// The Secret with a login.
    fn secret(&self, password: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": BASE64.encode(self.login(password))},
        })
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Outcome {
        let url = format!("https://{}/v2/team/apps/{path}", self.address);
        let request = self.client.request(method.parse()?, &url).basic_auth(USER, Some(PASSWORD));
        let answer = request.header("content-type", kind).body(body).send().await?;
        let status = answer.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("{method} {url}: {status} {}", answer.text().await?).into()),
        }
    }

    async fn blob(&self, content: &[u8]) -> Outcome<Value> {
        let id = digest(content);
        self.send(
            "POST",
            &format!("blobs/uploads/?digest={id}"),
            "application/octet-stream",
            content.to_vec(),
        )
        .await?;
        Ok(json!({"digest": id, "size": content.len()}))
    }

    /// Pushes a manifest under a tag, or under its digest, which is returned.
    async fn manifest(&self, tag: Option<&str>, manifest: &Value) -> Outcome<String> {
        let bytes = manifest.to_string().into_bytes();
        let (id, kind) = (digest(&bytes), manifest["mediaType"].as_str().unwrap_or_default());
        self.send("PUT", &format!("manifests/{}", tag.unwrap_or(&id)), kind, bytes).await?;
        Ok(id)
    }

    /// Pushes an artifact with a ConfigMap.
    async fn push(&self, tag: &str, text: &str) -> Outcome<String> {
        let mut layer = self.blob(&archive(&[("deploy/map.yaml", &map(text))])?).await?;
        let mut config = self.blob(b"{}").await?;
        layer["mediaType"] = CONTENT.into();
        config["mediaType"] = "application/vnd.cncf.flux.config.v1+json".into();
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
        self.manifest(Some(tag), &manifest).await
    }

    /// Attaches a bundle as cosign does: where registries have no referrers, it lists the bundle under a tag.
    async fn attach(&self, artifact: &str, bundle: &[u8], has_referrers: bool) -> Outcome {
        let mut layer = self.blob(bundle).await?;
        let mut config = self.blob(b"{}").await?;
        layer["mediaType"] = BUNDLE.into();
        config["mediaType"] = EMPTY.into();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BUNDLE, "config": config, "layers": [layer],
            "subject": {"mediaType": MANIFEST, "digest": artifact, "size": 1},
            "annotations": {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"},
        });
        let id = self.manifest(None, &manifest).await?;
        if !has_referrers {
            // cosign's library takes the type of the configuration for that of the artifact.
            let entry = json!({
                "mediaType": MANIFEST, "digest": id, "size": manifest.to_string().len(), "artifactType": EMPTY,
            });
            let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
            self.manifest(Some(&artifact.replace(':', "-")), &index).await?;
        }
        Ok(())
    }

    /// Signs an artifact with cosign, in its newer or older format. The key is made once.
    async fn sign_with_cosign(&self, artifact: &str, is_new: bool) -> Outcome<Value> {
        let directory = &self.certificates.path("");
        let docker = directory.join("docker");
        std::fs::create_dir_all(&docker)?;
        std::fs::write(docker.join("config.json"), self.login(PASSWORD))?;
        let authority = directory.join("ca.crt");
        let variables =
            [("COSIGN_PASSWORD", Path::new("")), ("DOCKER_CONFIG", &*docker), ("SSL_CERT_FILE", &*authority)];
        if !directory.join("cosign.pub").exists() {
            run(directory, "cosign", &["generate-key-pair"], &variables).await?;
        }
        let format = format!("--new-bundle-format={is_new}");
        let image = format!("{}/team/apps@{artifact}", self.address);
        let arguments = [
            "sign",
            "--key=cosign.key",
            "--yes",
            "--tlog-upload=false",
            "--use-signing-config=false",
            &format,
            &image,
        ];
        run(directory, "cosign", &arguments, &variables).await?;
        let key = std::fs::read(directory.join("cosign.pub"))?;
        Ok(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"cosign.pub": BASE64.encode(key)},
        }))
    }
}

/// Waits until the OCIRepository is ready at a revision.
async fn ready(stage: &Stage, revision: &str) -> Outcome {
    let message = format!("stored artifact for digest '{revision}'");
    let is_ready =
        |found: &Value| condition(found)["status"] == "True" && condition(found)["message"] == *message;
    stage.object_becomes(&path("apps"), is_ready).await
}

/// Asks for a fetch, and waits until it has failed with a text in its message.
async fn fails(stage: &Stage, reason: &str, text: &str) -> Outcome {
    fetch(stage, "apps").await?;
    let has_failed = |found: &Value| {
        let ready = condition(found);
        ready["status"] == "False"
            && ready["reason"] == reason
            && ready["message"].as_str().is_some_and(|message| message.contains(text))
    };
    stage.object_becomes(&path("apps"), has_failed).await
}

#[expect(clippy::print_stderr, reason = "what could not be tested is said")]
async fn walk(has_referrers: bool) -> Outcome {
    let registry = Registry::start(has_referrers).await?;
    let first = registry.push("v1", "first").await?;
    let stage = stage().await?;
    let spec = json!({"ref": {"tag": "v1"}, "insecure": false, "secretRef": {"name": "login"}});
    stage.add("secrets", &registry.secret("wrong")).await?;
    create(&stage, "apps", &registry.url(), spec).await?;
    stage
        .create(
            "deploy",
            &json!({"sourceRef": {"kind": "OCIRepository", "name": "apps"}, "retryInterval": "1s"}),
        )
        .await?;
    // Nobody knows the authority, then the login is wrong.
    fails(&stage, "OCIArtifactPullFailed", "UnknownIssuer").await?;
    stage.add("secrets", &registry.authority()?).await?;
    stage.change(&path("apps"), &json!({"spec": {"certSecretRef": {"name": "authority"}}})).await?;
    fails(&stage, "OCIArtifactPullFailed", "Not authorized").await?;
    let login = "/api/v1/namespaces/oci/secrets/login";
    stage.change(login, &json!({"data": registry.secret(PASSWORD)["data"]})).await?;
    fetch(&stage, "apps").await?;
    ready(&stage, &format!("v1@{first}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    // Tags are listed, too.
    let second = registry.push("1.2.3", "second").await?;
    stage.change(&path("apps"), &json!({"spec": {"ref": {"tag": null, "semver": "1.x"}}})).await?;
    ready(&stage, &format!("1.2.3@{second}")).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "second").await?;
    stage.change(&path("apps"), &json!({"spec": {"ref": {"semver": null, "digest": first}}})).await?;
    stage.object_becomes(MAP, |found| found["data"]["a"] == "first").await?;

    let signer = Signer::new()?;
    stage.add("secrets", &signer.secret()?).await?;
    let verify = json!({"provider": "cosign", "secretRef": {"name": "keys"}});
    stage
        .change(&path("apps"), &json!({"spec": {"ref": {"digest": null, "tag": "v1"}, "verify": verify}}))
        .await?;
    fails(&stage, "VerificationError", "no matching signatures were found").await?;
    registry.attach(&first, &signer.bundle(&second)?, has_referrers).await?;
    fails(&stage, "VerificationError", &format!("a signature is for {second}")).await?;
    registry.attach(&first, &signer.bundle(&first)?, has_referrers).await?;
    fetch(&stage, "apps").await?;
    ready(&stage, &format!("v1@{first}")).await?;

    // cosign itself, if it is there.
    match Command::new("cosign").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().await {
        Ok(status) if status.success() => {
            for (tag, is_new) in [("new", true), ("old", false)] {
                let pushed = registry.push("v1", tag).await?;
                fails(&stage, "VerificationError", "no matching signatures were found").await?;
                let keys = registry.sign_with_cosign(&pushed, is_new).await?;
                stage.change("/api/v1/namespaces/oci/secrets/keys", &json!({"data": keys["data"]})).await?;
                fetch(&stage, "apps").await?;
                ready(&stage, &format!("v1@{pushed}")).await?;
                stage.object_becomes(MAP, |found| found["data"]["a"] == tag).await?;
            }
        }
        _ => eprintln!("NOT RUN: signatures by cosign itself, which is not on PATH"),
    }
    // The next walk may be on the same cluster.
    for name in ["login", "authority", "keys"] {
        stage.remove(&format!("/api/v1/namespaces/oci/secrets/{name}")).await?;
    }
    crate::finish(stage, MAP, &path("apps")).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs the program registry: cargo xtask e2e runs it"]
async fn over_tls_with_a_login_and_signatures() -> Outcome {
    walk(true).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs the program registry: cargo xtask e2e runs it"]
async fn the_same_where_nobody_can_be_asked_for_signatures() -> Outcome {
    walk(false).await
}
