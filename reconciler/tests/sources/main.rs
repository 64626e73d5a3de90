//! Sources other than git, as Kustomizations use them. The servers are in this process; the cluster is the embedded
//! one, or the one that `KUBECONFIG` names.

#[path = "../walkthrough/stage.rs"]
#[expect(dead_code, reason = "the walk-through uses the rest")]
mod stage;

mod artifacts;
mod bucket;
mod includes;
mod oci;
mod registry;
mod signed;
mod store;
mod verification;
