//! Steps 8 to 11: images that update themselves, a policy, and a tenant.

use std::fs;

use super::stage::{CLUSTER, Stage, explain};
use super::stand_ins::{Registry, Slack};
use crate::Failure;

const STAGING: &str = "apps/overlays/staging/kustomization.yaml";
const PRODUCTION: &str = "apps/overlays/production/kustomization.yaml";

/// Step 8: new tags in a registry become commits.
pub(super) fn images(stage: &Stage, registry: &Registry) -> Result<(), Failure> {
    explain("Image automation: a policy picks a tag, and a commit changes the marked line.");
    stage.copy("staging-automated.yaml", STAGING, &[])?;
    stage.copy("images.yaml", "apps/overlays/staging/images.yaml", &[("REGISTRY", registry.address())])?;
    stage.commit("Automate the images of staging")?;
    stage.succeed("apps-staging")?;
    stage.expect_commit(STAGING, "newTag: 1.29.1 #")?;
    registry.push("1.30.0");
    stage.reconciler(&["reconcile", "image", "repository", "nginx", "--namespace=staging"])?;
    stage.expect_commit(STAGING, "newTag: 1.30.0 #")?;
    stage.succeed("apps-staging")?;
    stage.reconciler(&["get", "images", "all", "--namespace=staging"])?;
    Ok(())
}

/// Step 10: what the cluster's policies refuse is reported with file and line.
pub(super) fn policy(stage: &Stage, slack: &Slack) -> Result<(), Failure> {
    explain("Policy as code: the cluster refuses, and the refusal names the file and line of the object.");
    stage.copy("policy.yaml", &format!("{CLUSTER}/policy.yaml"), &[])?;
    stage.commit("Allow at most three replicas in production")?;
    stage.succeed("flux-system")?;
    let text = fs::read_to_string(stage.repository().join(PRODUCTION))?;
    stage.write(PRODUCTION, &format!("{text}replicas: [{{name: kustomize-ginx, count: 7}}]\n"))?;
    stage.commit("Scale production out")?;
    let (printed, is_ok) = stage.reconcile("apps-production")?;
    if is_ok || !printed.contains("at most 3 replicas here, not 7") {
        return Err(format!("the policy did not refuse\n{}", stage.log()).into());
    }
    slack.shows("danger", "at most 3 replicas here, not 7")?;
    stage.write(PRODUCTION, &text)?;
    stage.commit("Scale production in")?;
    stage.succeed("apps-production")
}

/// Step 11: a tenant may use its own namespace only.
pub(super) fn tenant(stage: &Stage) -> Result<(), Failure> {
    explain("Isolation: what a tenant's repository asks for is done with the tenant's own rights.");
    let (tenant, _) = stage.reconciler(&["create", "tenant", "blue", "--with-namespace=blue", "--export"])?;
    stage.write(&format!("{CLUSTER}/tenant.yaml"), &tenant)?;
    let url = format!("file://{}", stage.repository().display());
    stage.copy("tenant-sync.yaml", &format!("{CLUSTER}/tenant-sync.yaml"), &[("URL", &url)])?;
    stage.copy("tenant-apps.yaml", "tenants/blue/apps.yaml", &[])?;
    stage.commit("Let the tenant blue in")?;
    stage.succeed("flux-system")?;
    let (printed, is_ok) = stage.reconciler(&["reconcile", "kustomization", "apps", "--namespace=blue"])?;
    let expected = "User \"system:serviceaccount:blue:blue\" cannot patch resource \"configmaps\"";
    if is_ok || !printed.contains(expected) {
        return Err(format!("the tenant was not refused:\n{printed}\n{}", stage.log()).into());
    }
    Ok(())
}
