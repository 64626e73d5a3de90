//! The value of a var: a field of a resource.

use std::borrow::Cow;

use super::var_expansion::VarValue;
use crate::yaml::{Node, Scalar, Tag, Value};

/// The value at a path such as `spec.ports[0].port` or `spec.list.[name=a].b` (kustomize's
/// `GetFieldValue`); none if there is no such field or its number cannot be read.
pub(super) fn at_path(node: &Node, path: &str) -> Option<VarValue> {
    let mut found = node;
    for part in split(path) {
        let (name, index) = match split_index(&part) {
            Some((name, index)) => (name, Some(index)),
            None => (part.as_ref(), None),
        };
        found = step(found, name)?;
        if let Some(index) = index {
            found = step(found, index)?;
        }
    }
    match &found.value {
        Value::Scalar(scalar) => scalar_value(scalar),
        Value::Map(_) | Value::Seq(_) => Some(VarValue::Structure),
    }
}

/// Numbers are read more narrowly than YAML does, as kustomize has it: `1_000` and `0x10` are
/// no values.
fn scalar_value(scalar: &Scalar) -> Option<VarValue> {
    let text = scalar.text();
    match scalar.tag() {
        Tag::Int => text.parse().ok().map(VarValue::Int),
        Tag::Float => text.parse::<f64>().ok().filter(|float| float.is_finite()).map(VarValue::Float),
        Tag::Bool => match text {
            "true" | "True" | "TRUE" => Some(VarValue::Bool(true)),
            "false" | "False" | "FALSE" => Some(VarValue::Bool(false)),
            _ => None,
        },
        _ => Some(VarValue::Text(text.to_owned())),
    }
}

/// One step: a field of a map, or an item of a list by index, by `-` for the last, by
/// `[field=value]` or by `[=value]`.
fn step<'n>(node: &'n Node, part: &str) -> Option<&'n Node> {
    let part = part.trim();
    if part.is_empty() {
        return Some(node);
    }
    if let Ok(index) = part.parse::<i64>() {
        return node.as_seq()?.get(usize::try_from(index).ok()?);
    }
    if part == "-" {
        return node.as_seq()?.iter().next_back();
    }
    if let Some(condition) = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')) {
        let (field, value) = condition.split_once('=')?;
        let wanted = |item: &&Node| match field {
            "" => item.text() == value,
            _ => item.get(field).is_some_and(|field| field.text() == value),
        };
        return node.as_seq()?.iter().find(wanted);
    }
    node.get(part)
}

/// Splits `ports[0]` into `ports` and `0`.
fn split_index(part: &str) -> Option<(&str, &str)> {
    let (name, index) = part.strip_suffix(']')?.rsplit_once('[')?;
    let is_index = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_index.then_some((name, index))
}

/// Splits a path at its dots, but not at `\.` nor within brackets, which stay where they hold a
/// condition and go where they hold a name (kustomize's `SmarterPathSplitter`).
fn split(path: &str) -> Vec<Cow<'_, str>> {
    let mut parts = Vec::new();
    let mut rest = unescaped_parts(path).into_iter();
    while let Some(part) = rest.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            parts.push(part);
            continue;
        }
        let mut bracketed = part.into_owned();
        for part in rest.by_ref() {
            bracketed.push('.');
            bracketed.push_str(&part);
            if part.ends_with(']') {
                break;
            }
        }
        if !bracketed.contains('=') {
            bracketed = bracketed.trim_matches(['[', ']']).to_owned();
        }
        parts.push(bracketed.into());
    }
    parts
}

fn unescaped_parts(path: &str) -> Vec<Cow<'_, str>> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let mut parts: Vec<Cow<'_, str>> = Vec::new();
    for part in path.split('.') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                let last = last.to_mut();
                last.pop();
                last.push('.');
                last.push_str(part);
            }
            _ => parts.push(part.into()),
        }
    }
    parts
}
