//! The public way in: one call renders one kustomization.

use std::sync::{Arc, Mutex, PoisonError};

use crate::accumulate;
use crate::build_context::BuildContext;
use crate::error::{BuildError, location_to_show};
use crate::host::{Host, WithFile};
use crate::kustomization::FILE_NAMES;
use crate::kustomization::Kustomization;
use crate::options::BuildOptions;
use crate::parallel::Threads;
use crate::resource::{ResId, Resource, ResourceSet};
use crate::schema::Schema;
use crate::store::{BuildRecord, Input, Recorder, Store, Trace};
use crate::warning::Warning;
use crate::yaml::{Location, Node, Sources};

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
/// Whatever kustomize refuses, with the place, the chain of overlays that led there, and a
/// cure where one is known.
pub fn build(host: &dyn Host, path: &str, options: &BuildOptions) -> Result<Rendered, BuildError> {
    build_in(&Store::for_one_build(), host, path, options, Threads::for_one_build()).0
}

/// Renders a kustomization given as a value, as though it were the `kustomization.yaml` of a
/// directory. The directory need not have one; if it does, the value replaces it.
///
/// ```
/// use kustomize_core::kustomization::Kustomization;
/// use kustomize_core::{BuildOptions, build_kustomization, host::MemoryHost};
///
/// let host = MemoryHost::from_iter([
///     ("/app/service.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n"),
/// ]);
/// let kustomization = Kustomization {
///     name_prefix: "staging-".to_owned(),
///     resources: vec!["service.yaml".into()],
///     ..Kustomization::default()
/// };
/// let rendered = build_kustomization(&host, "/app", &kustomization, &BuildOptions::default())?;
/// assert_eq!(rendered.resources()[0].name(), "staging-web");
/// # Ok::<(), kustomize_core::BuildError>(())
/// ```
///
/// # Errors
/// As [`build`]; positions in the kustomization are those in [`Kustomization::to_yaml`].
pub fn build_kustomization(
    host: &dyn Host,
    directory: &str,
    kustomization: &Kustomization,
    options: &BuildOptions,
) -> Result<Rendered, BuildError> {
    let directory = host.resolve(directory).map_err(|error| BuildError::host(error, directory))?;
    let (file, others) = FILE_NAMES.split_first().unwrap_or((&"kustomization.yaml", &[]));
    let host = WithFile::new(host, &directory, file, kustomization.to_yaml()?).hiding(others);
    build(&host, &directory, options)
}

/// Renders the kustomization at a path as [`build`] does, and prints it as [`Rendered::yaml`] does:
/// the shortest way to both. The text comes in pieces that follow each other, as there is no better
/// use for a text of many megabytes than to write it piece by piece.
///
/// # Errors
/// As [`build`] and [`Rendered::yaml`].
pub fn build_yaml(
    host: &dyn Host,
    path: &str,
    options: &BuildOptions,
) -> Result<(Rendered, Vec<String>), BuildError> {
    let threads = Threads::for_one_build();
    let rendered = build_in(&Store::for_one_build(), host, path, options, threads.clone()).0?;
    let pieces = rendered.print_all(Vec::new(), &threads)?.into_iter().map(|(_, text)| text).collect();
    Ok((rendered, pieces))
}

/// Renders with what a store has from earlier builds. Also says what it took.
pub(crate) fn build_in(
    store: &Store,
    host: &dyn Host,
    path: &str,
    options: &BuildOptions,
    threads: Threads,
) -> (Result<Rendered, BuildError>, Arc<Trace>) {
    let recorder = Recorder::new(host, store);
    let mut cx = BuildContext::new(&recorder, options, threads.clone());
    let (mut outcome, mut trace) = accumulate::render(&cx, path);
    if cx.is_spoiled() {
        cx = BuildContext::without_reuse(&recorder, options, threads);
        (outcome, trace) = accumulate::render(&cx, path);
    }
    let rendered = match outcome {
        Ok((set, record)) => {
            let sources = Arc::clone(&store.sources);
            let (schema, warnings) = cx.into_context().into_parts();
            let (schema, trace) = (Arc::new(schema), Arc::clone(&trace));
            let memory =
                store.is_lasting().then(|| Memory { record: Arc::new(record), printed: Arc::default() });
            Ok(Rendered { set, sources, schema, warnings, trace, memory })
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
    /// For builds of a session.
    memory: Option<Memory>,
}

/// What a session has to know of a build for the next one.
#[derive(Clone, Debug)]
struct Memory {
    record: Arc<BuildRecord>,
    printed: Arc<Mutex<Vec<Option<Arc<str>>>>>,
}

/// A part of the text: what was known of it before, else what was printed now.
type Printed = (Option<Arc<str>>, String);

/// Resources that are printed one after the other.
const PART: usize = 64;

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

    /// Where a node of one of the resources stands, if it was written in a file.
    #[must_use]
    pub fn location(&self, node: &Node) -> Option<Location> {
        location_to_show(&self.sources, node.pos)
    }

    /// The resources as one YAML text, documents separated by `---`.
    ///
    /// # Errors
    /// A value that kustomize cannot print, such as an infinite number.
    pub fn yaml(&self) -> Result<String, BuildError> {
        let parts = self.print_all(self.printed_parts(), &Threads::for_one_build())?;
        let texts: Vec<&str> = parts.iter().map(|(known, text)| known.as_deref().unwrap_or(text)).collect();
        let text = texts.concat();
        if let Some(memory) = &self.memory {
            let parts = parts.into_iter().map(|(known, text)| Some(known.unwrap_or_else(|| text.into())));
            *memory.printed.lock().unwrap_or_else(PoisonError::into_inner) = parts.collect();
        }
        Ok(text)
    }

    /// The parts of the text, of which some may be known.
    fn print_all(
        &self,
        mut known: Vec<Option<Arc<str>>>,
        threads: &Threads,
    ) -> Result<Vec<Printed>, BuildError> {
        let resources = self.resources().chunks(PART);
        known.resize(resources.len(), None);
        let mut parts: Vec<_> =
            known.into_iter().zip(resources).map(|(known, part)| (known, String::new(), part)).collect();
        threads.for_each_chunk(&mut parts, 2, |first, parts| {
            let mut length = 0;
            for (at, (_, text, part)) in (first..).zip(parts).filter(|(_, (known, ..))| known.is_none()) {
                // As long as the one before, most probably.
                text.reserve(length);
                self.print_part(part, at == 0, text)?;
                length = text.len() + text.len() / 8;
            }
            Ok::<(), BuildError>(())
        })?;
        Ok(parts.into_iter().map(|(known, text, _)| (known, text)).collect())
    }

    /// What was printed before, part by part.
    fn printed_parts(&self) -> Vec<Option<Arc<str>>> {
        let printed = self.memory.as_ref().map(|memory| memory.printed.lock());
        printed.map_or_else(Vec::new, |printed| printed.unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Prints resources; the first of all has no separator before it.
    fn print_part(
        &self,
        resources: &[Arc<Resource>],
        is_first: bool,
        text: &mut String,
    ) -> Result<(), BuildError> {
        for (at, resource) in resources.iter().enumerate() {
            if !is_first || at > 0 {
                text.push_str("---\n");
            }
            self.print(resource, text)?;
        }
        Ok(())
    }

    /// The same, without what a later build could reuse.
    pub(crate) fn for_once(self) -> Self {
        Rendered { memory: None, ..self }
    }

    /// How it was made, if it was made in a session.
    pub(crate) fn record(&self) -> Option<&BuildRecord> {
        self.memory.as_ref().map(|memory| &*memory.record)
    }

    /// The schema in force.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The same with other resources in some places.
    pub(crate) fn with_replaced(&self, replaced: Vec<(usize, Arc<Resource>)>) -> Self {
        let mut list = self.resources().to_vec();
        let mut printed = self.printed_parts();
        for (at, resource) in replaced {
            if let Some(place) = list.get_mut(at) {
                *place = resource;
            }
            if let Some(part) = printed.get_mut(at / PART) {
                *part = None;
            }
        }
        let memory = self.memory.as_ref().map(|memory| Memory {
            record: Arc::clone(&memory.record),
            printed: Arc::new(Mutex::new(printed)),
        });
        let (sources, schema) = (Arc::clone(&self.sources), Arc::clone(&self.schema));
        let (warnings, trace) = (self.warnings.clone(), Arc::clone(&self.trace));
        Rendered { set: ResourceSet::from_shared(list), sources, schema, warnings, trace, memory }
    }

    /// Replaces the resource at an index of [`resources`](Self::resources), and returns the old one.
    /// `None` if there is no such resource.
    ///
    /// ```
    /// # use kustomize_core::{BuildOptions, build, host::MemoryHost};
    /// # let host = MemoryHost::from_iter([
    /// #     ("/a/kustomization.yaml", "resources: [web.yaml]\n"),
    /// #     ("/a/web.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"),
    /// # ]);
    /// let mut rendered = build(&host, "/a", &BuildOptions::default())?;
    /// let mut service = rendered.resources()[0].as_ref().clone();
    /// service.set_name("renamed");
    /// rendered.replace(0, service);
    /// assert!(rendered.yaml()?.contains("renamed"));
    /// # Ok::<(), kustomize_core::BuildError>(())
    /// ```
    pub fn replace(&mut self, index: usize, resource: Resource) -> Option<Arc<Resource>> {
        let old = self.resources().get(index).cloned()?;
        *self = self.with_replaced(vec![(index, Arc::new(resource))]).for_once();
        Some(old)
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
