//! Looking for signatures of an artifact in its registry.

use std::collections::BTreeSet;

use reconciler_core::cosign::{self, PublicKeys, SignatureError};
use reconciler_core::image::ImageName;

use super::registry::{Layer, Registry, RegistryError};

/// How many signatures are looked at in each format.
const MOST: usize = 32;
/// How large what is signed may be, in bytes.
const LARGEST: u64 = 4 << 20;
/// The type of a configuration that says nothing.
const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";

/// Whether an artifact is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is, with one of the keys.
    Signed,
    /// It is not. These are the reasons why the signatures that were found do not count.
    NotSigned(BTreeSet<SignatureError>),
}

impl Verdict {
    /// What is said of an artifact that is not signed. The name has a tag or digest.
    #[must_use]
    pub fn refusal(&self, name: &str) -> Option<String> {
        let Verdict::NotSigned(reasons) = self else { return None };
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let message = format!("no matching signatures were found for '{name}'");
        Some(if reasons.is_empty() { message } else { format!("{message}: {}", reasons.join("; ")) })
    }
}

/// Looks for a signature of the artifact with a digest. Both formats of cosign count.
///
/// # Errors
/// The registry cannot be asked, so that nothing can be said.
pub async fn verify(
    registry: &Registry,
    image: &ImageName,
    digest: &str,
    keys: &PublicKeys,
) -> Result<Verdict, RegistryError> {
    let mut reasons = BTreeSet::new();
    let payloads = registry.find(image, &cosign::signature_tag(digest)).await?;
    let payloads = payloads.map(|manifest| manifest.layers).unwrap_or_default();
    for layer in payloads.iter().filter(|layer| layer.media_type == cosign::PAYLOAD_TYPE).take(MOST) {
        let Some(signature) = layer.annotations.get(cosign::SIGNATURE) else { continue };
        let payload = registry.read(image, layer, LARGEST).await?;
        match keys.verify_payload(&payload, signature, digest) {
            Ok(()) => return Ok(Verdict::Signed),
            Err(reason) => reasons.insert(reason),
        };
    }
    let bundles = registry.referrers(image, digest).await?;
    for bundle in bundles.iter().filter(|bundle| is_signature(bundle)).take(MOST) {
        let manifest = registry.find_by_digest(image, &bundle.digest).await?;
        let layers = manifest.map(|manifest| manifest.layers).unwrap_or_default();
        let [layer] = &*layers else { continue };
        if !layer.media_type.starts_with(cosign::BUNDLE_TYPE) {
            continue;
        }
        let text = registry.read(image, layer, LARGEST).await?;
        match keys.verify_bundle(&text, digest) {
            Ok(()) => return Ok(Verdict::Signed),
            Err(reason) => reasons.insert(reason),
        };
    }
    Ok(Verdict::NotSigned(reasons))
}

/// Whether something that refers to an artifact can be a signature. What registries say is a hint only: cosign, where it
/// has to write the list of what refers to an artifact itself, and some registries give the type of the configuration,
/// which is empty.
fn is_signature(referrer: &Layer) -> bool {
    let predicate = referrer.annotations.get(cosign::PREDICATE);
    let is_vague = ["", EMPTY_CONFIG].contains(&&*referrer.media_type);
    (is_vague || referrer.media_type.starts_with(cosign::BUNDLE_TYPE))
        && predicate.is_none_or(|predicate| predicate == cosign::SIGN)
}
