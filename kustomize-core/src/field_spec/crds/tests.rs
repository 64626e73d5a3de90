use super::*;
use crate::yaml::{Scalar, Seq, Style, resolve::resolve_yaml11};

/// Flow YAML in miniature: maps of words, enough for definitions.
fn node(text: &str) -> Node {
    fn value(text: &mut &str) -> Node {
        if let Some(rest) = text.strip_prefix('{') {
            *text = rest;
            let mut map = Map::new();
            while !text.starts_with('}') {
                let (key, rest) = text.split_once(':').unwrap();
                *text = rest;
                map.insert(key, value(text));
                *text = text.strip_prefix(',').unwrap_or(text);
            }
            *text = &text[1..];
            return Node::map(map);
        }
        let end = text.find([',', '}']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        *text = rest;
        Node::scalar(Scalar::new(word, resolve_yaml11(word), Style::Plain))
    }
    value(&mut text.split_whitespace().collect::<String>().as_str())
}

fn shown(specs: &[FieldSpec]) -> Vec<String> {
    specs.iter().map(|spec| format!("{} {}", spec.kind, spec.path)).collect()
}

#[test]
fn extensions_become_field_specs() {
    let config = load(Some(&node(
        "{a.b.Bee: {Schema: {properties: {kind: {}, apiVersion: {}, metadata: ~, spec: {$ref: a.b.Spec}}}},
          a.b.Spec: {schema: {properties: {
            ref: {x-kubernetes-object-ref-api-version: v1, x-kubernetes-object-ref-kind: Secret},
            by: {x-kubernetes-object-ref-api-version: v1, x-kubernetes-object-ref-kind: Secret,
                 x-kubernetes-object-ref-name-key: title},
            labels: {x-kubernetes-label-selector: yes-please},
            notes: {x-kubernetes-annotation: x, $ref: elsewhere},
            id: {x-kubernetes-identity: x},
            other: {x-kubernetes-identity: 5}}}}}",
    )))
    .unwrap();
    assert_eq!(shown(&config.common_labels), ["Bee spec/labels"]);
    assert_eq!(shown(&config.common_annotations), ["Bee spec/notes"]);
    assert_eq!(shown(&config.name_prefix), ["Bee spec/id"]);
    assert_eq!(config.name_reference.len(), 1);
    assert_eq!(config.name_reference[0].target, Gvk::new("v1", "Secret"));
    assert_eq!(shown(&config.name_reference[0].referrers), ["Bee spec/ref/name", "Bee spec/by/title"]);
}

#[test]
fn refuses_what_kustomize_refuses() {
    let kind = "kind: {}, apiVersion: {}, metadata: {}";
    for text in [
        "{apiVersion: v1}".to_owned(),
        "x".to_owned(),
        "{a: {Schema: x}}".to_owned(),
        "{a: {Dependencies: x}}".to_owned(),
        "{a: {Schema: {properties: {b: x}}}}".to_owned(),
        "{a: {Schema: {description: 5}}}".to_owned(),
        "{a: {Schema: {items: {type: 5}}}}".to_owned(),
        "{a: {Schema: {$ref: %zz}}}".to_owned(),
        "{a: {Schema: {externalDocs: x}}}".to_owned(),
        format!("{{a.Bee: {{Schema: {{properties: {{{kind}, x: {{$ref: a.Bee}}}}}}}}}}"),
    ] {
        assert!(load(Some(&node(&text))).is_err(), "{text}");
    }
    for text in ["{a: ~}", "{a: {Nope: x}}", "{a: {Schema: {Properties: x, $ref: 5, items: 5, foo: 5}}}"] {
        assert!(load(Some(&node(text))).is_ok(), "{text}");
    }
}

fn with_field(name: &str, value: Node) -> Node {
    let mut map = Map::new();
    map.insert(name, value);
    Node::map(map)
}

#[test]
fn schemas_are_nested_to_a_limit() {
    let ways: [&dyn Fn(Node) -> Node; 4] = [
        &|schema| with_field("not", schema),
        &|schema| with_field("additionalItems", schema),
        &|schema| with_field("properties", with_field("a", schema)),
        &|schema| with_field("allOf", Node::seq(Seq::from_items(vec![schema]))),
    ];
    for within in ways {
        let nested = |count| (0..count).fold(Node::map(Map::new()), |schema, _| within(schema));
        assert!(schema::check(&nested(schema::MAX_DEPTH)).is_ok());
        assert!(schema::check(&nested(schema::MAX_DEPTH + 1)).is_err());
    }
}

/// Definitions `Bee`, with all that a kind has, and others that it may refer to, with these properties.
fn definitions(bee: Vec<(String, Node)>, others: Vec<(String, Vec<(String, Node)>)>) -> Node {
    let map = |entries: Vec<(String, Node)>| {
        let mut map = Map::new();
        entries.into_iter().for_each(|(key, value)| map.push(crate::yaml::Key::new(&key), value));
        Node::map(map)
    };
    let schema = |properties| with_field("Schema", with_field("properties", map(properties)));
    let own = ["kind", "apiVersion", "metadata"].map(|name| (name.to_owned(), Node::map(Map::new())));
    let mut all = vec![("Bee".to_owned(), schema(own.into_iter().chain(bee).collect()))];
    all.extend(others.into_iter().map(|(name, properties)| (name, schema(properties))));
    map(all)
}

fn reference(to: usize) -> Node {
    with_field("$ref", Node::string(format!("d{to}")))
}

#[test]
fn definitions_refer_to_others_to_a_limit() {
    let chain = |length: usize| {
        let links = (0..length).map(|at| (format!("d{at}"), vec![("next".to_owned(), reference(at + 1))]));
        definitions(vec![("spec".to_owned(), reference(0))], links.collect())
    };
    assert!(load(Some(&chain(schema::MAX_DEPTH - 1))).is_ok());
    assert!(load(Some(&chain(schema::MAX_DEPTH))).is_err());
}

#[test]
fn properties_count_as_often_as_they_are_reached() {
    // 3 properties that a kind has, 19 that refer, and 19 times 5262 = MAX_FIELD_SPECS - 22 behind them.
    let many = |further: usize| {
        let properties = (0..5262).map(|at| (format!("p{at}"), Node::map(Map::new()))).collect();
        let plain = (0..further).map(|at| (format!("q{at}"), Node::map(Map::new())));
        let refer = (0..19).map(|at| (format!("r{at}"), reference(0)));
        definitions(refer.chain(plain).collect(), vec![("d0".to_owned(), properties)])
    };
    assert_eq!(3 + 19 + 19 * 5262, MAX_FIELD_SPECS);
    assert!(load(Some(&many(0))).is_ok());
    assert!(load(Some(&many(1))).is_err());
}
