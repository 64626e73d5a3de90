//! A repository that Flux has bootstrapped: what of its components is replaced, and what stays because nothing here
//! replaces it. Removing a definition would remove all objects of its kind.

use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde_json::{Value, json};

use crate::cli::manifests::is_replaced;

/// The label with the controller that an object is part of.
const COMPONENT: &str = "app.kubernetes.io/component";
/// What the groups of Flux's kinds end with.
const GROUP: &str = ".toolkit.fluxcd.io";

/// What a repository has of Flux.
#[derive(Debug, Default)]
pub(super) struct CarriedOver {
    /// Objects that stay.
    kept: Vec<Value>,
    /// All objects of the file.
    existing: Vec<Value>,
}

impl CarriedOver {
    /// What stays of a file with components, next to our own objects.
    pub(super) fn new(existing: Vec<Value>, own: &[Value]) -> Self {
        let is_own = |one: &Value| own.iter().any(|own| ObjectId::of(own) == ObjectId::of(one));
        let is_kept = |one: &&Value| !is_own(one) && (is_definition(one) || is_foreign(one));
        CarriedOver { kept: existing.iter().filter(is_kept).cloned().collect(), existing }
    }

    /// Flux's controllers in the file that ours replace.
    pub(super) fn replaced(&self) -> Vec<&str> {
        self.controllers().filter(|name| is_replaced(name)).collect()
    }

    /// Controllers that stay.
    pub(super) fn controllers_kept(&self) -> Vec<&str> {
        self.controllers().filter(|name| !is_replaced(name)).collect()
    }

    fn controllers(&self) -> impl Iterator<Item = &str> {
        let deployments = self.existing.iter().filter(|one| object::kind(one) == "Deployment");
        let of_flux = deployments.filter(|one| object::label(one, COMPONENT).is_some());
        of_flux.map(object::name)
    }

    /// The kinds whose definitions stay without any of our controllers for them.
    pub(super) fn kinds(&self) -> Vec<&str> {
        let definitions = self.kept.iter().filter(|one| is_definition(one));
        definitions.map(|one| object::text(one, &["spec", "names", "kind"])).collect()
    }

    /// Adds what stays to our own objects, with the rights that it needs.
    pub(super) fn add_to(&self, own: &mut Vec<Value>) {
        for object in own.iter_mut() {
            let id = ObjectId::of(object);
            let Some(existing) = self.existing.iter().find(|one| ObjectId::of(one) == id) else { continue };
            match id.kind.as_str() {
                "ClusterRoleBinding" => extend(object, existing, "subjects", |one| self.has_account(one)),
                "ClusterRole" => {
                    let known = groups(object);
                    extend(object, existing, "rules", |rule| {
                        list(rule, "apiGroups").any(|group| {
                            group.as_str().is_some_and(|group| {
                                group.ends_with(GROUP) && !known.iter().any(|known| known == group)
                            })
                        })
                    });
                }
                _ => {}
            }
        }
        own.extend(self.kept.iter().cloned());
    }

    /// Whether a subject is an account that stays.
    fn has_account(&self, subject: &Value) -> bool {
        let text = |key| object::text(subject, &[key]);
        self.kept.iter().any(|one| {
            object::kind(one) == "ServiceAccount"
                && text("kind") == "ServiceAccount"
                && (object::name(one), object::namespace(one)) == (text("name"), text("namespace"))
        })
    }
}

/// Whether an object defines one of Flux's kinds.
fn is_definition(one: &Value) -> bool {
    object::kind(one) == "CustomResourceDefinition" && object::text(one, &["spec", "group"]).ends_with(GROUP)
}

/// Whether an object is part of a controller of Flux that ours do not replace.
fn is_foreign(one: &Value) -> bool {
    object::label(one, COMPONENT).is_some_and(|component| !is_replaced(component))
}

/// The groups in the rules of a role.
fn groups(role: &Value) -> Vec<String> {
    let groups = list(role, "rules").flat_map(|rule| list(rule, "apiGroups"));
    groups.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn list<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Adds those items of a list to the same list of another object that are wanted and not there yet.
fn extend(object: &mut Value, existing: &Value, key: &str, is_wanted: impl Fn(&Value) -> bool) {
    let more: Vec<Value> = list(existing, key).filter(|one| is_wanted(one)).cloned().collect();
    let mut all: Vec<Value> = list(object, key).cloned().collect();
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    object[key] = json!(all);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: &str, name: &str, component: &str) -> Value {
        let metadata = json!({"name": name, "namespace": "x", "labels": {COMPONENT: component}});
        json!({"apiVersion": "v1", "kind": kind, "metadata": metadata})
    }

    fn definition(group: &str, kind: &str) -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{kind}s.{group}"), "labels": {COMPONENT: "source-controller"}},
            "spec": {"group": group, "names": {"kind": kind}},
        })
    }

    fn subject(name: &str) -> Value {
        json!({"kind": "ServiceAccount", "name": name, "namespace": "x"})
    }

    #[test]
    fn nothing_that_we_cannot_replace_is_lost() {
        let source = "source.toolkit.fluxcd.io";
        let rule = |groups: &[&str]| json!({"apiGroups": groups, "resources": ["*"], "verbs": ["*"]});
        let role = |rules: Vec<Value>| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": rules});
        let binding = |subjects: Vec<Value>| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "a"}, "subjects": subjects});
        let existing = vec![
            definition(source, "GitRepository"),
            definition(source, "HelmChart"),
            part("ServiceAccount", "source-controller", "source-controller"),
            part("Deployment", "source-controller", "source-controller"),
            part("ServiceAccount", "helm-controller", "helm-controller"),
            part("Deployment", "helm-controller", "helm-controller"),
            role(vec![rule(&[source]), rule(&["helm.toolkit.fluxcd.io"]), rule(&[""])]),
            binding(vec![subject("source-controller"), subject("helm-controller")]),
        ];
        let mut own = vec![
            definition(source, "GitRepository"),
            role(vec![rule(&[source])]),
            binding(vec![subject("reconciler")]),
        ];
        let carried = CarriedOver::new(existing.clone(), &own);
        assert_eq!(carried.replaced(), ["source-controller"]);
        assert_eq!(carried.controllers_kept(), ["helm-controller"]);
        assert_eq!(carried.kinds(), ["HelmChart"]);
        carried.add_to(&mut own);
        let names: Vec<&str> = own.iter().map(object::name).collect();
        let wanted =
            ["GitRepositorys.source.toolkit.fluxcd.io", "a", "a", "HelmCharts.source.toolkit.fluxcd.io"];
        assert_eq!(names, [&wanted[..], &["helm-controller", "helm-controller"]].concat());
        assert_eq!(own[1]["rules"], json!([rule(&[source]), rule(&["helm.toolkit.fluxcd.io"])]));
        assert_eq!(own[2]["subjects"], json!([subject("reconciler"), subject("helm-controller")]));
        // The file that is written now leads to the same the next time.
        let mut again =
            vec![own[0].clone(), role(vec![rule(&[source])]), binding(vec![subject("reconciler")])];
        CarriedOver::new(own.clone(), &again).add_to(&mut again);
        assert_eq!(again, own);
    }
}
