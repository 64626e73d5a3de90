//! Finding the kustomization file of a directory.

use super::Loader;
use super::suggest::{configuration, has_kustomization, most_similar};
use crate::error::{BuildError, ErrorKind};
use crate::host::{EntryKind, path};
use crate::kustomization::FILE_NAMES;
use crate::yaml::{FileId, SourceText};

/// A kustomization file.
#[derive(Debug)]
pub(crate) struct KustomizationText {
    /// Which of the names it has.
    pub(crate) name: &'static str,
    /// Its number among the sources of the build.
    pub(crate) file: FileId,
    /// Its text.
    pub(crate) text: SourceText,
}

impl Loader<'_> {
    /// The one kustomization file of this directory.
    ///
    /// # Errors
    /// [`ErrorKind::Kustomization`] when there is none or more than one. As in kustomize, one
    /// that cannot be read counts as missing; the message says why it could not be.
    pub(crate) fn find_kustomization(&self) -> Result<KustomizationText, BuildError> {
        let mut found = None;
        let mut unreadable = Vec::new();
        for name in FILE_NAMES {
            match (self.load_if_there(name), &found) {
                (Ok(None), _) => {}
                (Ok(Some(content)), None) => found = Some((name, content)),
                (Ok(Some(_)), Some((first, _))) => return Err(self.several(first, name)),
                (Err(error), _) => unreadable.push(error),
            }
        }
        let Some((name, (display, content))) = found else {
            return Err(self.none(&unreadable));
        };
        let (file, text) = self.add_source(display, content)?;
        Ok(KustomizationText { name, file, text })
    }

    fn several(&self, first: &str, second: &str) -> BuildError {
        let root = self.display_root();
        let message = format!("'{root}' has more than one kustomization file: {first} and {second}");
        BuildError::new(ErrorKind::Kustomization, message)
            .in_file(root)
            .with_help("keep one of them: kustomize reads exactly one file a directory")
    }

    fn none(&self, unreadable: &[BuildError]) -> BuildError {
        let root = self.display_root();
        // Whatever file one asks for: it is the directory that may not be searched.
        let whole = unreadable.first().filter(|_| unreadable.len() == FILE_NAMES.len());
        if let Some(ErrorKind::Host(reason)) = whole.map(BuildError::kind) {
            let message = format!("the directory '{root}' cannot be read: {reason}");
            return BuildError::new(ErrorKind::Host(reason.clone()), message).in_file(root);
        }
        if let Some(error) = unreadable.first() {
            let message = format!("the kustomization file of '{root}' cannot be read: {error}");
            return BuildError::new(ErrorKind::Kustomization, message).in_file(root);
        }
        let [first, second, third] = FILE_NAMES;
        let message = format!("'{root}' has no kustomization file ({first}, {second} or {third})");
        let names = self.cx.host.list(self.root()).unwrap_or_default();
        BuildError::new(ErrorKind::Kustomization, message).in_file(root).with_help(self.cure(&names))
    }

    /// What to do in a directory without a kustomization file: rename one that looks like it,
    /// build a directory below it, or write one.
    fn cure(&self, names: &[String]) -> String {
        let host = self.cx.host;
        let is_file = |name: &&str| host.kind(&path::join(self.root(), name)) == Ok(EntryKind::File);
        let misnamed = most_similar(FILE_NAMES[0], names).filter(is_file);
        if let Some(name) = misnamed {
            return format!("rename {name} to {}", FILE_NAMES[0]);
        }
        let can_be_built = |name: &&String| has_kustomization(host, &path::join(self.root(), name));
        let below: Vec<&str> =
            names.iter().take(LOOKED_AT).filter(can_be_built).map(String::as_str).collect();
        if !below.is_empty() {
            return format!("these directories in it have one: {}", shortened(&below));
        }
        match configuration(names).as_slice() {
            [] if names.is_empty() => "the directory is empty".to_owned(),
            [] => "there is no YAML in it: is it the right directory?".to_owned(),
            files => format!("write one that lists its `resources`: {}", shortened(files)),
        }
    }
}

/// How many entries of a directory are looked into for a suggestion.
const LOOKED_AT: usize = 256;
/// How many names a message lists.
const LISTED: usize = 8;

fn shortened(names: &[&str]) -> String {
    let listed = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
