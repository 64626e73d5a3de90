//! Schemas that stand in comments: `items: # {"x-kubernetes-patch-strategy": "merge"}`.

use std::sync::Arc;

use crate::yaml::{Node, Pos};

/// A comment that is a JSON object: the schema of the field that it stands at, for strategic merge
/// (kustomize's `fieldmeta`). It takes the place of whatever else is known of the field.
#[derive(Clone, Debug)]
pub(crate) struct SchemaComment {
    /// Where the field's key stands.
    pub(crate) key: Pos,
    /// The comment's JSON.
    pub(crate) schema: Arc<Node>,
}

impl SchemaComment {
    /// Brings comments into the order that [`SchemaComment::find`] needs. Of several at one key the
    /// first counts.
    pub(crate) fn sort(comments: &mut [SchemaComment]) {
        comments.sort_by_key(|comment| comment.key.pack());
    }

    /// The schema in the comment at the first of some keys that has one.
    pub(crate) fn find<'c>(comments: &'c [SchemaComment], keys: &[Pos]) -> Option<&'c Node> {
        if comments.is_empty() {
            return None;
        }
        keys.iter().filter(|key| !key.is_none()).find_map(|key| {
            let at = comments.partition_point(|comment| comment.key.pack() < key.pack());
            comments.get(at).filter(|comment| comment.key == *key).map(|comment| comment.schema.as_ref())
        })
    }
}
