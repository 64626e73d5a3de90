//! Which maps and lists were written in flow style, `{…}` and `[…]`: trees do not say, but their
//! positions lead to the texts that they were read from.

use super::properties::Properties;
use crate::yaml::{FileId, Node, Pos, Sources, Value};

/// The number of the document that a replacement goes into, which is no source of the build.
pub(super) const DOCUMENT: FileId = FileId::new(u32::MAX - 2);

/// The texts that nodes were read from.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) sources: &'a Sources,
    /// The text of the document, if there is one.
    pub(super) document: &'a str,
}

impl<'a> Layout<'a> {
    /// The anchor and tag at a position of the document.
    pub(super) fn properties(&self, pos: Pos) -> Properties<'a> {
        match pos.file() {
            Some(DOCUMENT) => Properties::at(self.document, pos.offset() as usize),
            _ => Properties::default(),
        }
    }

    /// The document up to a position in it.
    pub(super) fn before(&self, pos: Pos) -> Self {
        let end = pos.file().filter(|file| *file == DOCUMENT).map(|_| pos.offset() as usize);
        Layout { document: end.and_then(|end| self.document.get(..end)).unwrap_or(self.document), ..*self }
    }

    /// Whether a node was written in flow style.
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        let mark = match &node.value {
            Value::Map(_) => b'{',
            Value::Seq(_) => b'[',
            Value::Scalar(_) => return false,
        };
        let is_mark = |text: &str| {
            let at = Properties::at(text, node.pos.offset() as usize).content;
            text.as_bytes().get(at) == Some(&mark)
        };
        match node.pos.file() {
            None => false,
            Some(DOCUMENT) => is_mark(self.document),
            Some(file) => self.sources.get(file).is_some_and(|source| is_mark(&source.text)),
        }
    }
}
