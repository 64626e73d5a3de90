//! Expectations: trees of go-yaml nodes through kustomize's `RNode.MarshalJSON` and
//! `JSONToYAML`.

use super::*;
use crate::Key;
use crate::Style::{DoubleQuoted, Folded, Plain, SingleQuoted};
use crate::Tag::{Binary, Bool, Float, Int, None as NoTag, Null, Other, Str};

fn printed(node: &Node) -> Option<String> {
    let mut out = String::new();
    print(node, &mut out).ok().map(|()| out)
}

fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    let mut map = Map::new();
    for (name, value) in entries {
        let scalar = Scalar::new(name, Str, DoubleQuoted);
        map.push(Key { pos: Pos::NONE, scalar }, value);
    }
    Node::map(map)
}

fn seq<const N: usize>(items: [Node; N]) -> Node {
    Node::seq(Seq::from_items(items.into()))
}

fn text(text: &str) -> Node {
    Node::untyped(text)
}

#[test]
fn scalars() {
    #[rustfmt::skip]
    let table: &[(Tag, Style, &str, Option<&str>)] = &[
        (NoTag, Plain, "17", Some("17\n")),
        (NoTag, Plain, "017", Some("15\n")),
        (NoTag, Plain, "08", Some("8\n")),
        (NoTag, Plain, "0o17", Some("15\n")),
        (NoTag, Plain, "0b101", Some("5\n")),
        (NoTag, Plain, "0x1F", Some("31\n")),
        (NoTag, Plain, "1_000", Some("1000\n")),
        (NoTag, Plain, "1e3", Some("1000\n")),
        (NoTag, Plain, "1e-7", Some("1e-07\n")),
        (NoTag, Plain, "1234567.5", Some("1.2345675e+06\n")),
        (NoTag, Plain, "1e21", Some("1e+21\n")),
        (NoTag, Plain, "18446744073709551615", Some("18446744073709551615\n")),
        (NoTag, Plain, "18446744073709551616", Some("1.8446744073709552e+19\n")),
        (NoTag, Plain, "-0.0", Some("0\n")),
        (NoTag, Plain, "1e400", Some("1e400\n")),
        (NoTag, Plain, ".inf", None),
        (NoTag, Plain, "", Some("null\n")),
        (NoTag, Plain, "~", Some("null\n")),
        (NoTag, Plain, "True", Some("true\n")),
        (NoTag, Plain, "yes", Some("\"yes\"\n")),
        (NoTag, Plain, "2001-01-01", Some("\"2001-01-01T00:00:00Z\"\n")),
        (NoTag, Plain, "2001-1-1 1:2:3.50", Some("\"2001-01-01T01:02:03.5Z\"\n")),
        (NoTag, Plain, "2001-01-01T00:00:00+24:00", None),
        (Str, Plain, "", Some("\"\"\n")),
        (Str, Plain, "null", Some("\"null\"\n")),
        (Str, Plain, "y", Some("\"y\"\n")),
        (Str, Plain, "1:30", Some("\"1:30\"\n")),
        (Str, Plain, "0o7", Some("\"0o7\"\n")),
        (Str, Plain, "1_0", Some("\"1_0\"\n")),
        (Str, Plain, "=", Some("=\n")),
        (Str, Plain, "<<", Some("<<\n")),
        (Str, Plain, "NaN", Some("NaN\n")),
        (Str, Plain, "a: b", Some("'a: b'\n")),
        (Str, Plain, "a #b", Some("'a #b'\n")),
        (Str, Plain, "a:b#c", Some("a:b#c\n")),
        (Str, Plain, "- a", Some("'- a'\n")),
        (Str, Plain, "-a", Some("-a\n")),
        (Str, Plain, "---a", Some("'---a'\n")),
        (Str, Plain, "it's", Some("it's\n")),
        (Str, Plain, "'it'", Some("'''it'''\n")),
        (Str, Plain, " a", Some("' a'\n")),
        (Str, Plain, "a ", Some("'a '\n")),
        (Str, Plain, "tab\there", Some("\"tab\\there\"\n")),
        (Str, Plain, "&a", Some("'&a'\n")),
        (Str, Plain, "%", Some("'%'\n")),
        (Str, Plain, "?", Some("'?'\n")),
        (Str, Plain, "?a", Some("?a\n")),
        (Str, Plain, "a\\b\"c", Some("a\\b\"c\n")),
        (Str, Plain, "é", Some("é\n")),
        (Str, Plain, "\u{1f600}", Some("\"\\U0001F600\"\n")),
        (Str, Plain, "\u{feff}a", Some("\"\\uFEFF\\x61\"\n")),
        (Str, Plain, "a\u{feff}b", Some("\"a\\uFEFFb\"\n")),
        (Str, Plain, "a\u{2028}b", Some("'a\u{2028}  b'\n")),
        (Str, Plain, "a\u{85} b", Some("a b\n")),
        (Str, Plain, "a\u{85}\u{85}b", Some("|-\n  a\n  b\n")),
        (Str, Plain, "\u{7f}", None),
        (Str, Plain, "\u{1}\u{1b}", Some("\"\\x01\\e\"\n")),
        (Str, Plain, "a\nb", Some("|-\n  a\n  b\n")),
        (Str, Plain, "a\nb\n", Some("|\n  a\n  b\n")),
        (Str, Plain, "a\n\n", Some("|+\n  a\n\n")),
        (Str, Plain, "\n", Some("|2+\n\n")),
        (Str, Plain, " a\nb", Some("|2-\n   a\n  b\n")),
        (Str, Plain, "\na", Some("|2-\n\n  a\n")),
        (Str, Plain, "a \nb", Some("\"a \\nb\"\n")),
        (Str, Plain, "a\nb ", Some("\"a\\nb \"\n")),
        (Str, Plain, "a\n\tb", Some("\"a\\n\\tb\"\n")),
        (Str, Plain, "\ta\nb", None),
        (Str, DoubleQuoted, "\ta\nb", Some("\"\\ta\\nb\"\n")),
        (Str, Folded, "a b\nc\n", Some("|\n  a b\n  c\n")),
        (Str, Folded, "a\n\n", Some("|+\n  a\n\n\n")),
        (Str, Folded, "a\n  b\nc", Some("|-\n  a\n\n    b\n  c\n")),
        (Str, Folded, " a\nb\nc", Some("|2-\n   a\n  b c\n")),
        (Str, Plain, "The quick brown fox jumps over the lazy dog and runs through the quiet forest until night falls", Some("The quick brown fox jumps over the lazy dog and runs through the quiet forest until\n  night falls\n")),
        (Str, Plain, "The quick brown fox jumps over the lazy dog and runs through the quiet forest until night falls: x", Some("'The quick brown fox jumps over the lazy dog and runs through the quiet forest\n  until night falls: x'\n")),
        (Str, Plain, "The quick brown fox jumps over the lazy dog and runs through the quiet 'forest' until night falls #", Some("'The quick brown fox jumps over the lazy dog and runs through the quiet ''forest''\n  until night falls #'\n")),
        (Str, Plain, "The quick brown fox jumps over the lazy dog and runs through the quiet forest until night falls\u{1}", Some("\"The quick brown fox jumps over the lazy dog and runs through the quiet forest\n  until night falls\\x01\"\n")),
        (Str, Plain, "The quick brown fox jumps over the lazy dog  and runs through the quiet  forest until night falls  x\u{1}", Some("\"The quick brown fox jumps over the lazy dog  and runs through the quiet  forest\n  until night falls  x\\x01\"\n")),
        (Str, Plain, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", Some("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n")),
        (Int, Plain, "abc", None),
        (Int, DoubleQuoted, "5", Some("\"5\"\n")),
        (Int, Plain, "5", Some("5\n")),
        (Float, Plain, "5", Some("5\n")),
        (Bool, Plain, "yes", None),
        (Bool, Plain, "true", Some("true\n")),
        (Null, SingleQuoted, "", Some("\"\"\n")),
        (Null, Plain, "null", Some("null\n")),
        (Binary, Plain, "aGk=", Some("hi\n")),
        (Binary, Plain, "?", None),
        (Other, Plain, "5", Some("\"5\"\n")),
    ];
    for (tag, style, text, wanted) in table {
        let scalar = Scalar::new(*text, *tag, *style);
        let wanted = wanted.map(|wanted| format!("a: {wanted}"));
        assert_eq!(printed(&map([("a", Node::scalar(scalar))])), wanted, "{tag:?} {style:?} {text:?}");
    }
}

#[test]
fn keys_are_sorted_and_quoted() {
    let names = ["b", "a", "a10", "a2", "A", "_", "1"];
    let node = map(names.map(|name| (name, Node::null())));
    let wanted = "_: null\n\"1\": null\nA: null\na: null\na2: null\na10: null\nb: null\n";
    assert_eq!(printed(&node).as_deref(), Some(wanted));
}

#[test]
fn lists_are_not_indented_in_maps() {
    let node = map([(
        "a",
        seq([
            text("x"),
            seq([text("y"), map([("c", text("1")), ("b", text("2"))])]),
            map([("k", seq([text("z")])), ("e", map([])), ("f", seq([]))]),
        ]),
    )]);
    let wanted = "a:\n- x\n- - \"y\"\n  - b: 2\n    c: 1\n- e: {}\n  f: []\n  k:\n  - z\n";
    assert_eq!(printed(&node).as_deref(), Some(wanted));
}

#[test]
fn long_keys_and_keys_of_several_lines_get_a_line_of_their_own() {
    let (k, l) = ("k".repeat(129), "l".repeat(129));
    let node = map([(&k, map([("a", text("1"))])), (&l, seq([text("x")])), ("m\nn", text("v"))]);
    let wanted = format!("? {k}\n: a: 1\n? {l}\n: - x\n? |-\n  m\n  n\n: v\n");
    assert_eq!(printed(&node), Some(wanted));
    assert_eq!(printed(&map([(&"k".repeat(1023), text("v"))])), None);
}

#[test]
fn keys_must_be_distinct_strings() {
    assert_eq!(printed(&map([("a", text("1")), ("a", text("2"))])), None);
    // The order of these three has no start, so that equal keys need not meet.
    assert_eq!(printed(&map(["a10", "a1b", "a2", "a10"].map(|name| (name, text("x"))))), None);

    let number = || {
        let mut map = Map::new();
        map.push(Key::new("1"), text("x"));
        map.push(Key::new("~"), text("y"));
        Node::map(map)
    };
    assert_eq!(printed(&number()).as_deref(), Some("\"1\": x\n"));
    assert_eq!(printed(&map([("a", number())])), None);
}

#[test]
fn merge_keys_are_merged() {
    let mut merging = Map::new();
    merging.push(Key::new("<<"), map([("a", text("1")), ("b", text("1"))]));
    merging.push(Key::new("a"), text("2"));
    assert_eq!(printed(&Node::map(merging)).as_deref(), Some("a: 2\nb: 1\n"));

    let mut scalar = Map::new();
    scalar.push(Key::new("<<"), text("x"));
    assert_eq!(printed(&Node::map(scalar)), None);
}

#[test]
fn roots_are_maps_of_bounded_depth() {
    assert_eq!(printed(&map([])).as_deref(), Some("{}\n"));
    assert_eq!(printed(&text("a")), None);
    let deep = (0..MAX_DEPTH + 1).fold(map([]), |node, _| seq([node]));
    assert_eq!(printed(&map([("a", deep)])), None);
}

#[test]
fn nothing_is_appended_when_refused() {
    let mut out = "before".to_owned();
    assert!(print(&map([("a", text("1")), ("b", text(".inf"))]), &mut out).is_err());
    assert_eq!(out, "before");
}
