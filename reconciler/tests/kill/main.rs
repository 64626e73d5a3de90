//! The reconciler is killed in the middle of its work, and started again. It has to get where it would
//! have got without that: no object is lost, made anew, or left behind.
//!
//! On the embedded cluster it is killed at a request that it makes, before or after that was answered; on
//! the API server that `KUBECONFIG` names, at random moments.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the seed of a failure is told where its message is")]

mod cluster;
mod round;

use cluster::{Cluster, Outcome};
use round::Rounds;

/// Kills at a few moments of a reconciliation, among them all kinds of requests.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_few_moments() -> Outcome {
    play(6).await
}

/// Kills at a hundred moments, or at as many as `RECONCILER_KILLS` says.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes: cargo xtask e2e --long runs it"]
async fn killed_at_many_moments() -> Outcome {
    match std::env::var("RECONCILER_KILLS") {
        Ok(kills) => play(kills.parse()?).await,
        Err(_) => play(100).await,
    }
}

async fn play(kills: usize) -> Outcome {
    let seed = match std::env::var("RECONCILER_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => rand::random(),
    };
    println!("RECONCILER_SEED={seed} makes the same rounds again");
    let cluster = Cluster::start().await?;
    let mut rounds = Rounds::new(&cluster, seed).await?;
    // Some rounds are over before the reconciler is killed. They do not count.
    for number in 0..kills * 4 {
        if rounds.hits == kills {
            break;
        }
        rounds.play(number).await.map_err(|error| format!("seed {seed}, round {number}: {error}"))?;
    }
    assert_eq!(rounds.hits, kills, "too many rounds were over too soon");
    println!("{kills} kills in the middle of something");
    rounds.end().await
}
