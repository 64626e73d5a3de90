//! Files under `configurations`, which say where transformers look.

use super::TransformerConfig;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::Node;
use crate::yaml::decode::{Rules, from_node};

/// Reads such a file from its root node; an empty file has none and says nothing.
pub(crate) fn load(root: Option<&Node>) -> Result<TransformerConfig, BuildError> {
    let Some(root) = root else { return Ok(TransformerConfig::default()) };
    let config: TransformerConfig = from_node(root, Rules::CONFIGURATION)
        .map_err(|error| BuildError::decode(ErrorKind::Transformer, error))?;
    Ok(config.sorted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Sources, reader::read_config_strict};

    fn read(text: &str) -> Result<TransformerConfig, BuildError> {
        let file = Sources::default().add("config.yaml", text.into(), None);
        load(read_config_strict(text, file)?.as_ref())
    }

    #[test]
    fn reads_as_strictly_as_the_reference() {
        let config = read(
            "CommonAnnotations: [{PATH: 5, create: on}]\n\
             nameReference: [{kind: Secret, version: v1, fieldSpecs: [{path: spec/ref, kind: Bee}]}]\n\
             ---\nfoo: bar",
        )
        .unwrap();
        assert_eq!(*config.common_annotations, [crate::field_spec::FieldSpec::any("5", true)]);
        assert_eq!(config.name_reference[0].referrers[0].path.as_str(), "spec/ref");
        assert_eq!(read("").unwrap(), TransformerConfig::default());
        for text in [
            "[]",
            "foo: []",
            "images: []\nimages: []",
            "images: [{path: a, path: a}]",
            "images: [{path: a, creat: true}]",
            "images: [{path: a, create: \"true\"}]",
            "nameReference: [{kind: Secret, version: 1}]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn conflicts_with_the_defaults_are_refused() {
        let merge = |text| TransformerConfig::default_config().merge(&read(text)?);
        assert!(merge("commonAnnotations: [{path: metadata/annotations, create: true}]").is_ok());
        let error = merge("commonAnnotations: [{path: metadata/annotations}]").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the field spec `metadata/annotations` of commonAnnotations says `create: false`, \
             but one that is there already says `create: true`"
        );
        // A narrower one is no conflict with the defaults, but with what both have become.
        let both = merge("commonAnnotations: [{path: metadata/annotations, kind: Bee}]").unwrap();
        assert!(TransformerConfig::default().merge(&both).is_err());
    }
}
