//! A host with one file more than another one.

use super::{Command, EntryKind, Host, HostError, Output, Repository, path};

/// Another host, in which one file has the given content. The file need not exist there.
///
/// ```
/// use kustomize_core::host::{Host, MemoryHost, WithFile};
///
/// let files = MemoryHost::from_iter([("/app/service.yaml", "")]);
/// let host = WithFile::new(&files, "/app", "kustomization.yaml", "resources: [service.yaml]\n");
/// assert_eq!(host.list("/app").unwrap(), ["kustomization.yaml", "service.yaml"]);
/// ```
pub struct WithFile<'a> {
    host: &'a dyn Host,
    directory: String,
    name: String,
    content: Vec<u8>,
    hidden: Vec<String>,
}

impl<'a> WithFile<'a> {
    /// Adds a file to a directory, which has links resolved, or replaces it there.
    #[must_use]
    pub fn new(host: &'a dyn Host, directory: &str, name: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        WithFile {
            host,
            directory: path::clean(directory),
            name: name.to_owned(),
            content,
            hidden: Vec::new(),
        }
    }

    /// Hides other files of the same directory.
    #[must_use]
    pub fn hiding(mut self, names: &[&str]) -> Self {
        self.hidden = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The name of a file in the directory, for a path of one.
    fn name_of<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (directory, name) = path.rsplit_once('/')?;
        let root_or = |directory: &'p str| if directory.is_empty() { "/" } else { directory };
        (root_or(directory) == self.directory).then_some(name)
    }

    fn is_file(&self, path: &str) -> bool {
        self.name_of(path) == Some(&self.name)
    }

    fn check_visible(&self, path: &str) -> Result<(), HostError> {
        match self.name_of(path) {
            Some(name) if self.hidden.iter().any(|hidden| hidden == name) => Err(HostError::NotFound),
            _ => Ok(()),
        }
    }
}

impl Host for WithFile<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        if self.is_file(path) {
            return Ok(self.content.clone());
        }
        self.check_visible(path)?;
        self.host.read(path)
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        if self.is_file(path) {
            return Ok(path.to_owned());
        }
        self.check_visible(path)?;
        self.host.resolve(path)
    }

    fn resolve_below(&self, directory: &str, path: &str) -> Result<String, HostError> {
        if self.is_file(path) {
            return Ok(path.to_owned());
        }
        self.check_visible(path)?;
        self.host.resolve_below(directory, path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        if self.is_file(path) {
            return Ok(EntryKind::File);
        }
        self.check_visible(path)?;
        self.host.kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let mut names = self.host.list(directory)?;
        if directory == self.directory {
            names.retain(|name| !self.hidden.contains(name));
            if let Err(place) = names.binary_search(&self.name) {
                names.insert(place, self.name.clone());
            }
        }
        Ok(names)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        self.host.current_directory()
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, HostError> {
        self.host.fetch(url)
    }

    fn clone_repository(&self, repository: &Repository) -> Result<String, HostError> {
        self.host.clone_repository(repository)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        self.host.run(command)
    }

    fn scratch_directory(&self) -> Result<String, HostError> {
        self.host.scratch_directory()
    }

    fn write_scratch(&self, path: &str, content: &[u8]) -> Result<(), HostError> {
        self.host.write_scratch(path, content)
    }

    fn remove_scratch(&self, directory: &str) {
        self.host.remove_scratch(directory);
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.host.environment(name)
    }
}
