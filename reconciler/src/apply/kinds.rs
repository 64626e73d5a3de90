//! Which kinds a cluster has, and where they are served.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::api::ApiResource;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reconciler_core::ssa::ObjectId;
use serde::Deserialize;

use super::request::{RequestError, Requests};

/// A kind that a cluster serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiKind {
    /// Group and version, or the version alone in the core group.
    pub api_version: String,
    /// The name of the kind.
    pub kind: String,
    /// Its plural name, as in paths.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
}

impl ApiKind {
    /// The group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&*self.api_version, |(_, version)| version)
    }

    /// The kind as `kube` describes it.
    #[must_use]
    pub fn resource(&self) -> ApiResource {
        ApiResource {
            group: self.group().to_owned(),
            version: self.version().to_owned(),
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    /// The path of an object, or of all objects if the name is empty. Names are escaped, so that they
    /// cannot lead to another path.
    #[must_use]
    pub fn path(&self, namespace: &str, name: &str) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        let mut path = format!("/{root}/{}", self.api_version);
        if self.is_namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            path.extend(utf8_percent_encode(namespace, ESCAPED));
        }
        path.push('/');
        path.push_str(&self.plural);
        if !name.is_empty() {
            path.push('/');
            path.extend(utf8_percent_encode(name, ESCAPED));
        }
        path
    }
}

/// The characters to escape in a segment of a path: those with a meaning there. Names of roles contain colons.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// How many kinds of a group and version are kept, and of how many groups and versions: a tenant may have chosen the
/// cluster.
const MOST_KINDS: usize = 2_000;
const MOST_VERSIONS: usize = 1_000;
/// How long the name of a kind may be, in bytes. Kubernetes allows 63.
const LONGEST_NAME: usize = 253;

/// The kinds of a group and version, by name.
type Served = Arc<HashMap<String, ApiKind>>;

/// The kinds of a cluster, fetched on first use and cached.
pub struct Kinds {
    requests: Requests,
    known: Mutex<HashMap<String, Served>>,
    versions: Mutex<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<ResourceItem>,
}

#[derive(Deserialize)]
struct ResourceItem {
    name: String,
    namespaced: bool,
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    preferred_version: GroupVersion,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    version: String,
}

impl Kinds {
    /// The kinds of a cluster.
    pub(super) fn new(requests: Requests) -> Self {
        Kinds { requests, known: Mutex::default(), versions: Mutex::default() }
    }

    /// Empties the cache, because definitions have changed.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Looks a kind up. None if the cluster does not have it.
    pub async fn find(&self, api_version: &str, kind: &str) -> Result<Option<ApiKind>, RequestError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(api_version).cloned();
        if let Some(found) = known.and_then(|served| served.get(kind).cloned()) {
            return Ok(Some(found));
        }
        let root = if api_version.contains('/') { "apis" } else { "api" };
        let list: ResourceList = match self.requests.get(&format!("/{root}/{api_version}")).await {
            Ok(list) => list,
            Err(error) if error.code() == 404 => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_short = |item: &ResourceItem| item.name.len().max(item.kind.len()) <= LONGEST_NAME;
        let served: HashMap<String, ApiKind> = list
            .resources
            .into_iter()
            .filter(|item| !item.name.contains('/') && is_short(item))
            .take(MOST_KINDS)
            .map(|item| {
                let kind = ApiKind {
                    api_version: api_version.to_owned(),
                    kind: item.kind.clone(),
                    plural: item.name,
                    is_namespaced: item.namespaced,
                };
                (item.kind, kind)
            })
            .collect();
        let found = served.get(kind).cloned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_VERSIONS {
            known.clear();
        }
        known.insert(api_version.to_owned(), Arc::new(served));
        Ok(found)
    }

    /// Looks up the kind of an object in an inventory, at the version of its entry or, where that
    /// is gone, at the one that the cluster prefers.
    pub async fn find_id(&self, id: &ObjectId, version: &str) -> Result<Option<ApiKind>, RequestError> {
        let api_version = |version: &str| {
            if id.group.is_empty() { version.to_owned() } else { format!("{}/{version}", id.group) }
        };
        if !version.is_empty()
            && let Some(found) = self.find(&api_version(version), &id.kind).await?
        {
            return Ok(Some(found));
        }
        let preferred =
            if id.group.is_empty() { Some("v1".to_owned()) } else { self.preferred(&id.group).await? };
        match preferred {
            Some(preferred) if preferred != version => self.find(&api_version(&preferred), &id.kind).await,
            _ => Ok(None),
        }
    }

    async fn preferred(&self, group: &str) -> Result<Option<String>, RequestError> {
        let known = self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(group).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let found: Group = match self.requests.get(&format!("/apis/{group}")).await {
            Ok(found) => found,
            Err(error) if error.code() == 404 => return Ok(None),
            Err(error) => return Err(error),
        };
        let version = found.preferred_version.version;
        self.versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(group.to_owned(), version.clone());
        Ok(Some(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_nothing_else() {
        let kind = ApiKind {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            is_namespaced: true,
        };
        assert_eq!(kind.path("apps", "a.b-c"), "/api/v1/namespaces/apps/configmaps/a.b-c");
        assert_eq!(
            kind.path("apps/secrets", "../x?dryRun=All&y#z"),
            "/api/v1/namespaces/apps%2Fsecrets/configmaps/..%2Fx%3FdryRun%3DAll%26y%23z"
        );
    }
}
