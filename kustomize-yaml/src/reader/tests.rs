//! Expectations are what go-yaml v3.0.3 (through kyaml's `ByteReader`) and v2.4.2 (through
//! `sigs.k8s.io/yaml`) make of the same texts.

use std::fmt::Write;

use super::*;
use crate::{Scalar, Sources, Style, Tag, Value};

/// A tree as text: tags other than string, styles other than plain, and values.
fn show(node: &Node, out: &mut String) {
    match &node.value {
        Value::Scalar(scalar) => show_scalar(scalar, out),
        Value::Map(map) => {
            out.push('{');
            for (at, entry) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                show_scalar(&entry.key.scalar, out);
                out.push_str(": ");
                show(&entry.value, out);
            }
            out.push('}');
        }
        Value::Seq(seq) => {
            out.push('[');
            for (at, item) in seq.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                show(item, out);
            }
            out.push(']');
        }
    }
}

fn show_scalar(scalar: &Scalar, out: &mut String) {
    if scalar.tag() != Tag::Str {
        let _ = write!(out, "{:?}", scalar.tag());
    }
    let (open, close) = match scalar.style() {
        Style::Plain => ("", ""),
        Style::SingleQuoted => ("'", "'"),
        Style::DoubleQuoted => ("\"", "\""),
        Style::Literal => ("|", "|"),
        Style::Folded => (">", ">"),
    };
    let text = scalar.text().escape_debug();
    let space = if scalar.tag() == Tag::Str || scalar.text().is_empty() { "" } else { " " };
    let _ = write!(out, "{space}{open}{text}{close}");
}

fn all(text: &str) -> String {
    match read(text, FileId::new(0)) {
        Ok(nodes) => {
            let mut out = String::new();
            for (at, node) in nodes.iter().enumerate() {
                out.push_str(if at > 0 { "; " } else { "" });
                show(node, &mut out);
            }
            out
        }
        Err(error) => format!("error: {error}"),
    }
}

fn config(text: &str) -> String {
    match read_config(text, FileId::new(0)) {
        Ok(None) => "none".to_owned(),
        Ok(Some(node)) => {
            let mut out = String::new();
            show(&node, &mut out);
            out
        }
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn scalars() {
    for (text, wanted) in [
        ("a: b c  # d", "{a: b c}"),
        ("a: b\n  c\n\n  d", "{a: b c\\nd}"),
        ("a: 'it''s'\nb: \"x\\ty\\u00e9\\x41\"", "{a: 'it\\'s', b: \"x\\tyéA\"}"),
        ("a: \"x\n  y \\\n  z\n\n  w\"", "{a: \"x y z\\nw\"}"),
        ("a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\n", "{a: |x\\n y\\n|, b: >x y\\nz>}"),
        ("a: |+\n  x\n\nb: |2-\n   x\n", "{a: |x\\n\\n|, b: | x|}"),
        ("a: >\n x\n  y\n z\n", "{a: >x\\n y\\nz\\n>}"),
        (
            "a: ~\nb:\nc: 0x1F\nd: yes\ne: 1.5\nf: 2001-01-01",
            "{a: Null ~, b: Null, c: Int 0x1F, d: yes, e: Float 1.5, f: Timestamp 2001-01-01}",
        ),
        ("a: http://x:80/#y\nb: -x\nc: ?x\nd: a:b", "{a: http://x:80/#y, b: -x, c: ?x, d: a:b}"),
        (
            "a: !!str 12\nb: !foo 12\nc: ! 12\nd: !!float 3\ne: !!binary aGk=\nf: !!str",
            "{a: 12, b: Other 12, c: Int 12, d: Float 3, e: Binary aGk=, f: }",
        ),
        ("\u{feff}a: b", "{a: b}"),
        ("a: b\r\nc: |\r\n  x\r\n", "{a: b, c: |x\\n|}"),
        ("a: b\u{2028}c: d", "{a: b, c: d}"),
    ] {
        assert_eq!(all(text), wanted, "{text}");
    }
}

#[test]
fn collections() {
    for (text, wanted) in [
        ("a:\n- b\n-   c: d\n    e: f\n- - g\n-\n", "{a: [b, {c: d, e: f}, [g], Null]}"),
        ("{a, b: , \"c\":d, e: [f, g: h, ]}", "{a: Null'', b: Null'', \"c\": d, e: [f, {g: h}]}"),
        ("[]", "[]"),
        ("? a\n: b\n? c\n: - d\n", "{a: b, c: [d]}"),
        ("a: {b: c,\n d: e}\nf: [g,\nh]", "{a: {b: c, d: e}, f: [g, h]}"),
        ("a: &x {b: c}\nd: *x\n&y e: *y", "{a: {b: c}, d: {b: c}, e: e}"),
        (
            "a: &x {b: 1, c: 2}\nd: &y {b: 3}\ne: {<<: [*y, *x], c: 4}",
            "{a: {b: Int 1, c: Int 2}, d: {b: Int 3}, e: {c: Int 4, b: Int 3}}",
        ),
        ("\"<<\": {a: b}\nc: d", "{c: d}"),
        ("? : x", "error: there is no key before this ':'"),
        ("a:\n- b\n-", "{a: [b, Null]}"),
        ("a:\n|\n b\nc:\n  ? d\n  : - e", "{a: |b\\n|, c: {d: [e]}}"),
        (
            "a: # c\n  # c\n  b: 'c' # c\n  # c\nd:\n\n# c\n- e # c\n-   f: >\n      g\n    h: [] # c\ni:\n",
            "{a: {b: 'c'}, d: [e, {f: >g\\n>, h: []}], i: Null}",
        ),
        ("null: a", "error: null cannot be a key"),
    ] {
        assert_eq!(all(text), wanted, "{text}");
    }
}

#[test]
fn documents() {
    for (text, wanted) in [
        ("", ""),
        ("# nothing\n---\n---\n~\n--- # comment\na: b\n", "{a: b}"),
        ("a: b\n---\nc: d\n---\n", "{a: b}; {c: d}"),
        ("--- {a: b}\n---\nc: d", "{a: b}; {c: d}"),
        // Only the first document between separators counts.
        ("a: b\n...\nc: d\n---\ne: f", "{a: b}; {e: f}"),
        ("{a: b}\nc: d", "{a: b}"),
        (
            "a: b\n--- c\n",
            "error: nothing but a comment may follow '---' on its line, when it starts a further document",
        ),
        ("a: |\n  x\n---\nb: c", "{a: |x\\n|}; {b: c}"),
        ("%YAML 1.1\n---\na: b\n", "error: expected '---' after the directives"),
    ] {
        assert_eq!(all(text), wanted, "{text}");
    }
}

#[test]
fn configuration() {
    for (text, wanted) in [
        ("", "none"),
        (
            "a: yes\nb: 0x1F\nc: 1.0\nd: 1.10\ne: 2001-01-01\nf: ! 12",
            "{a: Bool true, b: Int 31, c: Int 1, d: Float 1.1, e: 2001-01-01, f: 12}",
        ),
        ("1: a\nno: b\n1.5: c", "{1: a, false: b, 1.5: c}"),
        ("a: 1\nb: 2\na: 3", "{a: Int 3, b: Int 2}"),
        ("a: 1\n<<: {a: 2, b: 3}\nb: 4", "{a: Int 2, b: Int 4}"),
        ("a: b\n---\nc: d", "{a: b}"),
        ("{a: }", "{a: Null}"),
        ("~: a", "error: null cannot be a key"),
        ("a: .inf", "error: .inf cannot be used in configuration"),
    ] {
        assert_eq!(config(text), wanted, "{text}");
    }
    assert!(read_config_strict("a: 1\na: 2", FileId::new(0)).is_err());
}

/// Message, position, and what the note points at.
#[test]
fn as_written() {
    let read = |text: &str| {
        let mut out = String::new();
        match read_as_written(text, FileId::new(0)) {
            Ok(node) => node.iter().for_each(|node| show(node, &mut out)),
            Err(error) => out = format!("error: {error}"),
        }
        out
    };
    for (text, same_as) in [
        ("a: &x 1\nb: c", "a: 1\nb: c"),
        ("a: &x [1]\nb: '*x'", "a: [1]\nb: '*x'"),
        ("a: !own {b: c}", "a: {b: c}"),
        ("---\na: b\n---\nc: d", "a: b"),
    ] {
        assert_eq!(read(text), all(same_as), "{text}");
    }
    let keys = |text: &str| {
        let node = read_as_written(text, FileId::new(0)).expect(text).expect(text);
        let map = node.as_map().expect(text);
        map.iter().map(|entry| format!("{}={}", entry.key.as_str(), entry.value.text())).collect::<Vec<_>>()
    };
    assert_eq!(keys("a: &x\nb: *x"), ["a=", "b=*x"]);
    assert_eq!(keys("<<: &x 1"), ["<<=1"]);
    assert_eq!(keys("a: 1\na: 2\n~: 3"), ["a=1", "a=2", "~=3"]);
    assert!(read("a: *x").contains("no anchor &x"));
    assert!(read("[a]: b").contains("cannot be a key"));
}

fn refusal(text: &str) -> (String, usize, usize, Option<usize>) {
    let sources = Sources::default();
    let file = sources.add("x.yaml", text.into(), None);
    let error = read(text, file).expect_err(text);
    let place = sources.location(error.pos()).expect("a position");
    let note = error.note().and_then(|(_, pos)| sources.location(pos)).map(|place| place.line);
    (error.to_string(), place.line, place.column, note)
}

#[test]
fn refusals_say_where() {
    for (text, message, line, column, note) in [
        ("a: b\nc: d\na: e", "the key 'a' stands twice in this map", 3, 1, Some(1)),
        ("a:\r\n\tb: c", "a tab cannot be used for indentation", 2, 1, None),
        ("a: b: c", "there cannot be a second ': ' on this line", 1, 5, None),
        ("a: 'b\nc: d", "the text ends inside quotes", 2, 5, Some(1)),
        ("a: \"\\/\"", "'\\/' is no escape that is known in double quotes", 1, 5, None),
        ("a: @b", "a value cannot start with '@'", 1, 4, None),
        ("a: *b", "there is no anchor &b before this alias", 1, 4, None),
        ("a: &b [*b]", "what &b stands for contains itself here", 1, 8, None),
        ("a:\n    b: c\n  d: e", "the indentation of this line fits no map around it", 3, 3, Some(1)),
        ("a: b\nc\nd: e", "expected a ':' after this key: c", 2, 1, None),
        ("a: [b, c\nd: e\n", "expected ',' or ']'", 2, 2, Some(1)),
        ("a: {{ b }}", "a map or list cannot be a key", 1, 5, None),
        ("a: !!int b", "the tag says that this is an integer, but 'b' is not", 1, 4, None),
        ("a: b\n- c", "a list item cannot stand among the keys of a map", 2, 1, Some(1)),
        ("a: \"\\ud83d\\ude00\"", "U+D83D is no character", 1, 5, None),
    ] {
        let wanted = (message.to_owned(), line, column, note);
        assert_eq!(refusal(text), wanted, "{text}");
    }
}

#[test]
fn a_line_indented_too_deep_is_named() {
    let text = "resources:\n- deployment.yaml\n images:\n- name: nginx\n";
    let error = read_config(text, FileId::new(0)).expect_err("broken");
    assert_eq!(
        error.to_string(),
        "'images:' is indented deeper than the line it should follow, and so continues its text"
    );
    assert_eq!(error.pos().offset(), 30);
    assert_eq!(error.help(), Some("indent it like the other keys of its map"));
}

#[test]
fn a_key_that_lost_its_colon_is_named() {
    let general = "write it as 'key: value', or indent it if it continues the value before";
    for (text, key, offset, help) in [
        ("spec:\n  matchLabels\n    app: web\n", "matchLabels", 8, None),
        ("spec:\n  ports\n  - port: 80\n", "ports", 8, None),
        ("kind: Pod\nmetadata\n  name: web\n", "metadata", 10, None),
        ("metadata:\n  name: web\n  labels\n\n    app: web\n    b: c\n", "labels", 24, None),
        ("kind Pod\nmetadata:\n  name: web\n", "kind Pod", 0, Some(general)),
        ("- a: b\n  c\n  d: e\n", "c", 9, Some(general)),
    ] {
        let error = read_config(text, FileId::new(0)).expect_err("broken");
        assert_eq!(error.to_string(), format!("expected a ':' after this key: {key}"), "{text}");
        assert_eq!(error.pos().offset(), offset, "{text}");
        let own = format!("write '{key}:', which what is below then belongs to");
        assert_eq!(error.help(), Some(help.unwrap_or(&own)), "{text}");
    }
}

#[test]
fn hostile_texts_fail_without_harm() {
    let deep = 100_000;
    for text in [
        "[".repeat(deep),
        "{a: ".repeat(deep),
        "- ".repeat(deep),
        "? ".repeat(deep),
        (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        "[[".repeat(deep) + &"]]".repeat(deep),
    ] {
        assert!(all(&text).starts_with("error: "), "{}", &text[..10]);
    }
    let mut bomb = "a0: &a0 x\n".to_owned();
    for level in 1..30 {
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", format!("*a{}, ", level - 1).repeat(10));
    }
    assert!(all(&bomb).contains("aliases make this text many times as large"));
}

#[test]
fn many_texts_read_at_once_are_read_as_one_by_one() {
    let document = |at: usize| format!("kind: K\nmetadata: {{name: n{at}}}\n");
    let long: Vec<String> = (0..4000).map(document).collect();
    let texts = [
        long.join("---\n"),
        String::new(),
        format!("{}---\na: [\n---\nb: {{\n", long[..2000].join("---\n")),
        "a: 1\n---\nnull\n---\nb: 2\n".to_owned(),
        "\u{1}".to_owned(),
    ];
    let texts: Vec<(FileId, &str)> =
        (0..).zip(&texts).map(|(file, text)| (FileId::new(file), text.as_str())).collect();
    for size in [1, 7, usize::MAX] {
        let mut batch = Batch::new(&texts);
        batch.unread().chunks_mut(size).for_each(Batch::read);
        let together = batch.finish();
        assert_eq!(together.len(), texts.len());
        for ((file, text), together) in texts.iter().zip(together) {
            let alone = read_documents(text, *file, true);
            assert_eq!(format!("{together:?}"), format!("{alone:?}"));
        }
    }
}
