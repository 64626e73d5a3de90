//! Reading values by their type: unknown fields, wrong types, defaults, rules.

use serde_json::{Map, Value, json};

use crate::schema::{Merge, NodeId, Shape, Type};
use crate::status::FieldError;

/// After how many errors the rest of an object is not looked at. Each can show a part of the object.
pub(crate) const MOST_ERRORS: usize = 100;

/// Removes what the type does not declare, and lists the paths of what was removed.
pub(crate) fn prune(of: Type<'_>, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Shape::Object { fields, open } = of.shape()
                && !open
            {
                map.retain(|key, _| {
                    let is_known = fields.contains_key(key);
                    if !is_known {
                        unknown.push(join(path, key));
                    }
                    is_known
                });
            }
            if of.is_any() {
                return;
            }
            for (key, child) in map.iter_mut() {
                prune(of.field(key), child, &join(path, key), unknown);
            }
        }
        Value::Array(list) if matches!(of.shape(), Shape::List(_)) => {
            for (index, child) in list.iter_mut().enumerate() {
                prune(of.items(), child, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

/// The path of a field below another.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Sets the defaults that a custom resource's schema declares.
pub(crate) fn set_defaults(of: Type<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, field) in of.fields() {
                if let Some(default) = &field.node().default {
                    let missing = match map.get(name) {
                        None => true,
                        Some(Value::Null) => !field.target().nullable,
                        Some(_) => false,
                    };
                    if missing {
                        map.insert(name.to_owned(), default.clone());
                    }
                }
            }
            if !of.is_any() {
                for (key, child) in map.iter_mut() {
                    set_defaults(of.field(key), child);
                }
            }
        }
        Value::Array(list) => {
            for child in list {
                set_defaults(of.items(), child);
            }
        }
        _ => {}
    }
}

/// Brings a built-in object into the form in which the server keeps it: nulls and empty lists go,
/// structs that are always present appear, quantities become text. Wrong types are errors.
pub(crate) fn normalize(of: Type<'_>, value: &mut Value, path: &str) -> Result<(), String> {
    let wrong = |found: &Value, wanted: &str| {
        let found = match found {
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null => "null",
        };
        Err(format!("json: cannot unmarshal {found} into Go struct field {path} of type {wanted}"))
    };
    match of.shape() {
        Shape::Object { .. } => {
            let Value::Object(map) = value else { return wrong(value, "object") };
            let required = &of.target().required;
            map.retain(|key, child| {
                !child.is_null() || required.iter().any(|name| name == key) && path.contains("conditions")
            });
            for (name, field) in of.fields() {
                if field.node().always && name != "metadata" && !map.contains_key(name) {
                    map.insert(name.to_owned(), json!({}));
                }
            }
            for (key, child) in map.iter_mut() {
                if !child.is_null() {
                    normalize(of.field(key), child, &join(path, key))?;
                }
            }
            map.retain(|key, child| match child {
                Value::Array(list) => !list.is_empty() || required.iter().any(|name| name == key),
                Value::Object(inner) => {
                    !inner.is_empty()
                        || matches!(of.field(key).shape(), Shape::Object { .. } | Shape::Any)
                        || of.field(key).node().always
                }
                _ => true,
            });
        }
        Shape::Map(_) => {
            let Value::Object(map) = value else { return wrong(value, "map") };
            for (key, child) in map.iter_mut() {
                if child.is_null() && matches!(of.field(key).shape(), Shape::String | Shape::Bytes) {
                    *child = Value::from("");
                }
                normalize(of.field(key), child, &join(path, key))?;
            }
        }
        Shape::List(_) => {
            let Value::Array(list) = value else { return wrong(value, "slice") };
            for child in list {
                normalize(of.items(), child, path)?;
            }
        }
        Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime if !value.is_string() => {
            return wrong(value, "string");
        }
        Shape::Bytes => {
            if let Some(place) = value.as_str().and_then(wrong_base64) {
                return Err(format!("{WRONG_BASE64} at input byte {place}"));
            }
        }
        Shape::Integer(bits) => {
            if value.as_f64().is_some_and(|number| number.fract() == 0.0) && value.as_i64().is_none() {
                *value = Value::from(value.as_f64().unwrap_or(0.0) as i64);
            }
            let fits = value.as_i64().is_some_and(|number| *bits == 64 || i32::try_from(number).is_ok());
            if !fits {
                return wrong(value, if *bits == 32 { "int32" } else { "int64" });
            }
        }
        Shape::Number if !value.is_number() => return wrong(value, "float64"),
        Shape::Boolean if !value.is_boolean() => return wrong(value, "bool"),
        Shape::Quantity => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let Some(canonical) = kubernetes_quantity::canonical(&text) else {
                return Err("quantities must match the regular expression \
                    '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                    .to_owned());
            };
            *value = canonical.into();
        }
        Shape::IntOrString if !value.is_string() && value.as_i64().is_none() => {
            return wrong(value, "intstr.IntOrString");
        }
        _ => {}
    }
    Ok(())
}

/// The start of the error for invalid base64.
pub(crate) const WRONG_BASE64: &str = "illegal base64 data";

/// The offset of the first invalid byte of a base64 text, as the server counts. Line breaks are ignored.
fn wrong_base64(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut rest = bytes.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'));
    loop {
        for place in 0..4 {
            match rest.next() {
                None if place == 0 => return None,
                // The group that is not complete.
                None => return Some(bytes.len() - place),
                Some((_, byte)) if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => {}
                Some((_, b'=')) if place >= 2 => {
                    if place == 2 {
                        match rest.next() {
                            None => return Some(bytes.len()),
                            Some((_, b'=')) => {}
                            Some((at, _)) => return Some(at.saturating_sub(1)),
                        }
                    }
                    return rest.next().map(|(at, _)| at);
                }
                Some((at, _)) => return Some(at),
            }
        }
    }
}

/// Checks a built-in object's enumerations.
pub(crate) fn check_builtin(of: Type<'_>, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if errors.len() >= MOST_ERRORS {
        return;
    }
    let allowed = &of.node().allowed;
    if !allowed.is_empty() && value.as_str().is_some_and(|text| !text.is_empty()) && !allowed.contains(value)
    {
        errors.push(FieldError::not_supported(path, value, allowed));
    }
    match value {
        Value::Object(map) if !of.is_any() => {
            for (key, child) in map {
                check_builtin(of.field(key), child, &join(path, key), errors);
            }
        }
        Value::Array(list) if !of.is_any() => {
            for (index, child) in list.iter().enumerate() {
                check_builtin(of.items(), child, &format!("{path}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// Checks a custom resource against its schema.
pub(crate) fn check(of: Type<'_>, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if errors.len() >= MOST_ERRORS {
        return;
    }
    let node = of.target();
    if value.is_null() && (node.nullable || of.is_any()) {
        return;
    }
    let wanted = match &node.shape {
        Shape::Object { .. } | Shape::Map(_) if !value.is_object() => "object",
        Shape::List(_) if !value.is_array() => "array",
        Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime if !value.is_string() => "string",
        Shape::Integer(_) if value.as_f64().is_none_or(|number| number.fract() != 0.0) => "integer",
        Shape::Number if !value.is_number() => "number",
        Shape::Boolean if !value.is_boolean() => "boolean",
        Shape::IntOrString if !value.is_string() && value.as_i64().is_none() => "integer,string",
        _ => "",
    };
    if !wanted.is_empty() {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let found = Value::from(found);
        errors.push(FieldError {
            reason: "FieldValueTypeInvalid",
            ..FieldError::invalid(path, &found, &format!("{path} in body must be of type {wanted}: {found}"))
        });
        return;
    }
    if !node.allowed.is_empty() && !node.allowed.contains(value) {
        errors.push(FieldError::not_supported(path, value, &node.allowed));
    }
    check_rules(of, value, path, errors);
    match value {
        Value::Object(map) => {
            for name in &node.required {
                if !map.contains_key(name) {
                    errors.push(FieldError::required(join(path, name), ""));
                }
            }
            if !of.is_any() {
                for (key, child) in map {
                    if path.is_empty() && key == "metadata" {
                        continue;
                    }
                    check(of.field(key), child, &join(path, key), errors);
                }
            }
        }
        Value::Array(list) => {
            check_unique(of, list, path, errors);
            for (index, child) in list.iter().enumerate() {
                check(of.items(), child, &format!("{path}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// Checks a custom resource against the rules in CEL of its schema. `old` is what it was before.
pub(crate) fn check_expressions(
    of: Type<'_>,
    value: &Value,
    old: Option<&Value>,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    if errors.len() >= MOST_ERRORS {
        return;
    }
    let node = of.target();
    for rule in &node.expressions {
        if let Some(detail) = rule.breach(of, value, old) {
            let field = format!("{path}{}", rule.field);
            let message = match (rule.reason, value) {
                ("FieldValueRequired", _) => format!("Required value: {detail}"),
                ("FieldValueForbidden", _) => format!("Forbidden: {detail}"),
                ("FieldValueDuplicate", value) => format!("Duplicate value: {value}"),
                // Only values without parts are shown.
                (_, Value::Object(_) | Value::Array(_)) => format!("Invalid value: {detail}"),
                (_, scalar) => format!("Invalid value: {scalar}: {detail}"),
            };
            errors.push(FieldError { reason: rule.reason, field, message });
        }
    }
    match value {
        Value::Object(map) if !of.is_any() => {
            for (key, child) in map.iter().filter(|(key, _)| !path.is_empty() || *key != "metadata") {
                let old = old.and_then(|old| old.get(key));
                check_expressions(of.field(key), child, old, &join(path, key), errors);
            }
        }
        Value::Array(list) if !of.is_any() => {
            for (index, child) in list.iter().enumerate() {
                let old = old.and_then(|old| counterpart(of, old, child));
                check_expressions(of.items(), child, old, &format!("{path}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// The item of an older list that has the same keys. Items without keys have none.
fn counterpart<'a>(of: Type<'_>, old: &'a Value, item: &Value) -> Option<&'a Value> {
    let Merge::Keys(keys) = of.merge() else { return None };
    old.as_array()?.iter().find(|other| keys.iter().all(|key| other.get(key) == item.get(key)))
}

fn check_unique(of: Type<'_>, list: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    if *of.merge() == Merge::Atomic {
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    for (index, item) in list.iter().enumerate() {
        if errors.len() >= MOST_ERRORS {
            return;
        }
        if !seen.insert(crate::managed::typed::item_element(of, item, index)) {
            let key = match of.merge() {
                Merge::Keys(keys) => {
                    let parts: Map<String, Value> =
                        keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect();
                    Value::Object(parts)
                }
                _ => item.clone(),
            };
            errors.push(FieldError::duplicate(format!("{path}[{index}]"), &key));
        }
    }
}

fn check_rules(of: Type<'_>, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(rules) = &of.target().rules else { return };
    let mut fail =
        |detail: String| errors.push(FieldError::invalid(path, value, &format!("{path} in body {detail}")));
    if let Some(number) = value.as_f64() {
        if let Some(least) = rules.minimum {
            if rules.exclusive_minimum && number <= least {
                fail(format!("should be greater than {least}"));
            } else if number < least {
                fail(format!("should be greater than or equal to {least}"));
            }
        }
        if let Some(most) = rules.maximum {
            if rules.exclusive_maximum && number >= most {
                fail(format!("should be less than {most}"));
            } else if number > most {
                fail(format!("should be less than or equal to {most}"));
            }
        }
        if let Some(step) = rules.multiple_of
            && (number / step).fract() != 0.0
        {
            fail(format!("should be a multiple of {step}"));
        }
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        if let Some(least) = rules.min_length
            && length < least
        {
            fail(format!("should be at least {least} chars long"));
        }
        if let Some(pattern) = &rules.pattern
            && !pattern.is_match(text)
        {
            fail(format!("should match '{pattern}'"));
        }
        if let Some(most) = rules.max_length
            && length > most
        {
            errors.push(FieldError {
                reason: "FieldValueTooLong",
                field: path.to_owned(),
                message: format!("Too long: may not be more than {most} bytes"),
            });
        }
    }
    let count = value.as_array().map(|list| (list.len() as u64, rules.min_items, rules.max_items, "items"));
    let count = count.or_else(|| {
        value
            .as_object()
            .map(|map| (map.len() as u64, rules.min_properties, rules.max_properties, "properties"))
    });
    if let Some((length, least, most, what)) = count {
        if let Some(least) = least
            && length < least
        {
            errors.push(FieldError::invalid(
                path,
                &length.into(),
                &format!("{path} in body should have at least {least} {what}"),
            ));
        }
        if let Some(most) = most
            && length > most
        {
            errors.push(FieldError {
                reason: "FieldValueTooMany",
                field: path.to_owned(),
                message: format!("Too many: {length}: must have at most {most} items"),
            });
        }
    }
    let holds = |branch: &NodeId| {
        let mut errors = Vec::new();
        check(of.sibling(*branch), value, path, &mut errors);
        errors
    };
    let branch_value = if value.is_object() { Value::from("") } else { value.clone() };
    for branch in &rules.all_of {
        errors.extend(holds(branch));
    }
    if !rules.any_of.is_empty() && !rules.any_of.iter().any(|branch| holds(branch).is_empty()) {
        errors.push(FieldError::invalid(
            path,
            &branch_value,
            &format!("{path} in body must validate at least one schema (anyOf)"),
        ));
    }
    let matching = rules.one_of.iter().filter(|branch| holds(branch).is_empty()).count();
    if !rules.one_of.is_empty() && matching != 1 {
        let found = if matching == 0 {
            "Found none valid".to_owned()
        } else {
            format!("Found {matching} valid alternatives")
        };
        errors.push(FieldError::invalid(
            path,
            &branch_value,
            &format!("{path} in body must validate one and only one schema (oneOf). {found}"),
        ));
    }
    if let Some(branch) = &rules.not
        && holds(branch).is_empty()
    {
        errors.push(FieldError::invalid(
            path,
            &branch_value,
            &format!("{path} in body must not validate the schema (not)"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::wrong_base64;

    /// The offsets are those in the errors of Go's `encoding/base64`.
    #[test]
    fn base64_is_checked() {
        for (text, place) in [
            ("", None),
            ("YQ==", None),
            ("YW\nI=\n", None),
            ("not base64!", Some(3)),
            ("YQ", Some(0)),
            ("YWJjZ", Some(4)),
            ("YQ=", Some(3)),
            ("YQ=a", Some(2)),
            ("Y===", Some(1)),
            ("YQ==YQ==", Some(4)),
            ("YQ\n", Some(1)),
            ("YWJjZ\n\n", Some(6)),
            ("YWJj\nYQ=\n", Some(9)),
            ("YQ=\n=\nx", Some(6)),
        ] {
            assert_eq!(wrong_base64(text), place, "{text:?}");
        }
    }
}
