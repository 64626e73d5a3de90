//! The field specs of every transformer, and how two sets of them are merged.

use std::cmp::Ordering;

use super::{FieldSpec, Table, defaults, order};
use crate::collections::IndexMap;
use crate::error::{BuildError, ErrorKind};
use crate::resource::Gvk;
use crate::yaml::decode::{Decode, Decoder, Mismatch, fields, ways};

/// Field specs of each transformer: kustomize's defaults merged with `configurations` and
/// `crds`. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // one field of the configuration file each, named as in the file
pub struct TransformerConfig {
    pub name_prefix: Table<FieldSpec>,
    pub name_suffix: Table<FieldSpec>,
    pub namespace: Table<FieldSpec>,
    pub common_labels: Table<FieldSpec>,
    pub labels: Table<FieldSpec>,
    pub template_labels: Table<FieldSpec>,
    pub common_annotations: Table<FieldSpec>,
    pub name_reference: Table<NameReference>,
    pub var_reference: Table<FieldSpec>,
    pub images: Table<FieldSpec>,
    pub replicas: Table<FieldSpec>,
}

fields!(TransformerConfig {
    name_prefix = "namePrefix", name_suffix = "nameSuffix", namespace, common_labels = "commonLabels",
    labels, template_labels = "templateLabels", common_annotations = "commonAnnotations",
    name_reference = "nameReference", var_reference = "varReference", images, replicas,
});

/// Fields that hold the name of a resource of some kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameReference {
    /// The kind that is referred to, as a selector.
    pub target: Gvk,
    /// Fields that refer to it.
    pub referrers: Table<FieldSpec>,
}

impl Decode for NameReference {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        let NameReference { target: Gvk { group, version, kind }, referrers } = self;
        decoder.fields(
            &["group", "version", "kind", "fieldSpecs"],
            &mut [
                &mut ways::verbatim(group),
                &mut ways::verbatim(version),
                &mut ways::verbatim(kind),
                referrers,
            ],
        )
    }
}

impl TransformerConfig {
    /// kustomize's defaults. They are compiled in: this allocates nothing.
    #[must_use]
    pub const fn default_config() -> Self {
        defaults::CONFIG
    }

    /// Both together, sorted (kustomize's `TransformerConfig.Merge`). What comes from here, from
    /// the defaults or from a file is sorted already.
    ///
    /// A field spec of `other` is left out when one that it would pick is there already for the
    /// same path.
    ///
    /// # Errors
    /// If two such field specs disagree on `create`.
    pub fn merge(&self, other: &Self) -> Result<Self, BuildError> {
        let fields = |name, mine, theirs| {
            merge_field_specs(mine, theirs, name)
                .map(|merged| sorted_unless(mine, merged, FieldSpec::compare))
        };
        Ok(TransformerConfig {
            name_prefix: fields("namePrefix", &self.name_prefix, &other.name_prefix)?,
            name_suffix: fields("nameSuffix", &self.name_suffix, &other.name_suffix)?,
            namespace: fields("namespace", &self.namespace, &other.namespace)?,
            common_annotations: fields(
                "commonAnnotations",
                &self.common_annotations,
                &other.common_annotations,
            )?,
            common_labels: fields("commonLabels", &self.common_labels, &other.common_labels)?,
            labels: fields("labels", &self.labels, &other.labels)?,
            template_labels: fields("templateLabels", &self.template_labels, &other.template_labels)?,
            var_reference: fields("varReference", &self.var_reference, &other.var_reference)?,
            name_reference: sorted_unless(
                &self.name_reference,
                merge_name_references(&self.name_reference, &other.name_reference)?,
                NameReference::compare,
            ),
            images: fields("images", &self.images, &other.images)?,
            replicas: fields("replicas", &self.replicas, &other.replicas)?,
        })
    }

    /// All of these together, one after the other. kustomize merges the files of one
    /// kustomization with each other before it merges them with anything else, which shows where
    /// one field spec covers another.
    ///
    /// # Errors
    /// As for [`merge`](Self::merge).
    pub fn merge_all(configs: impl IntoIterator<Item = Self>) -> Result<Self, BuildError> {
        configs.into_iter().try_fold(Self::default(), |all, config| all.merge(&config))
    }

    /// The same, each list in order (kustomize's `sortFields`).
    #[must_use]
    pub(crate) fn sorted(self) -> Self {
        let fields = |table| sorted(table, FieldSpec::compare);
        TransformerConfig {
            name_prefix: fields(self.name_prefix),
            name_suffix: fields(self.name_suffix),
            namespace: fields(self.namespace),
            common_labels: fields(self.common_labels),
            labels: fields(self.labels),
            template_labels: fields(self.template_labels),
            common_annotations: fields(self.common_annotations),
            name_reference: sorted(self.name_reference, NameReference::compare),
            var_reference: fields(self.var_reference),
            images: fields(self.images),
            replicas: fields(self.replicas),
        }
    }
}

impl FieldSpec {
    fn compare(&self, other: &Self) -> Ordering {
        order::compare([&self.group, &self.version, &self.kind], [&other.group, &other.version, &other.kind])
    }

    /// Whether `incoming` adds nothing to this one (kustomize's `effectivelyEquals`).
    fn covers(&self, incoming: &Self) -> bool {
        incoming.selects(&self.group, &self.version, &self.kind) && self.path == incoming.path
    }
}

impl NameReference {
    fn compare(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.target, &other.target);
        order::compare([&a.group, &a.version, &a.kind], [&b.group, &b.version, &b.kind])
    }
}

/// Sorts a list unless it is the one before, which was sorted when it was made.
fn sorted_unless<T: Clone>(
    before: &Table<T>,
    table: Table<T>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Table<T> {
    if table.is_same(before) || table.is_fixed() { table } else { sorted(table, compare) }
}

/// Sorts a list unless it is sorted already.
fn sorted<T: Clone>(table: Table<T>, compare: impl Fn(&T, &T) -> Ordering) -> Table<T> {
    if table.is_sorted_by(|a, b| compare(a, b).is_le()) {
        return table;
    }
    let mut rows = table.to_vec();
    rows.sort_by(compare);
    rows.into()
}

/// The result of merging where one side is empty or both are the same defaults. (Other lists may
/// change even when they are merged into nothing: see [`FieldSpec::covers`].)
fn merged_without_a_look<T>(table: &Table<T>, incoming: &Table<T>) -> Option<Table<T>> {
    if incoming.is_empty() || table.is_same(incoming) && table.is_fixed() {
        return Some(table.clone());
    }
    (table.is_empty() && incoming.is_fixed()).then(|| incoming.clone())
}

/// Adds field specs to a list (kustomize's `FsSlice.MergeAll`). `list` names it in errors.
pub(crate) fn merge_field_specs(
    table: &Table<FieldSpec>,
    incoming: &Table<FieldSpec>,
    list: &str,
) -> Result<Table<FieldSpec>, BuildError> {
    if let Some(merged) = merged_without_a_look(table, incoming) {
        return Ok(merged);
    }
    let mut by_path: IndexMap<&str, Vec<&FieldSpec>> = IndexMap::default();
    for spec in table {
        by_path.entry(spec.path.as_str()).or_default().push(spec);
    }
    let mut added = Vec::new();
    for spec in incoming {
        let same_path = by_path.entry(spec.path.as_str()).or_default();
        match same_path.iter().find(|present| present.covers(spec)) {
            Some(present) if present.create != spec.create => return Err(conflict(list, present, spec)),
            Some(_) => {}
            None => {
                same_path.push(spec);
                added.push(spec);
            }
        }
    }
    if added.is_empty() {
        return Ok(table.clone());
    }
    Ok(table.iter().chain(added).cloned().collect::<Vec<_>>().into())
}

fn conflict(list: &str, present: &FieldSpec, spec: &FieldSpec) -> BuildError {
    let message = format!(
        "the field spec `{}` of {list} says `create: {}`, but one that is there already says `create: {}`",
        spec.path, spec.create, present.create
    );
    let error = BuildError::new(ErrorKind::Transformer, message)
        .at(spec.pos)
        .field(list)
        .with_help(format!("set `create: {}`, or leave the field spec out", present.create));
    if present.pos.is_none() { error } else { error.with_note("the other one", present.pos) }
}

/// Adds name references to a list; those of the same target become one.
pub(super) fn merge_name_references(
    table: &Table<NameReference>,
    incoming: &Table<NameReference>,
) -> Result<Table<NameReference>, BuildError> {
    if let Some(merged) = merged_without_a_look(table, incoming) {
        return Ok(merged);
    }
    let mut rows = table.to_vec();
    let mut changed = false;
    for reference in incoming {
        let mut found = false;
        for row in rows.iter_mut().filter(|row| row.target == reference.target) {
            let merged = merge_field_specs(&row.referrers, &reference.referrers, "nameReference")?;
            changed |= !merged.is_same(&row.referrers);
            row.referrers = merged;
            found = true;
        }
        if !found {
            rows.push(reference.clone());
            changed = true;
        }
    }
    Ok(if changed { rows.into() } else { table.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sorted_and_merge_into_nothing_unchanged() {
        let defaults = TransformerConfig::default_config();
        assert_eq!(defaults.clone().sorted(), defaults);
        let owned: Table<_> = defaults.common_labels.to_vec().into();
        let merged = merge_field_specs(&Table::default(), &owned, "").unwrap();
        assert_eq!(merged, defaults.common_labels);
        assert!(defaults.merge(&defaults).unwrap().name_reference.is_same(&defaults.name_reference));
    }

    #[test]
    fn a_wider_field_spec_adds_nothing_to_a_narrower_one() {
        let mut narrow = FieldSpec::any("spec/x", true);
        narrow.kind = "Foo".into();
        let wide = FieldSpec::any("spec/x", true);
        let merge = |a: &FieldSpec, b: &FieldSpec| {
            merge_field_specs(&vec![a.clone()].into(), &vec![b.clone()].into(), "images").map(|all| all.len())
        };
        assert_eq!(merge(&narrow, &wide).unwrap(), 1);
        assert_eq!(merge(&wide, &narrow).unwrap(), 2);
        assert!(merge(&narrow, &FieldSpec::any("spec/x", false)).is_err());
    }

    #[test]
    fn order_decides_what_is_covered() {
        let prefixes = |specs: &[(&str, bool)]| {
            let spec = |&(kind, create): &(&str, bool)| FieldSpec {
                kind: kind.into(),
                ..FieldSpec::any("spec/x", create)
            };
            let name_prefix = specs.iter().map(spec).collect::<Vec<_>>().into();
            TransformerConfig { name_prefix, ..TransformerConfig::default() }.sorted()
        };
        let kinds = |config: TransformerConfig| {
            config.name_prefix.iter().map(|spec| spec.kind.to_string()).collect::<Vec<_>>()
        };
        // In one file the narrow one is sorted first, and covers the wide one when both are merged.
        let both = TransformerConfig::merge_all([prefixes(&[("", false), ("Bee", false)])]).unwrap();
        assert_eq!(kinds(both), ["Bee"]);
        // In two files both are there, until they are merged into something else.
        let both =
            TransformerConfig::merge_all([prefixes(&[("", false)]), prefixes(&[("Bee", false)])]).unwrap();
        assert_eq!(kinds(both.clone()), ["Bee", ""]);
        assert_eq!(kinds(TransformerConfig::default().merge(&both).unwrap()), ["Bee"]);
        let both =
            TransformerConfig::merge_all([prefixes(&[("", false)]), prefixes(&[("Bee", true)])]).unwrap();
        assert!(TransformerConfig::default().merge(&both).is_err());
    }

    #[test]
    fn name_references_are_merged_by_target() {
        let reference = |target: &str, path: &str| NameReference {
            target: Gvk::new("v1", target),
            referrers: vec![FieldSpec::any(path, false)].into(),
        };
        let mine = TransformerConfig {
            name_reference: vec![reference("B", "b")].into(),
            ..TransformerConfig::default()
        };
        let theirs = TransformerConfig {
            name_reference: vec![reference("B", "c"), reference("A", "a"), reference("B", "b")].into(),
            ..TransformerConfig::default()
        };
        let merged = mine.merge(&theirs).unwrap();
        let shown: Vec<_> =
            merged.name_reference.iter().map(|r| (r.target.kind.as_str(), r.referrers.len())).collect();
        assert_eq!(shown, [("A", 1), ("B", 2)]);
    }
}
