//! One round: a new commit, a reconciler that is killed, one that is not, and a look at what is there.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reconciler::run::{SyncOptions, set_up_sync};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::cluster::{Cluster, Moment, Outcome};

/// Where the Kustomization is, and what it applies.
const NAMESPACE: &str = "kill";
/// How long a reconciler that nobody kills may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// Names of which each round has some.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// Kinds in turn: name, path.
const KINDS: [(&str, &str); 3] =
    [("ConfigMap", "configmaps"), ("ServiceAccount", "serviceaccounts"), ("Secret", "secrets")];
const OWNER: &str = "kustomize.toolkit.fluxcd.io%2Fname%3Dflux-system";

/// Rounds on one cluster.
pub(crate) struct Rounds<'a> {
    cluster: &'a Cluster,
    random: StdRng,
    /// Uids of what the last round has left, by path.
    known: BTreeMap<String, String>,
    /// How many kills came before the work was done.
    pub(crate) hits: usize,
}

impl<'a> Rounds<'a> {
    pub(crate) async fn new(cluster: &'a Cluster, seed: u64) -> Outcome<Self> {
        let repository = cluster.path("repository");
        std::fs::create_dir_all(&repository)?;
        let rounds = Rounds { cluster, random: StdRng::seed_from_u64(seed), known: BTreeMap::new(), hits: 0 };
        rounds.git(&["init", "-q", "-b", "main"]).await?;
        Ok(rounds)
    }

    /// Plays a round. Every seventh deletes the Kustomization.
    pub(crate) async fn play(&mut self, number: usize) -> Outcome {
        let is_end = number % 7 == 6;
        let wanted = if is_end { BTreeMap::new() } else { self.commit(number).await? };
        if is_end {
            self.cluster.request("DELETE", &path_of_kustomization(), &Value::Null).await?;
        } else {
            self.follow().await?;
        }
        self.run_and_kill().await?;
        let child = self.start()?;
        let outcome = self.wait(is_end).await;
        stop(child).await;
        outcome.map_err(|error| format!("{error}\n{}", self.log()))?;
        self.check(&wanted, is_end).await.map_err(|error| format!("{error}\n{}", self.log()))?;
        Ok(())
    }

    /// Deletes the Kustomization, after which nothing is left of it.
    pub(crate) async fn end(mut self) -> Outcome {
        self.cluster.request("DELETE", &path_of_kustomization(), &Value::Null).await?;
        let child = self.start()?;
        self.wait(true).await?;
        // Without its finalizer, the namespace can end.
        let source =
            format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories/flux-system");
        self.cluster.request("DELETE", &source, &Value::Null).await?;
        let end = Instant::now() + PATIENCE;
        while self.cluster.request("GET", &source, &Value::Null).await?.is_some() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop(child).await;
        self.check(&BTreeMap::new(), true).await?;
        let namespace = format!("/api/v1/namespaces/{NAMESPACE}");
        self.cluster.request("DELETE", &namespace, &Value::Null).await?;
        // The next test on the same cluster starts with the same namespace.
        let end = Instant::now() + PATIENCE;
        while self.cluster.request("GET", &namespace, &Value::Null).await?.is_some() {
            if Instant::now() > end {
                return Err("the namespace does not end".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Commits some of the objects, all with another content than before. Returns their paths.
    async fn commit(&mut self, number: usize) -> Outcome<BTreeMap<String, Value>> {
        let mut wanted = BTreeMap::new();
        let mut text = String::new();
        for (at, name) in NAMES.iter().enumerate() {
            // The first is always there: a Kustomization wants something to apply.
            if at > 0 && self.random.random_bool(0.4) {
                continue;
            }
            let (kind, plural) = KINDS[at % KINDS.len()];
            let object = json!({
                "apiVersion": "v1", "kind": kind,
                "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {"round": number.to_string()}},
            });
            text.push_str(&format!("---\n{object}\n"));
            wanted.insert(format!("/api/v1/namespaces/{NAMESPACE}/{plural}/{name}"), object);
        }
        std::fs::create_dir_all(self.cluster.path("repository/apps"))?;
        std::fs::write(self.cluster.path("repository/apps/all.yaml"), text)?;
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "-q", "-m", &format!("Round {number}")]).await?;
        Ok(wanted)
    }

    /// Makes the Kustomization and its source, if they are not there.
    async fn follow(&self) -> Outcome {
        let sync = SyncOptions {
            namespace: NAMESPACE.to_owned(),
            url: format!("file://{}", self.cluster.path("repository")),
            branch: "main".to_owned(),
            path: "./apps".to_owned(),
            interval: Duration::from_secs(600).into(),
        };
        Ok(set_up_sync(&self.cluster.client, &sync).await?)
    }

    /// Runs the reconciler, and kills it somewhere on its way.
    async fn run_and_kill(&mut self) -> Outcome {
        let child = self.start()?;
        let Some(switch) = &self.cluster.switch else {
            // A real cluster does not tell how far it is.
            let mut child = child;
            tokio::time::sleep(Duration::from_millis(self.random.random_range(0..3000))).await;
            self.hits += usize::from(child.try_wait()?.is_none());
            child.kill().await?;
            return Ok(());
        };
        // A round makes a dozen requests that change something, more or less.
        let number = self.random.random_range(0..14);
        let moment =
            if self.random.random_bool(0.5) { Moment::Before(number) } else { Moment::After(number) };
        switch.arm(moment, child);
        let end = Instant::now() + PATIENCE;
        let (mut last, mut since) = (0, Instant::now());
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let changes = switch.changes();
            if changes != last {
                (last, since) = (changes, Instant::now());
            }
            if changes > number {
                self.hits += 1;
                break;
            }
            // This round makes fewer requests: it is done, and nothing is in the middle.
            let is_done = changes > 0 && since.elapsed() > Duration::from_secs(3);
            if is_done || Instant::now() > end {
                break;
            }
        }
        if let Some(mut child) = switch.disarm() {
            child.kill().await?;
        }
        Ok(())
    }

    fn start(&self) -> Outcome<Child> {
        let log = std::fs::File::create(self.cluster.path("log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
        command
            .args(["run", "--kubeconfig", &self.cluster.kubeconfig, "--data", &self.cluster.path("data")])
            .args(["--controllers", "source-controller,kustomize-controller"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        Ok(command.spawn()?)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.cluster.path("log")).unwrap_or_default()
    }

    async fn git(&self, arguments: &[&str]) -> Outcome<String> {
        let mut command = Command::new("git");
        command.args(["-C", &self.cluster.path("repository")]);
        command.args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]).args(arguments);
        let output = command.output().await?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    }

    /// Waits until the Kustomization has applied the last commit, or is gone.
    async fn wait(&self, is_end: bool) -> Outcome {
        let revision = format!("main@sha1:{}", self.git(&["rev-parse", "HEAD"]).await?);
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.cluster.request("GET", &path_of_kustomization(), &Value::Null).await?;
            let is_there = match &found {
                None => is_end,
                Some(found) => {
                    let conditions = found["status"]["conditions"].as_array();
                    let ready =
                        conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
                    !is_end
                        && ready.is_some_and(|ready| ready["status"] == "True")
                        && found["status"]["lastAppliedRevision"] == *revision
                }
            };
            if is_there {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("it does not get there: {found:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Compares what is there with what is wanted.
    async fn check(&mut self, wanted: &BTreeMap<String, Value>, is_end: bool) -> Outcome {
        let mut found = BTreeMap::new();
        for (_, plural) in KINDS {
            let all = format!("/api/v1/namespaces/{NAMESPACE}/{plural}");
            let list =
                self.cluster.request("GET", &format!("{all}?labelSelector={OWNER}"), &Value::Null).await?;
            let items = list.map(|list| list["items"].as_array().cloned().unwrap_or_default());
            for item in items.unwrap_or_default() {
                found
                    .insert(format!("{all}/{}", item["metadata"]["name"].as_str().unwrap_or_default()), item);
            }
        }
        let names: Vec<&String> = found.keys().collect();
        if names != wanted.keys().collect::<Vec<_>>() {
            return Err(format!("there is {names:?}\nwanted {:?}", wanted.keys()).into());
        }
        let mut known = BTreeMap::new();
        for (path, object) in &found {
            let metadata = &object["metadata"];
            if metadata["annotations"]["round"] != wanted[path]["metadata"]["annotations"]["round"] {
                return Err(format!("{path} is from an earlier round").into());
            }
            let applied = |entry: &&Value| entry["operation"] == "Apply";
            let entries =
                metadata["managedFields"].as_array().map_or(0, |all| all.iter().filter(applied).count());
            if entries != 1 {
                return Err(format!("{path} was applied by {entries} managers").into());
            }
            let uid = metadata["uid"].as_str().unwrap_or_default().to_owned();
            if self.known.get(path).is_some_and(|old| *old != uid) {
                return Err(format!("{path} was deleted and made anew").into());
            }
            known.insert(path.clone(), uid);
        }
        if !is_end {
            let found = self.cluster.request("GET", &path_of_kustomization(), &Value::Null).await?;
            let entries =
                found.unwrap_or_default()["status"]["inventory"]["entries"].as_array().map_or(0, Vec::len);
            if entries != wanted.len() {
                return Err(format!("the inventory has {entries} entries, wanted {}", wanted.len()).into());
            }
        }
        self.known = known;
        Ok(())
    }
}

/// Ends a reconciler as an operator would.
async fn stop(mut child: Child) {
    if let Some(id) = child.id() {
        let _ = Command::new("kill").arg(id.to_string()).status().await;
    }
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

fn path_of_kustomization() -> String {
    format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations/flux-system")
}
