//! Many events while the providers are down, and a reconciler that is killed again and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::{Value, json};

use crate::server::Server;
use crate::world::{Outcome, World, until};

/// How much there is of what.
struct Size {
    kustomizations: usize,
    /// Each of which breaks every Kustomization anew.
    commits: usize,
    /// For how many reasons a commit breaks them.
    causes: usize,
    /// How often the reconciler is killed while it delivers. It is killed after each commit, too.
    kills: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_burst() -> Outcome {
    play(&Size { kustomizations: 24, commits: 3, causes: 8, kills: 3 }).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes: cargo xtask e2e --long runs it"]
async fn ten_thousand_events() -> Outcome {
    play(&Size { kustomizations: 1_000, commits: 10, causes: 50, kills: 10 }).await
}

/// What a directory of a commit is broken by: a file that is not there.
fn absent(commit: usize, cause: usize) -> String {
    format!("absent-{commit}-{cause}.yaml")
}

async fn play(size: &Size) -> Outcome {
    let (server, address) = Server::start().await?;
    let mut world = World::new().await?;
    world
        .provider(
            "people",
            &json!({"type": "slack"}),
            &json!({"address": format!("http://{address}/people")}),
        )
        .await?;
    let secret = json!({"address": format!("http://{address}/programs")});
    world.provider("programs", &json!({"type": "generic"}), &secret).await?;
    for number in 0..size.kustomizations {
        world.kustomization(&format!("app-{number}"), &format!("apps/{}", number % size.causes)).await?;
    }

    // The providers are down while everything breaks, again and again.
    let start = Instant::now();
    for commit in 0..size.commits {
        let files: Vec<(String, String)> = (0..size.causes)
            .map(|cause| {
                let file = format!("apps/{cause}/kustomization.yaml");
                (file, format!("resources:\n- {}\n", absent(commit, cause)))
            })
            .collect();
        world.start()?;
        world.commit(&files).await?;
        let moment = rand::rng().random_range(0..2_000);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        world.kill().await?;
        world.start()?;
        world.all_say(&format!("absent-{commit}-")).await?;
    }
    let making = start.elapsed();
    let (before, refused) = (world.kills, server.received().refused);
    assert!(refused > 0, "nothing was sent while the providers were down");

    // They are up, and the reconciler is killed while it delivers.
    let start = Instant::now();
    server.received().is_up = true;
    let events = size.kustomizations * size.commits;
    for number in 0..size.kills {
        let enough = events * number / size.kills;
        until("messages arrive", async || Ok(server.received().taken.len() > enough)).await?;
        world.kill().await?;
        world.start()?;
    }
    let kills = world.kills - before;
    let settled = async || {
        let quiet = async |provider: &str| -> Outcome<bool> {
            let status = world.status(provider).await?;
            Ok(status["pending"] == 0 && status["lastFailure"].is_null())
        };
        Ok(quiet("people").await? && quiet("programs").await?)
    };
    if let Err(error) = until("all messages are delivered", settled).await {
        println!("{error}\n{}", world.log());
    }
    let delivering = start.elapsed();
    world.kill().await?;

    let found = Found::new(&server, size);
    println!(
        "{events} events of {} causes, {refused} requests refused, {} kills ({kills} while delivering), made in {:.1} s, \
         delivered in {:.1} s, peak memory {} MiB",
        size.commits * size.causes,
        world.kills,
        making.as_secs_f64(),
        delivering.as_secs_f64(),
        world.peak / 1024,
    );
    println!(
        "programs: {} messages, {} duplicates, {} lost, {} out of order",
        found.messages, found.duplicates, found.lost, found.out_of_order
    );
    println!(
        "people: {} messages, {} causes told twice, {} causes untold",
        found.people, found.told_twice, found.untold
    );
    assert_eq!((found.lost, found.untold, found.out_of_order), (0, 0, 0), "{}", world.log());
    // What a provider has taken and the reconciler had no time to note is sent again: one message of each
    // provider for each kill, at most. So is an event that was kept and not noted yet. People's can list twenty causes.
    assert!(found.duplicates <= world.kills + kills, "{} duplicates", found.duplicates);
    assert!(found.told_twice <= 20 * kills, "{} causes were told twice", found.told_twice);
    Ok(())
}

/// What the providers were sent.
struct Found {
    messages: usize,
    duplicates: usize,
    lost: usize,
    out_of_order: usize,
    people: usize,
    told_twice: usize,
    untold: usize,
}

impl Found {
    fn new(server: &Server, size: &Size) -> Self {
        let taken = server.received().taken.clone();
        let read = |path: &str| -> Vec<Value> {
            let sent = taken.iter().filter(|taken| taken.path == path);
            sent.filter_map(|taken| serde_json::from_slice(&taken.body).ok()).collect()
        };
        let (programs, people) = (read("/programs"), read("/people"));
        // For each Kustomization, the commits in the order in which they were told.
        let mut told: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for event in &programs {
            let name = event["involvedObject"]["name"].as_str().unwrap_or_default();
            let message = event["message"].as_str().unwrap_or_default();
            let commit = message.split_once("absent-").and_then(|(_, rest)| rest.split('-').next());
            if let Some(commit) = commit.and_then(|commit| commit.parse().ok()) {
                told.entry(name).or_default().push(commit);
            }
        }
        let messages = told.values().map(Vec::len).sum();
        let mut distinct = 0;
        let mut out_of_order = 0;
        for commits in told.values_mut() {
            out_of_order += commits.windows(2).filter(|two| two[0] > two[1]).count();
            commits.sort_unstable();
            commits.dedup();
            distinct += commits.len();
        }
        let texts: Vec<String> = people.iter().map(Value::to_string).collect();
        let mut counts = Vec::new();
        for commit in 0..size.commits {
            for cause in 0..size.causes {
                let name = absent(commit, cause);
                counts.push(texts.iter().filter(|text| text.contains(&name)).count());
            }
        }
        Found {
            messages,
            duplicates: messages - distinct,
            lost: size.kustomizations * size.commits - distinct,
            out_of_order,
            people: people.len(),
            told_twice: counts.iter().filter(|count| **count > 1).count(),
            untold: counts.iter().filter(|count| **count == 0).count(),
        }
    }
}
