//! The configuration file at the top of a repository, which says where golden files are.

use kustomize_core::host::{Host, path};
use kustomize_core::yaml::decode::{Rules, Spanned, fields, from_node};
use kustomize_core::yaml::{Pos, Sources, read_config_strict};
use kustomize_core::{BuildError, ErrorKind};

/// Name of the configuration file.
pub const CONFIG_FILE: &str = "kustomize-golden.yaml";

/// The fields of the configuration file. Paths are relative to its directory.
///
/// It only says where files are. What a build may do is decided by the user who runs it, never by the
/// repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// The directory of golden files, with the same tree as the overlays.
    pub(crate) directory: Option<Spanned<String>>,
    /// Their file name.
    pub(crate) file: Option<Spanned<String>>,
    /// Directories without overlays to test.
    pub(crate) exclude: Vec<Spanned<String>>,
}

fields!(Config { directory, file, exclude });

/// A parsed configuration file.
pub(crate) struct ConfigFile {
    pub(crate) config: Config,
    sources: Sources,
}

impl ConfigFile {
    /// Reads the configuration file of a directory.
    pub(crate) fn read(host: &dyn Host, directory: &str) -> Result<Self, BuildError> {
        let file = path::join(directory, CONFIG_FILE);
        let refuse = |message: &str| BuildError::new(ErrorKind::Golden, message).in_file(&file);
        // An error shows a line of the file, so the file must not be outside of the repository.
        if host.resolve(&file).ok().as_ref() != Some(&file) {
            return Err(refuse("the configuration is a link, which is not followed"));
        }
        let content = host.read_unlinked(&file).map_err(|error| BuildError::host(error, &file))?;
        let text = String::from_utf8(content).map_err(|_| refuse("the configuration is not UTF-8 text"))?;
        let sources = Sources::default();
        let id = sources.add(&file, text.as_str().into(), None);
        let read = read_config_strict(&text, id).map_err(BuildError::from).and_then(|node| match node {
            Some(node) => from_node(&node, Rules::KUSTOMIZATION)
                .map_err(|error| BuildError::decode(ErrorKind::Golden, error)),
            None => Ok(Config::default()),
        });
        match read {
            Ok(config) => Ok(ConfigFile { config, sources }),
            Err(error) => Err(error.in_file(&file).located(&sources)),
        }
    }

    /// An error about a field.
    pub(crate) fn refuse(&self, pos: Pos, field: &str, message: String) -> BuildError {
        BuildError::new(ErrorKind::Golden, message).at(pos).field(field).located(&self.sources)
    }
}
