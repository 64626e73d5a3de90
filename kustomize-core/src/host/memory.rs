//! A host whose files are in memory: tests, editors, browsers.

use std::collections::BTreeMap;

use super::{EntryKind, Host, HostError, path};

/// Files in memory, by absolute path. Directories exist where files are below them.
///
/// ```
/// use kustomize_core::host::{Host, MemoryHost};
///
/// let host = MemoryHost::from_iter([("/app/kustomization.yaml", "resources: []\n")]);
/// assert_eq!(host.list("/app").unwrap(), ["kustomization.yaml"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryHost {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryHost {
    /// No files at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file. A relative path is taken from the root.
    pub fn insert(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(path::clean(&format!("/{path}")), content.into());
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) -> Option<Vec<u8>> {
        self.files.remove(&path::clean(&format!("/{path}")))
    }

    /// Paths of all files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    fn below<'a>(&'a self, directory: &str) -> impl Iterator<Item = &'a str> {
        let prefix = if directory == "/" { "/".to_owned() } else { format!("{directory}/") };
        self.files
            .range(prefix.clone()..)
            .map(|(path, _)| path.as_str())
            .map_while(move |path| path.strip_prefix(prefix.as_str()))
    }
}

impl<P: AsRef<str>, C: Into<Vec<u8>>> FromIterator<(P, C)> for MemoryHost {
    fn from_iter<I: IntoIterator<Item = (P, C)>>(files: I) -> Self {
        let mut host = MemoryHost::new();
        for (path, content) in files {
            host.insert(path.as_ref(), content);
        }
        host
    }
}

impl Host for MemoryHost {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        match self.files.get(&path::clean(path)) {
            Some(content) => Ok(content.clone()),
            None => match self.kind(path)? {
                EntryKind::Directory => Err(HostError::IsDirectory),
                _ => Err(HostError::NotFound),
            },
        }
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        self.kind(path).map(|_| path::clean(path))
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        let path = path::clean(path);
        if self.files.contains_key(&path) {
            return Ok(EntryKind::File);
        }
        if path == "/" || self.below(&path).next().is_some() {
            return Ok(EntryKind::Directory);
        }
        Err(HostError::NotFound)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let directory = path::clean(directory);
        match self.kind(&directory)? {
            EntryKind::Directory => {}
            _ => return Err(HostError::NotDirectory),
        }
        let mut names: Vec<String> =
            self.below(&directory).map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}
