//! What the rules of name references ask of all resources, kept apart from their trees: while one
//! tree is changed, perhaps on another thread, the others' names can be looked up here.

use std::convert::Infallible;
use std::sync::Arc;

use crate::parallel::Threads;
use crate::resource::{History, Link, Resource};
use crate::yaml::{Node, Pos, Str};

/// Fewer resources than this are not worth a thread.
const LEAST: usize = 128;

/// What a tree says about who it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    pub(super) api_version: Str,
    pub(super) kind: Str,
    pub(super) name: Str,
    /// As written.
    pub(super) namespace: Str,
    /// Where the name stands.
    pub(super) pos: Pos,
}

/// The part of a resource that is changed.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) node: &'a mut Node,
    pub(super) links: &'a mut Vec<Link>,
}

/// What the rules ask of one resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Referent<'a> {
    pub(super) identity: &'a Identity,
    pub(super) history: &'a History,
}

/// What the rules ask of every resource, by position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Referents<'a> {
    identities: &'a [Identity],
    histories: &'a [&'a History],
}

impl Identity {
    /// Reads it.
    pub(super) fn read(root: &Node) -> Self {
        let text = |node: Option<&Node>| Str::from(node.map_or("", Node::text));
        let metadata = root.get("metadata");
        let field = |name| metadata.and_then(|metadata| metadata.get(name));
        let unless_null = |node: Option<&Node>| text(node.filter(|node| !node.is_null()));
        let name = field("name");
        Identity {
            api_version: text(root.get("apiVersion")),
            kind: text(root.get("kind")),
            name: unless_null(name),
            namespace: unless_null(field("namespace")),
            pos: name.map_or(Pos::NONE, |name| name.pos),
        }
    }

    /// Reads them in all trees, and makes sure that each is the resource's own.
    pub(super) fn read_all(resources: &mut [Arc<Resource>], threads: &Threads) -> Vec<Identity> {
        let mut identities = vec![Identity::default(); resources.len()];
        let mut pairs: Vec<_> = resources.iter_mut().zip(&mut identities).collect();
        let read: Result<(), Infallible> = threads.for_each_chunk(&mut pairs, LEAST, |_, pairs| {
            for (resource, identity) in pairs {
                **identity = Identity::read(&Arc::make_mut(resource).node);
            }
            Ok(())
        });
        let Ok(()) = read;
        identities
    }
}

impl<'a> Tree<'a> {
    /// Takes resources apart.
    pub(super) fn split(resources: &'a mut [Arc<Resource>]) -> (Vec<&'a History>, Vec<Tree<'a>>) {
        let parts = resources.iter_mut().map(|resource| {
            let Resource { node, history, links } = Arc::make_mut(resource);
            (&*history, Tree { node, links })
        });
        parts.unzip()
    }
}

impl<'a> Referents<'a> {
    /// The identities and histories of the same resources.
    pub(super) fn new(identities: &'a [Identity], histories: &'a [&'a History]) -> Self {
        Referents { identities, histories }
    }

    /// The resource at a position.
    pub(super) fn referent(self, at: usize) -> Referent<'a> {
        Referent { identity: &self.identities[at], history: self.histories[at] }
    }

    /// All of them, by position.
    pub(super) fn iter(self) -> impl Iterator<Item = Referent<'a>> {
        self.identities.iter().zip(self.histories).map(|(identity, history)| Referent { identity, history })
    }
}

impl<'a> Referent<'a> {
    /// The kind that it had at first.
    pub(super) fn original_kind(self) -> &'a str {
        self.history.previous.first().map_or(&self.identity.kind, |first| &first.kind)
    }
}
