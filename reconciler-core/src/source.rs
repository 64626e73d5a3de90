//! Sources: which files are left out, what an archive holds, which commit is meant, and how a revision is
//! written.

mod archive;
mod ignore;
mod location;
mod reference;
mod revision;

pub use archive::{Archive, ArchiveSummary};
pub use ignore::{IGNORE_FILE, IgnoreRules};
pub use location::{artifact_path, artifact_url, path_below};
pub use reference::{Checkout, DEFAULT_BRANCH, ReferenceError, RemoteReference, Tag, newest_tag};
pub use revision::{Revision, commit_revision, digest_of_hash, named_revision, short_subject, upgraded};
