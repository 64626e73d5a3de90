//! The texts that positions count in.

use std::ops::Deref;
use std::sync::Arc;

/// A text that was read. Clones share it, and it is not copied when it becomes shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText(Arc<String>);

impl Deref for SourceText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for SourceText {
    fn from(text: String) -> Self {
        SourceText(Arc::new(text))
    }
}

impl From<&str> for SourceText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}
