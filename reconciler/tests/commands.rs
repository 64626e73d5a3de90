//! Commands on an embedded cluster that listens on a loopback port, with controllers in a process of their own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use embedded_cluster::Cluster;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A cluster, and a directory for what belongs to it.
struct Stage {
    directory: TempDir,
    kubeconfig: PathBuf,
    cluster: Cluster,
    controllers: Option<Child>,
    /// The cluster lives in it.
    _runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new() -> Result<Self> {
        let runtime = tokio::runtime::Runtime::new()?;
        let directory = TempDir::new()?;
        let cluster = runtime.block_on(async { Cluster::in_memory() });
        let server = runtime.block_on(cluster.listen(([127, 0, 0, 1], 0).into()))?;
        let kubeconfig = directory.path().join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig())?;
        Ok(Stage { directory, kubeconfig, cluster, controllers: None, _runtime: runtime })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command.env("KUBECONFIG", &self.kubeconfig).env_remove("FLUX_SYSTEM_NAMESPACE").stdin(Stdio::null());
        command
    }

    /// Runs the controllers until the stage is gone.
    fn run_controllers(&mut self) -> Result {
        let log = std::fs::File::create(self.path("log"))?;
        let mut command = self.command();
        command.args(["run", "--data"]).arg(self.path("data")).stdout(Stdio::null()).stderr(log);
        self.controllers = Some(command.spawn()?);
        Ok(())
    }

    fn run(&self, line: &str) -> Result<Output> {
        Ok(self.command().args(line.split_whitespace()).output()?)
    }

    /// Both outputs of a command that has to succeed.
    fn succeeds(&self, line: &str) -> Result<String> {
        let output = self.run(line)?;
        let text = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(output.status.success(), "{line}: {text}\n{log}");
        Ok(text)
    }

    /// What a command says that has to fail.
    fn fails(&self, line: &str) -> Result<String> {
        let output = self.run(line)?;
        assert!(!output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        Ok(String::from_utf8(output.stderr)?)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(controllers) = &mut self.controllers {
            // They may have ended already.
            let _ = controllers.kill();
            let _ = controllers.wait();
        }
        self.cluster.shutdown();
    }
}

fn git(directory: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git").args(args).current_dir(directory).output()?;
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn install_prints_definitions_and_a_confined_deployment() -> Result {
    let output = Command::new(env!("CARGO_BIN_EXE_reconciler")).args(["install", "--export"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let documents: Vec<serde_json::Value> = serde_yaml::Deserializer::from_str(&text)
        .map(serde::Deserialize::deserialize)
        .collect::<std::result::Result<_, _>>()?;
    let of = |kind: &str| documents.iter().filter(|document| document["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(of("CustomResourceDefinition").len(), reconciler_api::crds().len());
    let deployments = of("Deployment");
    let [deployment] = deployments.as_slice() else { return Err("not one Deployment".into()) };
    let context =
        deployment.pointer("/spec/template/spec/containers/0/securityContext").ok_or("no context")?;
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert!(!of("NetworkPolicy").is_empty());
    Ok(())
}

#[test]
fn install_is_checked_and_undone() -> Result {
    let stage = Stage::new()?;
    assert!(stage.fails("check")?.contains("no controllers found"));
    let first = stage.succeeds("install")?;
    assert!(first.contains("✔ Deployment/flux-system/reconciler created"), "{first}");
    assert!(first.ends_with("✔ install finished\n"), "{first}");
    let second = stage.succeeds("install")?;
    assert!(!second.contains("created"), "{second}");
    let check = stage.succeeds("check")?;
    assert!(check.contains("✔ reconciler: deployment ready"), "{check}");
    assert!(check.contains("✔ kustomizations.kustomize.toolkit.fluxcd.io/v1"), "{check}");
    assert!(stage.succeeds("uninstall --silent")?.contains("✔ Namespace/flux-system deleted"));
    assert!(stage.fails("check")?.contains("gitrepositories.source.toolkit.fluxcd.io not found"));
    Ok(())
}

#[test]
fn bootstrap_follows_the_repository_and_changes_nothing_the_second_time() -> Result {
    let mut stage = Stage::new()?;
    let origin = stage.path("origin.git");
    git(stage.directory.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"])?;
    stage.succeeds("install")?;
    stage.run_controllers()?;
    let line = format!(
        "bootstrap git --url=file://{} --branch=main --path=clusters/demo --timeout=60s",
        origin.display()
    );
    let first = stage.succeeds(&line)?;
    assert!(first.contains("✔ committed component manifests to \"main\""), "{first}");
    assert!(first.contains("✔ Kustomization reconciled successfully"), "{first}");
    let files = git(&origin, &["ls-tree", "-r", "--name-only", "main"])?;
    let wanted = ["gotk-components.yaml", "gotk-sync.yaml", "kustomization.yaml"]
        .map(|name| format!("clusters/demo/flux-system/{name}\n"));
    assert_eq!(files, wanted.concat());
    let commit = git(&origin, &["rev-parse", "main"])?;
    let second = stage.succeeds(&line)?;
    assert!(!second.contains("committed"), "{second}");
    assert_eq!(git(&origin, &["rev-parse", "main"])?, commit);

    // An object that is added is live after a reconciliation.
    let work = stage.path("work");
    git(stage.directory.path(), &["clone", "--quiet", "origin.git", "work"])?;
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added, namespace: default}\ndata: {a: \"1\"}\n";
    std::fs::write(work.join("clusters/demo/map.yaml"), map)?;
    git(&work, &["add", "--all"])?;
    git(&work, &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "map"])?;
    git(&work, &["push", "--quiet"])?;
    let commit = git(&origin, &["rev-parse", "main"])?;
    let reconciled = stage.succeeds("reconcile kustomization flux-system --with-source --timeout=60s")?;
    let wanted = format!("✔ fetched revision main@sha1:{commit}");
    assert!(reconciled.contains(&wanted), "{reconciled}");
    let tree = stage.succeeds("tree kustomization flux-system")?;
    assert!(tree.contains("ConfigMap/default/added"), "{tree}");
    let got = stage.succeeds("get kustomizations")?;
    assert!(got.contains(&format!("main@sha1:{}", &commit[..8])), "{got}");
    assert!(stage.succeeds("trace configmap/added -n default")?.contains("Kustomization:   flux-system"));

    // What is suspended cannot be reconciled.
    stage.succeeds("suspend kustomization flux-system")?;
    assert!(stage.fails("reconcile kustomization flux-system")?.contains("resource is suspended"));
    assert!(stage.succeeds("resume kustomization flux-system --timeout=60s")?.contains("✔ applied revision"));
    assert!(stage.succeeds("export source git flux-system")?.contains("  url: file://"));
    assert!(stage.succeeds("get all")?.contains("gitrepository/flux-system"));
    assert!(stage.succeeds("events --for Kustomization/flux-system")?.contains("Kustomization/flux-system"));
    Ok(())
}
