//! The directories around a place.

use std::iter;

use kustomize_core::host::path;

/// A path and the directories above it.
pub(crate) fn above(path: &str) -> impl Iterator<Item = &str> {
    iter::successors(Some(path), |path| Some(path::parent(path)).filter(|parent| parent.len() < path.len()))
}
