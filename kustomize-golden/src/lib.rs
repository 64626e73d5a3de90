//! Golden-file testing of overlays: each is rendered and compared with a file that has the expected output.
//!
//! A golden file contains what `kustomize build` prints, byte for byte, whichever program tests it. It
//! is `kustomization.snap.yaml` next to its overlay, unless a file `kustomize-golden.yaml` at the top of
//! the repository names another place ([`Layout`]).
//!
//! [`discover()`] finds the overlays and their golden files, [`Case::check`] renders one and
//! compares, [`check_all()`] does that with many at once. Nothing here writes: an [`Outcome`] says
//! what accepting it would mean ([`Outcome::update`]), and whoever runs the tests does it.
//!
//! The repository may be untrusted, as in a pull request. Golden files and the configuration are never
//! reached through links, no path leads out of the repository, and overlays read nothing outside of it
//! ([`Confined`]).
//!
//! ```
//! use kustomize_golden::{Layout, Outcome, discover};
//! use kustomize_core::{BuildOptions, host::MemoryHost};
//!
//! let host = MemoryHost::from_iter([
//!     ("/app/kustomization.yaml", "namePrefix: my-\nresources: [pod.yaml]\n"),
//!     ("/app/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"),
//!     ("/app/kustomization.snap.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: your-web\n"),
//! ]);
//! let layout = Layout::find(&host, "/app")?;
//! let cases = discover(&host, &layout, &["/app"])?;
//! let outcome = cases[0].check(&host, &BuildOptions::default());
//! assert!(matches!(outcome, Outcome::Different(_)));
//! # Ok::<(), kustomize_core::BuildError>(())
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod case;
mod check_all;
mod compare;
mod config;
mod confined;
mod discover;
mod git;
mod kustomizations;
mod layout;
mod outcome;
mod place;
mod sessions;
#[cfg(test)]
#[cfg(unix)]
mod test_tree;
#[cfg(test)]
mod tests;

pub use case::Case;
pub use check_all::check_all;
pub use config::CONFIG_FILE;
pub use confined::Confined;
pub use discover::discover;
pub use layout::{GOLDEN_FILE, Layout};
pub use outcome::{Mismatch, Outcome, Update};
pub use sessions::Sessions;
