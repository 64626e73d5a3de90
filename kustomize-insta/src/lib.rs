//! Tests kustomize overlays against golden files, with [insta] to review what changed.
//!
//! The golden file is that of all runners (see [`kustomize_golden`]): it holds what
//! `kustomize build` prints, and stands next to its overlay in `kustomization.snap.yaml` or where
//! `kustomize-golden.yaml` at the top of the repository says.

#![deny(missing_docs)]

mod checked;

pub use kustomize_core::BuildOptions;

/// Asserts that an overlay renders as its golden file says.
///
/// The path is taken from the directory of the `Cargo.toml` of the crate that is tested. Options of
/// the build may follow; without them nothing outside of the files is reached.
///
/// When the overlay renders otherwise, or has no golden file yet, the test fails with what changed by
/// resource and field, and `cargo insta review` shows and accepts it.
///
/// ```
/// use kustomize_insta::{BuildOptions, assert_overlay};
///
/// assert_overlay!("../fixtures/apps/overlays/production");
///
/// let options = BuildOptions { enable_remote: true, ..BuildOptions::default() };
/// assert_overlay!("../fixtures/apps/overlays/staging", options);
/// ```
///
/// # Panics
/// The overlay does not render, or not as expected.
#[macro_export]
macro_rules! assert_overlay {
    ($path:expr $(,)?) => {
        $crate::assert_overlay!($path, $crate::BuildOptions::default())
    };
    ($path:expr, $options:expr $(,)?) => {
        if let Some(pending) = $crate::__private::check(env!("CARGO_MANIFEST_DIR"), $path.as_ref(), &$options)
        {
            pending.settings.bind(|| {
                $crate::__private::assert_binary_snapshot!(
                    pending.name.as_str(),
                    pending.content,
                    concat!("assert_overlay!(", stringify!($path), ")")
                );
            });
        }
    };
}

/// What the macro needs.
#[doc(hidden)]
pub mod __private {
    pub use crate::checked::{Pending, check};
    pub use insta::assert_binary_snapshot;
}
