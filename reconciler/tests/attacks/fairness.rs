//! A tenant with a thousand Kustomizations that fail, and namespaces whose clusters never answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{Outcome, condition};
use crate::world::{ATTACKER, PLATFORM, World, kustomization};

/// How many of them there are, and on a real cluster, where making and removing so many takes minutes.
const COUNTS: (usize, usize) = (1_000, 100);
/// How many commits of the others are timed.
const COMMITS: usize = 5;
/// How much later the others may have their commit than without the tenant. A machine with ten times more to do than it
/// has cores took up to four seconds.
const DELAY: Duration = Duration::from_secs(10);

fn map(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: other, namespace: default}}\ndata: {{a: {value}}}\n"
    )
}

/// How long it takes from a commit until the cluster has it, for each of several commits.
async fn times(world: &World, round: &str) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    for number in 0..COMMITS {
        let value = format!("{round}-{number}");
        world.stage.commit(&value, &[("other/map.yaml", &map(&value))])?;
        // The tenant's Kustomizations have something new to do at the same time.
        world.stage.annotate(&world.path("gitrepositories", "source")).await?;
        let start = Instant::now();
        world.stage.annotate(&world.stage.source()).await?;
        let is_applied = |found: &Value| found["data"]["a"] == *value;
        world.stage.object_becomes("/api/v1/namespaces/default/configmaps/other", is_applied).await?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times)
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "figures for whoever asks with --nocapture")]
async fn a_thousand_failures_delay_nobody_else() -> Outcome {
    let missing = "resources: [missing.yaml]\n";
    let forbidden = "apiVersion: v1\nkind: Secret\nmetadata: {name: x, namespace: default}\n";
    let files = [
        ("missing/kustomization.yaml", missing),
        ("forbidden/secret.yaml", forbidden),
        ("other/map.yaml", &map("first")),
    ];
    let world = World::new(&files).await?;
    world.stage.create("other", &json!({})).await?;
    world.stage.ready("other", &world.stage.revision()?).await?;
    let alone = times(&world, "alone").await?;
    let count = if std::env::var_os("KUBECONFIG").is_some() { COUNTS.1 } else { COUNTS.0 };
    // Half of them fail when they are built, half when they are applied, and all are tried again after a second.
    for number in 0..count {
        let path = if number % 2 == 0 { "./missing" } else { "./forbidden" };
        world.create(&kustomization(&format!("fails-{number}"), json!({"path": path}))).await?;
    }
    let list = format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{ATTACKER}/kustomizations");
    let have_failed = |found: &Value| {
        let items = found["items"].as_array().map_or(&[][..], Vec::as_slice);
        items.iter().filter(|item| condition(item)["status"] == "False").count() == count
    };
    world.stage.object_becomes(&list, have_failed).await?;
    let beside = times(&world, "beside").await?;
    println!("from commit to cluster: {alone:?} alone, {beside:?} beside {count} failing Kustomizations");
    let (alone, beside) = (alone[COMMITS / 2], beside[COMMITS / 2]);
    assert!(beside < alone + DELAY, "{alone:?} alone, {beside:?} beside {count} failing Kustomizations");
    world.stage.delete("other").await?;
    world.stage.disappears(&world.stage.path_of("other")).await?;
    world.end().await
}

/// How many Kustomizations each of the namespaces has whose clusters never answer.
const SILENT: usize = 40;
/// How long the others may take. Each request to a silent cluster is given up after a minute.
const SOON: Duration = Duration::from_secs(40);

/// How long it may take until both have sent a request.
const BEGIN: Duration = Duration::from_secs(300);

/// Two namespaces have as many Kustomizations for clusters that never answer as could be applied at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn clusters_that_never_answer_delay_nobody_else() -> Outcome {
    if std::env::var_os("KUBECONFIG").is_some() {
        // Nothing of this depends on the cluster, and it takes minutes to clear a real one.
        return Ok(());
    }
    // Connections are accepted by the system, and nobody reads from them.
    let silent = [TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?];
    let namespaces = ["silent-1", "silent-2"];
    let mut objects = String::new();
    for (namespace, server) in namespaces.iter().zip(&silent) {
        let kubeconfig = format!(
            "{{apiVersion: v1, kind: Config, current-context: a, users: [{{name: a, user: {{token: x}}}}], \
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}], \
             clusters: [{{name: a, cluster: {{server: 'http://{}'}}}}]}}",
            server.local_addr()?
        );
        objects += &format!(
            "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\napiVersion: v1\nkind: Secret\n\
             metadata: {{name: cluster, namespace: {namespace}}}\nstringData: {{value: \"{kubeconfig}\"}}\n"
        );
    }
    let files = [
        ("main/silent.yaml", objects.as_str()),
        ("attack/map.yaml", &map("x")),
        ("other/map.yaml", &map("y")),
    ];
    let world = World::new(&files).await?;
    for namespace in namespaces {
        for number in 0..SILENT {
            let spec = json!({
                "kubeConfig": {"secretRef": {"name": "cluster"}}, "retryInterval": "10s",
                "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": PLATFORM},
            });
            let mut object = kustomization(&format!("waits-{number}"), spec);
            object["metadata"]["namespace"] = json!(namespace);
            world.create(&object).await?;
        }
    }
    // All that have a turn wait for an answer.
    let _connections = tokio::time::timeout(BEGIN, async {
        Ok::<_, std::io::Error>((silent[0].accept().await?, silent[1].accept().await?))
    })
    .await??;
    let start = Instant::now();
    world.stage.create("other", &json!({})).await?;
    world.stage.ready("other", &world.stage.revision()?).await?;
    let elapsed = start.elapsed();
    assert!(elapsed < SOON, "it took {elapsed:?}");
    world.end().await
}

/// How many Kustomizations of a tenant have an expression that is as expensive as it may be.
const EXPENSIVE: usize = 200;

/// The cost of an expression is limited, but a tenant can have many, and they are evaluated again and again.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "figures for whoever asks with --nocapture")]
async fn expensive_expressions_delay_nobody_else() -> Outcome {
    if std::env::var_os("KUBECONFIG").is_some() {
        // Nothing of this depends on the cluster.
        return Ok(());
    }
    let files =
        [("attack/map.yaml", map("x").replace("default", ATTACKER)), ("other/map.yaml", map("first"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let world = World::new(&files).await?;
    world.stage.create("other", &json!({})).await?;
    world.stage.ready("other", &world.stage.revision()?).await?;
    world.create(&kustomization("first", json!({}))).await?;
    // Nearly a million steps, and not ready in the end.
    let list = "[0,1,2,3,4,5,6,7,8,9]";
    let loops = ["a", "b", "c", "d", "e"]
        .iter()
        .rev()
        .fold("true".to_owned(), |inner, name| format!("{list}.all({name}, {inner})"));
    for number in 0..EXPENSIVE {
        let dependency = json!([{"name": "first", "readyExpr": format!("!({loops})")}]);
        world
            .create(&kustomization(&format!("expensive-{number}"), json!({"dependsOn": dependency})))
            .await?;
    }
    world.refused("kustomizations", "expensive-0", "is not ready according to readyExpr").await?;
    // Whether tasks have to wait for the threads that run them.
    let ticks = tokio::spawn(async {
        let mut longest = Duration::ZERO;
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            let start = Instant::now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            longest = longest.max(start.elapsed());
        }
        longest
    });
    let beside = times(&world, "beside").await?;
    let longest = ticks.await?;
    println!("from commit to cluster: {beside:?}; a pause of 10 ms took {longest:?}");
    assert!(longest < Duration::from_secs(3), "a pause of 10 ms took {longest:?}");
    assert!(beside[COMMITS / 2] < DELAY, "{beside:?}");
    world.stage.delete("other").await?;
    world.stage.disappears(&world.stage.path_of("other")).await?;
    world.end().await
}
