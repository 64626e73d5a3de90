//! Bringing objects into a cluster: server-side apply in stages, inventories, pruning, health.

mod health;
mod inventory;
mod kinds;
mod objects;
mod prune;
mod stages;

pub use health::{Health, HealthFailure};
pub use inventory::{entries, ids, stale, union};
pub use kinds::{ApiKind, Kinds};
pub use objects::{Applied, Objects, RequestError};
pub use prune::Pruned;
pub use stages::{Action, ApplyError, Change, Order};

/// The manager of all fields that are applied.
pub const FIELD_MANAGER: &str = "kustomize-controller";
