//! The order that field specs and name references are kept in.

use std::cmp::Ordering;

use crate::resource::kind_order::{FIRST, LAST};
use crate::yaml::Str;

/// Compares two selectors: by the rank of the kind, then by `group_version_kind` with placeholders
/// for what is empty.
pub(super) fn compare(a: [&Str; 3], b: [&Str; 3]) -> Ordering {
    rank(a[2]).cmp(&rank(b[2])).then_with(|| text(a).cmp(text(b)))
}

fn rank(kind: &str) -> usize {
    let middle = FIRST.len();
    FIRST
        .iter()
        .position(|first| *first == kind)
        .or_else(|| LAST.iter().position(|last| *last == kind).map(|at| middle + 1 + at))
        .unwrap_or(middle)
}

fn text(parts: [&Str; 3]) -> impl Iterator<Item = u8> {
    let [group, version, kind] = parts;
    let or = |part: &'_ Str, none: &'static str| -> Str {
        if part.is_empty() { Str::new_static(none) } else { part.clone() }
    };
    [or(group, "~G"), Str::new_static("_"), or(version, "~V"), Str::new_static("_"), or(kind, "~K")]
        .into_iter()
        .flat_map(|part| (0..part.len()).filter_map(move |at| part.as_bytes().get(at).copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_have_kustomizes_order() {
        let selector = |text: &str| text.split(' ').map(Str::from).collect::<Vec<_>>();
        let sorted = [
            "a v1 Namespace",
            "a v1 PodDisruptionBudget",
            "a v1 Gadget",
            "a  Widget",
            " v1 Widget",
            " v1 ",
            "a v1 MutatingWebhookConfiguration",
            "a v1 ValidatingWebhookConfiguration",
        ];
        let mut selectors: Vec<_> = sorted.iter().rev().map(|text| selector(text)).collect();
        selectors.sort_by(|a, b| compare([&a[0], &a[1], &a[2]], [&b[0], &b[1], &b[2]]));
        let joined: Vec<_> = selectors.iter().map(|parts| parts.join(" ")).collect();
        assert_eq!(joined, sorted);
    }
}
