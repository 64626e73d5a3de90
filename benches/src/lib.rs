//! Inputs of a chosen size: an overlay that touches every one of its base's resources.
//!
//! The same input is rendered in-process by the benchmarks and by whole programs in `cargo xtask bench`.

mod crd;

use std::fmt::Write as _;
use std::path::Path;

pub use crd::crds;

/// Where the kustomization to build stands, among the files of an [`Overlay`].
pub const ENTRY: &str = "overlay";

/// How many kinds of resource there are: as many of each.
const KINDS: usize = 4;

/// A base with resources, and an overlay on it.
#[derive(Clone, Debug)]
pub struct Overlay {
    files: Vec<(String, String)>,
}

impl Overlay {
    /// An overlay on `resources` resources, a quarter each of Deployments, Services, ConfigMaps and
    /// ServiceAccounts. What is left of a division by four is left out, but there is one of each.
    ///
    /// Each Deployment names its ConfigMap and its ServiceAccount, so that there is a reference to
    /// follow for every second resource.
    #[must_use]
    pub fn new(resources: usize) -> Self {
        let of_each = (resources / KINDS).max(1);
        let files = vec![
            ("base/kustomization.yaml", BASE.to_owned()),
            ("base/deploy.yaml", stream(of_each, deployment)),
            ("base/svc.yaml", stream(of_each, service)),
            ("base/cm.yaml", stream(of_each, config_map)),
            ("base/sa.yaml", stream(of_each, service_account)),
            ("overlay/kustomization.yaml", OVERLAY.to_owned()),
        ];
        Overlay { files: files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect() }
    }

    /// The same, with each resource in a file of its own.
    #[must_use]
    pub fn in_single_files(resources: usize) -> Self {
        let whole = Overlay::new(resources).resources();
        let documents = whole.split("---\n").enumerate();
        let mut files: Vec<(String, String)> =
            documents.map(|(at, text)| (format!("base/{at}.yaml"), text.to_owned())).collect();
        let names: Vec<&str> = files.iter().filter_map(|(path, _)| path.strip_prefix("base/")).collect();
        let base = format!("resources: [{}]\n", names.join(", "));
        files.push(("base/kustomization.yaml".to_owned(), base));
        files.push((format!("{ENTRY}/kustomization.yaml"), OVERLAY.to_owned()));
        Overlay { files }
    }

    /// So many overlays more on the same base, `overlay-0` and so on.
    #[must_use]
    pub fn with_more(mut self, overlays: usize) -> Self {
        for number in 0..overlays {
            let text = OVERLAY.replace("prod", &format!("prod-{number}"));
            self.files.push((format!("{ENTRY}-{number}/kustomization.yaml"), text));
        }
        self
    }

    /// Its files: path from the top, and content.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, content)| (path.as_str(), content.as_str()))
    }

    /// The resources' files alone, as one stream of documents.
    #[must_use]
    pub fn resources(&self) -> String {
        let files = self.files().filter(|(path, _)| !path.ends_with("kustomization.yaml"));
        files.map(|(_, content)| content).collect::<Vec<_>>().join("---\n")
    }

    /// How many bytes the files hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.files.iter().map(|(_, content)| content.len()).sum()
    }

    /// Writes the files below a directory.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub fn write(&self, top: &Path) -> std::io::Result<()> {
        for (path, content) in self.files() {
            let path = top.join(path);
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            std::fs::write(path, content)?;
        }
        Ok(())
    }
}

const BASE: &str = "resources: [deploy.yaml, svc.yaml, cm.yaml, sa.yaml]\n";

const OVERLAY: &str = r#"resources: [../base]
namespace: prod
namePrefix: prod-
labels:
- pairs: {team: web}
  includeSelectors: true
images:
- name: nginx
  newTag: "1.27"
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: any
    spec:
      replicas: 3
  target:
    kind: Deployment
"#;

fn stream(count: usize, document: fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0..count {
        let separator = if number == 0 { "" } else { "---\n" };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{}", document(number));
    }
    text
}

fn deployment(number: usize) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  labels:
    app: app-{number}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: app-{number}
  template:
    metadata:
      labels:
        app: app-{number}
    spec:
      serviceAccountName: sa-{number}
      containers:
      - name: main
        image: nginx:1.25
        ports:
        - containerPort: 8080
        envFrom:
        - configMapRef:
            name: config-{number}
        resources:
          limits:
            cpu: 100m
            memory: 128Mi
"
    )
}

fn service(number: usize) -> String {
    format!(
        "\
apiVersion: v1
kind: Service
metadata:
  name: svc-{number}
spec:
  selector:
    app: app-{number}
  ports:
  - port: 80
    targetPort: 8080
"
    )
}

fn config_map(number: usize) -> String {
    format!(
        "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: config-{number}
data:
  LOG_LEVEL: info
  URL: http://svc-{number}:80/path
"
    )
}

fn service_account(number: usize) -> String {
    format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: sa-{number}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_as_many_resources_as_asked_for() {
        for count in [4, 100, 1000] {
            let text = Overlay::new(count).resources();
            assert_eq!(text.lines().filter(|line| line.starts_with("kind: ")).count(), count);
            assert_eq!(text.lines().filter(|line| *line == "---").count(), count - 1);
        }
    }
}
