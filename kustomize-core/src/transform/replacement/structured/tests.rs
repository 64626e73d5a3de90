//! Expectations: data of ConfigMaps that kustomize v5.8.1 put a value into.

use super::super::lists::Lists;
use super::super::matches::Shape;
use super::super::path::Path;
use super::put;
use crate::yaml::{Key, Map, Node, Sources};

/// Puts `new` into a field of a document.
fn changed(document: &str, path: &str, create: bool) -> Option<String> {
    let mut root = Map::new();
    root.push(Key::new("doc"), Node::string(document));
    let mut root = Node::map(root);
    let path = Path::parse(&format!("doc.{path}")).unwrap();
    let create = create.then_some(Shape::Scalar);
    put(&Node::untyped("new"), &path, create, &mut root, &mut Lists::default(), &Sources::default())
        .then(|| root.get("doc").unwrap().text().to_owned())
}

#[test]
fn json_stays_json() {
    let compact = changed(r#"{"b": {"c": "<x>"}, "a": 1.0}"#, "b.d", true).unwrap();
    assert_eq!(compact, r#"{"a":1,"b":{"c":"\u003cx\u003e","d":"new"}}"#);
    let pretty = changed("{\n  \"a\": \"x\"\n}", "a", false).unwrap();
    assert_eq!(pretty, "{\n  \"a\": \"new\"\n}");
}

#[test]
fn yaml_keeps_its_styles() {
    let text = "t: \"x\"\na:\n    - 'y'\n    - {b: c}\n    - - d\nl: |\n  one\n\n  two\n";
    let expected = "t: \"new\"\na:\n- 'y'\n- {b: c}\n- - d\nl: |\n  one\n\n  two";
    assert_eq!(changed(text, "t", false).unwrap(), expected);
}

#[test]
fn yaml_keeps_its_comments() {
    let text = "# title\n\n# about t\nt: x # line\n\n# about a\na: # key\n  b: 'c # d' # why\n  # foot of b\n\n  e: f\n  # deeper\nl:\n# first\n- x # one\n- y\n\n# end\n";
    let expected = "# title\n\n# about t\nt: new # line\n# about a\na: # key\n  b: 'c # d' # why\n  # foot of b\n\n  e: f\n  # deeper\nl:\n# first\n- x # one\n- y\n\n# end";
    assert_eq!(changed(text, "t", false).unwrap(), expected);
}

#[test]
fn texts_that_are_no_documents_are_left_alone() {
    assert_eq!(changed("plain text", "a", true), None);
    assert_eq!(changed("a: [", "a", true), None);
    assert_eq!(changed("a: b", "c", false), None);
}

#[test]
fn anchors_and_tags_stay() {
    for (text, path, expected) in [
        ("h: x\na: &b\n  x: 1\nc: *b", "h", "h: new\na: &b\n  x: 1\nc: *b"),
        ("h: &a x\nc: *a", "h", "h: &a new\nc: *a"),
        ("a: &b 1\nc: *b", "c", "a: &b 1\nc: new"),
        ("b: &b {x: 1}\nm:\n  <<: *b\nh: x", "h", "b: &b {x: 1}\nm:\n  !!merge <<: *b\nh: new"),
        ("&k key: v\n*k : w\nh: x", "h", "&k key: v\n*k: w\nh: new"),
        ("a: &b {x: *b}\nh: x", "h", "a: &b {x: *b}\nh: new"),
        ("h: x\nc: !own # why\n  a: b", "h", "h: new\nc: !own\n  a: b # why"),
        ("h: x\nl:\n- !Ref x\n- !Get [a, b]", "h", "h: new\nl:\n- !Ref x\n- !Get [a, b]"),
        ("h: x\nc: !own &b y\nd: !!str 1", "h", "h: new\nc: &b !own y\nd: !!str 1"),
        ("h: !own x\nt: ! y", "h", "h: !own new\nt: y"),
        ("--- !top\nh: x", "h", "!top\nh: new"),
        ("h: x\na: !!int abc\n~: y", "h", "h: new\na: !!int abc\n~: y"),
        ("a: 1\na: 2", "a", "a: !!int new\na: 2"),
    ] {
        assert_eq!(changed(text, path, false).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn paths_do_not_follow_aliases() {
    assert_eq!(changed("a: &b\n  x: 1\nc: *b", "c.x", false), None);
    assert_eq!(changed("b: &b {x: 1}\nm:\n  <<: *b", "m.x", false), None);
    assert_eq!(changed("l: &l [a]\nm: *l", "m.0", false), None);
}
