//! Leaving files out of a kustomization, as the command line does it.

use kustomize_core::host::{EntryKind, Host, path};
use kustomize_core::yaml::{Map, Node, Seq};
use url::Url;

use super::GenerateError;
use crate::source::IgnoreRules;

/// What is left out of the kustomization of a directory.
pub(super) struct Filter {
    /// Whether there are any rules but the defaults.
    has_own_rules: bool,
    rules: IgnoreRules,
}

impl Filter {
    /// The rules in and below a directory, then those of a text.
    ///
    /// # Errors
    /// A file or directory that cannot be read.
    pub(super) fn load(host: &dyn Host, directory: &str, ignore: &str) -> Result<Self, GenerateError> {
        let mut own = IgnoreRules::load(host, directory)
            .map_err(|source| GenerateError::Unreadable { path: directory.to_owned(), source })?;
        own.add("", ignore);
        Ok(Filter { has_own_rules: !own.is_empty(), rules: IgnoreRules::of_working_directory(own) })
    }

    /// Whether a manifest that was found below the directory is left out.
    pub(super) fn skips_manifest(&self, file: &str) -> bool {
        self.has_own_rules && self.rules.is_ignored(file, false)
    }

    /// Takes resources, components and CRDs out of a kustomization file.
    ///
    /// # Errors
    /// A path where nothing is.
    pub(super) fn apply(
        &self,
        file: &mut Map,
        host: &dyn Host,
        directory: &str,
    ) -> Result<(), GenerateError> {
        for (field, may_be_url) in [("resources", true), ("components", true), ("crds", false)] {
            let Some(list) = file.get(field).and_then(Node::as_seq) else { continue };
            let mut kept = Vec::new();
            for item in list.iter() {
                if may_be_url && is_url(item.text()) || !self.skips(item.text(), host, directory)? {
                    kept.push(item.clone());
                }
            }
            if kept.is_empty() {
                file.remove(field);
            } else {
                file.insert(field, Node::seq(Seq::from_items(kept)));
            }
        }
        Ok(())
    }

    fn skips(&self, item: &str, host: &dyn Host, directory: &str) -> Result<bool, GenerateError> {
        let target = path::join(directory, item);
        let is_link = host.resolve(&target).is_ok_and(|resolved| resolved != target);
        let kind = host
            .kind(&target)
            .map_err(|source| GenerateError::Unreadable { path: target.clone(), source })?;
        let Some(below) = target.strip_prefix(directory) else { return Ok(false) };
        Ok(self.rules.is_ignored(below, kind == EntryKind::Directory && !is_link))
    }
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok()
}
