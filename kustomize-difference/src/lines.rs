//! A difference as text for people.

use std::fmt;

use crate::shown::{fit, line, shown, shown_both};
use crate::{Change, Difference, FieldChange, ResourceChange, Value};

/// Lines of a text that are shown of each side.
const MOST_LINES: usize = 12;

/// What a line says, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineRole {
    /// A resource that changed; its fields follow.
    Resource,
    /// Something new.
    Added,
    /// Something gone.
    Removed,
    /// A field with an old and a new value.
    Changed,
    /// A remark.
    Note,
}

/// A line of a difference. `Display` gives it with its indentation and without a line break.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// What it says.
    pub role: LineRole,
    /// Blanks before it.
    pub indent: usize,
    /// The text, fit for a terminal.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:indent$}{}", "", self.text, indent = self.indent)
    }
}

pub(crate) fn lines(difference: &Difference) -> Vec<Line> {
    let mut writer = Writer { lines: Vec::new() };
    for change in &difference.resources {
        writer.resource(change);
    }
    if difference.reordered {
        writer.push(LineRole::Note, 0, "the resources stand in another order");
    }
    writer.lines
}

struct Writer {
    lines: Vec<Line>,
}

impl Writer {
    fn push(&mut self, role: LineRole, indent: usize, text: &str) {
        self.lines.push(Line { role, indent, text: fit(text) });
    }

    fn resource(&mut self, ResourceChange { resource, change }: &ResourceChange) {
        match change {
            Change::Added { .. } => self.push(LineRole::Added, 0, &format!("added {resource}")),
            Change::Removed { .. } => self.push(LineRole::Removed, 0, &format!("removed {resource}")),
            Change::Changed { was: None, fields } => {
                self.push(LineRole::Resource, 0, &format!("changed {resource}"));
                fields.iter().for_each(|field| self.field(field));
            }
            Change::Changed { was: Some(was), fields } => {
                self.push(LineRole::Resource, 0, &format!("changed {resource}, which was {was}"));
                // It is shown already.
                let is_name = |field: &FieldChange| {
                    field.path.is(&["metadata", "name"]) || field.path.is(&["metadata", "namespace"])
                };
                fields.iter().filter(|field| !is_name(field)).for_each(|field| self.field(field));
            }
        }
    }

    fn field(&mut self, FieldChange { path, old, new }: &FieldChange) {
        match (old, new) {
            (None, Some(new)) => self.push(LineRole::Added, 4, &format!("+ {path}: {}", shown(new))),
            (Some(old), None) => self.push(LineRole::Removed, 4, &format!("- {path}: {}", shown(old))),
            (Some(Value::String(old)), Some(Value::String(new))) if is_text(old) || is_text(new) => {
                self.push(LineRole::Changed, 4, &format!("{path}:"));
                self.texts(old, new);
            }
            (Some(old), Some(new)) => {
                let (old, new) = shown_both(old, new);
                self.push(LineRole::Changed, 4, &format!("{path}: {old} → {new}"));
            }
            (None, None) => {}
        }
    }

    /// The lines of two texts, without those that are the same at the start and the end.
    fn texts(&mut self, old: &str, new: &str) {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
        let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let shorter = old.len().min(new.len());
        let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let end = end.min(shorter - start);
        let breaks_differ = |text: &&str| !text.ends_with('\n');
        let odd = old.last().is_some_and(breaks_differ) != new.last().is_some_and(breaks_differ);
        for (role, mark, lines) in [
            (LineRole::Removed, '-', &old[start..old.len() - end]),
            (LineRole::Added, '+', &new[start..new.len() - end]),
        ] {
            for text in lines.iter().take(MOST_LINES) {
                let remark = if odd && !text.ends_with('\n') { " (no line break at the end)" } else { "" };
                let text = line(text.strip_suffix('\n').unwrap_or(text));
                self.push(role, 8, &format!("{mark} {text}{remark}"));
            }
            if let Some(more @ 1..) = lines.len().checked_sub(MOST_LINES) {
                self.push(role, 8, &format!("{mark} … {more} more lines"));
            }
        }
    }
}

/// Whether a string is a text of lines.
fn is_text(text: &str) -> bool {
    text.contains('\n')
}
