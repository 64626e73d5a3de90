//! Sources other than git, as Kustomizations use them. The servers are in this process; the cluster is the embedded
//! one, or the one that `KUBECONFIG` names.

#[path = "../walkthrough/stage.rs"]
#[expect(dead_code, reason = "the walk-through uses the rest")]
mod stage;

#[path = "../../../embedded-cluster/tests/behavior/tls.rs"]
mod tls;

mod artifacts;
mod bucket;
mod certificates;
mod external;
mod includes;
mod oci;
mod real_registry;
mod real_store;
mod registry;
mod signed;
mod store;
mod submodules;
mod verification;

use stage::{Outcome, Stage};

/// Deletes the Kustomizations `deploy` and `main` with the object that they have applied, then the source, and stops.
async fn finish(stage: Stage, applied: &str, source: &str) -> Outcome {
    for name in ["deploy", "main"] {
        stage.delete(name).await?;
    }
    stage.disappears(applied).await?;
    stage.remove(source).await?;
    stage.disappears(source).await?;
    stage.stop().await
}
