//! How much replacements may copy: a few of them can double a resource each.

use super::error;
use crate::error::BuildError;
use crate::yaml::{MAX_DEPTH, Node, Value};

/// Bytes that all replacements of one list may copy.
const MAX_COPIED: usize = 256 << 20;

/// What may still be copied.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Budget { left: MAX_COPIED }
    }

    /// Takes off the bytes of a text.
    ///
    /// # Errors
    /// There are not as many left.
    pub(super) fn text(&mut self, length: usize) -> Result<(), BuildError> {
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(error("the replacements copy more than a build can hold")
                .with_help("do they put a value into itself, again and again?")),
        }
    }

    /// Takes off what a tree takes that is put at the end of a path.
    ///
    /// # Errors
    /// There is not as much left, or the tree would reach too deep.
    pub(super) fn tree(&mut self, tree: &Node, path_length: usize) -> Result<(), BuildError> {
        if path_length >= MAX_DEPTH {
            return Err(error(&format!("the replacement nests maps and lists more than {MAX_DEPTH} deep")));
        }
        self.text(size_of::<Node>() + tree.text().len())?;
        match &tree.value {
            Value::Scalar(_) => Ok(()),
            Value::Seq(items) => items.iter().try_for_each(|item| self.tree(item, path_length + 1)),
            Value::Map(map) => map.iter().try_for_each(|entry| {
                self.text(size_of::<Node>() + entry.key.as_str().len())?;
                self.tree(&entry.value, path_length + 1)
            }),
        }
    }
}
