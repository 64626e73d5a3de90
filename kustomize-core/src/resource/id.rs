//! Group, version, kind, namespace and name.

use std::fmt;

use crate::schema::Schema;
use crate::yaml::Str;

/// Group, version and kind. As a selector, an empty part matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gvk {
    /// API group, empty for the core group.
    pub group: Str,
    /// API version.
    pub version: Str,
    /// Kind.
    pub kind: Str,
}

impl Gvk {
    /// From an `apiVersion` (`group/version` or `version`) and a kind.
    #[must_use]
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Gvk { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// The `apiVersion` field.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for Gvk {
    /// `Deployment`, or with `{:#}` and its version `apps/v1 Deployment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && !self.version.is_empty() {
            write!(f, "{} ", self.api_version())?;
        }
        f.write_str(if self.kind.is_empty() { "resource" } else { &self.kind })
    }
}

/// Splits `group/version` at its first slash; without one the group is empty.
#[must_use]
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    // Most have no slash, and none is long: a loop is over before a searcher is set up.
    match api_version.bytes().position(|byte| byte == b'/') {
        Some(slash) => (&api_version[..slash], &api_version[slash + 1..]),
        None => ("", api_version),
    }
}

/// Identity of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResId {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// Name.
    pub name: Str,
    /// Namespace as written; see [`ResId::effective_namespace`].
    pub namespace: Str,
    /// Whether the schema says that the kind is cluster-scoped. Always false in an id of the past
    /// and in a selector, as in kustomize.
    pub cluster_scoped: bool,
}

/// What tells a resource from all others, borrowed from wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct IdRef<'a> {
    pub(crate) name: &'a str,
    /// The namespace that counts in comparisons ([`ResId::effective_namespace`]).
    pub(crate) namespace: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
}

/// The namespace that counts in comparisons.
pub(crate) fn effective_namespace(written: &str, cluster_scoped: bool) -> &str {
    if cluster_scoped {
        CLUSTER
    } else if written.is_empty() {
        "default"
    } else {
        written
    }
}

/// The namespace that all cluster-scoped resources share in comparisons.
pub(crate) const CLUSTER: &str = "_non_namespaceable_";

impl ResId {
    /// An id whose scope is looked up.
    #[must_use]
    pub fn new(gvk: Gvk, name: impl Into<Str>, namespace: impl Into<Str>, schema: &Schema) -> Self {
        let cluster_scoped = schema.is_cluster_scoped(&gvk.group, &gvk.version, &gvk.kind);
        ResId { gvk, name: name.into(), namespace: namespace.into(), cluster_scoped }
    }

    /// The namespace that counts in comparisons: `default` when none is written, and one of their
    /// own for cluster-scoped kinds.
    #[must_use]
    pub fn effective_namespace(&self) -> &str {
        effective_namespace(&self.namespace, self.cluster_scoped)
    }

    /// What tells it from others.
    pub(crate) fn as_ref(&self) -> IdRef<'_> {
        IdRef {
            name: &self.name,
            namespace: self.effective_namespace(),
            kind: &self.gvk.kind,
            group: &self.gvk.group,
            version: &self.gvk.version,
        }
    }

    /// Whether both stand in the same effective namespace.
    #[must_use]
    pub fn same_namespace(&self, other: &ResId) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// Whether group, version, kind and name are equal (kustomize's `GvknEquals`).
    #[must_use]
    pub fn same_gvkn(&self, other: &ResId) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// Whether both name the same resource (kustomize's `Equals`).
    #[must_use]
    pub fn same(&self, other: &ResId) -> bool {
        self.same_namespace(other) && self.same_gvkn(other)
    }
}

impl fmt::Display for ResId {
    /// `Deployment web in namespace production`, or with `{:#}`, where the version may tell it from
    /// others, `apps/v1 Deployment web in namespace production`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gvk.fmt(f)?;
        if self.name.is_empty() {
            f.write_str(" without a name")?;
        } else {
            write!(f, " {}", self.name)?;
        }
        if !self.namespace.is_empty() {
            write!(f, " in namespace {}", self.namespace)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_people_speak_of_resources() {
        let id = |api_version, kind, name, namespace| {
            ResId::new(Gvk::new(api_version, kind), name, namespace, &Schema::default())
        };
        let web = id("apps/v1", "Deployment", "web", "production");
        assert_eq!(web.to_string(), "Deployment web in namespace production");
        assert_eq!(format!("{web:#}"), "apps/v1 Deployment web in namespace production");
        let nginx = id("v1", "Service", "nginx", "");
        assert_eq!(
            (nginx.to_string(), format!("{nginx:#}")),
            ("Service nginx".into(), "v1 Service nginx".into())
        );
        assert_eq!(format!("{:#}", id("", "", "", "")), "resource without a name");
    }
}
