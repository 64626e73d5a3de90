//! What the annotations of an automation ask for.

use std::collections::BTreeMap;

use reconciler_api::annotation;
use thiserror::Error;

/// What one pull request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All updates of the automation.
    Automation,
    /// The updates of one policy.
    Policy,
}

/// The pull requests that an automation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What one pull request has.
    pub scope: Scope,
    /// The Provider with the login, in the namespace of the automation. Without one the GitRepository has it.
    pub provider: Option<String>,
    /// Their labels.
    pub labels: Vec<String>,
    /// Their title, if it is not to be made from the images.
    pub title: Option<String>,
    /// Their branch, or what it starts with.
    branch: Option<String>,
}

/// Why the annotations ask for nothing that can be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// There is no such scope.
    #[error("annotation '{key}' must be 'automation' or 'policy', not '{0}'", key = annotation::PULL_REQUEST)]
    Scope(String),
    /// Pull requests are not asked for, but how they should be.
    #[error("annotation '{0}' has no effect without '{key}', which must be 'automation' or 'policy'", key = annotation::PULL_REQUEST)]
    Alone(String),
    /// There is no such annotation.
    #[error("annotation '{0}' does not exist, only {known}", known = KNOWN.map(|key| format!("'{key}'")).join(", "))]
    Unknown(String),
}

/// The annotations that are read here.
const KNOWN: [&str; 5] = [
    annotation::PULL_REQUEST,
    annotation::PULL_REQUEST_PROVIDER,
    annotation::PULL_REQUEST_LABELS,
    annotation::PULL_REQUEST_TITLE,
    annotation::PULL_REQUEST_BRANCH,
];
/// How those start that are meant to be read here. A misspelled one must not make an automation push instead.
const START: &str = "image.toolkit.fluxcd.io/pull";

/// Reads the annotations; nothing if they do not ask for pull requests.
pub fn settings(annotations: &BTreeMap<String, String>) -> Result<Option<Settings>, SettingsError> {
    let read = |key: &str| annotations.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
    let mut meant = annotations.keys().filter(|key| key.starts_with(START));
    if let Some(unknown) = meant.clone().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(SettingsError::Unknown(unknown.clone()));
    }
    let scope = match read(annotation::PULL_REQUEST) {
        None => {
            return match meant.find(|key| read(key).is_some()) {
                Some(alone) => Err(SettingsError::Alone(alone.clone())),
                None => Ok(None),
            };
        }
        Some("automation") => Scope::Automation,
        Some("policy") => Scope::Policy,
        Some(other) => return Err(SettingsError::Scope(other.to_owned())),
    };
    let labels = read(annotation::PULL_REQUEST_LABELS).unwrap_or_default().split(',');
    let given = |key: &str| read(key).map(str::to_owned);
    Ok(Some(Settings {
        scope,
        provider: given(annotation::PULL_REQUEST_PROVIDER),
        labels: labels.map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        title: given(annotation::PULL_REQUEST_TITLE),
        branch: given(annotation::PULL_REQUEST_BRANCH),
    }))
}

impl Settings {
    /// The branch of the pull request for all policies, or for one. No name of an object has an underscore, so
    /// no two automations share a branch.
    pub fn branch(&self, namespace: &str, name: &str, policy: Option<&str>) -> String {
        let start = self.branch.clone().unwrap_or_else(|| format!("image-updates/{namespace}/{name}"));
        match policy {
            Some(policy) => format!("{start}_{policy}"),
            None => start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Settings>, SettingsError> {
        settings(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn annotations_say_what_is_wanted() {
        assert_eq!(read(&[("other", "x")]), Ok(None));
        let wrong = read(&[(annotation::PULL_REQUEST, "yes")]);
        assert_eq!(wrong, Err(SettingsError::Scope("yes".to_owned())));
        let misspelled = "image.toolkit.fluxcd.io/pull-requests";
        let wrong = read(&[(misspelled, "policy"), (annotation::PULL_REQUEST_PROVIDER, "forge")]);
        assert_eq!(wrong, Err(SettingsError::Unknown(misspelled.to_owned())));
        let wrong = read(&[(annotation::PULL_REQUEST_PROVIDER, "forge")]);
        assert_eq!(wrong, Err(SettingsError::Alone(annotation::PULL_REQUEST_PROVIDER.to_owned())));
        let wanted = read(&[
            (annotation::PULL_REQUEST, "policy"),
            (annotation::PULL_REQUEST_PROVIDER, "forge"),
            (annotation::PULL_REQUEST_LABELS, "images, staging,"),
        ]);
        let expected = Settings {
            scope: Scope::Policy,
            provider: Some("forge".to_owned()),
            labels: vec!["images".to_owned(), "staging".to_owned()],
            title: None,
            branch: None,
        };
        assert_eq!(wanted, Ok(Some(expected)));
    }

    #[test]
    fn no_branch_lies_below_another() -> Result<(), SettingsError> {
        let Some(default) = read(&[(annotation::PULL_REQUEST, "policy")])? else { return Ok(()) };
        assert_eq!(default.branch("staging", "nginx", None), "image-updates/staging/nginx");
        assert_eq!(default.branch("staging", "nginx", Some("web")), "image-updates/staging/nginx_web");
        let own = Settings { branch: Some("updates".to_owned()), ..default };
        assert_eq!(own.branch("staging", "nginx", Some("web")), "updates_web");
        Ok(())
    }
}
