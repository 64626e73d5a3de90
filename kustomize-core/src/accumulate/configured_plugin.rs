//! One generator or transformer that a kustomization asks for.

use super::target::Target;
use crate::error::BuildError;
use crate::resource::{ConfiguredBy, Origin, Resource};
use crate::yaml::Pos;

/// A generator or transformer, who configured it, and where.
pub(super) struct ConfiguredPlugin<T> {
    pub(super) plugin: T,
    /// For the origin annotations; kept only when the root's `buildMetadata` asks for something.
    pub(super) origin: Option<Origin>,
    /// Where it was configured, for errors that know no better place.
    pub(super) pos: Pos,
}

impl<T> ConfiguredPlugin<T> {
    /// A step that a field of the kustomization asks for.
    pub(super) fn of_field(target: &Target<'_>, kind: &str, pos: Pos, plugin: T) -> Self {
        let origin = target.origin.as_ref().map(|origin| Origin {
            path: String::new(),
            configured_in: origin.append(target.file_name).path,
            configured_by: Some(ConfiguredBy {
                api_version: "builtin".to_owned(),
                kind: kind.to_owned(),
                ..ConfiguredBy::default()
            }),
            ..origin.clone()
        });
        ConfiguredPlugin { plugin, origin, pos }
    }

    /// A step that a plugin configuration asks for.
    pub(super) fn of_configuration(configuration: &Resource, plugin: T) -> Result<Self, BuildError> {
        let origin = configuration.origin()?.map(|origin| Origin {
            path: String::new(),
            configured_in: origin.path.clone(),
            configured_by: Some(ConfiguredBy {
                api_version: configuration.api_version().to_owned(),
                kind: configuration.kind().to_owned(),
                name: configuration.name().to_owned(),
                namespace: configuration.namespace().to_owned(),
            }),
            ..origin
        });
        Ok(ConfiguredPlugin { plugin, origin, pos: configuration.node.pos })
    }
}
