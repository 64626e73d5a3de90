//! A repository of small applications: four objects each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Outcome;

/// The working copy of a bare repository that is pushed to.
pub(crate) struct Repository {
    directory: PathBuf,
}

impl Repository {
    /// Makes a bare repository `apps.git` in a directory, with this many applications.
    pub(crate) fn new(root: &Path, count: usize) -> Outcome<Self> {
        let (bare, directory) = (root.join("apps.git"), root.join("apps"));
        git(root, &["init", "-q", "--bare", "-b", "main", &bare.to_string_lossy()])?;
        git(root, &["init", "-q", "-b", "main", &directory.to_string_lossy()])?;
        let repository = Repository { directory };
        for number in 0..count {
            repository.write_app(number)?;
        }
        repository.git(&["remote", "add", "origin", &bare.to_string_lossy()])?;
        repository.push("Add applications")?;
        Ok(repository)
    }

    /// Changes the ConfigMap of an application, and pushes that.
    pub(crate) fn change(&self, number: usize, level: &str) -> Outcome {
        let name = name(number);
        self.write(&name, "configmap.yaml", &config_map(number, level))?;
        self.push("Change one application")
    }

    /// The revision of the last commit, as status writes it.
    pub(crate) fn revision(&self) -> Outcome<String> {
        Ok(format!("main@sha1:{}", self.git(&["rev-parse", "HEAD"])?.trim()))
    }

    fn write_app(&self, number: usize) -> Outcome {
        let name = name(number);
        let kustomization = format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: bench
labels:
- pairs: {{app.kubernetes.io/name: {name}}}
  includeSelectors: true
resources:
- deployment.yaml
- service.yaml
- configmap.yaml
- serviceaccount.yaml
"
        );
        let deployment = format!(
            "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      serviceAccountName: {name}
      containers:
      - name: main
        image: registry.example.org/{name}:1.0.0
        ports: [{{containerPort: 8080, name: http}}]
        envFrom: [{{configMapRef: {{name: {name}}}}}]
        resources:
          requests: {{cpu: 10m, memory: 16Mi}}
          limits: {{memory: 64Mi}}
        readinessProbe: {{httpGet: {{path: /healthz, port: http}}}}
"
        );
        let service = format!(
            "apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector: {{app: {name}}}
  ports:
  - {{name: http, port: 80, targetPort: http}}
"
        );
        let account = format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n");
        self.write(&name, "kustomization.yaml", &kustomization)?;
        self.write(&name, "deployment.yaml", &deployment)?;
        self.write(&name, "service.yaml", &service)?;
        self.write(&name, "serviceaccount.yaml", &account)?;
        self.write(&name, "configmap.yaml", &config_map(number, "info"))
    }

    fn write(&self, name: &str, file: &str, text: &str) -> Outcome {
        let directory = self.directory.join("apps").join(name);
        fs::create_dir_all(&directory)?;
        Ok(fs::write(directory.join(file), text)?)
    }

    fn push(&self, message: &str) -> Outcome {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "-q", "-m", message])?;
        self.git(&["push", "-q", "origin", "main"]).map(|_| ())
    }

    fn git(&self, arguments: &[&str]) -> Outcome<String> {
        git(&self.directory, arguments)
    }
}

/// The name of an application.
pub(crate) fn name(number: usize) -> String {
    format!("app-{number:04}")
}

fn config_map(number: usize, level: &str) -> String {
    let name = name(number);
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  LOG_LEVEL: {level}
  NAME: {name}
  INDEX: \"{number}\"
"
    )
}

fn git(directory: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=Bench", "-c", "user.email=bench@example.org"])
        .args(arguments)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("git {}: {}", arguments.join(" "), said.trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
