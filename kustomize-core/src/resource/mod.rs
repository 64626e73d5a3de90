//! Resources: a tree with an identity, the history of its names, and the ordered set of them.

mod absorb;
#[cfg(test)]
mod annotation_tests;
mod beginnings;
mod change;
mod comparison;
mod data_map;
mod final_form;
mod history;
mod id;
mod index;
mod internal_annotations;
mod json_form;
pub(crate) mod kind_order;
mod links;
mod list_items;
mod local_config;
mod model;
mod origin;
mod origin_annotations;
mod origin_text;
mod parse;
mod schema_comments;
mod set;
mod typed;

pub(crate) use absorb::Absorber;
pub(crate) use change::Change;
pub(crate) use comparison::expect_unchanged;
pub(crate) use data_map::data_entry;
pub(crate) use final_form::finish_resource;
pub use history::{Behavior, History, PreviousId};
pub(crate) use id::CLUSTER;
pub use id::split_api_version;
pub use id::{Gvk, ResId};
pub(crate) use json_form::{FormState, JsonForm, LongMaps};
pub use links::Link;
pub(crate) use links::{NodePath, NodeStep, SharedEntry};
pub(crate) use local_config::drop_local_config;
pub use model::Resource;
pub use origin::{ConfiguredBy, Origin};
pub(crate) use parse::{parse_all_resources, parse_patches, parse_resources};
pub use set::{Conflict, ResourceSet};
