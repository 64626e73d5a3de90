//! Step 9: new tags become pull requests, of which there is one for each update.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::forge::{Forge, Kind, PullRequest, TOKEN};
use super::images::{ready, secret};
use super::registry::Registry;
use super::{Outcome, Stage};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Where the cluster's own Kustomization looks.
const CLUSTER: &str = "cluster";
/// The file with the markers.
const FILE: &str = "apps/kustomization.yaml";
const IMAGES: &str = "cluster/images.yaml";

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_at_github() -> Outcome {
    Play::new(Kind::GitHub, "pulls-github").await?.all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_at_gitlab() -> Outcome {
    Play::new(Kind::GitLab, "pulls-gitlab").await?.all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_at_gitea() -> Outcome {
    Play::new(Kind::Gitea, "pulls-gitea").await?.all().await
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: nginx
        image: nginx
      - name: redis
        image: redis
";

struct Play {
    namespace: &'static str,
    kind: Kind,
    stage: Stage,
    registry: Registry,
    forge: Forge,
}

impl Play {
    async fn new(kind: Kind, namespace: &'static str) -> Outcome<Self> {
        let stage = Stage::new(namespace).await?;
        let registry = Registry::start(&[("nginx", &["1.20.0", "1.29.1"]), ("redis", &["8.0.0"])]).await?;
        let forge = Forge::start(kind, &stage.repository()).await?;
        Ok(Play { namespace, kind, stage, registry, forge })
    }

    /// The file with the markers.
    fn overlay(&self, nginx: &str, redis: &str) -> String {
        let namespace = self.namespace;
        format!(
            "resources:
- deployment.yaml
images:
- name: nginx
  newTag: {nginx} # {{\"$imagepolicy\": \"{namespace}:nginx:tag\"}}
- name: redis
  newTag: {redis} # {{\"$imagepolicy\": \"{namespace}:redis:tag\"}}
"
        )
    }

    /// What the cluster has besides: a policy for each of these images.
    fn images(&self, scope: &str, policies: &[&str]) -> String {
        let (provider, forge, registry) =
            (self.kind.provider(), self.forge.address(), self.registry.address());
        let namespace = self.namespace;
        let mut text = format!(
            "{}---
apiVersion: v1
kind: Secret
metadata:
  name: forge
stringData:
  token: {TOKEN}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: forge
spec:
  type: {provider}
  address: {forge}
  secretRef:
    name: forge
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata:
  name: auto
  annotations:
    image.toolkit.fluxcd.io/pull-request: {scope}
    image.toolkit.fluxcd.io/pull-request-provider: forge
    image.toolkit.fluxcd.io/pull-request-labels: images, bot
spec:
  interval: 10m0s
  sourceRef:
    kind: GitRepository
    name: flux-system
  git:
    checkout:
      ref:
        branch: main
    commit:
      author:
        name: fluxcdbot
        email: fluxcdbot@example.org
  update:
    path: ./apps
    strategy: Setters
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
spec:
  interval: 10m0s
  path: ./apps
  prune: true
  targetNamespace: {namespace}
  sourceRef:
    kind: GitRepository
    name: flux-system
",
            secret(&self.registry)
        );
        for image in policies {
            text += &format!(
                "---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: {image}
spec:
  image: {registry}/{image}
  interval: 10m0s
  insecure: true
  secretRef:
    name: registry
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata:
  name: {image}
spec:
  imageRepositoryRef:
    name: {image}
  policy:
    semver:
      range: '>=1.20.0'
"
            );
        }
        text.replace("\nmetadata:\n", &format!("\nmetadata:\n  namespace: {namespace}\n"))
    }

    fn path(&self, kind: &str, name: &str) -> String {
        format!("/apis/image.toolkit.fluxcd.io/v1/namespaces/{}/{kind}/{name}", self.namespace)
    }

    fn automation(&self) -> String {
        self.path("imageupdateautomations", "auto")
    }

    /// Pushes a tag, and asks for a scan.
    async fn push(&self, image: &str, tag: &str) -> Outcome {
        self.registry.push(image, tag);
        self.stage.annotate(&self.path("imagerepositories", image)).await.map(|_| ())
    }

    /// Changes what the cluster has.
    async fn apply(&self, message: &str, images: &str) -> Outcome {
        self.stage.commit(message, &[(IMAGES, images)])?;
        self.stage.reconcile("main").await?;
        self.stage.ready("main", &self.stage.revision()?).await
    }

    /// Runs the automation once more, and returns what its condition Ready says.
    async fn run(&self) -> Outcome<Value> {
        let path = self.automation();
        let token = self.stage.annotate(&path).await?;
        self.stage.object_becomes(&path, |found| found["status"]["lastHandledReconcileAt"] == *token).await?;
        Ok(ready(&self.stage.get(&path).await?.unwrap_or_default()).clone())
    }

    /// Waits until the condition Ready says something.
    async fn says(&self, status: &str, words: &str) -> Outcome {
        let is_said = |found: &Value| {
            let ready = ready(found);
            let has_words = ready["message"].as_str().is_some_and(|message| message.contains(words));
            ready["status"] == *status && has_words
        };
        self.stage.object_becomes(&self.automation(), is_said).await
    }

    /// Waits until the forge is as it should be.
    async fn forge_becomes(
        &self,
        what: &str,
        is_wanted: impl Fn(&[PullRequest]) -> bool,
    ) -> Outcome<Vec<PullRequest>> {
        let end = Instant::now() + PATIENCE;
        loop {
            let all = self.forge.all();
            if is_wanted(&all) {
                return Ok(all);
            }
            if Instant::now() > end {
                let automation = self.stage.get(&self.automation()).await?;
                let log = self.stage.text();
                return Err(format!("{what}: {all:#?}\n{automation:#?}\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a pull request has a title and is open.
    async fn opened(&self, number: usize, title: &str) -> Outcome<PullRequest> {
        let is_wanted = |all: &[PullRequest]| {
            all.get(number - 1).is_some_and(|request| request.is_open && request.title == title)
        };
        self.forge_becomes(&format!("no #{number} {title:?}"), is_wanted).await?;
        // Labels come after it, and what the run says after them.
        self.says("True", &self.forge.page(number)).await?;
        Ok(self.forge.all().remove(number - 1))
    }

    /// A file at a branch.
    fn at(&self, branch: &str) -> Outcome<String> {
        Ok(self.stage.git(&["show", &format!("{branch}:{FILE}")])? + "\n")
    }

    /// The branches of pull requests.
    fn branches(&self) -> Outcome<Vec<String>> {
        let pattern = "refs/heads/image-updates/**";
        let found = self.stage.git(&["for-each-ref", "--format=%(refname:short)", pattern])?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    async fn all(mut self) -> Outcome {
        let images = self.images("automation", &["nginx", "redis"]);
        self.stage.commit(
            "first commit",
            &[
                (IMAGES, &images.replace(">=1.20.0", "*")),
                ("apps/deployment.yaml", DEPLOYMENT),
                (FILE, &self.overlay("1.20.0", "8.0.0")),
            ],
        )?;
        self.stage.start(CLUSTER).await?;
        self.one_for_all().await?;
        self.forge_is_down().await?;
        self.merged().await?;
        self.one_for_each().await?;
        self.withdrawn().await?;
        self.closed_by_someone().await?;
        self.changed_by_someone().await?;
        assert_eq!(self.forge.refused(), 0);
        self.stage.stop().await
    }

    /// One pull request for all policies, which follows what they pick.
    async fn one_for_all(&self) -> Outcome {
        let first = self.opened(1, "Update nginx to 1.29.1").await?;
        let branch = format!("image-updates/{}/auto", self.namespace);
        assert_eq!((&*first.branch, &*first.base), (&*branch, "main"));
        assert_eq!(first.labels, ["images", "bot"]);
        let (namespace, registry) = (self.namespace, self.registry.address());
        for words in [
            format!("The ImageUpdateAutomation `{namespace}/auto` found newer images."),
            format!("| `{registry}/nginx` | `1.20.0` → `1.29.1` | `{FILE}` | `nginx`: `semver *` |\n"),
            format!(
                "`{namespace}/apps` changes:\n\n```diff\n@@ changed Deployment.apps {namespace}/web @@\n"
            ),
            "! spec.template.spec.containers[name=nginx].image: nginx:1.20.0 → nginx:1.29.1\n".to_owned(),
        ] {
            assert!(first.body.contains(&words), "{words}\n{}", first.body);
        }
        assert_eq!(self.at(&branch)?, self.overlay("1.29.1", "8.0.0"));
        assert_eq!(self.at("main")?, self.overlay("1.20.0", "8.0.0"));
        assert_eq!(self.stage.git(&["log", "-1", "--format=%an", &branch])?, "fluxcdbot");
        let opened = format!("opened pull request {}\nUpdate nginx to 1.29.1", self.forge.page(1));
        self.stage
            .object_becomes(&format!("/api/v1/namespaces/{namespace}/events"), |list| {
                let events = list["items"].as_array().into_iter().flatten();
                events.into_iter().any(|event| event["message"] == *opened)
            })
            .await?;

        // The same update is no news.
        let commit = self.stage.git(&["rev-parse", &branch])?;
        let said = self.run().await?;
        assert_eq!(said["message"], format!("pull requests: {}", self.forge.page(1)));
        let all = self.forge.all();
        assert_eq!((all.len(), all[0].edits), (1, 0));
        assert_eq!(self.stage.git(&["rev-parse", &branch])?, commit);

        self.push("nginx", "1.30.0").await?;
        self.opened(1, "Update nginx to 1.30.0").await?;
        assert_eq!(self.at(&branch)?, self.overlay("1.30.0", "8.0.0"));
        let parent = self.stage.git(&["rev-parse", &format!("{branch}~1")])?;
        assert_eq!(parent, self.stage.git(&["rev-parse", "main"])?);
        assert_eq!(self.forge.all().len(), 1);
        Ok(())
    }

    /// A forge that is down is said to be, and asked again.
    async fn forge_is_down(&self) -> Outcome {
        self.forge.set_down(true);
        self.push("nginx", "1.30.1").await?;
        self.says("False", "the forge answered with status 503").await?;
        let said = self.run().await?;
        assert_eq!(said["reason"], json!("PullRequestFailed"));
        self.forge.set_down(false);
        self.run().await?;
        self.opened(1, "Update nginx to 1.30.1").await?;
        assert_eq!(self.forge.all().len(), 1);
        Ok(())
    }

    /// Nothing is left of what was merged.
    async fn merged(&self) -> Outcome {
        self.forge.merge(1)?;
        self.stage.reconcile("main").await?;
        self.says("True", "repository up-to-date").await?;
        assert_eq!(self.at("main")?, self.overlay("1.30.1", "8.0.0"));
        assert_eq!(self.branches()?, Vec::<String>::new());
        assert!(self.forge.all().iter().all(|request| !request.is_open));
        Ok(())
    }

    /// One pull request for each policy. Once one of them is merged, the other one is made for what is there
    /// then.
    async fn one_for_each(&self) -> Outcome {
        self.apply("one for each", &self.images("policy", &["nginx", "redis"])).await?;
        self.push("nginx", "1.31.0").await?;
        let nginx = self.opened(2, "Update nginx to 1.31.0").await?;
        self.push("redis", "8.1.0").await?;
        let redis = self.opened(3, "Update redis to 8.1.0").await?;
        let start = format!("image-updates/{}/auto", self.namespace);
        assert_eq!(nginx.branch, format!("{start}_nginx"));
        assert_eq!(redis.branch, format!("{start}_redis"));
        assert_eq!(self.at(&nginx.branch)?, self.overlay("1.31.0", "8.0.0"));
        assert_eq!(self.at(&redis.branch)?, self.overlay("1.30.1", "8.1.0"));
        assert!(!redis.body.contains("nginx:"), "{}", redis.body);

        self.forge.merge(3)?;
        self.stage.reconcile("main").await?;
        self.forge_becomes("#2 is not for the new commit", |all| all[1].edits == nginx.edits + 1).await?;
        let said = self.run().await?;
        assert_eq!(said["message"], format!("pull requests: {}", self.forge.page(2)));
        assert_eq!(self.at(&nginx.branch)?, self.overlay("1.31.0", "8.1.0"));
        assert_eq!(self.branches()?, [nginx.branch]);
        Ok(())
    }

    /// A policy that is gone takes its pull request with it.
    async fn withdrawn(&self) -> Outcome {
        self.push("redis", "8.2.0").await?;
        self.opened(4, "Update redis to 8.2.0").await?;
        self.apply("no redis", &self.images("policy", &["nginx"])).await?;
        let all = self.forge_becomes("#4 is open", |all| !all[3].is_open).await?;
        assert!(all[3].body.starts_with("**Closed: this update is no longer wanted.**"), "{}", all[3].body);
        self.run().await?;
        assert_eq!(self.branches()?, [format!("image-updates/{}/auto_nginx", self.namespace)]);
        assert!(self.forge.all()[1].is_open);
        Ok(())
    }

    /// What someone closes is not opened again, but what comes after it is.
    async fn closed_by_someone(&self) -> Outcome {
        self.forge.close(2);
        let said = self.run().await?;
        let words = format!("closed without a merge, and not proposed again: {}", self.forge.page(2));
        let message = said["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(&words), "{message}");
        // That of redis is gone.
        assert_eq!(message.matches("there is no ImagePolicy").count(), 1, "{message}");
        assert_eq!(self.forge.all().len(), 4);
        assert_eq!(self.branches()?, Vec::<String>::new());
        self.push("nginx", "1.32.0").await?;
        self.opened(5, "Update nginx to 1.32.0").await?;
        Ok(())
    }

    /// Commits of others are never overwritten.
    async fn changed_by_someone(&self) -> Outcome {
        let branch = self.forge.all()[4].branch.clone();
        let message = "by hand";
        self.stage.git(&["checkout", "-q", &branch])?;
        self.stage.git(&["commit", "-q", "--allow-empty", "-m", message])?;
        self.stage.git(&["checkout", "-q", "main"])?;
        self.push("nginx", "1.33.0").await?;
        self.says("True", "left alone, because others have committed to it: ").await?;
        assert_eq!(self.stage.git(&["log", "-1", "--format=%s", &branch])?, message);
        assert_eq!(self.forge.all()[4].title, "Update nginx to 1.32.0");
        Ok(())
    }
}
