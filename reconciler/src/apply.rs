//! Applying objects to a cluster: server-side apply in stages, inventories, pruning, health checks.

mod change;
mod drift;
mod health;
mod inventory;
mod kinds;
mod objects;
mod observer;
mod order;
mod prune;
mod request;
mod stages;

pub use change::{Action, ApplyError, Change, Refused, cause};
pub(crate) use health::HealthRules;
pub use health::{Health, HealthFailure};
pub use inventory::{entries, ids, stale, union};
pub use kinds::{ApiKind, Kinds};
pub use objects::{Applied, Objects};
pub use observer::{Observer, Owner};
pub use order::Order;
pub(crate) use order::add_common;
pub use prune::Pruned;
pub use request::RequestError;
pub use stages::Apply;
pub(crate) use stages::CONCURRENCY;

/// The field manager of everything that is applied.
pub const FIELD_MANAGER: &str = "kustomize-controller";
/// The field manager of what controllers write into the metadata of objects. A Kustomization that applies such an object
/// takes over what [`FIELD_MANAGER`] has written in other ways, and would remove it, since it does not want it.
pub const METADATA_MANAGER: &str = "reconciler";
