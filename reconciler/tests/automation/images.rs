//! Step 8: a new tag in a registry becomes a commit, which rolls staging out.

use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use super::registry::{LOGIN, Registry};
use super::{Outcome, Stage};

/// The file that has the marker.
const OVERLAY: &str = "apps/overlays/staging/kustomization.yaml";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/staging/deployments/kustomize-ginx";
const API: &str = "/apis/image.toolkit.fluxcd.io/v1/namespaces/staging";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Staging's overlay with more resources and a tag.
pub(crate) fn overlay(resources: &str, tag: &str) -> String {
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../../base
- ./namespace.yaml
{resources}namespace: staging

images:
  - name: nginx   # two spaces, and this comment, stay
    newName: nginx
    newTag: {tag} # {{\"$imagepolicy\": \"staging:nginx-policy:tag\"}}
"
    )
}

fn repository(registry: &Registry) -> String {
    format!(
        "apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: nginx
spec:
  image: {}/nginx
  interval: 5m0s
  insecure: true
  secretRef:
    name: registry
",
        registry.address()
    )
}

pub(crate) fn secret(registry: &Registry) -> String {
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1));
    let auths = json!({"auths": {registry.address(): {"auth": login}}});
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: registry\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '{auths}'\n"
    )
}

const POLICY: &str = "apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: nginx-policy
spec:
  imageRepositoryRef:
    name: nginx
  policy:
    semver:
      range: '>=1.20.0 <1.31.0'
";

const AUTOMATION: &str = "apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata:
  name: staging-automation
spec:
  interval: 1m0s
  sourceRef:
    kind: GitRepository
    name: flux-system
    namespace: flux-system
  git:
    checkout:
      ref:
        branch: main
    commit:
      author:
        name: fluxcdbot
        email: fluxcdbot@example.org
      messageTemplate: |
        chore: flux-bot is updating container images

        {{ range .Changed.Changes }}{{ .OldValue }} -> {{ .NewValue }}{{ end }}
  update:
    path: ./apps/overlays/staging
    strategy: Setters
";

pub(crate) fn ready(object: &Value) -> &Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    found.unwrap_or(&Value::Null)
}

fn image(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]["containers"][0]["image"]
}

/// Waits until the last commit is one of the bot.
async fn automated(stage: &Stage) -> Outcome {
    let end = Instant::now() + PATIENCE;
    while stage.git(&["log", "-1", "--format=%an"])? != "fluxcdbot" {
        if Instant::now() > end {
            let automation = stage.get(&format!("{API}/imageupdateautomations/staging-automation")).await?;
            return Err(format!("no commit: {automation:#?}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until staging runs an image.
async fn rolled_out(stage: &Stage, tag: &str) -> Outcome {
    let wanted = format!("nginx:{tag}");
    stage.object_becomes(DEPLOYMENT, |found| image(found) == &json!(wanted)).await
}

/// Plays the step.
pub(crate) async fn play(stage: &Stage) -> Outcome {
    rolled_out(stage, "1.20.0").await?;
    let tags = ["latest", "1.20.0", "1.25", "1.29.1", "1.29.2-rc.1", "1.31.0"];
    let registry = Registry::start(&[("nginx", &tags)]).await?;
    let resources = "- images.yaml\n- secret.yaml\n";
    let images = format!("{}---\n{POLICY}---\n{AUTOMATION}", repository(&registry));
    stage.commit(
        "automate the images of staging",
        &[
            (OVERLAY, &overlay(resources, "1.20.0")),
            ("apps/overlays/staging/images.yaml", &images),
            ("apps/overlays/staging/secret.yaml", &secret(&registry)),
        ],
    )?;
    stage.reconcile("flux-system").await?;
    automated(stage).await?;
    // Only the marked value has changed.
    let file = stage.repository().join(OVERLAY);
    assert_eq!(std::fs::read_to_string(&file)?, overlay(resources, "1.29.1"));
    assert_eq!(stage.git(&["diff", "--name-only", "HEAD~1"])?, OVERLAY);
    assert_eq!(
        stage.git(&["log", "-1", "--format=%an <%ae>%n%B"])?,
        "fluxcdbot <fluxcdbot@example.org>\nchore: flux-bot is updating container images\n\n1.20.0 -> 1.29.1"
    );
    rolled_out(stage, "1.29.1").await?;
    statuses(stage, &registry).await?;
    new_tag(stage, &registry, resources).await?;
    set_back(stage, resources).await?;
    nothing_to_do(stage).await?;
    nothing_to_set(stage, &registry, resources).await?;
    refused(stage, &registry, resources).await
}

/// What `get images all` and the events show.
async fn statuses(stage: &Stage, registry: &Registry) -> Outcome {
    let image_name = format!("{}/nginx", registry.address());
    stage
        .object_becomes(&format!("{API}/imagerepositories/nginx"), |found| {
            let message = ready(found)["message"].as_str().unwrap_or_default();
            message.starts_with("successful scan: found 6 tags with checksum ")
                && found["status"]["canonicalImageName"] == *image_name
                && found["status"]["lastScanResult"]["tagCount"] == 6
                && found["status"]["lastScanResult"]["latestTags"][0] == "latest"
        })
        .await?;
    stage
        .object_becomes(&format!("{API}/imagepolicies/nginx-policy"), |found| {
            ready(found)["message"] == format!("Latest image tag for {image_name} resolved to 1.29.1")
                && found["status"]["latestRef"] == json!({"name": image_name, "tag": "1.29.1"})
        })
        .await?;
    let commit = stage.git(&["rev-parse", "HEAD"])?;
    stage
        .object_becomes(&format!("{API}/imageupdateautomations/staging-automation"), |found| {
            ready(found)["message"] == "repository up-to-date"
                && found["status"]["lastPushCommit"] == *commit
                && found["status"]["observedPolicies"]["nginx-policy"]["tag"] == "1.29.1"
        })
        .await?;
    let pushed = format!("pushed commit '{}' to branch 'main'\nchore: flux-bot", &commit[..7]);
    stage
        .object_becomes("/api/v1/namespaces/staging/events", |list| {
            list["items"].as_array().into_iter().flatten().any(|event| {
                event["involvedObject"]["kind"] == "ImageUpdateAutomation"
                    && event["message"].as_str().is_some_and(|message| message.starts_with(&pushed))
            })
        })
        .await
}

/// A tag is pushed, and the repository is scanned because someone asks for it.
async fn new_tag(stage: &Stage, registry: &Registry, resources: &str) -> Outcome {
    registry.push("nginx", "1.30.0");
    stage.annotate(&format!("{API}/imagerepositories/nginx")).await?;
    rolled_out(stage, "1.30.0").await?;
    assert_eq!(std::fs::read_to_string(stage.repository().join(OVERLAY))?, overlay(resources, "1.30.0"));
    stage
        .object_becomes(&format!("{API}/imagepolicies/nginx-policy"), |found| {
            let message = ready(found)["message"].as_str().unwrap_or_default();
            message.contains("resolved to 1.30.0 (previously ") && message.ends_with("nginx:1.29.1)")
        })
        .await
}

/// Someone sets the tag back by hand.
async fn set_back(stage: &Stage, resources: &str) -> Outcome {
    stage.commit("go back", &[(OVERLAY, &overlay(resources, "1.21.0"))])?;
    stage.reconcile("apps-staging").await?;
    automated(stage).await?;
    assert_eq!(std::fs::read_to_string(stage.repository().join(OVERLAY))?, overlay(resources, "1.30.0"));
    rolled_out(stage, "1.30.0").await
}

/// Nothing is committed when nothing changes.
async fn nothing_to_do(stage: &Stage) -> Outcome {
    let before = stage.git(&["rev-parse", "HEAD"])?;
    let automation = format!("{API}/imageupdateautomations/staging-automation");
    let token = stage.annotate(&automation).await?;
    stage
        .object_becomes(&automation, |found| {
            found["status"]["lastHandledReconcileAt"] == *token
                && ready(found)["message"] == "repository up-to-date"
        })
        .await?;
    assert_eq!(stage.git(&["rev-parse", "HEAD"])?, before);
    Ok(())
}

/// A marker that sets nothing is explained, and so is a directory that does not exist.
async fn nothing_to_set(stage: &Stage, registry: &Registry, resources: &str) -> Outcome {
    let good = overlay(resources, "1.30.0");
    let bad =
        good.replace("staging:nginx-policy:tag", "staging:ngnix-policy:tag") + "# {'$imagepolicy': 'x:y'}\n";
    stage.commit("misspell the policy", &[(OVERLAY, &bad)])?;
    stage.reconcile("apps-staging").await?;
    let line = |part: &str| bad.lines().position(|line| line.contains(part)).map_or(0, |index| index + 1);
    let words = format!(
        "repository up-to-date; markers that set nothing: {OVERLAY}:{}: \"staging:ngnix-policy:tag\": there is no \
         ImagePolicy staging/ngnix-policy; namespace staging has nginx-policy; did you mean \
         \"staging:nginx-policy:tag\"?; {OVERLAY}:{}: {{'$imagepolicy': 'x:y'}}: the comment has to be \
         {{\"$imagepolicy\": \"NAMESPACE:NAME\"}} and nothing else",
        line("ngnix"),
        line("x:y")
    );
    let automation = format!("{API}/imageupdateautomations/staging-automation");
    stage
        .object_becomes(&automation, |found| {
            let ready = ready(found);
            ready["message"] == *words && ready["status"] == "True" && ready["reason"] == "Succeeded"
        })
        .await?;
    stage
        .object_becomes("/api/v1/namespaces/staging/events", |list| {
            let mut events = list["items"].as_array().into_iter().flatten();
            events.any(|event| event["type"] == "Normal" && event["message"] == *words)
        })
        .await?;
    stage.commit("name the policy again", &[(OVERLAY, &good)])?;
    stage.reconcile("apps-staging").await?;
    stage.object_becomes(&automation, |found| ready(found)["message"] == "repository up-to-date").await?;

    let images = |automation: &str| format!("{}---\n{POLICY}---\n{automation}", repository(registry));
    let wrong = AUTOMATION.replace("overlays/staging\n", "overlays/stagin\n");
    stage.commit("misspell the path", &[("apps/overlays/staging/images.yaml", &images(&wrong))])?;
    stage.reconcile("apps-staging").await?;
    let revision = stage.revision()?;
    let words = format!(
        "failed to apply policies: walking path for files: lstat apps/overlays/stagin: no such file or directory; \
         spec.update.path \"./apps/overlays/stagin\" does not exist in GitRepository/flux-system/flux-system at \
         {revision}, did you mean \"./apps/overlays/staging\"?"
    );
    stage.object_becomes(&automation, |found| ready(found)["message"] == *words).await?;
    stage.commit("spell it right", &[("apps/overlays/staging/images.yaml", &images(AUTOMATION))])?;
    stage.reconcile("apps-staging").await?;
    stage.object_becomes(&automation, |found| ready(found)["message"] == "repository up-to-date").await
}

const VALIDATION: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: no-recalled-images
spec:
  matchConstraints:
    resourceRules:
    - apiGroups: [apps]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [deployments]
  validations:
  - expression: object.spec.template.spec.containers.all(c, !c.image.endsWith(':1.30.5'))
    message: 1.30.5 was recalled
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: everywhere
spec:
  policyName: no-recalled-images
  validationActions: [Deny]
";

/// What a policy in the repository refuses is not committed.
async fn refused(stage: &Stage, registry: &Registry, resources: &str) -> Outcome {
    let annotated =
        "  name: staging-automation\n  annotations:\n    image.toolkit.fluxcd.io/policies: ./policies\n";
    let automation = AUTOMATION.replace("  name: staging-automation\n", annotated);
    let images = format!("{}---\n{POLICY}---\n{automation}", repository(registry));
    stage.commit(
        "ask policies",
        &[("apps/overlays/staging/images.yaml", &images), ("policies/images.yaml", VALIDATION)],
    )?;
    stage.reconcile("apps-staging").await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    let before = stage.git(&["rev-parse", "HEAD"])?;
    registry.push("nginx", "1.30.5");
    stage.annotate(&format!("{API}/imagerepositories/nginx")).await?;
    let image = format!("{}/nginx:1.30.5", registry.address());
    let words = format!(
        "repository up-to-date; left out: {image}, because of Deployment/staging/kustomize-ginx \
         (apps/base/deployment.yaml:1): ValidatingAdmissionPolicy 'no-recalled-images' with binding 'everywhere' \
         denied request: 1.30.5 was recalled"
    );
    let automation = format!("{API}/imageupdateautomations/staging-automation");
    stage.object_becomes(&automation, |found| ready(found)["message"] == *words).await?;
    stage
        .object_becomes("/api/v1/namespaces/staging/events", |list| {
            let mut events = list["items"].as_array().into_iter().flatten();
            events.any(|event| event["reason"] == "UpdateRefused" && event["message"] == *words)
        })
        .await?;
    assert_eq!(stage.git(&["rev-parse", "HEAD"])?, before);
    registry.push("nginx", "1.30.6");
    stage.annotate(&format!("{API}/imagerepositories/nginx")).await?;
    rolled_out(stage, "1.30.6").await?;
    assert_eq!(std::fs::read_to_string(stage.repository().join(OVERLAY))?, overlay(resources, "1.30.6"));
    stage.object_becomes(&automation, |found| ready(found)["message"] == "repository up-to-date").await?;
    #[cfg(feature = "rego")]
    refused_by_rego(stage, registry, resources).await?;
    Ok(())
}

/// What a module in Rego in the repository refuses is not committed.
#[cfg(feature = "rego")]
async fn refused_by_rego(stage: &Stage, registry: &Registry, resources: &str) -> Outcome {
    let rules = "package main

deny contains msg if {
	some container in input.spec.template.spec.containers
	endswith(container.image, \":1.30.7\")
	msg := \"1.30.7 was recalled, too\"
}
";
    stage.commit("ask Rego", &[("policies/images.rego", rules)])?;
    stage.reconcile("apps-staging").await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    let before = stage.git(&["rev-parse", "HEAD"])?;
    registry.push("nginx", "1.30.7");
    stage.annotate(&format!("{API}/imagerepositories/nginx")).await?;
    let words = format!(
        "repository up-to-date; left out: {}/nginx:1.30.7, because of Deployment/staging/kustomize-ginx \
         (apps/base/deployment.yaml:1): Rego policy 'main.deny' denied request: 1.30.7 was recalled, too",
        registry.address()
    );
    let automation = format!("{API}/imageupdateautomations/staging-automation");
    stage.object_becomes(&automation, |found| ready(found)["message"] == *words).await?;
    assert_eq!(stage.git(&["rev-parse", "HEAD"])?, before);
    registry.push("nginx", "1.30.8");
    stage.annotate(&format!("{API}/imagerepositories/nginx")).await?;
    rolled_out(stage, "1.30.8").await?;
    assert_eq!(std::fs::read_to_string(stage.repository().join(OVERLAY))?, overlay(resources, "1.30.8"));
    Ok(())
}
