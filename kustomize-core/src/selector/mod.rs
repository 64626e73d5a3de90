//! Which resources a selector picks, and label selectors as Kubernetes writes them.

mod label_selector;
mod matcher;

pub(crate) use label_selector::LabelSelector;
pub(crate) use matcher::Matcher;
