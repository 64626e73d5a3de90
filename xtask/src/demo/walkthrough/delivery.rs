//! Steps 2 to 7: from the first Deployment to an overlay that is broken and mended.

use std::fs;

use super::stage::{CLUSTER, Stage, explain, fixtures};
use super::stand_ins::Slack;
use crate::Failure;

const STAGING: &str = "apps/overlays/staging/kustomization.yaml";
const PRODUCTION: &str = "apps/overlays/production/kustomization.yaml";

/// Step 2.
pub(super) fn first_pods(stage: &Stage) -> Result<(), Failure> {
    explain("First pods: a Deployment in the repository is applied to the cluster.");
    let deploy = format!("{CLUSTER}/deploy.yaml");
    stage.write(&deploy, &fs::read_to_string(fixtures().join(&deploy))?)?;
    stage.commit("Add a deployment")?;
    stage.succeed("flux-system")?;
    stage.expect("flux-system", "Deployment/default/test-flux-nginx", true)
}

/// Step 3.
pub(super) fn typo(stage: &Stage) -> Result<(), Failure> {
    explain("A typo: the error names the file and the line, and what was probably meant.");
    let deploy = format!("{CLUSTER}/deploy.yaml");
    let text = fs::read_to_string(stage.repository().join(&deploy))?;
    stage.write(&deploy, &text.replace("namespace: default", "namespace: defailt"))?;
    stage.commit("Move the deployment")?;
    let (printed, is_ok) = stage.reconcile("flux-system")?;
    let expected = "Deployment/defailt/test-flux-nginx not found: namespaces \"defailt\" not found";
    if is_ok || !printed.contains(expected) {
        return Err(format!("the typo was not reported\n{}", stage.log()).into());
    }
    stage.write(&deploy, &text)?;
    stage.commit("Move it back")?;
    stage.succeed("flux-system")
}

/// Steps 4 and 5.
pub(super) fn two_environments(stage: &Stage) -> Result<(), Failure> {
    explain("Two environments from one base: a Kustomization for each overlay.");
    for environment in ["staging", "production"] {
        let (name, target, path) = (
            format!("apps-{environment}"),
            format!("--target-namespace={environment}"),
            format!("--path=./apps/overlays/{environment}"),
        );
        let arguments = [
            "create",
            "kustomization",
            &name,
            &target,
            "--source=flux-system",
            &path,
            "--prune=true",
            "--interval=1m",
            "--export",
        ];
        let (text, _) = stage.reconciler(&arguments)?;
        stage.write(&format!("{CLUSTER}/{name}.yaml"), &text)?;
    }
    stage.commit("Deploy staging and production")?;
    stage.succeed("flux-system")?;
    for name in ["apps-staging", "apps-production"] {
        stage.succeed(name)?;
    }
    stage.reconciler(&["get", "kustomizations"])?;
    stage.expect("apps-staging", "Deployment/staging/kustomize-ginx", true)
}

/// Step 6.
pub(super) fn staging_alone(stage: &Stage) -> Result<(), Failure> {
    explain("Staging alone: an image tag for one overlay; production stays as it is.");
    let file = STAGING;
    let text = fs::read_to_string(stage.repository().join(file))?;
    stage.write(file, &format!("{text}images: [{{name: nginx, newName: nginx, newTag: 1.30.0}}]\n"))?;
    stage.commit("Try nginx 1.30.0 in staging")?;
    let (diff, _) =
        stage.reconciler(&["diff", "kustomization", "apps-staging", "--path=./apps/overlays/staging"])?;
    if !diff.contains("nginx:1.30.0") {
        return Err("the difference does not show the new image".into());
    }
    stage.succeed("apps-staging")
}

/// What is removed from the repository is deleted from the cluster.
pub(super) fn prune(stage: &Stage) -> Result<(), Failure> {
    explain("Pruning: what is removed from the repository is deleted from the cluster.");
    fs::remove_file(stage.repository().join(CLUSTER).join("deploy.yaml"))?;
    stage.commit("Remove the first deployment")?;
    stage.succeed("flux-system")?;
    stage.expect("flux-system", "test-flux-nginx", false)
}

/// Step 7: Slack is to be told about both environments.
pub(super) fn alert(stage: &Stage, slack: &Slack) -> Result<(), Failure> {
    explain("An alert: Slack is told what breaks and what is mended. A stand-in plays Slack here.");
    stage.copy("alerts.yaml", &format!("{CLUSTER}/alerts.yaml"), &[("ADDRESS", &slack.address())])?;
    stage.commit("Tell Slack")?;
    stage.succeed("flux-system")
}

/// Step 7: an overlay breaks, and Slack says so.
pub(super) fn broken_overlay(stage: &Stage, slack: &Slack) -> Result<(), Failure> {
    explain("A broken overlay: the last good state keeps running, and the next good commit recovers.");
    let file = PRODUCTION;
    let text = fs::read_to_string(stage.repository().join(file))?;
    stage.write(file, &format!("{text}   images:\n   - {{name: nginx, newTag: 1.31.0}}\n"))?;
    stage.commit("Update production")?;
    let (printed, is_ok) = stage.reconcile("apps-production")?;
    if is_ok || !printed.contains(file) {
        return Err(format!("the broken overlay was not reported\n{}", stage.log()).into());
    }
    stage.reconciler(&["get", "kustomizations"])?;
    slack.shows("danger", file)?;
    stage.write(file, &format!("{text}images:\n  - {{name: nginx, newTag: 1.31.0}}\n"))?;
    stage.commit("Indent the images correctly")?;
    stage.succeed("apps-production")?;
    slack.shows("good", "Indent the images correctly")
}
