//! Finds the comments of a text that are schemas. The reader drops comments, so that they are
//! looked for in the text, and tied to fields by the places of their keys.

use std::ops::Range;
use std::sync::Arc;

use super::Resource;
use crate::schema::SchemaComment;
use crate::yaml::{FileId, Node, Pos, Value, read_config};

/// A comment, and the line in which the key that it belongs to begins.
struct Comment {
    line: Range<usize>,
    /// For a comment above that line.
    above: Option<Above>,
    /// Where the first key of that line stands, once it is known.
    key: Option<Pos>,
    schema: Arc<Node>,
}

/// Where a comment above a key stands.
#[derive(Clone, Copy)]
struct Above {
    column: usize,
    /// Where the line above the comment begins, if that is known to be no text of a block scalar.
    line_above: Option<usize>,
}

impl Above {
    /// Whether the comment belongs to a key in this column: if it stands in the same one, or if no
    /// deeper block ends between the two, lest the end of a block scalar be taken for a comment.
    fn belongs_to(self, column: usize) -> bool {
        self.column == column || self.line_above.is_some_and(|line| line <= column)
    }
}

/// Notes in each resource the schema comments of its fields.
///
/// A comment counts that is a JSON object with any content and stands at the end of the line of the
/// field's key, or, where the key has none, alone right above it.
pub(super) fn note_schema_comments<'r>(
    resources: impl Iterator<Item = &'r mut Resource>,
    text: &str,
    file: FileId,
) {
    let mut found = find(text, file);
    if found.is_empty() {
        return;
    }
    let mut tied = Vec::new();
    for resource in resources {
        tie(&resource.node, file, &mut found, &mut tied);
        tied.sort_unstable();
        tied.dedup();
        let mut of_resource: Vec<&Comment> = tied.drain(..).filter_map(|at| found.get(at)).collect();
        of_resource.sort_by_key(|found| found.above.is_some());
        let comment = |found: &Comment| Some(SchemaComment { key: found.key?, schema: found.schema.clone() });
        let comments = &mut resource.history.schema_comments;
        comments.extend(of_resource.into_iter().filter_map(comment));
        SchemaComment::sort(comments);
    }
}

/// The comments, in the order of the text.
fn find(text: &str, file: FileId) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut tried = 0;
    let mut line = 0..0;
    for at in memchr::memchr_iter(b'#', text.as_bytes()) {
        let (before, comment) = text.split_at(at);
        if at < tried || before.ends_with(|c: char| !c.is_ascii_whitespace()) {
            continue;
        }
        if !line.contains(&at) {
            line = before.rfind('\n').map_or(0, |end| end + 1)..end_of_line(text, at);
            // Unless quotes are around it, what follows on the line is one comment.
            if !text[line.start..at].contains(['\'', '"']) {
                tried = line.end;
            }
        }
        let json = comment.trim_start_matches('#').trim_start_matches([' ', '\t']);
        if !json.starts_with('{') {
            continue;
        }
        let Range { start, end } = line.clone();
        tried = end;
        let Some(schema) = read_schema(json.lines().next().unwrap_or_default(), file) else { continue };
        if !before[start..].trim_start_matches([' ', '\t']).is_empty() {
            found.push(Comment { line: start..at, above: None, key: None, schema });
            continue;
        }
        let above = before[..start].lines().next_back().unwrap_or_default();
        let line = end..end_of_line(text, end);
        // What has several lines is one comment, which is no JSON.
        if !above.trim_start().starts_with('#') && !is_commented_key(&text[line.clone()]) {
            let content = above.trim_start();
            let is_clear = !content.is_empty() && !content.contains(['|', '>']);
            let line_above = is_clear.then(|| above.len() - content.len());
            let above = Some(Above { column: at - start, line_above });
            found.push(Comment { line, above, key: None, schema });
        }
    }
    found
}

/// Whether a line is a key with a comment and nothing between them: kustomize looks no further
/// than that comment.
fn is_commented_key(line: &str) -> bool {
    line.split_once(" #").is_some_and(|(key, _)| key.trim_end().ends_with(':'))
}

/// Where the line after the one that a place is in begins.
fn end_of_line(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |end| at + end + 1)
}

/// The schema, unless the text is no JSON object, or an empty one. All JSON is YAML; YAML that only
/// resembles JSON begins otherwise.
fn read_schema(json: &str, file: FileId) -> Option<Arc<Node>> {
    let inner = json.trim().strip_prefix('{')?.strip_suffix('}')?;
    if !inner.trim_start().starts_with('"') {
        return None;
    }
    let schema = read_config(json, file).ok()??;
    schema.as_map().is_some().then(|| Arc::new(schema))
}

/// Looks for the keys that comments belong to; `tied` gets the numbers of the comments.
fn tie(node: &Node, file: FileId, found: &mut [Comment], tied: &mut Vec<usize>) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::Seq(items) => items.iter().for_each(|item| tie(item, file, found, tied)),
        Value::Map(map) => {
            for entry in map {
                let key = entry.key.pos;
                if key.file() == Some(file) {
                    let offset = key.offset() as usize;
                    let first = found.partition_point(|found| found.line.end <= offset);
                    // There may be one above the line and one at its end.
                    for (at, found) in found.iter_mut().enumerate().skip(first).take(2) {
                        let fits = found.line.contains(&offset)
                            && found.above.is_none_or(|above| above.belongs_to(offset - found.line.start));
                        if fits && found.key.is_none_or(|known| key.offset() <= known.offset()) {
                            found.key = Some(key);
                            tied.push(at);
                        }
                    }
                }
                tie(&entry.value, file, found, tied);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::merge;
    use crate::resource::{parse_patches, parse_resources};
    use crate::schema::{Schema, SchemaComment};
    use crate::yaml::{FileId, print};

    const HEAD: &str = "apiVersion: custom\nkind: Deployment\nmetadata: {name: d}\n";
    const BY_VALUE: &str = r#"{"type":"array", "x-kubernetes-patch-strategy": "merge"}"#;

    /// What a patch makes of a target, without the first lines.
    fn merged(target: &str, patch: &str) -> String {
        let mut target = parse_resources(&format!("{HEAD}{target}"), FileId::new(0)).unwrap().remove(0);
        let patch = parse_patches(&format!("{HEAD}{patch}"), FileId::new(1)).unwrap().remove(0);
        let mut comments = target.history.schema_comments;
        comments.extend(patch.history.schema_comments);
        SchemaComment::sort(&mut comments);
        let schema = Schema::default();
        assert!(merge::merge(&mut target.node, &patch.node, "custom", &schema, &comments).unwrap());
        for field in ["apiVersion", "kind", "metadata"] {
            target.node.as_map_mut().unwrap().remove(field);
        }
        let mut printed = String::new();
        print(&target.node, &mut printed).unwrap();
        printed
    }

    #[test]
    fn a_comment_in_the_patch_makes_a_list_merge() {
        let patch = format!("items: # {BY_VALUE}\n- a\n- b\n");
        assert_eq!(merged("items: [b, c]\n", &patch), "items:\n- a\n- b\n- c\n");
    }

    #[test]
    fn a_comment_in_the_target_may_refer_to_builtin_types() {
        let target = r##"
containers: # {"items":{"$ref": "#/definitions/io.k8s.api.core.v1.Container"},"type":"array","x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy": "merge"}
- name: foo # hello
  image: foo:bar
  ports: [{containerPort: 1, name: a}]
"##;
        let patch = "containers:\n- name: foo\n  ports: [{containerPort: 2}]\n";
        let wanted = "containers:\n- image: foo:bar\n  name: foo\n  ports:\n  - containerPort: 2\n  - containerPort: 1\n    name: a\n";
        assert_eq!(merged(target, patch), wanted);
    }

    #[test]
    fn where_comments_count() {
        // Each as kustomize has it.
        for (target, merges) in [
            (format!("l: # {BY_VALUE}\n- a\n"), true),
            (format!("l: #{BY_VALUE}  \n- a\n"), true),
            (format!("l: [a] # {BY_VALUE}\n"), true),
            (format!("k: 1\n# {BY_VALUE}\nl:\n- a\n"), true),
            (format!("k: 1\n# {BY_VALUE}\nl: [a] # hello\n"), true),
            (format!("k: 1\n# {BY_VALUE}\nl: # hello\n- a\n"), false),
            (format!("k: 1\n# {BY_VALUE}\n\nl:\n- a\n"), false),
            (format!("k: 1\n# hello\n# {BY_VALUE}\nl:\n- a\n"), false),
            ("l: # {hello}\n- a\n".to_owned(), false),
        ] {
            let wanted = if merges { "l:\n- b\n- a\n" } else { "l:\n- b\n" };
            assert_eq!(merged(&target, "l: [b]\n").trim_start_matches("k: 1\n"), wanted, "{target}");
        }
    }

    #[test]
    fn a_comment_takes_the_place_of_what_is_known() {
        let merged = |comment: &str| {
            let target = format!("kind: Pod\napiVersion: v1\nspec:\n  volumes: # {comment}\n  - name: a\n");
            merged(&format!("x:\n  {}", target.replace('\n', "\n  ")), "x: {spec: {volumes: [{name: b}]}}\n")
        };
        assert!(merged("hello").contains("name: a") && merged("{}").contains("name: a"));
        assert!(!merged(r#"{"$setter":"x"}"#).contains("name: a"));
    }
}
