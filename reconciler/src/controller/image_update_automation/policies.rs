//! Which policies an automation takes tags from.

use std::collections::BTreeMap;

use reconciler_api::image_policy::{ImagePolicySpec, ImageRef};
use reconciler_api::image_update_automation::PolicySelector;
use reconciler_api::{ImageUpdateAutomation, reason};
use reconciler_core::setters::{Others, PolicyNames};

use super::super::Context;
use super::super::outcome::Failure;
use super::super::queue::Key;

/// The policies that count.
pub(super) struct Policies {
    /// The latest image of each that has picked one.
    pub(super) latest: BTreeMap<String, ImageRef>,
    /// All of them.
    pub(super) specs: BTreeMap<String, ImagePolicySpec>,
    /// Whether each has picked an image, and none can be unknown.
    pub(super) are_complete: bool,
}

/// The policies that count for an automation.
pub(super) fn policies(
    context: &Context,
    key: &Key,
    automation: &ImageUpdateAutomation,
) -> Result<Policies, Failure> {
    let selector = automation.spec.policy_selector.clone().unwrap_or_default();
    check(&selector).map_err(|message| Failure::permanent(reason::INVALID_POLICY_SELECTOR, message))?;
    let (mut latest, mut specs) = (BTreeMap::new(), BTreeMap::new());
    let are_listed = context.images.policies.is_listed();
    context.images.policies.keys(|policy_key, policy| {
        let empty = BTreeMap::new();
        let labels = policy.metadata.labels.as_ref().unwrap_or(&empty);
        let counts = policy_key.namespace == key.namespace
            && policy.metadata.deletion_timestamp.is_none()
            && selects(&selector, labels);
        if counts {
            specs.insert(policy_key.name.clone(), policy.spec.clone());
            if let Some(image) = context.images.latest(policy_key, policy) {
                latest.insert(policy_key.name.clone(), image);
            }
        }
        false
    });
    let are_complete = are_listed && latest.len() == specs.len();
    Ok(Policies { latest, specs, are_complete })
}

/// The policies that markers can name; nothing until all are known.
pub(super) fn names(context: &Context, key: &Key) -> Option<PolicyNames> {
    let images = &context.images;
    if !images.policies.is_listed() {
        return None;
    }
    let all = images.policies.keys(|_, policy| policy.metadata.deletion_timestamp.is_none());
    let (own, others): (Vec<Key>, Vec<Key>) = all.into_iter().partition(|one| one.namespace == key.namespace);
    // A tenant learns nothing of others.
    let is_open = context.tenants.is_strict(&key.namespace) == Some(false);
    let others = is_open.then(|| Others {
        namespaces: context.tenants.namespaces.keys(|_, _| true).into_iter().map(|one| one.name).collect(),
        policies: others.into_iter().map(|one| (one.namespace, one.name)).collect(),
        automated: images.automations.keys(|_, _| true).into_iter().map(|one| one.namespace).collect(),
    });
    let policies = own.into_iter().map(|one| one.name).collect();
    Some(PolicyNames { namespace: key.namespace.clone(), policies, others })
}

/// What is wrong with a selector.
fn check(selector: &PolicySelector) -> Result<(), String> {
    for requirement in &selector.match_expressions {
        match (&*requirement.operator, requirement.values.is_empty()) {
            ("In" | "NotIn", false) | ("Exists" | "DoesNotExist", true) => {}
            ("In" | "NotIn", true) => {
                return Err(format!(
                    "failed to parse policy selector: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty (key {})",
                    requirement.key
                ));
            }
            ("Exists" | "DoesNotExist", false) => {
                return Err(format!(
                    "failed to parse policy selector: values set must be empty for exists and does not exist (key {})",
                    requirement.key
                ));
            }
            (operator, _) => {
                return Err(format!(
                    "failed to parse policy selector: \"{operator}\" is not a valid label selector operator"
                ));
            }
        }
    }
    Ok(())
}

fn selects(selector: &PolicySelector, labels: &BTreeMap<String, String>) -> bool {
    selector.match_labels.iter().all(|(label, value)| labels.get(label) == Some(value))
        && selector.match_expressions.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            let listed = value.is_some_and(|value| requirement.values.contains(value));
            match &*requirement.operator {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                _ => value.is_none(),
            }
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use reconciler_api::image_update_automation::{PolicySelector, PolicySelectorRequirement};

    use super::{check, selects};

    #[test]
    fn selectors_are_those_of_kubernetes() {
        let selector = |operator: &str, values: &[&str]| PolicySelector {
            match_expressions: vec![PolicySelectorRequirement {
                key: "app".to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            ..PolicySelector::default()
        };
        let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        let none = BTreeMap::new();
        for (operator, values, with, without) in [
            ("In", &["web"][..], true, false),
            ("NotIn", &["web"], false, true),
            ("Exists", &[], true, false),
            ("DoesNotExist", &[], false, true),
        ] {
            let selector = selector(operator, values);
            assert_eq!(check(&selector), Ok(()));
            assert_eq!(
                (selects(&selector, &labels), selects(&selector, &none)),
                (with, without),
                "{operator}"
            );
        }
        assert!(check(&selector("In", &[])).is_err() && check(&selector("Like", &["x"])).is_err());
    }
}
