//! `sortOptions` and the legacy order.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Transformer;
use crate::collections::IndexMap;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::kustomization::SortOptions;
use crate::resource::kind_order::{FIRST, LAST};
use crate::resource::{Resource, ResourceSet, split_api_version};
use crate::yaml::Str;
use crate::yaml::decode::Spanned;

/// Puts resources in order.
#[derive(Clone, Debug)]
pub(crate) enum SortOrderTransformer {
    /// Leaves them as they were accumulated.
    Fifo,
    /// Some kinds first, some last, the rest by group, version, kind, namespace and name.
    Legacy {
        /// Negative for kinds that come first, positive for those that come last.
        ranks: IndexMap<String, i64>,
    },
}

impl SortOrderTransformer {
    /// As `sortOptions` say.
    ///
    /// # Errors
    /// An unknown order, options of an order that was not chosen.
    pub(crate) fn new(options: &Spanned<SortOptions>) -> Result<Self, BuildError> {
        let error = |message: String| {
            BuildError::new(ErrorKind::Kustomization, message).field("sortOptions").at(options.pos)
        };
        match (options.order.as_str(), &options.legacy_sort_options) {
            ("fifo", None) => Ok(SortOrderTransformer::Fifo),
            ("fifo", Some(_)) => {
                Err(error("`legacySortOptions` go with `order: legacy` only, not with `fifo`".to_owned()))
            }
            ("legacy", None) => Ok(Self::legacy()),
            ("legacy", Some(kinds)) => Ok(Self::ranked(&kinds.order_first, &kinds.order_last)),
            (other, _) => {
                Err(error(format!("`{other}` is not an order"))
                    .with_help("`order` must be `legacy` or `fifo`"))
            }
        }
    }

    /// The default order.
    pub(crate) fn legacy() -> Self {
        Self::ranked(&FIRST, &LAST)
    }

    fn ranked<T: AsRef<str>>(first: &[T], last: &[T]) -> Self {
        let count = |kinds: &[T]| i64::try_from(kinds.len()).unwrap_or(i64::MAX);
        let first = (-count(first)..).zip(first);
        let last = (1..).zip(last);
        let ranks = first.chain(last).map(|(rank, kind)| (kind.as_ref().to_owned(), rank)).collect();
        SortOrderTransformer::Legacy { ranks }
    }
}

impl Transformer for SortOrderTransformer {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        let SortOrderTransformer::Legacy { ranks } = self else { return Ok(()) };
        /// Fewer resources than this are not worth a thread.
        const LEAST: usize = 128;
        let list = set.list_mut();
        let keys = cx.threads.map(list, LEAST, |resource| Key::new(resource, ranks));
        let mut keyed: Vec<(Key, Arc<Resource>)> = keys.into_iter().zip(list.drain(..)).collect();
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        list.extend(keyed.into_iter().map(|(_, resource)| resource));
        let Some((first, second)) = set.duplicate(cx.schema(), &cx.threads) else { return Ok(()) };
        let (first, second) = (&set.as_slice()[first], &set.as_slice()[second]);
        let id = second.id(cx.schema());
        let message = format!("there are two resources with the id {id:#}");
        Err(BuildError::new(ErrorKind::Conflict, message)
            .about(&id)
            .at(second.node.pos)
            .with_note("the other one", first.node.pos))
    }
}

/// What a resource is sorted by. kustomize compares texts joined by separators, which is not
/// the same as comparing one part after the other.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    rank: i64,
    is_core_namespace: bool,
    /// `group_version_kind`
    gvk: Str,
    /// `namespace|name`
    name: Str,
}

impl Key {
    fn new(resource: &Resource, ranks: &IndexMap<String, i64>) -> Self {
        fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
            if text.is_empty() { none } else { text }
        }
        let kind = resource.kind();
        let (group, version) = split_api_version(resource.api_version());
        let rank = ranks.get(kind).copied().unwrap_or_default();
        Key {
            rank,
            // Where namespaces share their rank with other kinds, kustomize's order has cycles.
            is_core_namespace: kind == "Namespace" && group.is_empty() && rank != 0,
            gvk: concat(&[or(group, "~G"), "_", or(version, "~V"), "_", or(kind, "~K")]),
            name: concat(&[or(resource.namespace(), "~X"), "|", or(resource.name(), "~N")]),
        }
    }
}

fn concat(parts: &[&str]) -> Str {
    let mut text = smol_str::SmolStrBuilder::new();
    parts.iter().for_each(|part| text.push_str(part));
    text.finish()
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        // Core namespaces come before namespaces of other groups, later versions first.
        let gvk = match (self.is_core_namespace, other.is_core_namespace) {
            (true, true) => other.gvk.cmp(&self.gvk),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.gvk.cmp(&other.gvk),
        };
        self.rank.cmp(&other.rank).then(gvk).then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
