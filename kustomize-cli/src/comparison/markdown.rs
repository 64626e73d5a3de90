//! Differences as Markdown, for comments on pull requests.

use kustomize_diagnostic::fit;
use kustomize_difference::{Difference, Line, LineRole};

/// A difference by resource and field: a paragraph and a block for each resource.
pub(crate) fn of_fields(names: (&str, &str), difference: &Difference) -> String {
    let lines = difference.lines();
    if lines.is_empty() {
        return same(names);
    }
    let mut out = heading(names);
    let mut fields: Vec<String> = Vec::new();
    for line in &lines {
        if line.indent > 0 {
            fields.push(marked(line));
            continue;
        }
        block(&mut out, &mut fields);
        let (word, rest) = line.text.split_once(' ').unwrap_or((&line.text, ""));
        match line.role {
            LineRole::Note => out.push_str(&format!("\n{}\n", line.text)),
            _ => out.push_str(&format!("\n**{word}** {}\n", code(rest))),
        }
    }
    block(&mut out, &mut fields);
    out
}

/// A unified diff in a block.
pub(crate) fn of_lines(names: (&str, &str), diff: &str) -> String {
    if diff.is_empty() {
        return same(names);
    }
    let mut out = heading(names);
    block(&mut out, &mut diff.lines().map(str::to_owned).collect());
    out
}

fn heading((old, new): (&str, &str)) -> String {
    format!("### {} → {}\n", code(&fit(old)), code(&fit(new)))
}

fn same((old, new): (&str, &str)) -> String {
    format!("{} and {} are the same.\n", code(&fit(old)), code(&fit(new)))
}

/// A line with the mark by which blocks of the language `diff` are coloured.
fn marked(line: &Line) -> String {
    match line.role {
        LineRole::Added | LineRole::Removed => line.text.clone(),
        _ => format!("! {}", line.text),
    }
}

/// Appends lines as a block, if there are any.
fn block(out: &mut String, lines: &mut Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let text = std::mem::take(lines).join("\n");
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    out.push_str(&format!("\n{fence}diff\n{text}\n{fence}\n"));
}

/// Text as code within a line.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    // A blank between keeps backticks at the ends apart from the fence.
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// The most backticks that stand next to each other.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_do_not_end_blocks() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("`a``"), "``` `a`` ```");
        let text = of_lines(("a", "b"), "+ ```\n");
        assert_eq!(text, "### `a` → `b`\n\n````diff\n+ ```\n````\n");
        assert_eq!(of_lines(("a", "b"), ""), "`a` and `b` are the same.\n");
    }
}
