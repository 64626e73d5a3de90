//! Differences as text, in colour where that is wanted, as JSON and as Markdown.

pub(crate) mod markdown;
mod unified;

use kustomize_diagnostic::{Role, Style};
use kustomize_difference::{Difference, LineRole};

use crate::failure::Failure;

pub(crate) use unified::unified;

/// A difference by resource and field, each line indented.
pub(crate) fn by_field(difference: &Difference, style: Style, indent: &str) -> String {
    let mut out = String::new();
    for line in difference.lines() {
        let role = match line.role {
            LineRole::Resource => Role::Message,
            LineRole::Added => Role::Added,
            LineRole::Removed => Role::Removed,
            LineRole::Changed => Role::Changed,
            _ => Role::Plain,
        };
        out.push_str(indent);
        style.push(&mut out, role, &line.to_string());
        out.push('\n');
    }
    out
}

/// A difference for programs.
pub(crate) fn json(difference: &Difference) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(difference);
    text.map(|text| text + "\n").map_err(|error| Failure::new(format!("cannot be written as JSON: {error}")))
}
