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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{FileId, read};

    fn tree(text: &str) -> Node {
        read(text, FileId::new(0)).unwrap().remove(0)
    }

    #[test]
    fn every_node_key_and_text_counts() {
        let node = size_of::<Node>();
        for (text, cost) in [
            ("abc", node + 3),
            ("[]", node),
            ("[ab, c]", 3 * node + 3),
            ("{key: value}", 3 * node + 8),
            ("{a: [b], c: {}}", 6 * node + 3),
        ] {
            let mut budget = Budget { left: cost };
            assert!(budget.tree(&tree(text), 0).is_ok(), "{text}");
            assert_eq!(budget.left, 0, "{text}");
            assert!(Budget { left: cost - 1 }.tree(&tree(text), 0).is_err(), "{text}");
        }
    }

    #[test]
    fn trees_reach_as_deep_as_trees_that_are_read() {
        let nests = |text: &str, path_length: usize| Budget::new().tree(&tree(text), path_length).is_err();
        assert!(!nests("a", MAX_DEPTH - 1));
        assert!(nests("a", MAX_DEPTH));
        for text in ["[a]", "{a: b}"] {
            assert!(!nests(text, MAX_DEPTH - 2), "{text}");
            assert!(nests(text, MAX_DEPTH - 1), "{text}");
        }
    }
}
