//! Functions for lists, maps, and any values.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::Value;

use super::super::structure::shown;
use super::{Arguments, Function, Outcome, int_of, text_of};

/// The functions.
pub(super) const ALL: &[Function] = &[
    ("all", |args| Ok(Value::Bool(args.0.iter().all(Value::is_truthy)))),
    ("any", |args| Ok(Value::Bool(args.0.iter().any(Value::is_truthy)))),
    ("append", append),
    ("coalesce", |args| Ok(args.0.iter().find(|value| value.is_truthy()).cloned().unwrap_or(Value::Nil))),
    ("compact", |args| Ok(Value::from(filtered(args.list(0)?, Value::is_truthy)))),
    ("concat", |args| {
        let lists: Result<Vec<_>, _> = (0..args.0.len()).map(|index| args.list(index)).collect();
        Ok(Value::from(lists?.concat()))
    }),
    ("default", |args| {
        let given = args.0.get(1).filter(|value| value.is_truthy());
        args.value(0).map(|fallback| given.unwrap_or(fallback).clone())
    }),
    ("deepEqual", |args| Ok(Value::Bool(args.value(0)? == args.value(1)?))),
    ("dict", |args| {
        let pairs = args.0.chunks(2).map(|pair| {
            (
                Arc::from(pair.first().map(text_of).unwrap_or_default()),
                pair.get(1).cloned().unwrap_or(empty()),
            )
        });
        Ok(Value::from(pairs.collect::<BTreeMap<Arc<str>, Value>>()))
    }),
    ("empty", |args| Ok(Value::Bool(!args.value(0)?.is_truthy()))),
    ("fail", |args| Err(args.text(0)?)),
    ("first", |args| Ok(args.list(0)?.first().cloned().unwrap_or(Value::Nil))),
    ("get", |args| Ok(map(args, 0)?.get(&*args.text(1)?).cloned().unwrap_or(empty()))),
    ("has", |args| Ok(Value::Bool(args.list(1)?.contains(args.value(0)?)))),
    ("hasKey", |args| Ok(Value::Bool(map(args, 0)?.contains_key(&*args.text(1)?)))),
    ("index", index),
    ("initial", |args| {
        let mut items = args.list(0)?;
        items.pop();
        Ok(Value::from(items))
    }),
    ("join", |args| {
        let separator = args.text(0)?;
        let items = match args.value(1)? {
            Value::List(items) => items.to_vec(),
            single => vec![single.clone()],
        };
        let items = items.iter().filter(|item| !matches!(item, Value::Nil)).map(text_of);
        Ok(Value::from(items.collect::<Vec<_>>().join(&separator)))
    }),
    ("keys", |args| {
        let mut keys = Vec::new();
        for index in 0..args.0.len() {
            keys.extend(map(args, index)?.keys().map(|key| Value::String(Arc::clone(key))));
        }
        Ok(Value::from(keys))
    }),
    ("kindIs", |args| Ok(Value::Bool(args.text(0)? == kind(args.value(1)?)))),
    ("kindOf", |args| Ok(Value::from(kind(args.value(0)?)))),
    ("last", |args| Ok(args.list(0)?.last().cloned().unwrap_or(Value::Nil))),
    ("list", |args| Ok(Value::from(args.0.to_vec()))),
    ("omit", |args| {
        let names: Vec<String> = args.0.iter().skip(1).map(text_of).collect();
        let kept = map(args, 0)?.into_iter().filter(|(key, _)| !names.iter().any(|name| **name == **key));
        Ok(Value::from(kept.collect::<BTreeMap<_, _>>()))
    }),
    ("pick", |args| {
        let names: Vec<String> = args.0.iter().skip(1).map(text_of).collect();
        let kept = map(args, 0)?.into_iter().filter(|(key, _)| names.iter().any(|name| **name == **key));
        Ok(Value::from(kept.collect::<BTreeMap<_, _>>()))
    }),
    ("pluck", |args| {
        let name = args.text(0)?;
        let mut found = Vec::new();
        for index in 1..args.0.len() {
            found.extend(map(args, index)?.get(&*name).cloned());
        }
        Ok(Value::from(found))
    }),
    ("prepend", |args| {
        let mut items = args.list(0)?;
        items.insert(0, args.value(1)?.clone());
        Ok(Value::from(items))
    }),
    ("push", append),
    ("rest", |args| Ok(Value::from(args.list(0)?.into_iter().skip(1).collect::<Vec<_>>()))),
    ("reverse", |args| Ok(Value::from(args.list(0)?.into_iter().rev().collect::<Vec<_>>()))),
    ("slice", |args| {
        let place = |index: usize| args.0.get(index).map(int_of);
        args.value(0)?.slice(place(1), place(2)).map_err(|failure| failure.to_string())
    }),
    ("sortAlpha", |args| {
        let mut texts: Vec<String> = args.list(0)?.iter().map(text_of).collect();
        texts.sort();
        Ok(Value::from(texts.into_iter().map(Value::from).collect::<Vec<_>>()))
    }),
    ("ternary", |args| Ok(args.value(usize::from(!args.last()?.is_truthy()))?.clone())),
    ("toJson", |args| Ok(Value::from(json(args.value(0)?).to_string()))),
    ("toStrings", |args| {
        Ok(Value::from(args.list(0)?.iter().map(|item| Value::from(text_of(item))).collect::<Vec<_>>()))
    }),
    ("tuple", |args| Ok(Value::from(args.0.to_vec()))),
    ("uniq", |args| {
        let mut kept: Vec<Value> = Vec::new();
        for item in args.list(0)? {
            if !kept.contains(&item) {
                kept.push(item);
            }
        }
        Ok(Value::from(kept))
    }),
    ("values", |args| Ok(Value::from(map(args, 0)?.into_values().collect::<Vec<_>>()))),
    ("without", |args| {
        let dropped = args.0.get(1..).unwrap_or_default();
        Ok(Value::from(filtered(args.list(0)?, |item| !dropped.contains(item))))
    }),
];

fn empty() -> Value {
    Value::from("")
}

fn append(args: &Arguments) -> Outcome {
    let mut items = args.list(0)?;
    items.push(args.value(1)?.clone());
    Ok(Value::from(items))
}

fn filtered(items: Vec<Value>, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    items.into_iter().filter(|item| wanted(item)).collect()
}

fn map(args: &Arguments, index: usize) -> Result<BTreeMap<Arc<str>, Value>, String> {
    match args.value(index)? {
        Value::Map(entries) => Ok((**entries).clone()),
        other => Err(format!("the argument is of type {} and no map", other.type_name())),
    }
}

/// An item of a list, or an entry of a map; what a map does not have is an empty text.
fn index(args: &Arguments) -> Outcome {
    let mut value = args.value(0)?.clone();
    for place in args.0.iter().skip(1) {
        let is_map = matches!(value, Value::Map(_));
        value = value.index(place).map_err(|failure| failure.to_string())?;
        if is_map && matches!(value, Value::Nil) {
            value = empty();
        }
    }
    Ok(value)
}

/// The name that Go's reflection has for the kind of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::List(_) => "slice",
        other => other.type_name(),
    }
}

/// A value as JSON; structs as the text they print as.
fn json(value: &Value) -> serde_json::Value {
    match shown(value).unwrap_or_else(|| value.clone()) {
        Value::Bool(truth) => truth.into(),
        Value::Int(number) => number.into(),
        Value::Uint(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::String(text) => (*text).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.to_string(), json(value)));
            serde_json::Value::Object(entries.collect())
        }
        Value::Nil | Value::Function(_) => serde_json::Value::Null,
    }
}
