//! Two values, field by field.

use indexmap::IndexMap;

use crate::{FieldChange, FieldPath, Segment, Value};

/// The fields that are not the same.
pub(crate) fn compare(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut comparison = Comparison { path: FieldPath::default(), changes: Vec::new() };
    comparison.values(old, new);
    comparison.changes
}

struct Comparison {
    /// Where we are.
    path: FieldPath,
    changes: Vec<FieldChange>,
}

impl Comparison {
    fn note(&mut self, old: Option<Value>, new: Option<Value>) {
        self.changes.push(FieldChange { path: self.path.clone(), old, new });
    }

    /// Compares what stands one step further on each side.
    fn step(&mut self, step: Segment, old: Option<&Value>, new: Option<&Value>) {
        self.path.push(step);
        match (old, new) {
            (Some(old), Some(new)) => self.values(old, new),
            (old, new) => self.note(old.cloned(), new.cloned()),
        }
        self.path.pop();
    }

    fn values(&mut self, old: &Value, new: &Value) {
        match (old, new) {
            _ if old == new => {}
            (Value::Map(old), Value::Map(new)) => {
                let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
                names.sort_unstable();
                names.dedup();
                for name in names {
                    self.step(Segment::Field(name.clone()), old.get(name), new.get(name));
                }
            }
            (Value::List(old), Value::List(new)) => match (names(old), names(new)) {
                (Some(old_names), Some(new_names)) => self.named(old, &old_names, new, &new_names),
                _ => self.indexed(old, new),
            },
            _ => self.note(Some(old.clone()), Some(new.clone())),
        }
    }

    /// Lists whose items have names.
    fn named(&mut self, old: &[Value], old_names: &[&str], new: &[Value], new_names: &[&str]) {
        let before: IndexMap<&str, &Value> = old_names.iter().copied().zip(old).collect();
        let after: IndexMap<&str, &Value> = new_names.iter().copied().zip(new).collect();
        for name in new_names {
            self.step(
                Segment::Named((*name).to_owned()),
                before.get(name).copied(),
                after.get(name).copied(),
            );
        }
        for name in old_names.iter().filter(|name| !after.contains_key(*name)) {
            self.step(Segment::Named((*name).to_owned()), before.get(name).copied(), None);
        }
        // Order counts: init containers run in it.
        let kept_old = old_names.iter().filter(|name| after.contains_key(*name));
        let kept_new = new_names.iter().filter(|name| before.contains_key(*name));
        if !kept_old.eq(kept_new) {
            let list = |names: &[&str]| {
                Value::List(names.iter().map(|name| Value::String((*name).to_owned())).collect())
            };
            self.path.push(Segment::Names);
            self.note(Some(list(old_names)), Some(list(new_names)));
            self.path.pop();
        }
    }

    /// Other lists: after what is the same at both ends is put aside, by index.
    fn indexed(&mut self, old: &[Value], new: &[Value]) {
        let shorter = old.len().min(new.len());
        let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let same_at_end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        // What is the same at both ends may overlap; and lists of equal length have nothing to shift.
        let end = if old.len() == new.len() { 0 } else { same_at_end.min(shorter - start) };
        let (old_end, new_end) = (old.len() - end, new.len() - end);
        for at in start..old_end.max(new_end) {
            let old = old.get(at).filter(|_| at < old_end);
            let new = new.get(at).filter(|_| at < new_end);
            self.step(Segment::Index(at), old, new);
        }
    }
}

/// The names of the items, if each is a map with a name of its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> =
        items.iter().map(|item| item.get("name").and_then(Value::as_str)).collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(names)
}
