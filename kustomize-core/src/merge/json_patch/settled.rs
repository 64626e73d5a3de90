//! Patches of resources that are in JSON form already: only what the operations touch is converted.

use super::apply::text;
use super::pointer::Pointer;
use super::{Effort, JsonPatch};
use crate::error::BuildError;
use crate::resource::{FormState, LongMaps};
use crate::yaml::{Entry, Map, Node, through_json};

/// What the operations of a patch touch.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// What `test` looks at. It has to be written as JSON first.
    tested: Vec<Pointer>,
    /// What is added or replaced.
    added: Vec<Pointer>,
}

/// Whether a resource that a JSON patch has left is settled.
pub(super) fn state_of(resource: &Node) -> FormState {
    let mut entries = resource.as_map().map_or(&[][..], Map::as_slice).iter();
    let is_settled = entries.all(|entry| {
        entry.key.as_str() == "metadata"
            || through_json::is_settled_key(&entry.key.scalar) && through_json::is_settled(&entry.value)
    });
    if is_settled { FormState::Settled } else { FormState::Unsettled }
}

fn metadata_of(resource: &mut Node) -> Option<&mut Entry> {
    resource.as_map_mut()?.iter_mut().find(|entry| entry.key.as_str() == "metadata")
}

impl JsonPatch {
    /// What the operations touch; none if that may be the whole resource, or cannot be told in
    /// advance: a `test` would look at what an earlier operation has moved or copied.
    pub(super) fn touched(&self) -> Option<Touched> {
        let mut touched = Touched::default();
        let mut moves = false;
        for operation in &self.operations {
            let pointer = operation.pointer("path").ok()?;
            match text(operation.op.as_ref())? {
                "add" | "replace" => touched.added.push(pointer),
                "test" => touched.tested.push(pointer),
                "remove" => {}
                "move" | "copy" => moves = true,
                _ => return None,
            }
        }
        (touched.tested.is_empty() || !moves).then_some(touched)
    }

    /// Applies the operations to a settled resource, which goes through JSON only in parts. Returns
    /// whether it is still settled.
    ///
    /// # Errors
    /// An operation does not apply, or cannot be written as JSON.
    pub(super) fn apply_to_settled(
        &self,
        resource: &mut Node,
        touched: Touched,
        long_maps: &mut LongMaps,
    ) -> Result<FormState, BuildError> {
        let mut effort = Effort::new(long_maps);
        effort.reads_values = touched.tested.is_empty();
        if let Some(metadata) = metadata_of(resource) {
            through_json::write_below(&mut metadata.value, 1)?;
        }
        for pointer in touched.tested.iter().filter(|pointer| !pointer.is_in_metadata()) {
            if let Some((part, depth)) = pointer.part(resource, &mut effort) {
                through_json::write_below(part, depth)?;
            }
        }
        for operation in &self.operations {
            self.apply_one(operation, resource, &mut effort)?;
        }
        if let Some(metadata) = metadata_of(resource) {
            // The field may have been made between patches.
            through_json::read_key(&mut metadata.key.scalar);
            through_json::read_below(&mut metadata.value, 1)?;
        }
        if !effort.reads_values {
            let pointers = touched.tested.iter().chain(&touched.added);
            for pointer in pointers.filter(|pointer| !pointer.is_in_metadata()) {
                if let Some((part, depth)) = pointer.part(resource, &mut effort) {
                    through_json::read_below(part, depth)?;
                    effort.is_settled &= through_json::is_settled(part);
                }
            }
        }
        if !effort.is_read {
            through_json::read(resource)?;
        }
        Ok(if effort.is_settled { FormState::Settled } else { FormState::Unsettled })
    }
}
