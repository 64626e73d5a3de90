//! Which maps and lists were written in flow style, `{…}` and `[…]`: trees do not say, but their
//! positions lead to the texts that they were read from.

use crate::yaml::{FileId, Node, Sources, Value};

/// The number of the document that a replacement goes into, which is no source of the build.
pub(super) const DOCUMENT: FileId = FileId::new(u32::MAX - 2);

/// The texts that nodes were read from.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) sources: &'a Sources,
    /// The text of the document, if there is one.
    pub(super) document: &'a str,
}

impl Layout<'_> {
    /// Whether a node was written in flow style.
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        let mark = match &node.value {
            Value::Map(_) => b'{',
            Value::Seq(_) => b'[',
            Value::Scalar(_) => return false,
        };
        let at = node.pos.offset() as usize;
        let is_mark = |text: &str| text.as_bytes().get(at) == Some(&mark);
        match node.pos.file() {
            None => false,
            Some(DOCUMENT) => is_mark(self.document),
            Some(file) => self.sources.get(file).is_some_and(|source| is_mark(&source.text)),
        }
    }
}
