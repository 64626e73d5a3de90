//! ExternalArtifact: an artifact of another controller, fetched from the address in its status.

use std::sync::Arc;

use serde_json::json;

use super::queue::Key;
use super::sources::SourceKind;
use super::{Context, Next, foreign};

pub(super) async fn reconcile(context: Arc<Context>, key: Key) -> Next {
    let kind = SourceKind::ExternalArtifact;
    let object = match context.sources.external.get(&key) {
        None => {
            context.sources.forget(&context.data, kind, &key);
            return Next::Gone;
        }
        Some(Err(error)) => {
            let fields = json!({"controllerKind": kind.name(), "name": key.name, "namespace": key.namespace, "error": error});
            context.log.error("the object cannot be read", fields);
            return Next::OnChange;
        }
        Some(Ok(object)) => object,
    };
    let artifact = object.status.as_ref().and_then(|status| status.artifact.as_ref());
    if artifact.is_none() && context.sources.withdraw(kind, &key) {
        context.wake_users(kind, &key);
    }
    foreign::follow(&context, kind, &key, artifact).await
}
