//! Resources: a tree with an identity, the history of its names, and the ordered set of them.

mod history;
mod id;
mod index;
mod label_selector;
mod links;
mod model;
mod origin;
mod selector;
mod set;

pub use history::{Behavior, History, PreviousId};
pub(crate) use id::{CLUSTER, split_api_version};
pub use id::{Gvk, ResId};
pub use links::Link;
pub(crate) use links::{Place, SharedEntry, Step};
pub use model::Resource;
pub use origin::Origin;
pub(crate) use selector::Matcher;
pub use set::{Conflict, ResourceSet};
