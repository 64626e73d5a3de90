//! Namespaces that a role binding reaches into.

use crate::collections::IndexSet;
use crate::error::{BuildError, ErrorKind};
use crate::yaml::resolve::resolve;
use crate::yaml::{Node, Str, Style, Tag, Value};

/// Namespaces, as written, of the service accounts among the subjects of a `RoleBinding`
/// (kustomize's `getNamespacesForRoleBinding`).
///
/// # Errors
/// A subject that is no map, or whose kind or namespace is no string.
pub(super) fn namespaces(root: &Node, cluster_scoped: bool) -> Result<IndexSet<Str>, BuildError> {
    let mut namespaces = IndexSet::default();
    if cluster_scoped || root.get("kind").map_or("", Node::text) != "RoleBinding" {
        return Ok(namespaces);
    }
    let Some(Value::Seq(subjects)) = root.get("subjects").map(|subjects| &subjects.value) else {
        return Ok(namespaces);
    };
    for subject in subjects {
        let Some(fields) = subject.as_map() else {
            return Err(refuse("a subject of a role binding is not a map", subject));
        };
        let (Some(namespace), Some(kind)) = (fields.get("namespace"), fields.get("kind")) else { continue };
        if !is_string(kind) {
            return Err(refuse("the kind of a role binding's subject is not a string", kind));
        }
        if kind.text() == "ServiceAccount" {
            if !is_string(namespace) {
                return Err(refuse("the namespace of a role binding's subject is not a string", namespace)
                    .with_help("leave the field out, or quote the name"));
            }
            namespaces.insert(Str::from(namespace.text()));
        }
    }
    Ok(namespaces)
}

fn is_string(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| match scalar.tag() {
        Tag::Str | Tag::Binary | Tag::Other => true,
        Tag::None => scalar.style() != Style::Plain || resolve(scalar.text()) == Tag::Str,
        _ => false,
    })
}

fn refuse(message: &str, node: &Node) -> BuildError {
    BuildError::new(ErrorKind::Reference, message).at(node.pos).field("subjects")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{FileId, Scalar, reader};

    #[test]
    fn only_bindings_within_a_namespace_are_looked_at() {
        let node = |kind: &str| {
            reader::read(&format!("kind: {kind}\nsubjects: [x]\n"), FileId::UNKNOWN).unwrap().remove(0)
        };
        assert!(namespaces(&node("RoleBinding"), false).is_err());
        assert!(namespaces(&node("RoleBinding"), true).is_ok());
        assert!(namespaces(&node("Bee"), false).is_ok());
    }

    #[test]
    fn values_without_a_type_are_what_they_look_like() {
        assert!(is_string(&Node::untyped("a")));
        assert!(!is_string(&Node::untyped("5")));
        let quoted = Scalar::untyped("5").with(Tag::None, Style::SingleQuoted);
        assert!(is_string(&Node::scalar(quoted)));
    }
}
