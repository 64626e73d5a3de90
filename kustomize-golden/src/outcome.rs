//! The outcome of a comparison, and how to accept it.

use kustomize_core::BuildError;
use kustomize_difference::{Difference, Snapshot};

use crate::Case;

/// The outcome of comparing an overlay with its golden file. Only [`Outcome::Equal`] is good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The output is the expected one.
    Equal,
    /// The output differs.
    Different(Box<Mismatch>),
    /// There is no golden file.
    Missing {
        /// The output.
        actual: String,
    },
    /// The golden file cannot be read.
    Unreadable {
        /// Why.
        error: BuildError,
        /// The output.
        actual: String,
    },
    /// It does not render, or its golden file is nothing to read, write or remove: a link, or a
    /// file without an overlay that does not hold what overlays render as.
    Failed(BuildError),
    /// There is a golden file and no overlay.
    Orphaned,
}

/// The expected output and the actual one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The golden file.
    pub golden: String,
    /// Its content.
    pub expected: String,
    /// The output.
    pub actual: String,
}

/// A change that accepts an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update<'a> {
    /// Replace the golden file.
    Write {
        /// The golden file.
        path: &'a str,
        /// Its whole content.
        content: &'a str,
    },
    /// Remove the golden file.
    Remove {
        /// The golden file.
        path: &'a str,
    },
}

impl Mismatch {
    /// What differs, by resource and field. It is empty where the same resources are only written
    /// differently; [`Mismatch::remark`] says so.
    ///
    /// # Errors
    /// The golden file does not hold resources.
    pub fn difference(&self) -> Result<Difference, BuildError> {
        let expected = Snapshot::read(&self.expected, &self.golden)?;
        let actual = Snapshot::read(&self.actual, "the rendered overlay")?;
        Ok(Difference::between(&expected, &actual))
    }

    /// What to say of texts that differ and hold the same resources.
    #[must_use]
    pub fn remark(&self) -> &'static str {
        if self.expected.replace("\r\n", "\n") == self.actual {
            "the resources are the same, the golden file has Windows line ends: keep git from changing them \
             (`*.snap.yaml -text` in .gitattributes)"
        } else {
            "the resources are the same, the golden file is written differently"
        }
    }
}

impl Outcome {
    /// Whether the output is the expected one.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        matches!(self, Outcome::Equal)
    }

    /// The change that makes the next comparison succeed. The golden file of an overlay that does not
    /// render is kept.
    ///
    /// The caller must replace the file, and must not write through a link.
    #[must_use]
    pub fn update<'a>(&'a self, case: &'a Case) -> Option<Update<'a>> {
        let path = case.golden.as_str();
        match self {
            Outcome::Equal | Outcome::Failed(_) => None,
            Outcome::Different(mismatch) => Some(Update::Write { path, content: &mismatch.actual }),
            Outcome::Missing { actual } | Outcome::Unreadable { actual, .. } => {
                Some(Update::Write { path, content: actual })
            }
            Outcome::Orphaned => Some(Update::Remove { path }),
        }
    }
}
