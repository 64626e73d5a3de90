//! Rendering the directory of a Kustomization from a tree.

mod admission;
mod change;
mod decrypt;
mod difference;
mod failure;
mod field;
mod place;

use kustomize_core::Rendered;
use kustomize_core::host::Host;
use kustomize_core::resource::Resource;
use kustomize_core::yaml::{self, Data, Node, SourceText, Sources};
use reconciler_api::KustomizationSpec;
use reconciler_core::generator::{self, OverlayHost};
use reconciler_core::object;
use reconciler_core::sops::{Keys, Plaintext, is_encrypted_secret};
use reconciler_core::ssa::ObjectId;
use reconciler_core::substitute::{self, Mode, Variables};
use serde_json::Value;

use crate::source::git::GitTree;
pub use admission::Admission;
pub use change::Change;
pub use failure::BuildFailure;
use failure::find_directory;
pub use field::{FieldPlace, field_places, meant_field};

/// How many objects a Kustomization may have: the inventory in its status lists all of them.
const MOST_OBJECTS: usize = 10_000;

/// An object that was rendered.
#[derive(Clone, Debug)]
pub struct Object {
    /// The object.
    pub value: Value,
    /// Where its namespace was written, as `file:line`.
    pub namespace_place: Option<String>,
    /// Where it was written, as `file:line`.
    pub place: Option<String>,
}

/// What was rendered.
#[derive(Clone)]
pub struct Built {
    /// The objects, in the order of the output.
    pub objects: Vec<Object>,
    /// What the build looked at.
    pub footprint: Footprint,
    /// What was decrypted.
    pub plaintext: Plaintext,
    /// What is said of fields of the kustomization file that do not exist, and are ignored.
    pub ignored: Vec<String>,
}

/// Everything that a build looked at, with the ids of the contents.
#[derive(Clone, Debug, Default)]
pub struct Footprint(Vec<(String, Option<[u8; 20]>)>);

impl Footprint {
    fn of(rendered: &Rendered, directory: &str, tree: &GitTree) -> Self {
        let mut paths: Vec<String> = rendered.inputs().into_iter().map(|input| input.path).collect();
        // The directory itself says which files there are.
        paths.push(directory.to_owned());
        let with_id = |path: String| {
            let id = tree.content_id(&path);
            (path, id)
        };
        Footprint(paths.into_iter().map(with_id).collect())
    }

    /// Whether a build from another tree would see the same.
    #[must_use]
    pub fn holds(&self, tree: &GitTree) -> bool {
        self.0.iter().all(|(path, id)| tree.content_id(path) == *id)
    }
}

/// Renders the directory that a spec names. `variables` are put into what was rendered, if there are
/// any or the spec says so. What is encrypted is decrypted if there are `keys`, be they none that fit.
///
/// # Errors
/// What the directory has cannot be rendered; the message holds nothing that was decrypted.
pub fn build(
    tree: &GitTree,
    spec: &KustomizationSpec,
    variables: &Variables,
    keys: Option<&Keys>,
) -> Result<Built, BuildFailure> {
    let mut plaintext = Plaintext::default();
    match render(tree, spec, variables, keys, &mut plaintext) {
        Ok((objects, footprint, ignored)) => Ok(Built { objects, footprint, plaintext, ignored }),
        Err(failure) => Err(failure.map(|message| plaintext.mask(&message))),
    }
}

fn render(
    tree: &GitTree,
    spec: &KustomizationSpec,
    variables: &Variables,
    keys: Option<&Keys>,
    plaintext: &mut Plaintext,
) -> Result<(Vec<Object>, Footprint, Vec<String>), BuildFailure> {
    let directory = find_directory(tree, spec.path.as_deref().unwrap_or("./"))?;
    let mut host = OverlayHost::new(tree, "/", &directory, spec)
        .map_err(|error| BuildFailure::of_generator(error, tree, &directory))?;
    if let Some(keys) = keys {
        decrypt::files(&mut host, tree, keys, plaintext)?;
    }
    let rendered = generator::build(&host, &tree.cancellation())
        .map_err(|error| BuildFailure::of_build(error, host.generated(), tree, &directory))?;
    let count = rendered.resources().len();
    if count > MOST_OBJECTS {
        let message =
            format!("{count} objects are too many: a Kustomization may have {MOST_OBJECTS}; divide it");
        return Err(BuildFailure::Object(message));
    }
    let post_build = spec.post_build.as_ref().filter(|post_build| {
        !variables.is_empty() || post_build.substitute_strategy.as_deref() == Some("Always")
    });
    let common = place::common_namespace(host.generated(), tree, spec);
    let is_generated = |file: &str| place::relative(file) == place::relative(&host.generated().path);
    let mut objects = Vec::with_capacity(rendered.resources().len());
    for resource in rendered.resources() {
        if tree.cancellation().is_cancelled() {
            return Err(BuildFailure::Object("the build was cancelled".to_owned()));
        }
        let decrypted = match keys {
            Some(keys) => decrypt::resource(&rendered, resource, keys, plaintext)?,
            None => None,
        };
        let node = decrypted.as_ref().unwrap_or(&resource.node);
        let value = match post_build {
            Some(_) => substituted(&rendered, tree, resource, decrypted.as_ref(), variables)?,
            None => None,
        };
        let value = match value {
            Some(value) => value,
            None => serde_json::to_value(Data::of(node))
                .map_err(|error| BuildFailure::Object(format!("{}: {error}", resource.name())))?,
        };
        if is_encrypted_secret(&value) {
            let place = rendered.location(&resource.node);
            return Err(BuildFailure::Encrypted {
                subject: ObjectId::of(&value).subject(),
                place: place.map(|place| place::relative(&place.to_string()).to_owned()),
            });
        }
        let written = || rendered.location(resource.node.at(&["metadata", "namespace"])?);
        let namespace_place = match &common {
            Some((namespace, place)) if namespace == resource.namespace() => Some(place.clone()),
            _ => written().filter(|found| !is_generated(&found.file)).map(|found| place::line(&found)),
        };
        let place = rendered.location(&resource.node).map(|found| place::line(&found));
        objects.push(Object { value, namespace_place, place });
    }
    let footprint = Footprint::of(&rendered, &directory, tree);
    Ok((objects, footprint, host.generated().ignored.clone()))
}

/// A resource with variables replaced; nothing if it wants none.
fn substituted(
    rendered: &Rendered,
    tree: &GitTree,
    resource: &Resource,
    decrypted: Option<&Node>,
    variables: &Variables,
) -> Result<Option<Value>, BuildFailure> {
    let fail = |message: String| {
        let place = variable_place(rendered, tree, resource, &message);
        BuildFailure::PostBuild { resource: name_of(resource), message, place }
    };
    let text = match decrypted {
        Some(node) => {
            let mut text = String::new();
            yaml::print(node, &mut text).map(|()| text).map_err(|error| fail(error.to_string()))?
        }
        None => rendered.resource_yaml(resource).map_err(|error| fail(error.to_string()))?,
    };
    let node = decrypted.unwrap_or(&resource.node);
    let changed = substitute::substitute(node, &text, variables, Mode::Strict)
        .map_err(|error| fail(format!("envsubst error: {error}")))?;
    let Some(changed) = changed else { return Ok(None) };
    let file = Sources::default().add("", SourceText::from(changed.clone()), None);
    let node = yaml::read_config(&changed, file).map_err(|error| fail(error.to_string()))?;
    let value = node.map(|node| serde_json::to_value(Data::of(&node)));
    let value = value.transpose().map_err(|error| fail(error.to_string()))?.unwrap_or_default();
    if object::kind(&value).is_empty() || object::name(&value).is_empty() {
        return Err(fail("nothing with a kind and a name is left after variables were replaced".to_owned()));
    }
    Ok(Some(value))
}

/// The line of the variable that a message names last, in the file that a resource comes from; or else where the
/// resource begins.
fn variable_place(rendered: &Rendered, tree: &GitTree, resource: &Resource, message: &str) -> Option<String> {
    let mut place = rendered.location(&resource.node)?;
    let name = message.trim_end_matches('"').rsplit_once('"').map_or("", |(_, name)| name);
    let text = String::from_utf8(tree.read(&place.file).ok()?).unwrap_or_default();
    let wanted = format!("${{{name}");
    let mut lines = text.lines().skip(place.line.saturating_sub(1));
    if let Some(after) = lines.position(|line| !name.is_empty() && line.contains(&wanted)) {
        place.line += after;
    }
    Some(place::line(&place))
}

/// `Kind.version.group/name`, as messages name a resource.
fn name_of(resource: &Resource) -> String {
    let (group, version) =
        resource.api_version().split_once('/').unwrap_or(("[noGrp]", resource.api_version()));
    format!("{}.{version}.{group}/{}", resource.kind(), resource.name())
}
