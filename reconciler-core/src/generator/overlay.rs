//! A source with the generated file in it.

use std::collections::BTreeMap;

use kustomize_core::host::{EntryKind, Host, HostError, path};
use kustomize_core::kustomization::FILE_NAMES;
use kustomize_core::yaml::{self, Map, Node, Seq, SourceText, Sources};
use reconciler_api::kustomization::KustomizationSpec;

use super::filter::Filter;
use super::{GenerateError, model, overrides, scan};

/// A kustomization file that was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Where it stands.
    pub path: String,
    /// Its content.
    pub text: String,
    /// Whether there was none before.
    pub is_new: bool,
    /// What is said of fields of the original that do not exist. As Flux does, the build ignores them.
    pub ignored: Vec<String>,
}

/// What only the command line knows, next to the spec.
#[derive(Clone, Debug, Default)]
pub struct CommandOptions<'a> {
    /// Rules for files to leave out, one a line, on top of those of the source and the defaults. No files
    /// are left out if there is nothing here.
    pub ignore: Option<&'a str>,
    /// The spec as it was written, which may have fields of versions before `v1`.
    pub written_spec: Option<&'a serde_json::Value>,
}

/// A source as a build sees it: with the generated kustomization file in place, and with nothing outside
/// the root of the source.
pub struct OverlayHost<'h> {
    host: &'h dyn Host,
    root: String,
    directory: String,
    generated: Generated,
    /// Other content of files, by their resolved paths.
    replaced: BTreeMap<String, Vec<u8>>,
}

impl<'h> OverlayHost<'h> {
    /// Generates the kustomization file of a directory. `path` is taken from the root of the source, which
    /// it cannot leave.
    ///
    /// # Errors
    /// A directory or manifest that cannot be read, or a kustomization file that is not YAML.
    pub fn new(
        host: &'h dyn Host,
        root: &str,
        path: &str,
        spec: &KustomizationSpec,
    ) -> Result<Self, GenerateError> {
        Self::with_options(host, root, path, spec, &CommandOptions::default())
    }

    /// The same, as the command line has it.
    ///
    /// # Errors
    /// As for [`OverlayHost::new`].
    pub fn with_options(
        host: &'h dyn Host,
        root: &str,
        path: &str,
        spec: &KustomizationSpec,
        options: &CommandOptions<'_>,
    ) -> Result<Self, GenerateError> {
        let unreadable = |path: &str| {
            let path = path.to_owned();
            move |source| GenerateError::Unreadable { path, source }
        };
        let root = host.resolve(root).map_err(unreadable(root))?;
        let directory = path::join(&root, &path::clean(&format!("/{path}")));
        let directory = host.resolve(&directory).map_err(unreadable(&directory))?;
        if !path::is_within(&root, &directory) {
            return Err(GenerateError::Outside { path: directory, root });
        }
        if host.kind(&directory).map_err(unreadable(&directory))? != EntryKind::Directory {
            return Err(unreadable(&directory)(HostError::NotDirectory));
        }
        let filter = options.ignore.map(|ignore| Filter::load(host, &directory, ignore)).transpose()?;
        let existing = scan::kustomization_file(host, &directory);
        let (mut file, ignored) = match &existing {
            Some(file) => read_file(host, &root, file)?,
            None => (new_file(host, &root, &directory, filter.as_ref())?, Vec::new()),
        };
        if let Some(filter) = &filter {
            filter.apply(&mut file, host, &directory)?;
        }
        let exists = |component: &str| {
            let resolved = host.resolve(&path::join(&directory, component));
            resolved.is_ok_and(|resolved| path::is_within(&root, &resolved))
        };
        overrides::apply(&mut file, spec, exists)?;
        if let Some(spec) = options.written_spec {
            overrides::apply_older(&mut file, spec)?;
        }
        let mut text = String::new();
        yaml::print(&Node::map(file), &mut text)
            .map_err(|failure| GenerateError::Type(failure.to_string()))?;
        let is_new = existing.is_none();
        let path = match existing {
            // The file may be a link within the source.
            Some(file) => host.resolve(&file).map_err(unreadable(&file))?,
            None => {
                let file = path::join(&directory, FILE_NAMES[0]);
                if host.kind(&file).is_ok() {
                    return Err(unreadable(&file)(HostError::IsDirectory));
                }
                file
            }
        };
        Ok(OverlayHost {
            host,
            root,
            directory,
            generated: Generated { path, text, is_new, ignored },
            replaced: BTreeMap::new(),
        })
    }

    /// The directory that is built.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The generated file.
    #[must_use]
    pub fn generated(&self) -> &Generated {
        &self.generated
    }

    /// Gives files other content, by their resolved paths.
    pub fn replace(&mut self, files: BTreeMap<String, Vec<u8>>) {
        self.replaced.extend(files);
    }

    /// Whether a path leads to the generated file.
    fn is_generated(&self, path: &str) -> bool {
        if path::base_name(path) != path::base_name(&self.generated.path) {
            return false;
        }
        let path = path::clean(path);
        path == self.generated.path
            || self
                .host
                .resolve(path::parent(&path))
                .is_ok_and(|directory| path::join(&directory, path::base_name(&path)) == self.generated.path)
    }

    /// The path with links resolved, if it is within the root.
    fn inside(&self, path: &str) -> Result<String, HostError> {
        let resolved = self.host.resolve(path)?;
        if path::is_within(&self.root, &resolved) {
            return Ok(resolved);
        }
        Err(HostError::Other(format!("path '{path}' is not in or below '{}'", self.root)))
    }
}

impl Host for OverlayHost<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        if self.is_generated(path) {
            return Ok(self.generated.text.clone().into_bytes());
        }
        let resolved = self.inside(path)?;
        if resolved == self.generated.path {
            return Ok(self.generated.text.clone().into_bytes());
        }
        match self.replaced.get(&resolved) {
            Some(content) => Ok(content.clone()),
            None => self.host.read(&resolved),
        }
    }

    fn resolve(&self, path: &str) -> Result<String, HostError> {
        if self.is_generated(path) {
            return Ok(self.generated.path.clone());
        }
        self.inside(path)
    }

    fn kind(&self, path: &str) -> Result<EntryKind, HostError> {
        if self.is_generated(path) {
            return Ok(EntryKind::File);
        }
        self.host.kind(&self.inside(path)?)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, HostError> {
        let resolved = self.inside(directory)?;
        let mut names = self.host.list(&resolved)?;
        if self.generated.is_new && resolved == self.directory {
            names.push(path::base_name(&self.generated.path).to_owned());
            names.sort_unstable();
        }
        Ok(names)
    }

    fn current_directory(&self) -> Result<String, HostError> {
        Ok(self.root.clone())
    }
}

/// The kustomization file as Go's types hold it.
fn read_file(host: &dyn Host, root: &str, file: &str) -> Result<(Map, Vec<String>), GenerateError> {
    let unreadable = |source| GenerateError::Unreadable { path: file.to_owned(), source };
    let resolved = host.resolve(file).map_err(unreadable)?;
    if !path::is_within(root, &resolved) {
        return Err(GenerateError::Outside { path: file.to_owned(), root: root.to_owned() });
    }
    let content = host.read(&resolved).map_err(unreadable)?;
    let text = String::from_utf8(content)
        .map_err(|_| GenerateError::Yaml("control characters are not allowed".to_owned()))?;
    let sources = Sources::default();
    let id = sources.add(file, SourceText::from(text.clone()), None);
    let node = yaml::read_config(&text, id).map_err(|failure| {
        let line = sources.location(failure.pos()).map_or(0, |place| place.line);
        GenerateError::Yaml(format!("line {line}: {failure}"))
    })?;
    let node = node.unwrap_or_else(Node::null);
    let ignored = model::unknown(&node).into_iter().map(|(pos, text)| match sources.location(pos) {
        Some(place) => format!("{}:{}: {text}", file.trim_start_matches('/'), place.line),
        None => text,
    });
    let ignored = ignored.collect();
    let mut map = model::read(&node).map_err(GenerateError::Type)?;
    for (field, value) in [("apiVersion", "kustomize.config.k8s.io/v1beta1"), ("kind", "Kustomization")] {
        map.get_or_insert_with(field, || Node::string(value));
    }
    if !map.contains("resources") {
        // A file without resources counts as empty; this keeps it from that.
        let items = vec![Node::string("originAnnotations")];
        map.insert("buildMetadata", Node::seq(Seq::from_items(items)));
    }
    Ok((map, ignored))
}

/// A kustomization file that lists the manifests of a directory.
fn new_file(
    host: &dyn Host,
    root: &str,
    directory: &str,
    filter: Option<&Filter>,
) -> Result<Map, GenerateError> {
    let is_skipped = |file: &str| filter.is_some_and(|filter| filter.skips_manifest(file));
    let resources = scan::manifests(host, root, directory, &is_skipped)?;
    let mut map = Map::new();
    map.insert("apiVersion", Node::string("kustomize.config.k8s.io/v1beta1"));
    map.insert("kind", Node::string("Kustomization"));
    if resources.is_empty() {
        // Anything, as a file without content is refused.
        map.insert("namespace", Node::string("_placeholder"));
    } else {
        let items = resources.iter().map(Node::string).collect();
        map.insert("resources", Node::seq(Seq::from_items(items)));
    }
    Ok(map)
}
