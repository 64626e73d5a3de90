//! An overlay and its golden file.

/// An overlay and its golden file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Case {
    /// The directory of the overlay.
    pub overlay: String,
    /// The golden file, which need not exist.
    pub golden: String,
    /// Whether there is a golden file and no overlay.
    pub is_orphan: bool,
}
