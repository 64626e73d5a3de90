//! Sources that another process reconciles, such as an ExternalArtifact or a source of another shard. Their artifacts
//! are fetched from that process or from Flux's source-controller.

use std::io::{Seek as _, Write as _};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reconciler_api::Artifact;
use reconciler_core::source::IgnoreRules;
use serde_json::json;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512};
use url::Url;

use super::queue::Key;
use super::sources::{Offer, SourceKind};
use super::{Context, Next, tenancy};
use crate::outbound;
use crate::source::Snapshot;
use crate::source::archive::unpack;
use crate::source::tree_store::{Limits, Record};

/// The pause after an artifact could not be fetched.
const AGAIN: Duration = Duration::from_secs(10);
/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The kinds whose archives are offered.
const KINDS: [&str; 7] = [
    "GitRepository",
    "OCIRepository",
    "Bucket",
    "ExternalArtifact",
    "ArtifactGenerator",
    "HelmChart",
    "HelmRepository",
];
/// The largest archive, in bytes.
const LARGEST: u64 = 512 << 20;

/// Makes the artifact in the status of a source available here.
pub(super) async fn follow(
    context: &Context,
    kind: SourceKind,
    key: &Key,
    artifact: Option<&Artifact>,
) -> Next {
    let next = follow_now(context, kind, key, artifact).await;
    context.looked_at(kind, key);
    next
}

async fn follow_now(context: &Context, kind: SourceKind, key: &Key, artifact: Option<&Artifact>) -> Next {
    let Some(artifact) = artifact else { return Next::OnChange };
    let is_here = context.sources.offer(kind, key).is_some_and(|offer| {
        offer.snapshot.revision == artifact.revision && offer.foreign.as_ref() == Some(&artifact.digest)
    });
    if is_here {
        if context.sources.set_problem(kind, key, None) {
            context.wake_users(kind, key);
        }
        return Next::OnChange;
    }
    match fetch(context, kind, key, artifact).await {
        Ok(snapshot) => {
            let is_mended = context.sources.set_problem(kind, key, None);
            let offer = Offer { foreign: Some(artifact.digest.clone()), ..Offer::new(snapshot) };
            // Kustomizations that failed for lack of this revision have to try again.
            if !context.set_offer(kind, key, offer) && is_mended {
                context.wake_users(kind, key);
            }
            Next::OnChange
        }
        Err(error) => {
            let fields = json!({"controllerKind": kind.name(), "name": key.name, "namespace": key.namespace, "error": error});
            context.log.error("an artifact could not be fetched", fields);
            if context.sources.set_problem(kind, key, Some(error)) {
                context.wake_users(kind, key);
            }
            Next::Failed(Some(AGAIN))
        }
    }
}

/// Refuses the archive of a source that a namespace may not refer to, before a request is sent: otherwise, whoever can
/// write the status of a source would learn which archives others have. The archives of Flux and of this process are at
/// `KIND/NAMESPACE/NAME/FILE`, whatever their server is called.
fn refuse_others(context: &Context, key: &Key, url: &Url) -> Result<(), String> {
    if context.tenants.is_strict(&key.namespace) == Some(false) {
        return Ok(());
    }
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    // Servers may treat several slashes, or a backslash, as one slash.
    let segments: Vec<&str> =
        path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if segments.contains(&"..") || path.contains('%') {
        return Err(format!("{url} has a path that can lead elsewhere"));
    }
    for place in segments.windows(3) {
        let [kind, namespace, name] = place else { continue };
        let Some(kind) = KINDS.into_iter().find(|known| known.eq_ignore_ascii_case(kind)) else { continue };
        let other = Key { namespace: (*namespace).to_owned(), name: (*name).to_owned() };
        if !context.may_use(&key.namespace, kind, &other) {
            return Err(tenancy::refusal(&format!("{kind}/{other}"), &key.namespace));
        }
    }
    Ok(())
}

async fn fetch(
    context: &Context,
    kind: SourceKind,
    key: &Key,
    artifact: &Artifact,
) -> Result<Snapshot, String> {
    let mut hash: Box<dyn DynDigest + Send> = match artifact.digest.split_once(':') {
        Some(("sha256", _)) => Box::<Sha256>::default(),
        Some(("sha384", _)) => Box::<Sha384>::default(),
        Some(("sha512", _)) => Box::<Sha512>::default(),
        // The id of a git tree instead of a digest.
        Some(("sha1", _)) if kind != SourceKind::ExternalArtifact => {
            return Err("whoever reconciles it serves no artifacts: that needs --storage-addr".to_owned());
        }
        _ => return Err(format!("the digest '{}' is not one of sha256, sha384 or sha512", artifact.digest)),
    };
    let size = artifact.size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0);
    let most = size.unwrap_or(LARGEST).min(LARGEST);
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let url = Url::parse(&artifact.url).map_err(|error| format!("{}: {error}", artifact.url))?;
    refuse_others(context, key, &url)?;
    let reach = context.reach(&key.namespace).await;
    outbound::check_address(&url, reach).map_err(|refused| refused.to_string())?;
    let mut client = outbound::guarded(reqwest::Client::builder(), reach).timeout(PATIENCE);
    if context.tenants.is_strict(&key.namespace) != Some(false) {
        // A redirect could lead to an archive that is refused above.
        client = client.redirect(reqwest::redirect::Policy::none());
    }
    let client = client.build().map_err(|error| text(&error))?;
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let failed =
        |error: reqwest::Error| format!("{}: {}", artifact.url, outbound::causes(&error.without_url()));
    let mut answer = answer.map_err(failed)?;
    if answer.status().is_redirection() {
        let url = &artifact.url;
        return Err(format!("{url} is redirected, which is not allowed in the namespace of a tenant"));
    }
    let mut file = tempfile::tempfile_in(&context.data).map_err(|error| text(&error))?;
    let mut size = 0_u64;
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        size += chunk.len() as u64;
        if size > most {
            return Err(format!("{} is larger than {most} bytes", artifact.url));
        }
        hash.update(&chunk);
        file.write_all(&chunk).map_err(|error| text(&error))?;
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if artifact.digest.split_once(':').is_none_or(|(_, digest)| digest != found) {
        // Not what it has: whoever wrote the status could learn the digest of what others may read, and then use it.
        return Err(format!("{} does not have the digest {}", artifact.url, artifact.digest));
    }
    let store = context.sources.store(&context.data, kind, key).map_err(|error| text(&error))?;
    let revision = artifact.revision.clone();
    let read = tokio::task::spawn_blocking(move || {
        file.rewind().map_err(|error| error.to_string())?;
        let mut writer = store.writer(Limits::default());
        unpack(file, &mut writer).map_err(|error| error.to_string())?;
        // What is left out was left out when it was packed.
        let written = writer.finish(&IgnoreRules::default()).map_err(|error| error.to_string())?;
        let record = Record::new(&revision, 0, std::collections::BTreeMap::new());
        let tree = store.keep(&written, record).map_err(|error| error.to_string())?;
        Ok(Snapshot { revision, commit: None, tree })
    });
    read.await.map_err(|error| text(&error))?
}
