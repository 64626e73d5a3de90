//! The public way in: one call renders one kustomization.

use std::sync::Arc;

use crate::accumulate;
use crate::context::Context;
use crate::error::BuildError;
use crate::host::Host;
use crate::options::BuildOptions;
use crate::parallel::Crew;
use crate::resource::{ResId, Resource, ResourceSet};
use crate::schema::Schema;
use crate::store::{Input, Recorder, Store, Trace};
use crate::warning::Warning;
use crate::yaml::Sources;

/// Renders the kustomization in a directory.
///
/// `path` is a directory as the host knows it, or, where options and host allow it, the URL of a
/// git repository.
///
/// ```
/// use kustomize_core::{build, host::MemoryHost, BuildOptions};
///
/// let host = MemoryHost::from_iter([
///     ("/app/kustomization.yaml", "namePrefix: staging-\nresources: [service.yaml]\n"),
///     ("/app/service.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n"),
/// ]);
/// let rendered = build(&host, "/app", &BuildOptions::default())?;
/// assert_eq!(
///     rendered.yaml()?,
///     "apiVersion: v1\nkind: Service\nmetadata:\n  name: staging-web\n"
/// );
/// # Ok::<(), kustomize_core::BuildError>(())
/// ```
///
/// # Errors
/// Whatever the reference refuses, with the place, the chain of overlays that led there, and a
/// cure where one is known.
pub fn build(host: &dyn Host, path: &str, options: &BuildOptions) -> Result<Rendered, BuildError> {
    build_in(&Store::for_one_build(), host, path, options, Crew::All).0
}

/// Renders with what a store has from earlier builds. Also says what it took.
pub(crate) fn build_in(
    store: &Store,
    host: &dyn Host,
    path: &str,
    options: &BuildOptions,
    crew: Crew,
) -> (Result<Rendered, BuildError>, Arc<Trace>) {
    let recorder = Recorder::new(host, store);
    let mut cx = Context::new(&recorder, options);
    cx.crew = crew;
    let (mut outcome, mut trace) = accumulate::render(&cx, path);
    if cx.is_spoiled() {
        cx = Context::without_reuse(&recorder, options);
        cx.crew = crew;
        (outcome, trace) = accumulate::render(&cx, path);
    }
    let rendered = match outcome {
        Ok(set) => {
            let sources = Arc::clone(&store.sources);
            let (schema, warnings) = cx.into_parts();
            let (schema, trace) = (Arc::new(schema), Arc::clone(&trace));
            Ok(Rendered { set, sources, schema, warnings, trace })
        }
        Err(error) => Err(error.located(&store.sources)),
    };
    (rendered, trace)
}

/// The outcome of a build.
#[derive(Clone, Debug)]
pub struct Rendered {
    set: ResourceSet,
    sources: Arc<Sources>,
    schema: Arc<Schema>,
    warnings: Vec<Warning>,
    trace: Arc<Trace>,
}

impl Rendered {
    /// The resources, in the order of the output.
    #[must_use]
    pub fn resources(&self) -> &[Arc<Resource>] {
        self.set.as_slice()
    }

    /// The first resource with this kind and name, and this namespace if one is given.
    #[must_use]
    pub fn find(&self, kind: &str, name: &str, namespace: Option<&str>) -> Option<&Resource> {
        self.set.iter().find(|resource| {
            resource.kind() == kind
                && resource.name() == name
                && namespace.is_none_or(|namespace| resource.namespace() == namespace)
        })
    }

    /// The identity of one of the resources, by the schema of the build: a custom one says which
    /// further kinds are in no namespace.
    #[must_use]
    pub fn id(&self, resource: &Resource) -> ResId {
        resource.id(&self.schema)
    }

    /// The resources as one YAML text, documents separated by `---`.
    ///
    /// # Errors
    /// A value that the reference cannot print, such as an infinite number.
    pub fn yaml(&self) -> Result<String, BuildError> {
        /// Resources that are printed one after the other.
        const PART: usize = 64;
        let parts: Vec<&[Arc<Resource>]> = self.resources().chunks(PART).collect();
        let printed = Crew::All.map(&parts, 2, |part| {
            let mut text = String::new();
            for resource in *part {
                if !text.is_empty() {
                    text.push_str("---\n");
                }
                self.print(resource, &mut text)?;
            }
            Ok(text)
        });
        let size = |part: &Result<String, BuildError>| part.as_ref().map_or(0, |part| part.len() + 4);
        let mut text = String::with_capacity(printed.iter().map(size).sum());
        for part in printed {
            let part = part?;
            if !text.is_empty() {
                text.push_str("---\n");
            }
            text.push_str(&part);
        }
        Ok(text)
    }

    /// One of the resources as YAML.
    ///
    /// # Errors
    /// As [`Rendered::yaml`].
    pub fn resource_yaml(&self, resource: &Resource) -> Result<String, BuildError> {
        let mut text = String::new();
        self.print(resource, &mut text)?;
        Ok(text)
    }

    fn print(&self, resource: &Resource, text: &mut String) -> Result<(), BuildError> {
        crate::yaml::print(&resource.node, text)
            .map_err(|error| BuildError::from(error).located(&self.sources))
    }

    /// The paths that the build looked at, sorted: when nothing changes at any of them, nothing
    /// changes in what is built, as long as no resource comes from the network or a program.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        self.trace.inputs()
    }

    /// What the build noticed without failing, in order.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
