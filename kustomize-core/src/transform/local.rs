//! Transformers that look at each resource by itself. Several of them go over the resources in one
//! pass, on all cores.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Transformer;
use crate::context::Context;
use crate::error::BuildError;
use crate::resource::{Change, JsonForm, Origin, Resource, ResourceSet};
use crate::yaml::{Pos, Str};

/// Changes resources, each without regard to the others, and may look at all of them at the end.
pub(crate) trait Local: Change {
    /// Whether annotations mean nothing to it, and it leaves them as they are. What is noted there of
    /// transformations can then wait.
    fn ignores_annotations(&self) -> bool {
        false
    }

    /// Positions, in order, of the resources that it could select, where that is quicker to find out
    /// than whether it does.
    fn candidates(&self, _set: &mut ResourceSet) -> Option<Vec<usize>> {
        None
    }

    /// Whether `finish` does anything.
    fn has_finish(&self) -> bool {
        false
    }

    /// Looks at all resources after they were changed; `selected` of them were.
    fn finish(&self, _set: &mut ResourceSet, _selected: usize, _cx: &Context) -> Result<(), BuildError> {
        Ok(())
    }
}

/// A local transformer, where it was configured, and what it writes about that into resources.
pub(crate) struct LocalStep<'s> {
    pub(crate) transformer: &'s dyn Local,
    pub(crate) origin: Option<&'s Origin>,
    pub(crate) pos: Pos,
}

impl<T: Local> Transformer for T {
    fn transform(&self, set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
        run(&[LocalStep { transformer: self, origin: None, pos: Pos::NONE }], set, cx)
    }
}

/// Fewer resources than this are not worth a thread.
const LEAST: usize = 128;

/// Runs steps one after the other on each resource, then finishes the last of them; only that one
/// may have a `finish`.
pub(crate) fn run(steps: &[LocalStep<'_>], set: &mut ResourceSet, cx: &Context) -> Result<(), BuildError> {
    let Some(last) = steps.last() else { return Ok(()) };
    let few = if let [LocalStep { transformer, origin: None, .. }] = steps {
        transformer.candidates(set).filter(|candidates| candidates.len() < LEAST.max(set.len() / 8))
    } else {
        None
    };
    let selected = match few {
        Some(candidates) => run_on(last, &candidates, set, cx)?,
        None => run_on_all(steps, set, cx)?,
    };
    if last.transformer.has_finish() {
        last.transformer.finish(set, selected, cx).map_err(|error| error.at(last.pos))?;
    }
    Ok(())
}

/// Runs one step on some resources, and keeps what is known of the ids of all. Says how many it
/// selected.
fn run_on(
    step: &LocalStep<'_>,
    candidates: &[usize],
    set: &mut ResourceSet,
    cx: &Context,
) -> Result<usize, BuildError> {
    let (transformer, schema) = (step.transformer, cx.schema());
    let mut selected = 0;
    let mut removed = Vec::new();
    for &at in candidates {
        cx.cancellation.check()?;
        let Some(resource) = set.as_slice().get(at) else { continue };
        if !transformer.selects(resource, schema).map_err(|error| error.at(step.pos))? {
            continue;
        }
        selected += 1;
        let outcome = if transformer.is_json_patch() {
            set.update_by_json_patch(at, schema, |resource, form| {
                transformer.apply_knowing(resource, form, schema)
            })
        } else {
            set.update(at, schema, |resource| transformer.apply(resource, schema))
        };
        if outcome.transpose().map_err(|error| error.at(step.pos))? == Some(false) {
            removed.push(at);
        }
    }
    set.remove_all(&removed);
    Ok(selected)
}

/// Runs steps one after the other on each resource. Says how many the last step selected.
fn run_on_all(steps: &[LocalStep<'_>], set: &mut ResourceSet, cx: &Context) -> Result<usize, BuildError> {
    let pass = Pass {
        steps,
        cx,
        selected: AtomicUsize::new(0),
        has_renamed: AtomicBool::new(false),
        removed: Mutex::default(),
        failed: Mutex::default(),
    };
    if steps.iter().all(|step| step.transformer.is_json_patch()) {
        let mut resources: Vec<_> = set.list_to_patch_each().collect();
        cx.threads.for_each_chunk(&mut resources, LEAST, |first, resources| {
            (first..).zip(resources).for_each(|(at, (resource, form))| pass.visit(at, resource, form));
            Ok::<(), BuildError>(())
        })?;
    } else {
        cx.threads.for_each_chunk(set.list_to_change_each(), LEAST, |first, resources| {
            let visit = |(at, resource)| pass.visit(at, resource, &mut JsonForm::default());
            (first..).zip(resources).for_each(visit);
            Ok::<(), BuildError>(())
        })?;
    }
    if pass.has_renamed.into_inner() {
        set.forget_ids();
    }
    if let Some((_, error)) = pass.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut removed = pass.removed.into_inner().unwrap_or_else(PoisonError::into_inner);
    removed.sort_unstable();
    set.remove_all(&removed);
    Ok(pass.selected.into_inner())
}

/// One pass over all resources, on several threads.
struct Pass<'p> {
    steps: &'p [LocalStep<'p>],
    cx: &'p Context,
    /// How many resources the last step has selected.
    selected: AtomicUsize,
    /// Whether any resource has another id than before.
    has_renamed: AtomicBool,
    /// Positions of resources that go.
    removed: Mutex<Vec<usize>>,
    /// The error that would have come first, had each step gone over all resources before the
    /// next: the numbers of step and resource, and the error.
    failed: Mutex<Option<((usize, usize), BuildError)>>,
}

impl Pass<'_> {
    fn visit(&self, at: usize, shared: &mut Arc<Resource>, form: &mut JsonForm) {
        for (number, step) in self.steps.iter().enumerate() {
            match self.apply(number, step, shared, form) {
                Ok(true) => {}
                Ok(false) => {
                    locked(&self.removed).push(at);
                    return;
                }
                Err(error) => {
                    let error = error.at(step.pos);
                    let mut failed = locked(&self.failed);
                    if failed.as_ref().is_none_or(|(first, _)| (number, at) < *first) {
                        *failed = Some(((number, at), error));
                    }
                    return;
                }
            }
        }
    }

    fn apply(
        &self,
        number: usize,
        step: &LocalStep<'_>,
        shared: &mut Arc<Resource>,
        form: &mut JsonForm,
    ) -> Result<bool, BuildError> {
        self.cx.cancellation.check()?;
        let is_selected = step.transformer.selects(shared, self.cx.schema())?;
        if !is_selected && step.origin.is_none() {
            return Ok(true);
        }
        let resource = Arc::make_mut(shared);
        if is_selected {
            if number + 1 == self.steps.len() {
                self.selected.fetch_add(1, Ordering::Relaxed);
            }
            let before = (!self.has_renamed.load(Ordering::Relaxed)).then(|| Name::of(resource));
            if !step.transformer.apply_knowing(resource, form, self.cx.schema())? {
                return Ok(false);
            }
            if before.is_some_and(|before| before != Name::of(resource)) {
                self.has_renamed.store(true, Ordering::Relaxed);
            }
        }
        if let Some(origin) = step.origin {
            resource.note_transformations(&[origin])?;
        }
        Ok(true)
    }
}

/// All that an id is made of.
#[derive(PartialEq, Eq)]
struct Name([Str; 4]);

impl Name {
    fn of(resource: &Resource) -> Self {
        Name([
            resource.api_version().into(),
            resource.kind().into(),
            resource.name().into(),
            resource.namespace().into(),
        ])
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancellation::Cancellation;
    use crate::error::ErrorKind;
    use crate::parallel::Threads;
    use crate::resource::parse_resources;
    use crate::schema::Schema;
    use crate::yaml::FileId;

    /// Cancels the build when it changes the first resource.
    struct Cancelling {
        cancellation: Cancellation,
        changed: AtomicUsize,
        /// Whether it names the resources that it changes.
        is_choosing: bool,
    }

    impl Change for Cancelling {
        fn apply(&self, _: &mut Resource, _: &Schema) -> Result<bool, BuildError> {
            self.cancellation.cancel();
            self.changed.fetch_add(1, Ordering::Relaxed);
            Ok(true)
        }
    }

    impl Local for Cancelling {
        fn candidates(&self, set: &mut ResourceSet) -> Option<Vec<usize>> {
            self.is_choosing.then(|| (0..set.len()).collect())
        }
    }

    #[test]
    fn nothing_is_changed_after_the_build_was_cancelled() {
        let text = ["a", "b", "c"]
            .map(|name| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"))
            .join("---\n");
        for is_choosing in [false, true] {
            let mut set = ResourceSet::from_list(parse_resources(&text, FileId::new(0)).unwrap());
            let cancellation = Cancellation::default();
            let cx = Context::new(Arc::default(), Threads::one()).cancelled_by(cancellation.clone());
            let change = Cancelling { cancellation, changed: AtomicUsize::new(0), is_choosing };
            let error = change.transform(&mut set, &cx).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Cancelled);
            assert_eq!(change.changed.into_inner(), 1);
        }
    }
}
