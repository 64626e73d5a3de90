use super::*;
use crate::yaml::{Scalar, Style, resolve::resolve_yaml11};

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
