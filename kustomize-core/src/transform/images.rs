//! `images` and `ImageTagTransformer`.

use super::Local;
use super::config::decode;
use super::image_name::{NamePattern, Parts, split};
use super::image_use::Uses;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{Create, FieldSpec, FieldSpecs, FieldTries, Table};
use crate::kustomization::Image;
use crate::pattern::BadPattern;
use crate::resource::{Change, Gvk, Resource, ResourceSet};
use crate::schema::Schema;
use crate::yaml::decode::{Spanned, fields};
use crate::yaml::{Node, Scalar, Str, Value};

/// Changes names, tags and digests of images.
#[derive(Debug)]
pub(crate) struct ImageTagTransformer {
    rules: Vec<Rule>,
    fields: Fields,
}

/// Where images are, apart from containers.
#[derive(Debug)]
enum Fields {
    /// The same fields in resources of all kinds.
    OfAll(FieldTries),
    OfKinds(FieldSpecs),
}

impl Fields {
    fn new(specs: Table<FieldSpec>) -> Self {
        let means_all =
            |spec: &FieldSpec| spec.group.is_empty() && spec.version.is_empty() && spec.kind.is_empty();
        if specs.iter().all(means_all) {
            Fields::OfAll(FieldTries::of(&Gvk::default(), &specs))
        } else {
            Fields::OfKinds(FieldSpecs::new(specs))
        }
    }
}

#[derive(Debug)]
struct Rule {
    image: Spanned<Image>,
    uses: Uses,
    /// A bad one is an error only where there is an image to hold against it.
    pattern: Result<NamePattern, BadPattern>,
}

#[derive(Default)]
struct Config {
    image_tag: Image,
    field_specs: Table<FieldSpec>,
}

fields!(Config { image_tag = "imageTag", field_specs = "fieldSpecs" });

impl ImageTagTransformer {
    /// Makes these changes, in order.
    pub(crate) fn new(images: &[Spanned<Image>], specs: Table<FieldSpec>) -> Self {
        let rule = |image: &Spanned<Image>| {
            let (image, pattern) = (image.clone(), NamePattern::new(&image.name));
            Rule { image, uses: Uses::default(), pattern }
        };
        let rules = images.iter().map(rule).collect();
        ImageTagTransformer { rules, fields: Fields::new(specs) }
    }

    /// From a configuration of this kind.
    pub(crate) fn from_config(config: &Node) -> Result<Self, BuildError> {
        let Config { image_tag, field_specs } = decode(config)?;
        Ok(Self::new(&[Spanned { value: image_tag, pos: config.pos }], field_specs))
    }

    /// Changes the images of one resource. Most rules mean none of its images, so these are looked
    /// at first, and only the rules that do something go through the tree. False if it has changed,
    /// and with it, maybe, whether a rule means any image.
    ///
    /// # Errors
    /// An image that is not a scalar, a name that is no regular expression.
    fn apply_to(&self, resource: &mut Resource) -> Result<bool, BuildError> {
        if self.rules.is_empty() || resource.kind() == "CustomResourceDefinition" {
            return Ok(true);
        }
        let mut images: Vec<Str> = Vec::new();
        self.look(resource, &mut images)?;
        let mut is_as_before = true;
        for (at, rule) in self.rules.iter().enumerate() {
            let is_used = rule.may_change(&images);
            is_as_before &= rule.uses.note(is_used, resource);
            if is_used {
                self.visit(resource, &mut |node| rule.change(node))?;
                resource.settle_links();
                if at + 1 < self.rules.len() {
                    images.clear();
                    self.look(resource, &mut images)?;
                }
            }
        }
        Ok(is_as_before)
    }

    fn look(&self, resource: &mut Resource, images: &mut Vec<Str>) -> Result<(), BuildError> {
        self.visit(resource, &mut |node| match &node.value {
            Value::Scalar(scalar) => {
                images.push(scalar.text().into());
                Ok(())
            }
            _ => Err(error("an image must be a scalar", node)),
        })
    }

    /// Calls `visit` on every image: first on those of containers anywhere in the tree, then on
    /// those that field specs name. An image that is both is visited twice, as in kustomize.
    fn visit(
        &self,
        resource: &mut Resource,
        visit: &mut impl FnMut(&mut Node) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        walk(&mut resource.node, visit).map_err(|error| error.about(resource.written_id()))?;
        match &self.fields {
            Fields::OfAll(fields) => fields
                .walk(&mut resource.node, &mut |node, _| visit(node))
                .map_err(|error| error.about(resource.written_id())),
            Fields::OfKinds(specs) => specs.apply(resource, Create::Never, visit),
        }
    }
}

impl Change for ImageTagTransformer {
    fn apply(&self, resource: &mut Resource, _: &Schema) -> Result<bool, BuildError> {
        self.apply_to(resource)
    }
}

impl Local for ImageTagTransformer {
    fn has_finish(&self) -> bool {
        true
    }

    fn finish(&self, set: &mut ResourceSet, _: usize, cx: &Context) -> Result<(), BuildError> {
        self.rules.iter().for_each(|rule| rule.uses.finish(&rule.image, set, cx));
        Ok(())
    }
}

impl Rule {
    fn may_change(&self, images: &[Str]) -> bool {
        match &self.pattern {
            Ok(pattern) => images.iter().any(|image| pattern.is_match(image)),
            Err(_) => !images.is_empty(),
        }
    }

    fn change(&self, node: &mut Node) -> Result<(), BuildError> {
        let pattern = match &self.pattern {
            Ok(pattern) => pattern,
            Err(bad) => {
                return Err(BuildError::new(ErrorKind::Transformer, bad.to_string())
                    .at(self.image.pos)
                    .field("images")
                    .with_help(
                        "the name of an image is a regular expression: put `\\` before special characters",
                    ));
            }
        };
        match node.as_scalar() {
            Some(scalar) if pattern.is_match(scalar.text()) => {
                let changed = self.changed(split(scalar.text()));
                node.set_scalar(Scalar::untyped(changed)).map_err(|wrong| error(&wrong.to_string(), node))
            }
            _ => Ok(()),
        }
    }

    /// The new name. A new tag or digest puts an end to both the old tag and the old digest.
    fn changed(&self, old: Parts<'_>) -> String {
        let new = &self.image;
        let name = if new.new_name.is_empty() { old.name } else { &new.new_name };
        let (tag, suffix, digest) = if !new.new_tag.is_empty() || !new.digest.is_empty() {
            (new.new_tag.as_str(), "", new.digest.as_str())
        } else if !new.tag_suffix.is_empty() {
            (old.tag, new.tag_suffix.as_str(), "")
        } else {
            (old.tag, "", old.digest)
        };
        let mut text = name.to_owned();
        if !(tag.is_empty() && suffix.is_empty()) {
            text.extend([":", tag, suffix]);
        }
        if !digest.is_empty() {
            text.extend(["@", digest]);
        }
        text
    }
}

/// Finds the images of all lists called `containers` and `initContainers`.
fn walk(
    node: &mut Node,
    visit: &mut impl FnMut(&mut Node) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    match &mut node.value {
        Value::Scalar(_) => Ok(()),
        Value::Seq(items) => items.iter_mut().try_for_each(|item| walk(item, visit)),
        Value::Map(map) => map.iter_mut().try_for_each(|entry| {
            if matches!(entry.value.value, Value::Scalar(_)) {
                return Ok(());
            }
            walk(&mut entry.value, visit)?;
            match &mut entry.value.value {
                Value::Seq(items) if matches!(entry.key.as_str(), "containers" | "initContainers") => {
                    items.iter_mut().try_for_each(|container| image_of(container, visit))
                }
                _ => Ok(()),
            }
        }),
    }
}

fn image_of(
    container: &mut Node,
    visit: &mut impl FnMut(&mut Node) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    if container.is_null() {
        return Ok(());
    }
    if container.as_map().is_none() {
        return Err(error("a container must be a map", container));
    }
    container.get_mut("image").map_or(Ok(()), visit)
}

fn error(message: &str, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Transformer, message).at(node.pos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::Threads;
    use crate::resource::parse_resources;
    use crate::yaml::{FileId, Pos};

    #[test]
    fn it_is_told_when_the_last_of_any_image_is_gone() {
        let pod = |images: &str| {
            let text = format!(
                "{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: {images}}}}}"
            );
            parse_resources(&text, FileId::new(0)).unwrap().remove(0)
        };
        let image = |name: &str| {
            let image = Image { name: name.to_owned(), new_tag: "2".into(), ..Image::default() };
            Spanned { value: image, pos: Pos::NONE }
        };
        let both = "[{image: nginx}, {image: redis}]";
        for (left, is_as_before) in [(both, true), ("[{image: redis}]", false), ("[{image: nginx}]", false)] {
            let transformer = ImageTagTransformer::new(&[image("nginx"), image("redis")], Table::default());
            assert!(transformer.apply_to(&mut pod(both)).unwrap());
            let cx = Context::new(std::sync::Arc::default(), Threads::one());
            transformer.finish(&mut ResourceSet::default(), 1, &cx).unwrap();
            assert_eq!(transformer.apply_to(&mut pod(left)).unwrap(), is_as_before, "{left}");
        }
    }
}
