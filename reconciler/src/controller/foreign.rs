//! Sources that another process reconciles, such as an ExternalArtifact or a source of another shard. Their artifacts
//! are fetched from that process or from Flux's source-controller.

use std::io::{Seek as _, Write as _};
use std::time::Duration;

use reconciler_api::Artifact;
use reconciler_core::source::IgnoreRules;
use serde_json::json;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512};
use url::Url;

use super::queue::Key;
use super::sources::{Offer, SourceKind};
use super::{Context, Next};
use crate::outbound;
use crate::source::Snapshot;
use crate::source::archive::unpack;
use crate::source::tree_store::{Limits, Record};

/// The pause after an artifact could not be fetched.
const AGAIN: Duration = Duration::from_secs(10);
/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(60);
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
    outbound::check_address(&url).map_err(|refused| refused.to_string())?;
    let client = outbound::guarded(reqwest::Client::builder()).timeout(PATIENCE);
    let client = client.build().map_err(|error| text(&error))?;
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let failed =
        |error: reqwest::Error| format!("{}: {}", artifact.url, outbound::causes(&error.without_url()));
    let mut answer = answer.map_err(failed)?;
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
