//! Container images: what registries know of them, and files that name them.

mod pull_secret;
mod registry;
mod signature;
mod update;

pub use pull_secret::{Login, PullSecretError, login};
pub use registry::{Layer, Manifest, Registry, RegistryAccess, RegistryError};
pub use signature::{Verdict, verify};
pub use update::{UpdateError, Updated, ignored_markers, update};
