//! Pull requests with new images, which an automation opens instead of pushing to the branch itself.
//!
//! Annotations ask for them: [`settings()`]. What has to be done follows from the pull requests that are open:
//! [`plan()`]. A [`Forge`] makes the requests that do it.

mod forge;
mod plan;
mod settings;
mod text;

pub use forge::{Forge, ForgeError, PullRequest, derived_provider};
pub use plan::{Plan, Step, Wanted, declined, plan};
pub use settings::{Scope, Settings, SettingsError, settings};
pub use text::{Mark, Rendering, Update, digest, without_digest};
