//! Signatures of commits and tags: nothing is offered that is not signed as the spec wants it.

use reconciler_api::git_repository::Verification;
use reconciler_api::{GitRepository, reason};
use reconciler_core::signature::{Signed, TrustedKeys};

use super::super::queue::Key;
use super::super::{Context, secrets};
use super::{Failure, Part};
use crate::source::git::{Commit, GitError, Mirror, Tag};

/// What was verified.
pub(super) struct Verified {
    /// The mode, as status has it.
    pub(super) mode: &'static str,
    /// What was signed with which key.
    pub(super) message: String,
}

/// What has to be signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Head,
    Tag,
    TagAndHead,
}

impl Mode {
    /// Flux takes whatever it does not know for the commit, and so does this: the API server refuses it.
    fn of(verification: &Verification) -> Self {
        match verification.mode.as_deref() {
            Some("Tag") => Mode::Tag,
            Some("TagAndHEAD") => Mode::TagAndHead,
            _ => Mode::Head,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Mode::Head => "HEAD",
            Mode::Tag => "Tag",
            Mode::TagAndHead => "TagAndHEAD",
        }
    }
}

/// Verifies what the spec wants to be signed.
pub(super) async fn verify(
    context: &Context,
    key: &Key,
    repository: &GitRepository,
    mirror: &Mirror,
    commit: &Commit,
) -> Result<Option<Verified>, Failure> {
    let Some(verification) = &repository.spec.verify else { return Ok(None) };
    let secret = Key { namespace: key.namespace.clone(), name: verification.secret_ref.name.clone() };
    let data = secrets::read(context, &secret).await.map_err(|error| {
        refuse(reason::VERIFICATION_ERROR, format!("public keys secret error: {error}"), false)
    })?;
    let verifier = Verifier { mirror, keys: TrustedKeys::from_secret(&data), now: context.environment.now() };
    let mode = Mode::of(verification);
    let mut lines = Vec::new();
    if mode != Mode::Head {
        lines.push(verifier.tag(commit)?);
    }
    if mode != Mode::Tag {
        lines.push(verifier.commit(commit)?);
    }
    Ok(Some(Verified {
        mode: mode.name(),
        message: format!("verified signature of\n\t{}", lines.join("\n\t")),
    }))
}

/// Verifies objects of a repository.
struct Verifier<'a> {
    mirror: &'a Mirror,
    keys: TrustedKeys,
    now: jiff::Timestamp,
}

impl Verifier<'_> {
    /// Verifies the tag that led to a commit. Returns a line that says so.
    fn tag(&self, commit: &Commit) -> Result<String, Failure> {
        let Some(Tag { name, object }) = &commit.tag else {
            let message = "cannot verify tag object's signature if a tag reference is not specified";
            return Err(refuse("InvalidVerificationMode", message.to_owned(), true));
        };
        let shown = object.map_or_else(|| name.clone(), |object| format!("{name}@{object}"));
        let unsigned = || {
            let message = format!("cannot verify signature of tag '{shown}' since it is not signed");
            refuse("InvalidGitObject", message, false)
        };
        let invalid = |error: &dyn std::fmt::Display| {
            let message = format!("signature verification of tag '{shown}' failed: {error}");
            refuse("InvalidTagSignature", message, false)
        };
        let object = self.mirror.read(object.ok_or_else(unsigned)?).map_err(|error| invalid(&error))?;
        let signed = Signed::tag(&object).map_err(|error| invalid(&error))?;
        if !signed.is_signed() {
            return Err(unsigned());
        }
        let signer = signed.verify(&self.keys, self.now).map_err(|error| invalid(&error))?;
        // Or else an old tag with its signature could stand in for a new one.
        match tag_name(&object) {
            Some(given) if given == name.as_bytes() => Ok(format!("- tag '{shown}' with key '{signer}'")),
            given => {
                let given = String::from_utf8_lossy(given.unwrap_or_default()).into_owned();
                Err(invalid(&format!("it is signed as the tag '{given}'")))
            }
        }
    }

    /// Verifies a commit. Returns a line that says so.
    fn commit(&self, commit: &Commit) -> Result<String, Failure> {
        let id = &commit.id;
        let invalid = |error: &dyn std::fmt::Display| {
            let message = format!("signature verification of commit '{id}' failed: {error}");
            refuse("InvalidCommitSignature", message, false)
        };
        let parsed = id.parse().map_err(|_| invalid(&GitError::CommitNotFound { commit: id.clone() }))?;
        let object = self.mirror.read(parsed).map_err(|error| invalid(&error))?;
        let signed = Signed::commit(&object).map_err(|error| invalid(&error))?;
        let signer = signed.verify(&self.keys, self.now).map_err(|error| invalid(&error))?;
        Ok(format!("- commit '{id}' with key '{signer}'"))
    }
}

/// The name that a tag has given itself.
fn tag_name(object: &[u8]) -> Option<&[u8]> {
    object
        .split(|byte| *byte == b'\n')
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(b"tag "))
}

fn refuse(reason: &'static str, message: String, is_permanent: bool) -> Failure {
    Failure { part: Part::Verification, reason, message, is_permanent }
}
