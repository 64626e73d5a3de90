//! Replaces vars by their values.

use std::borrow::Cow;

use super::var_expansion::{Expanded, VarValue, expand};
use super::var_value;
use super::vars::VarSet;
use crate::collections::{IndexMap, IndexSet};
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::field_spec::{FieldSpec, FieldTries};
use crate::kustomization::Var;
use crate::resource::{Gvk, ResourceSet};
use crate::yaml::base64;
use crate::yaml::decode::Spanned;
use crate::yaml::{Node, Pos, Scalar, Style, Tag, Value};

/// Replaces `$(NAME)` by the value of the var in every field that the configuration says holds
/// vars (kustomize's `ResolveVars`).
///
/// # Errors
/// A var without a value, and a field that is not what the configuration says.
pub(crate) fn resolve_vars(
    set: &mut ResourceSet,
    vars: &VarSet,
    specs: &[FieldSpec],
    cx: &Context,
) -> Result<(), BuildError> {
    if vars.is_empty() {
        return Ok(());
    }
    let values = values(set, vars, cx)?;
    let mut fields: IndexMap<Gvk, FieldTries> = IndexMap::default();
    let mut used = IndexSet::default();
    let replaced = set.iter_mut().try_for_each(|resource| {
        let mut visit = |field: &mut Node, _: u32| replace(field, &values, &mut used);
        let gvk = resource.gvk();
        let replaced = if resource.links.is_empty() {
            let tries = fields.entry(gvk).or_insert_with_key(|gvk| FieldTries::of(gvk, specs));
            tries.walk(&mut resource.node, &mut visit)
        } else {
            // Fields that share a value are replaced more than once: what one field spec leaves
            // in one of them, the next one finds in the other.
            (0..specs.len()).try_for_each(|at| {
                let walked = FieldTries::of(&gvk, &specs[at..=at]).walk(&mut resource.node, &mut visit);
                resource.settle_links();
                walked
            })
        };
        replaced.map_err(|error| error.about(resource.id(cx.schema())))
    });
    warn_of_unused(vars, &values, &used, cx);
    replaced
}

/// The values by name, each from the first resource that the var was bound to.
fn values<'v>(
    set: &ResourceSet,
    vars: &'v VarSet,
    cx: &Context,
) -> Result<IndexMap<&'v str, VarValue>, BuildError> {
    let mut sources: IndexMap<&str, usize> = IndexMap::default();
    for (at, resource) in set.iter().enumerate() {
        for name in &resource.history.vars {
            sources.entry(name).or_insert(at);
        }
    }
    let mut values = IndexMap::default();
    for var in vars.iter() {
        let Some(source) = sources.get(var.name.as_str()) else { return Err(no_resource(var)) };
        let resource = &set.as_slice()[*source];
        let path = match var.fieldref.field_path.as_str() {
            "" => "metadata.name",
            path => path,
        };
        let Some(value) = var_value::at_path(&resource.node, path) else {
            let message = format!("the var `{}` has no value: its resource has no field `{path}`", var.name);
            return Err(BuildError::new(ErrorKind::Var, message)
                .at(var.pos)
                .about(resource.id(cx.schema()))
                .field(path)
                .with_help("`fieldPath` must lead to a field that is there; numbers must be decimal"));
        };
        values.insert(var.name.as_str(), value);
    }
    Ok(values)
}

fn no_resource(var: &Spanned<Var>) -> BuildError {
    let Var { name, objref, .. } = &var.value;
    let message = format!("the var `{name}` has no value: there is no {} `{}`", objref.kind, objref.name);
    BuildError::new(ErrorKind::Var, message).at(var.pos).with_help(
        "`objref` must give the exact apiVersion and kind, and a name that the resource has or had",
    )
}

/// Replaces vars in a string, in the strings of a map, or in a list of strings.
fn replace<'v>(
    field: &mut Node,
    values: &'v IndexMap<&'v str, VarValue>,
    used: &mut IndexSet<&'v str>,
) -> Result<(), BuildError> {
    let refuse = |message: &str, pos: Pos| Err(BuildError::new(ErrorKind::Var, message).at(pos));
    match &mut field.value {
        Value::Scalar(scalar) => replace_scalar(scalar, values, used),
        Value::Map(map) => {
            for entry in map.iter_mut() {
                if !matches!(entry.key.scalar.tag(), Tag::Str | Tag::None) {
                    return refuse("a key in a map with vars is not a string", entry.key.pos);
                }
                if let Value::Scalar(scalar) = &mut entry.value.value {
                    replace_scalar(scalar, values, used);
                }
            }
        }
        Value::Seq(items) => {
            for item in items.iter_mut() {
                match &mut item.value {
                    Value::Scalar(scalar) if is_string(scalar) => replace_scalar(scalar, values, used),
                    _ => return refuse("an item of a list with vars is not a string", item.pos),
                }
            }
        }
    }
    Ok(())
}

fn is_string(scalar: &Scalar) -> bool {
    matches!(scalar.tag(), Tag::Str | Tag::None)
}

/// Replaces vars in a string, and makes it a plain string even if there are none in it. Anything
/// but a string is left as it is.
fn replace_scalar<'v>(
    scalar: &mut Scalar,
    values: &'v IndexMap<&'v str, VarValue>,
    used: &mut IndexSet<&'v str>,
) {
    if !is_string(scalar) {
        return;
    }
    let expanded = expand(scalar.text(), |name| {
        let (name, value) = values.get_key_value(name)?;
        if *value != VarValue::Structure {
            used.insert(*name);
        }
        Some(value)
    });
    match expanded {
        Expanded::Whole(value) => *scalar = value,
        Expanded::Text(Cow::Borrowed(_)) => {
            scalar.set_tag(Tag::Str);
            scalar.set_style(Style::Plain);
        }
        Expanded::Text(Cow::Owned(bytes)) => *scalar = Scalar::string(text_or_base64(bytes)),
    }
}

/// What is no UTF-8 is written in base64, as in kustomize.
fn text_or_base64(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| base64::encode(error.as_bytes()))
}

/// Says which vars were not used, in kustomize's words.
fn warn_of_unused(vars: &VarSet, values: &IndexMap<&str, VarValue>, used: &IndexSet<&str>, cx: &Context) {
    let unused: Vec<_> = vars.iter().filter(|var| !used.contains(var.name.as_str())).collect();
    let Some(first) = unused.first() else { return };
    let names: Vec<_> = unused.iter().map(|var| var.name.as_str()).collect();
    let message = format!("well-defined vars that were never replaced: {}", names.join(","));
    let structures: Vec<_> =
        names.into_iter().filter(|name| values.get(name) == Some(&VarValue::Structure)).collect();
    if structures.is_empty() {
        cx.warn(message, first.pos);
    } else {
        let help = format!("a map or a list is no value for a var: {}", structures.join(", "));
        cx.warn_with_help(message, first.pos, help);
    }
}
