//! Where a resource came from, for `buildMetadata: [originAnnotations]`.

use crate::host::{RepositorySpec, path};

/// File, repository, or generator that a resource came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Path of the file, relative to the root of the build or of its repository.
    pub path: String,
    /// URL of the repository.
    pub repo: String,
    /// Branch, tag or commit in the repository.
    pub reference: String,
    /// File that configures the generator or transformer.
    pub configured_in: String,
    /// Kind and, where it has one, name of the generator or transformer.
    pub configured_by: Option<ConfiguredBy>,
}

/// Identity of a generator or transformer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfiguredBy {
    /// `apiVersion` of the configuration, `builtin` for a kustomization field.
    pub api_version: String,
    /// Kind of the configuration.
    pub kind: String,
    /// Name of the configuration.
    pub name: String,
    /// Namespace of the configuration.
    pub namespace: String,
}

impl Origin {
    /// The same origin one path further; a path that names a repository starts anew in it.
    #[must_use]
    pub fn append(&self, path: &str) -> Self {
        match RepositorySpec::parse(path) {
            Ok(spec) => Origin {
                path: spec.origin_path(),
                repo: spec.clone_url(),
                reference: spec.reference().to_owned(),
                ..self.clone()
            },
            Err(_) => Origin { path: path::join(&self.path, path), ..self.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_starts_anew() {
        let base = Origin { path: "a".to_owned(), configured_in: "k.yaml".to_owned(), ..Origin::default() };
        assert_eq!(base.append("../b/c.yaml").path, "b/c.yaml");
        let origin = base.append("https://github.com/owner/name//dir/below?ref=v1");
        assert_eq!((origin.path.as_str(), origin.reference.as_str()), ("dir/below", "v1"));
        assert_eq!(origin.repo, "https://github.com/owner/name");
        assert_eq!(origin.configured_in, "k.yaml");
    }
}
