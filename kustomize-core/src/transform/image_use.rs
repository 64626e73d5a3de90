//! Entries of `images` that mean no image at all: most often a slip in the name.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::image_name::split;
use crate::context::Context;
use crate::kustomization::Image;
use crate::resource::{ResId, Resource, ResourceSet};
use crate::suggest::closest;
use crate::yaml::decode::Spanned;
use crate::yaml::{Node, Value};

/// Resources that are remembered by name.
const FIRST: usize = 16;

/// How often an entry of `images` found its image.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Resources that had it when all of them were looked at.
    found: AtomicUsize,
    /// The first few of them.
    first: Mutex<Vec<ResId>>,
    /// Whether all were looked at. From then on a resource is one that was looked at before and has changed.
    is_counted: AtomicBool,
    /// Resources that have changed, do not have it, and may have had it.
    lost: AtomicUsize,
}

impl Uses {
    /// Notes whether a resource has the image. False if that may change whether there is one at all.
    pub(super) fn note(&self, is_found: bool, resource: &Resource) -> bool {
        if self.is_counted.load(Relaxed) {
            let found = self.found.load(Relaxed);
            return match is_found {
                true => found > 0,
                false => {
                    let may_have_had_it = found > FIRST || self.first().contains(&resource.written_id());
                    !may_have_had_it || self.lost.fetch_add(1, Relaxed) + 1 < found
                }
            };
        }
        if is_found && self.found.fetch_add(1, Relaxed) < FIRST {
            self.first().push(resource.written_id());
        }
        true
    }

    fn first(&self) -> MutexGuard<'_, Vec<ResId>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the counting, and tells of an entry that was of no use: kustomize says nothing.
    pub(super) fn finish(&self, image: &Spanned<Image>, set: &ResourceSet, cx: &Context) {
        self.is_counted.store(true, Relaxed);
        if self.found.load(Relaxed) > 0 {
            return;
        }
        let message = format!("this changes nothing: there is no image called `{}`", image.name);
        match hint(&image.name, set) {
            Some(hint) => cx.warn_with_help(message, image.pos, hint),
            None => cx.warn(message, image.pos),
        }
    }
}

fn hint(name: &str, set: &ResourceSet) -> Option<String> {
    /// So many names are listed, and so many resources looked at.
    const MOST: (usize, usize) = (5, 1000);
    let mut names = BTreeSet::new();
    set.iter().take(MOST.1).for_each(|resource| gather(&resource.node, &mut names));
    if let Some(meant) = closest(name, names.iter().copied()) {
        return Some(format!("did you mean `name: {meant}`?"));
    }
    let is_end = |longer: &str| longer.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
    if let Some(meant) = names.iter().find(|longer| is_end(longer)) {
        return Some(format!("an image is called by all of its name: `name: {meant}`"));
    }
    if names.is_empty() || names.len() > MOST.0 {
        return None;
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("images here are called {}", names.join(", ")))
}

/// Names of the images of all containers.
fn gather<'n>(node: &'n Node, names: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::Seq(items) => items.iter().for_each(|item| gather(item, names)),
        Value::Map(map) => {
            for entry in map {
                gather(&entry.value, names);
                if matches!(entry.key.as_str(), "containers" | "initContainers")
                    && let Value::Seq(containers) = &entry.value.value
                {
                    let images = containers.iter().filter_map(|container| container.get("image"));
                    names.extend(images.map(|image| split(image.text()).name));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::Threads;
    use crate::resource::parse_resources;
    use crate::yaml::FileId;

    fn resource(name: &str) -> Resource {
        let text = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n");
        parse_resources(&text, FileId::new(0)).unwrap().remove(0)
    }

    /// Uses by so many resources, named `0`, `1` and so on; one more does not use the image.
    fn counted(found: usize) -> Uses {
        let uses = Uses::default();
        assert!(uses.note(false, &resource("none")));
        (0..found).for_each(|n| assert!(uses.note(true, &resource(&format!("n{n}")))));
        let cx = Context::new(std::sync::Arc::default(), Threads::one());
        uses.finish(&Spanned::default(), &ResourceSet::default(), &cx);
        uses
    }

    #[test]
    fn an_image_is_lost_with_the_last_resource_that_has_it() {
        let uses = counted(2);
        assert!(uses.note(true, &resource("n0")));
        assert!(uses.note(false, &resource("none")));
        assert!(uses.note(false, &resource("n0")));
        assert!(!uses.note(false, &resource("n1")));
    }

    #[test]
    fn an_image_that_was_nowhere_is_found() {
        let uses = counted(0);
        assert!(uses.note(false, &resource("none")));
        assert!(!uses.note(true, &resource("none")));
    }

    #[test]
    fn of_many_resources_any_may_have_had_it() {
        let others = |uses: &Uses| (0..FIRST).all(|_| uses.note(false, &resource("other")));
        let known = counted(FIRST);
        assert!(others(&known) && others(&known));
        let unknown = counted(FIRST + 1);
        assert!(others(&unknown));
        assert!(!unknown.note(false, &resource("other")));
    }
}
