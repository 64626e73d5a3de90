//! Reconciles a repository that somebody has written for Flux, and reports on every Kustomization.
//!
//! `cargo xtask e2e --repository DIRECTORY --path PATH` runs it, on the embedded cluster and on a real API server.
//!
//! No controller runs but the reconciler, and Flux's source-watcher if it is there. In place of the others, `players` says of
//! every object of a foreign kind, such as a HelmRelease, that it is ready. It makes the objects that health checks name and
//! charts would make, and the Secrets that would come from elsewhere. This shows that Kustomizations are built, applied and
//! waited for, not that charts work.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the report is what this is for")]

mod cluster;
mod copy;
mod definitions;
mod players;
mod programs;
mod registry;
mod report;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cluster::Cluster;
use copy::Copy;
use programs::Programs;
use reconciler::run::{SyncOptions, install_definitions, set_up_sync};
use report::Report;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What anything here ends with.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long nothing may change before this ends. It is longer than retries take.
const PATIENCE: Duration = Duration::from_secs(150);

fn variable(name: &str) -> Outcome<PathBuf> {
    let found = std::env::var_os(name);
    let advice = "cargo xtask e2e --repository DIRECTORY --path PATH sets it";
    Ok(found.ok_or_else(|| format!("{name} is missing; {advice}"))?.into())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a repository: cargo xtask e2e --repository DIRECTORY --path PATH runs it"]
async fn every_kustomization_becomes_ready() -> Outcome {
    let (repository, path) = (variable("REPOSITORY")?, variable("REPOSITORY_PATH")?);
    let flux = std::env::var_os("FLUX_PROGRAMS").map(PathBuf::from);
    let directory = TempDir::with_prefix("repository-")?;
    let copy = Copy::make(&repository, directory.path(), &registry::start().await?)?;
    let cluster = Cluster::connect(directory.path()).await?;
    let place = if cluster.is_embedded() { "the embedded cluster" } else { "a real API server" };
    println!("{} at {}, path {}, on {place}", repository.display(), copy.commit, path.display());
    for (change, count) in &copy.changes {
        println!("changed: {count} {change}");
    }
    install_definitions(&cluster.client).await?;
    let kinds = definitions::install(&cluster, flux.as_deref(), &copy.documents).await?;
    let has_watcher = flux.as_ref().is_some_and(|flux| flux.join("source-watcher").is_file());
    let is_played = |kind: &&definitions::Foreign| kind.kind != "ArtifactGenerator" || !has_watcher;
    let (played, generators): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|kind| is_played(&kind));
    if generators.is_empty() && copy.documents.iter().any(|document| document["kind"] == "ArtifactGenerator")
    {
        println!("nobody reconciles ArtifactGenerators: --flux DIRECTORY has to have source-watcher");
    }
    let sync = SyncOptions {
        namespace: "flux-system".to_owned(),
        url: format!("file://{}", copy.origin.display()),
        branch: "main".to_owned(),
        path: path.display().to_string(),
        interval: Duration::from_secs(600).into(),
    };
    set_up_sync(&cluster.client, &sync).await?;
    let programs = Programs::start(directory.path(), &cluster.kubeconfig, flux.as_deref())?;
    let mut made = BTreeSet::new();
    let report = tokio::select! {
        report = settled(&cluster, &copy.revision) => report?,
        () = players::play(&cluster, &copy, &played, &mut made) => return Err("the players have ended".into()),
    };
    report.print();
    if !made.is_empty() {
        println!(
            "made for Kustomizations that read them: {}",
            made.into_iter().collect::<Vec<_>>().join(", ")
        );
    }
    let errors = programs.errors();
    for line in errors.iter().filter(|line| line.contains("panicked")) {
        println!("{line}");
    }
    let (ready, all) = (report.ready(), report.0.len());
    println!("{ready} of {all} Kustomizations are ready, {} objects are applied", report.objects());
    if ready == all {
        let changed = second_round(&cluster, &report).await?;
        println!("asked once more, Kustomizations changed {} objects", changed.len());
        assert!(changed.is_empty(), "nothing is to change without a commit: {changed:#?}");
    }
    drop(programs);
    cluster.shutdown();
    assert_eq!(ready, all, "Kustomizations are not ready");
    Ok(())
}

/// Waits until all Kustomizations are ready, or nothing changes for a while.
async fn settled(cluster: &Cluster, revision: &str) -> Outcome<Report> {
    let (started, mut last, mut since) = (Instant::now(), (0, 0, 0), Instant::now());
    let mut is_quiet = false;
    loop {
        let report = Report::take(cluster, revision).await?;
        let state = (report.0.len(), report.ready(), report.objects());
        // What has just become ready may be about to apply more Kustomizations.
        if report.is_done() && state == last {
            if is_quiet {
                println!("all are ready after {:.1} s", started.elapsed().as_secs_f64());
                return Ok(report);
            }
            is_quiet = true;
        } else {
            is_quiet = false;
        }
        if state != last {
            (last, since) = (state, Instant::now());
        }
        if since.elapsed() > PATIENCE {
            return Ok(report);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Asks every Kustomization to reconcile again, and returns the events that say what was changed.
async fn second_round(cluster: &Cluster, report: &Report) -> Outcome<Vec<String>> {
    let events = |items: Vec<Value>| -> BTreeSet<String> {
        let is_change = |message: &str| {
            message
                .lines()
                .any(|line| [" created", " configured", " deleted"].iter().any(|end| line.ends_with(end)))
        };
        items
            .iter()
            .filter(|event| event["involvedObject"]["kind"] == "Kustomization")
            .filter(|event| event["message"].as_str().is_some_and(is_change))
            .map(|event| {
                let (object, metadata) = (&event["involvedObject"], &event["metadata"]);
                format!("{} {}: {}", object["name"], metadata["name"], event["message"])
            })
            .collect()
    };
    let before = events(cluster.items("/api/v1/events").await?);
    let path = |name: &str| {
        let (namespace, name) = name.split_once('/').unwrap_or_default();
        format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations/{name}")
    };
    for name in report.0.keys() {
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "again"}}});
        cluster.merge(&path(name), &patch).await?;
    }
    let end = Instant::now() + PATIENCE;
    for name in report.0.keys() {
        loop {
            let found = cluster.get(&path(name)).await?.unwrap_or_default();
            if found["status"]["lastHandledReconcileAt"] == "again" {
                break;
            }
            if Instant::now() > end {
                return Err(format!("{name} does not answer: {:#}", found["status"]).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let after = events(cluster.items("/api/v1/events").await?);
    Ok(after.difference(&before).cloned().collect())
}
