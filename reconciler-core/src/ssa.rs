//! Server-side apply: who is who, in which order, and who manages what.

mod decide;
mod fields;
mod id;
mod ignored;
mod managers;
mod normalize;
mod order;
mod read;
mod refused;
mod stage;
mod types;

pub use decide::{differ_in_ignored_only, is_kept, is_skipped, leave_ignored};
pub use id::{InvalidObjectId, ObjectId};
pub use ignored::IgnoredFields;
pub use managers::{FieldManager, Operation, migrate_version, remove_managers, take_over};
pub use normalize::{normalize, normalize_dry_run, normalize_object};
pub use order::{apply_order, kind_index, sort_for_apply, sort_for_delete};
pub use read::{ReadError, read_objects};
pub use refused::refused_fields;
pub use stage::{Stage, StageKinds, stage};
