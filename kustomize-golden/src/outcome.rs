//! How a comparison ended, and what accepting it means.

use kustomize_core::BuildError;
use kustomize_difference::{Difference, Snapshot};

use super::Case;

/// How the comparison of an overlay with its golden file ended. Only [`Outcome::Equal`] is good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The overlay renders as it did.
    Equal,
    /// It renders otherwise.
    Different(Box<Mismatch>),
    /// It renders, and there is no golden file.
    Missing {
        /// What it renders as.
        actual: String,
    },
    /// It renders, and its golden file cannot be read.
    Unreadable {
        /// Why.
        error: BuildError,
        /// What it renders as.
        actual: String,
    },
    /// It does not render, or its golden file is nothing to read, write or remove: a link, or a
    /// file without an overlay that does not hold what overlays render as.
    Failed(BuildError),
    /// There is a golden file and no overlay.
    Orphaned,
}

/// What was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The golden file.
    pub golden: String,
    /// What stands in it.
    pub expected: String,
    /// What the overlay renders as.
    pub actual: String,
}

/// A change that accepts an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update<'a> {
    /// This is to stand in the golden file.
    Write {
        /// The golden file.
        path: &'a str,
        /// Its whole content.
        content: &'a str,
    },
    /// The golden file is to go.
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
    /// Whether the overlay renders as it did.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        matches!(self, Outcome::Equal)
    }

    /// What to do so that the next comparison finds them equal. An overlay that does not render
    /// keeps its golden file.
    ///
    /// Whoever does it replaces the file, and does not write to what a link there points at.
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
