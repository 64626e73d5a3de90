//! Golden-file testing of overlays: each is rendered and compared with what was kept of it.
//!
//! There is one format and whatever runs it: a golden file holds, byte for byte, what
//! `kustomize build` prints. It stands next to its overlay, in `kustomization.snap.yaml`, or where
//! a file `kustomize-golden.yaml` at the top of the repository says ([`Layout`]).
//!
//! [`discover()`] finds the overlays and their golden files, [`Case::check`] renders one and
//! compares, [`check_all()`] does that with many at once. Nothing here writes: an [`Outcome`] says
//! what accepting it would mean ([`Outcome::update`]), and whoever runs the tests does it.
//!
//! What is tested may come from someone who is not trusted, as in a pull request. Golden files and
//! the configuration are never reached through links, paths lead out of no repository, and what is
//! rendered reads nothing outside of it ([`Confined`]).
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
mod config;
mod confined;
mod discover;
mod kustomizations;
mod layout;
mod outcome;
mod place;
mod sessions;
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
