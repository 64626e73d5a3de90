//! Which fields of an object an API server refuses.

use std::sync::LazyLock;

use regex::Regex;

/// What stands between the name of an object and what is wrong with the patch that applies it.
const TYPED: &str = "typed patch object (";
/// What stands between the name of an object and what is wrong with it.
const INVALID: &str = " is invalid: ";

/// A path and a type of error, of which there is a list.
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let path = r"[A-Za-z_$][^ \t\r\n:,\[\]]*(?:\[[^\]]*\][^ \t\r\n:,\[\]]*)*";
    let kinds = "Not found|Required value|Duplicate value|Invalid value|Unsupported value|Forbidden|Too long|Too many|Too few|Internal error";
    Regex::new(&format!(r"(?:^|[\[ ])(?<path>{path}): (?:{kinds})")).ok()
});

/// What a server says of a value that it cannot read, or of a field that it does not know.
static READ: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:Go struct field (?:[A-Z][A-Za-z0-9]*\.)?|unknown field ")(?<path>[a-z_$][^ \t\r\n"]*)"#)
        .ok()
});

/// The paths of the fields that an API server names when it refuses an object, in the order of its message. Items of lists
/// are named by their index or by their keys.
///
/// ```
/// use reconciler_core::ssa::refused_fields;
///
/// let message = "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0";
/// assert_eq!(refused_fields(message), ["spec.replicas"]);
/// ```
#[must_use]
pub fn refused_fields(message: &str) -> Vec<String> {
    if let Some((_, typed)) = message.split_once(TYPED) {
        let errors = typed.split_once("): ").map_or("", |(_, errors)| errors);
        return errors.lines().filter_map(|line| path(line.trim_start())).collect();
    }
    let (pattern, errors) = match message.split_once(INVALID) {
        Some((_, errors)) => (&*FIELD, errors),
        None => (&*READ, message),
    };
    let found = pattern.iter().flat_map(|pattern| pattern.captures_iter(errors));
    found.map(|found| found["path"].to_owned()).collect()
}

/// The path at the start of a line, which ends with a colon outside of brackets.
fn path(line: &str) -> Option<String> {
    let path = line.strip_prefix('.')?;
    let (mut is_quoted, mut is_escaped, mut depth) = (false, false, 0_usize);
    for (at, letter) in path.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return Some(path[..at].to_owned()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::refused_fields;

    // Messages of Kubernetes 1.36.
    #[test]
    fn fields_of_a_patch_have_a_type() {
        let typed = "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): ";
        let one = format!("{typed}.spec.replicas: expected numeric (int or float), got string");
        assert_eq!(refused_fields(&one), ["spec.replicas"]);
        let many = format!(
            "{typed}errors:\n  .spec.template.spec.containers[name=\"a: b\"].ports[containerPort=\"x\",protocol=\"TCP\"].containerPort: expected numeric (int or float), got string\n  .spec.replicas: expected numeric (int or float), got string"
        );
        let ports = "spec.template.spec.containers[name=\"a: b\"].ports[containerPort=\"x\",protocol=\"TCP\"].containerPort";
        assert_eq!(refused_fields(&many), [ports, "spec.replicas"]);
    }

    #[test]
    fn fields_of_an_object_are_validated() {
        let one = "Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\"";
        assert_eq!(refused_fields(one), ["spec.template.spec.containers[0].imagePullPolicy"]);
        let many = "ConfigMap \"x\" is invalid: [metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.' (e.g. 'MyValue',  or 'my_value'), data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters]";
        assert_eq!(refused_fields(many), ["metadata.labels", "data[a b]"]);
    }

    #[test]
    fn fields_are_read() {
        let one = "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";
        assert_eq!(refused_fields(one), ["spec.replicas"]);
        assert_eq!(refused_fields(&one.replace("DeploymentSpec.", "")), ["spec.replicas"]);
        let strict = "strict decoding error: unknown field \"spec.foo\", unknown field \"spec.template.bar\"";
        assert_eq!(refused_fields(strict), ["spec.foo", "spec.template.bar"]);
    }

    #[test]
    fn other_messages_name_no_field() {
        for message in [
            "namespaces \"x\" not found",
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'a' with binding 'b' denied request: spec.replicas: no",
        ] {
            assert!(refused_fields(message).is_empty(), "{message}");
        }
    }
}
