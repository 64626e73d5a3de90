//! Annotations that say where a resource came from and what changed it, for
//! `buildMetadata: [originAnnotations, transformerAnnotations]`.
//!
//! Unlike the rest of the bookkeeping these are annotations in the tree from the start, as in
//! kustomize: users may write them, select by them, patch them and remove them. Only builds with
//! `buildMetadata` pay for it.

use super::origin_text;
use super::{Origin, Resource};
use crate::error::{BuildError, ErrorKind};
use crate::yaml::{Map, Node, Scalar, Str, Value};

/// Where a resource came from.
pub(super) const ORIGIN: &str = "config.kubernetes.io/origin";
/// What changed it.
pub(super) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

impl Resource {
    /// Where the resource came from, if that is noted.
    ///
    /// # Errors
    /// An annotation that does not say so in YAML.
    pub(crate) fn origin(&self) -> Result<Option<Origin>, BuildError> {
        let Some(text) = self.annotation(ORIGIN) else { return Ok(None) };
        origin_text::parse(text).map(Some).map_err(|message| self.bad_annotation(ORIGIN, &message))
    }

    /// Notes the file that the resource was read from.
    ///
    /// # Errors
    /// Annotations, or metadata, that are no map.
    pub(crate) fn set_origin(&mut self, origin: &Origin) -> Result<(), BuildError> {
        let text = origin_text::print(origin);
        let refuse = |resource: &Resource, field: &str| {
            let message = format!("`{field}` is not a map");
            Err(BuildError::new(ErrorKind::Resource, message).about(resource.written_id()).field(field))
        };
        let Some(root) = self.node.as_map_mut() else { return refuse(self, "") };
        let Some(metadata) = map_at(root, "metadata") else { return refuse(self, "metadata") };
        let Some(annotations) = map_at(metadata, "annotations") else {
            return refuse(self, "metadata.annotations");
        };
        annotations.set_field(ORIGIN, Node::scalar(Scalar::string(text)));
        Ok(())
    }

    /// Notes the generator that made the resource, unless an origin is noted
    /// (kustomize's `AddOriginAnnotation`).
    pub(crate) fn set_origin_if_absent(&mut self, origin: &Origin) {
        if self.annotation(ORIGIN).is_none() {
            self.annotate(ORIGIN, origin_text::print(origin));
        }
    }

    /// Notes transformers that may have changed the resource; one without an origin is taken to
    /// be made by the first (kustomize's `AddTransformerAnnotation`).
    ///
    /// # Errors
    /// Annotations of this kind that do not say so in YAML.
    pub(crate) fn note_transformations(&mut self, mut transformers: &[&Origin]) -> Result<(), BuildError> {
        if let ([first, rest @ ..], None) = (transformers, self.origin()?) {
            self.annotate(ORIGIN, origin_text::print(first));
            transformers = rest;
        }
        if transformers.is_empty() {
            return Ok(());
        }
        let earlier = match self.annotation(TRANSFORMATIONS) {
            None => String::new(),
            Some(text) => origin_text::normal_list(text)
                .map_err(|message| self.bad_annotation(TRANSFORMATIONS, &message))?,
        };
        let items = transformers.iter().map(|transformer| origin_text::print_item(transformer));
        let text = items.fold(earlier, |text, item| text + &item);
        self.annotate(TRANSFORMATIONS, text);
        Ok(())
    }

    /// Sets an annotation, which makes strings of all of them.
    fn annotate(&mut self, name: &'static str, text: String) {
        let mut pairs: Vec<(Str, Str)> = self
            .annotations()
            .filter(|(other, _)| *other != name)
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        pairs.push((Str::new_static(name), text.into()));
        self.set_annotations(pairs);
    }

    fn bad_annotation(&self, name: &'static str, message: &str) -> BuildError {
        let pos = self.node.at(&["metadata", "annotations", name]).map_or(self.node.pos, |node| node.pos);
        BuildError::new(ErrorKind::Resource, format!("the annotation `{name}` cannot be read: {message}"))
            .at(pos)
            .about(self.written_id())
            .with_help("leave this annotation to the build")
    }
}

/// The map in a field, made where it is missing or null; none where something else stands.
fn map_at<'m>(map: &'m mut Map, field: &str) -> Option<&'m mut Map> {
    let node = map.get_or_insert_with(field, || Node::map(Map::new()));
    if node.is_null() {
        node.value = Value::Map(Map::new());
    }
    node.as_map_mut()
}
