//! What the rules of name references ask of all resources, kept apart from their trees: while one
//! tree is changed, perhaps on another thread, the others' names can be looked up here.

use std::convert::Infallible;
use std::sync::Arc;

use crate::parallel::Crew;
use crate::resource::{History, Resource};
use crate::yaml::{Pos, Str};

/// Fewer resources than this are not worth a thread.
const LEAST: usize = 128;

/// What the rules ask of one resource.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) api_version: Str,
    pub(super) kind: Str,
    pub(super) name: Str,
    /// As written.
    pub(super) namespace: Str,
    pub(super) history: History,
    /// Where the name stands.
    pub(super) pos: Pos,
}

impl Known {
    /// Reads the names in a tree.
    pub(super) fn read(resource: &Resource, history: History) -> Self {
        let name = resource.node.at(&["metadata", "name"]);
        Known {
            api_version: resource.api_version().into(),
            kind: resource.kind().into(),
            name: resource.name().into(),
            namespace: resource.namespace().into(),
            history,
            pos: name.map_or(Pos::NONE, |name| name.pos),
        }
    }

    /// The kind that it had at first.
    pub(super) fn original_kind(&self) -> &str {
        self.history.previous.first().map_or(&self.kind, |first| &first.kind)
    }
}

/// What the rules ask of every resource, by position.
#[derive(Debug)]
pub(super) struct Book(Vec<Known>);

impl Book {
    /// Takes the histories out of the resources, all but the links, which belong to the trees.
    pub(super) fn open(resources: &mut [Arc<Resource>], crew: &Crew) -> Self {
        let mut pages: Vec<_> = resources.iter_mut().map(|resource| (resource, None)).collect();
        let written: Result<(), Infallible> = crew.for_each_chunk(&mut pages, LEAST, |_, pages| {
            for (resource, known) in pages {
                let resource = Arc::make_mut(resource);
                let mut history = std::mem::take(&mut resource.history);
                std::mem::swap(&mut history.links, &mut resource.history.links);
                *known = Some(Known::read(resource, history));
            }
            Ok(())
        });
        let Ok(()) = written;
        Book(pages.into_iter().filter_map(|(_, known)| known).collect())
    }

    /// Puts the histories back.
    pub(super) fn close(self, resources: &mut [Arc<Resource>], crew: &Crew) {
        let mut pages: Vec<_> = resources.iter_mut().zip(self.0).collect();
        let returned: Result<(), Infallible> = crew.for_each_chunk(&mut pages, LEAST, |_, pages| {
            for (resource, known) in pages {
                let resource = Arc::make_mut(resource);
                std::mem::swap(&mut known.history.links, &mut resource.history.links);
                resource.history = std::mem::take(&mut known.history);
            }
            Ok(())
        });
        let Ok(()) = returned;
    }

    /// Reads the names in a tree again.
    pub(super) fn refresh(&mut self, at: usize, resource: &Resource) {
        if let Some(known) = self.0.get_mut(at) {
            *known = Known::read(resource, std::mem::take(&mut known.history));
        }
    }

    /// All of them, by position.
    pub(super) fn as_slice(&self) -> &[Known] {
        &self.0
    }
}
