use std::collections::BTreeMap;

use super::*;
use crate::resolve::resolve_yaml11;
use crate::{Key, Scalar, Str, Style};

/// A plain scalar as a reader makes it.
fn plain(text: &str) -> Node {
    let scalar = Scalar::new(text, resolve_yaml11(text), Style::Plain);
    Node::scalar(scalar)
}

fn map(entries: &[(&str, &str)]) -> Node {
    let mut map = Map::new();
    for (key, value) in entries {
        let scalar = plain(key).as_scalar().cloned().unwrap_or_default();
        map.push(Key { pos: Pos::NONE, scalar }, plain(value));
    }
    Node::map(map)
}

#[derive(Debug, Default, PartialEq)]
struct Sample {
    kind: String,
    count: i64,
    version: String,
    is_set: bool,
}

fields!(Sample { kind, count, version(verbatim), is_set = "isSet" });

fn sample(entries: &[(&str, &str)], rules: Rules) -> Result<Sample, String> {
    from_node(&map(entries), rules).map_err(|error| error.to_string())
}

#[test]
fn fields_match_whatever_their_case() {
    let read = sample(&[("\u{212a}IND", "a"), ("ISSET", "on"), ("count", "0x10")], Rules::KUSTOMIZATION);
    assert_eq!(read, Ok(Sample { kind: "a".into(), count: 16, is_set: true, ..Sample::default() }));
    let read = sample(&[("kind", "a"), ("Kind", "b"), ("count", "1"), ("count", "2")], Rules::KUSTOMIZATION);
    assert_eq!(read, Ok(Sample { kind: "a".into(), count: 2, ..Sample::default() }));
}

#[test]
fn unknown_fields_are_refused_by_rule() {
    let entries = [("kind", "a"), ("nope", "~")];
    assert_eq!(sample(&entries, Rules::KUSTOMIZATION), Err("unknown field `nope`".into()));
    assert!(sample(&entries, Rules::CONFIGURATION).is_err());
    assert!(sample(&entries, Rules::PLUGIN).is_ok());
    assert_eq!(Sample::NAMES, ["kind", "count", "version", "isSet"]);
}

#[test]
fn whole_floats_are_integers_and_nothing_else_is() {
    let count = |text| sample(&[("count", text)], Rules::KUSTOMIZATION).map(|read| read.count);
    assert_eq!(count("3.0"), Ok(3));
    assert_eq!(count("1e1"), Ok(10));
    assert_eq!(count("~"), Ok(0));
    for text in ["3.5", "9223372036854775808", "1e19", ".inf", "yes", "three"] {
        assert!(count(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_become_strings_where_the_rules_say_so() {
    assert!(sample(&[("kind", "1")], Rules::KUSTOMIZATION).is_err());
    assert!(sample(&[("version", "1")], Rules::PLUGIN).is_err());
    // Expectations: labels of a LabelTransformer of kustomize.
    for (text, expected) in [
        ("1234567.5", "1.2345675e+06"),
        ("1e20", "1e+20"),
        ("0.00001", "1e-05"),
        ("123456.5", "123456.5"),
        ("1e3", "1000"),
        ("1e6", "1000000"),
        ("99999999.25", "1e+08"),
        ("18446744073709551615", "18446744073709551615"),
        ("1e19", "10000000000000000000"),
        ("-1.50", "-1.5"),
        ("0x10", "16"),
        ("yes", "true"),
        ("2001-01-01", "2001-01-01T00:00:00Z"),
    ] {
        let read = sample(&[("kind", text)], Rules::PLUGIN).map(|read| read.kind);
        assert_eq!(read, Ok(expected.to_owned()), "{text}");
    }
    let direct = sample(&[("kind", "1e6")], Rules::FILE).map(|read| read.kind);
    assert_eq!(direct, Ok("1e+06".to_owned()));
}

#[test]
fn keys_become_the_strings_that_they_have_in_json() {
    let node = map(&[("1", "a"), ("0x10", "b"), ("1.50", "c"), ("yes", "d"), ("1e6", "e"), ("k", "~")]);
    let read: BTreeMap<Str, String> = from_node(&node, Rules::KUSTOMIZATION).unwrap();
    let read: Vec<_> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(read, [("1", "a"), ("1.5", "c"), ("16", "b"), ("1e+06", "e"), ("k", ""), ("true", "d")]);
    assert!(from_node::<BTreeMap<Str, String>>(&map(&[("~", "a")]), Rules::KUSTOMIZATION).is_err());
}

fn free_form(node: &Node) -> Result<Option<Node>, Mismatch> {
    let mut read = None;
    ways::free_form_map(&mut read).decode(Decoder { node, rules: Rules::KUSTOMIZATION })?;
    Ok(read)
}

#[test]
fn free_form_values_take_the_way_through_json() {
    let node = map(&[("1", "0x10"), ("a", "1.0"), ("b", "9007199254740993"), ("c", "off"), ("d", "x")]);
    let read = free_form(&node).unwrap().unwrap();
    let read: Vec<_> =
        read.as_map().into_iter().flatten().map(|entry| (entry.key.as_str(), entry.value.text())).collect();
    let expected = [("1", "16"), ("a", "1"), ("b", "9007199254740992"), ("c", "false"), ("d", "x")];
    assert_eq!(read, expected);
    assert!(free_form(&map(&[("a", ".nan")])).is_err());
    assert!(free_form(&Node::null()).unwrap().is_none());
    assert!(free_form(&plain("text")).is_err());
}
