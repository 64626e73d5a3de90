//! The identity of an object, and its text in inventories.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::object;

/// What tells objects of a cluster apart; the version does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// The namespace; empty for objects of the whole cluster.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
}

/// The name of the group whose names may hold colons.
const RBAC: &str = "rbac.authorization.k8s.io";

impl ObjectId {
    /// The identity of an object.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        ObjectId {
            namespace: object::namespace(object).to_owned(),
            name: object::name(object).to_owned(),
            group: object::group(object).to_owned(),
            kind: object::kind(object).to_owned(),
        }
    }

    /// `Kind/namespace/name`, or `Kind/name` without a namespace: how messages name an object.
    #[must_use]
    pub fn subject(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }

    fn may_hold_colons(&self) -> bool {
        self.group == RBAC
            && matches!(&*self.kind, "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding")
    }
}

/// The text of inventories: `namespace_name_group_Kind`. Colons in names of roles and their bindings
/// are written as two underscores.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectId { namespace, name, group, kind } = self;
        if self.may_hold_colons() {
            write!(f, "{namespace}_{}_{group}_{kind}", name.replace(':', "__"))
        } else {
            write!(f, "{namespace}_{name}_{group}_{kind}")
        }
    }
}

/// A text that is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse stored object metadata: {0}")]
pub struct InvalidObjectId(String);

impl FromStr for ObjectId {
    type Err = InvalidObjectId;

    /// Two underscores in a name are always read as a colon.
    fn from_str(text: &str) -> Result<Self, InvalidObjectId> {
        let invalid = |rest: &str| InvalidObjectId(rest.to_owned());
        let (namespace, rest) = text.split_once('_').ok_or_else(|| invalid(text))?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(|| invalid(rest))?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(|| invalid(rest))?;
        Ok(ObjectId {
            namespace: namespace.to_owned(),
            name: name.replace("__", ":"),
            group: group.to_owned(),
            kind: kind.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_of_role_names_survive() {
        let id = ObjectId {
            name: "system:x".to_owned(),
            group: RBAC.to_owned(),
            kind: "ClusterRole".to_owned(),
            ..ObjectId::default()
        };
        assert_eq!(id.to_string(), "_system__x_rbac.authorization.k8s.io_ClusterRole");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn too_few_parts_are_refused() {
        assert_eq!("a_b_c".parse::<ObjectId>(), Err(InvalidObjectId("b".to_owned())));
    }
}
