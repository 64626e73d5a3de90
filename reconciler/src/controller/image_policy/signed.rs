//! Picking only images that are signed.

use std::borrow::Cow;

use kube::ResourceExt;
use reconciler_api::image_policy::ImagePolicySpec;
use reconciler_api::{ImagePolicy, annotation, reason};
use reconciler_core::cosign::PublicKeys;
use reconciler_core::image::{ImageName, PolicyError, latest};

use super::super::outcome::Failure;
use super::super::queue::Key;
use super::super::{Context, secrets};
use crate::image::{Registry, RegistryError, Verdict, verify};

/// How many tags that are not signed are passed over.
const MOST: usize = 20;

/// The keys of which one has to have signed an image, if the policy asks for that.
pub(super) async fn keys(
    context: &Context,
    key: &Key,
    policy: &ImagePolicy,
) -> Result<Option<PublicKeys>, Failure> {
    let Some(name) = policy.annotations().get(annotation::SIGNED_BY) else { return Ok(None) };
    let secret = Key { namespace: key.namespace.clone(), name: name.clone() };
    let fail = |why: String| {
        let message = format!("the keys of signatures cannot be had from secret '{secret}': {why}");
        Failure::new(reason::VERIFICATION_ERROR, message)
    };
    let data = secrets::read(context, &secret).await.map_err(|error| fail(error.to_string()))?;
    PublicKeys::from_secret(&data).map(Some).map_err(|error| fail(error.to_string()))
}

/// A tag with a signature.
pub(super) struct Signed {
    pub(super) tag: String,
    /// The digest that is signed.
    pub(super) digest: String,
    /// The later tags, which are not signed, each with the reason if there is one.
    pub(super) passed_over: Vec<String>,
}

/// Images in a registry that have to be signed.
pub(super) struct SignedImages<'a> {
    pub(super) registry: &'a Registry,
    pub(super) name: &'a ImageName,
    pub(super) keys: &'a PublicKeys,
}

impl SignedImages<'_> {
    /// The latest tag that is signed.
    pub(super) async fn latest(&self, spec: &ImagePolicySpec, tags: &[String]) -> Result<Signed, Failure> {
        let mut tags = Cow::Borrowed(tags);
        let mut passed_over = Vec::new();
        loop {
            let none = |looked_at: &[String]| {
                let message =
                    format!("no tag with a valid signature was found; not signed: {}", looked_at.join(", "));
                Failure::new(reason::VERIFICATION_ERROR, message)
            };
            if passed_over.len() == MOST {
                return Err(none(&passed_over));
            }
            let tag = match latest(&spec.policy, spec.filter_tags.as_ref(), &tags) {
                Ok(tag) => tag,
                Err(PolicyError::NoTag(_)) if !passed_over.is_empty() => return Err(none(&passed_over)),
                Err(error) => return Err(super::no_tag(error, tags.is_empty())),
            };
            let digest =
                self.registry.digest(self.name, &tag).await.map_err(|error| unknown(&tag, &error))?;
            match self.verdict(&digest).await.map_err(|error| unknown(&tag, &error))? {
                Verdict::Signed => return Ok(Signed { tag, digest, passed_over }),
                Verdict::NotSigned(reasons) => {
                    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                    let shown = if reasons.is_empty() {
                        tag.clone()
                    } else {
                        format!("{tag} ({})", reasons.join("; "))
                    };
                    passed_over.push(shown);
                    tags.to_mut().retain(|other| *other != tag);
                }
            }
        }
    }

    /// Whether the image with a digest is signed.
    pub(super) async fn verdict(&self, digest: &str) -> Result<Verdict, RegistryError> {
        verify(self.registry, self.name, digest, self.keys).await
    }
}

/// Nothing can be said of a tag: an earlier one would be picked although this one may be signed.
pub(super) fn unknown(tag: &str, error: &RegistryError) -> Failure {
    let message = format!("failed to look for signatures of the tag '{tag}': {error}");
    Failure::new(reason::READ_OPERATION_FAILED, message)
}
