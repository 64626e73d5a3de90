//! Writing a changed document as JSON.

use crate::yaml::Node;
use crate::yaml::json::{Integers, push};

/// The tree as JSON with sorted keys: on one line, or indented by two spaces. None when it cannot
/// be said in JSON.
pub(super) fn write(node: &Node, is_pretty: bool) -> Option<String> {
    let mut compact = String::new();
    push(&mut compact, node, Integers::Exact).ok()?;
    Some(if is_pretty { indented(&compact) } else { compact })
}

/// Go's `json.Indent` of compact JSON.
fn indented(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = compact.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if let Some(closing) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(closing);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn indents_as_go_does() {
        // Expectation: Go's json.MarshalIndent with two spaces.
        assert_eq!(
            indented(r#"{"a":[],"b":{"c":"x,\"{","d":[1,2]},"e":{}}"#),
            "{\n  \"a\": [],\n  \"b\": {\n    \"c\": \"x,\\\"{\",\n    \"d\": [\n      1,\n      2\n    ]\n  },\n  \"e\": {}\n}"
        );
    }
}
