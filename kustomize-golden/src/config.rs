//! The file at the top of a repository that says where golden files stand.

use kustomize_core::host::{Host, path};
use kustomize_core::yaml::decode::{Rules, Spanned, fields, from_node};
use kustomize_core::yaml::{Pos, Sources, read_config_strict};
use kustomize_core::{BuildError, ErrorKind};

/// Name of the configuration file.
pub const CONFIG_FILE: &str = "kustomize-golden.yaml";

/// What the configuration file says. All paths are taken from the directory it stands in.
///
/// It says where files are and no more: what a build may do is up to whoever runs it, never to the
/// repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// Where golden files stand, in a tree like that of the overlays.
    pub(crate) directory: Option<Spanned<String>>,
    /// What they are called.
    pub(crate) file: Option<Spanned<String>>,
    /// Directories in which there are no overlays to test.
    pub(crate) exclude: Vec<Spanned<String>>,
}

fields!(Config { directory, file, exclude });

/// A configuration file that has been read.
pub(crate) struct ConfigFile {
    pub(crate) config: Config,
    sources: Sources,
}

impl ConfigFile {
    /// Reads the configuration file of a directory.
    pub(crate) fn read(host: &dyn Host, directory: &str) -> Result<Self, BuildError> {
        let file = path::join(directory, CONFIG_FILE);
        let refuse = |message: &str| BuildError::new(ErrorKind::Golden, message).in_file(&file);
        // An error shows the line that it is about, which must not be one of a file elsewhere.
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

    /// An error about something in it.
    pub(crate) fn refuse(&self, pos: Pos, field: &str, message: String) -> BuildError {
        BuildError::new(ErrorKind::Golden, message).at(pos).field(field).located(&self.sources)
    }
}
