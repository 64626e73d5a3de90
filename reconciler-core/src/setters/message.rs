//! The message of a commit.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Change, ObjectIdentifier};
use crate::go::template::{TemplateError, Value, key, render, structure};

/// The message of automations that have no template.
pub const DEFAULT_MESSAGE: &str = "Update from image update automation";

/// Where fields that are no more are explained.
const SEE: &str = "See: https://fluxcd.io/flux/components/image/imageupdateautomations/#message-template";

/// Why there is no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// The template is none.
    #[error("unable to create commit message template from spec: {0}")]
    Template(String),
    /// The template fails.
    #[error("failed to run template from spec: {0}")]
    Run(String),
    /// The template has a field that was removed.
    #[error("template uses removed '{field}' field. Please use {instead} instead. {SEE}")]
    Removed {
        /// The field.
        field: &'static str,
        /// What there is instead.
        instead: &'static str,
    },
}

/// Makes the message of a commit with these changes; the default one of an empty template.
pub fn commit_message(
    template: &str,
    namespace: &str,
    name: &str,
    changes: &[Change],
    values: &BTreeMap<String, String>,
) -> Result<String, MessageError> {
    if template.is_empty() {
        return Ok(DEFAULT_MESSAGE.to_owned());
    }
    let shown = format!("{namespace}/{name}");
    let automation = structure(
        "types.NamespacedName",
        &shown,
        vec![
            ("Namespace", Value::from(namespace)),
            ("Name", Value::from(name)),
            ("String", Value::from(shown.as_str())),
        ],
    );
    let values: BTreeMap<String, Value> =
        values.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    let data = structure(
        "source.TemplateData",
        "",
        vec![("AutomationObject", automation), ("Changed", result(changes)), ("Values", Value::from(values))],
    );
    render("commit message", template, &data).map_err(|failure| match failure {
        TemplateError::Syntax(reason) => MessageError::Template(reason),
        TemplateError::Execution(reason) => removed(&reason).unwrap_or(MessageError::Run(reason)),
    })
}

/// The fields that were removed.
fn removed(reason: &str) -> Option<MessageError> {
    if reason.contains("can't evaluate field Updated in type source.TemplateData") {
        return Some(MessageError::Removed { field: ".Updated", instead: "'.Changed'" });
    }
    reason.contains("can't evaluate field ImageResult in type update.Result").then_some(
        MessageError::Removed {
            field: ".Changed.ImageResult",
            instead: "'.Changed.FileChanges' or '.Changed.Objects'",
        },
    )
}

/// The changes as the template sees them: by file and object, by object, and all.
fn result(changes: &[Change]) -> Value {
    let mut files: BTreeMap<&str, BTreeMap<String, Vec<Value>>> = BTreeMap::new();
    let mut objects: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut all = Vec::new();
    for change in changes {
        let (object, value) = (object_key(&change.object), change_value(change));
        files.entry(&change.file).or_default().entry(object.clone()).or_default().push(value.clone());
        objects.entry(object).or_default().push(value.clone());
        all.push(value);
    }
    let files = files.into_iter().map(|(file, objects)| (file.to_owned(), by_object(objects)));
    structure(
        "update.Result",
        "",
        vec![
            ("FileChanges", Value::from(files.collect::<BTreeMap<_, _>>())),
            ("Objects", by_object(objects)),
            ("Changes", Value::from(all)),
        ],
    )
}

fn by_object(objects: BTreeMap<String, Vec<Value>>) -> Value {
    let objects = objects.into_iter().map(|(object, changes)| (object, Value::from(changes)));
    Value::from(objects.collect::<BTreeMap<_, _>>())
}

fn object_key(object: &ObjectIdentifier) -> String {
    let ObjectIdentifier { api_version, kind, namespace, name } = object;
    let shown = format!("{{{{{{{api_version} {kind}}} {{{name} {namespace}}}}}}}");
    let fields = [("APIVersion", &**api_version), ("Kind", kind), ("Name", name), ("Namespace", namespace)];
    key("update.ObjectIdentifier", &shown, &fields)
}

fn change_value(change: &Change) -> Value {
    let Change { old_value, new_value, setter, .. } = change;
    let text = |text: &String| Value::from(text.as_str());
    structure(
        "update.Change",
        &format!("{{{old_value} {new_value} {setter}}}"),
        vec![("OldValue", text(old_value)), ("NewValue", text(new_value)), ("Setter", text(setter))],
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Change, MessageError, ObjectIdentifier, commit_message};

    #[test]
    fn messages_see_changes_and_values() -> Result<(), MessageError> {
        let object = ObjectIdentifier { kind: "Deployment".to_owned(), ..ObjectIdentifier::default() };
        let change = Change {
            file: "a.yaml".to_owned(),
            object,
            old_value: "1".to_owned(),
            new_value: "2".to_owned(),
            setter: "apps:nginx:tag".to_owned(),
        };
        let values = BTreeMap::from([("cluster".to_owned(), "prod".to_owned())]);
        let made = |text: &str| commit_message(text, "apps", "auto", std::slice::from_ref(&change), &values);
        let text = "{{ .Values.cluster }}: {{ range .Changed.Changes }}{{ println .OldValue \"->\" .NewValue }}{{ end }}";
        assert_eq!(made(text)?, "prod: 1 -> 2\n");
        assert!(matches!(made("{{ .Updated }}"), Err(MessageError::Removed { .. })));
        assert!(matches!(made("{{ if }}"), Err(MessageError::Template(_))));
        Ok(())
    }
}
