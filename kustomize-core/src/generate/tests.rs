//! Expectations: `kustomize build` of the same generators.

use std::collections::BTreeMap;

use super::*;
use crate::error::ErrorKind;
use crate::host::HostError;
use crate::kustomization::{ConfigMapArgs, GeneratorOptions, SecretArgs};
use crate::resource::ResourceSet;
use crate::transform::{HashTransformer, Transformer};
use crate::yaml::decode::Spanned;
use crate::yaml::{Pos, print};

struct Given(BTreeMap<&'static str, Vec<u8>>);

impl Files for Given {
    fn bytes(&self, path: &str) -> Result<Vec<u8>, BuildError> {
        let found = self.0.get(path).cloned();
        found.ok_or_else(|| BuildError::host(HostError::NotFound, path))
    }
}

fn files() -> Given {
    Given(BTreeMap::from([
        ("v.env", b"A=1\n# c\n\n  B= x y \nC\n=nokey\nD=\"q\"\r\n".to_vec()),
        ("bom.env", "\u{feff}E=bom\n\u{feff}F=2\n".into()),
        ("bin", b"\xff\x00bin".to_vec()),
        ("dir/text.txt", b"one\ntwo \nthree\n".to_vec()),
        ("bad.env", b"A=\xff\n".to_vec()),
        ("long.env", format!("A=1\nB={}\nC={}\nD=1\n", "x".repeat(65533), "x".repeat(65534)).into()),
    ]))
}

fn spanned<const N: usize>(values: [&str; N]) -> Vec<Spanned<String>> {
    values.map(|value| Spanned { value: value.to_owned(), pos: Pos::NONE }).into()
}

fn rendered(generator: &dyn Generator) -> Result<String, BuildError> {
    let cx = Context::new(std::sync::Arc::default(), crate::parallel::Threads::for_one_build());
    let mut set = ResourceSet::from_list(generator.generate(&cx)?);
    HashTransformer.transform(&mut set, &cx)?;
    let mut out = String::new();
    for resource in set.iter() {
        print(&resource.node, &mut out)?;
    }
    Ok(out)
}

fn config_map(change: impl FnOnce(&mut ConfigMapArgs)) -> Result<String, BuildError> {
    let mut args = ConfigMapArgs { name: "cm".to_owned(), ..ConfigMapArgs::default() };
    change(&mut args);
    rendered(&ConfigMapGenerator::new(Spanned { value: args, pos: Pos::NONE }, &files()))
}

fn secret(change: impl FnOnce(&mut SecretArgs)) -> Result<String, BuildError> {
    let mut args = SecretArgs { name: "s".to_owned(), ..SecretArgs::default() };
    change(&mut args);
    rendered(&SecretGenerator::new(Spanned { value: args, pos: Pos::NONE }, &files()))
}

#[test]
fn config_maps() {
    let made = config_map(|args| {
        args.namespace = "ns".to_owned();
        args.literals =
            spanned(["a=b", "q=\"x\"", "r='y'", "m='z\"", "e=", "n=1", "y=yes", "eq=a=b", "short='"]);
        args.files = spanned(["bin", "dir/text.txt", "sub=dir/text.txt"]);
        args.envs = spanned(["v.env", "bom.env"]);
        args.options = Some(GeneratorOptions {
            labels: BTreeMap::from([("l".to_owned(), "1".to_owned())]),
            annotations: [("b", "x"), ("a", "true")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            immutable: true,
            ..GeneratorOptions::default()
        });
    });
    let wanted = r#"apiVersion: v1
binaryData:
  bin: /wBiaW4=
data:
  "\uFEFF\x46": "2"
  A: "1"
  B: ' x y '
  C: ""
  D: '"q"'
  E: bom
  a: b
  e: ""
  eq: a=b
  m: '''z"'
  "n": "1"
  q: x
  r: "y"
  short: ''''
  sub: "one\ntwo \nthree\n"
  text.txt: "one\ntwo \nthree\n"
  "y": "yes"
immutable: true
kind: ConfigMap
metadata:
  annotations:
    a: "true"
    b: x
  labels:
    l: "1"
  name: HASH
  namespace: ns
"#;
    assert_eq!(made.unwrap(), wanted.replace("HASH", "cm-c8f6cb4mg7"));
    assert_eq!(
        config_map(|_| {}).unwrap(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm-6ct58987ht\n"
    );
}

#[test]
fn secrets() {
    let made = secret(|args| {
        args.secret_type = "kubernetes.io/tls".to_owned();
        args.literals = spanned(["x=0123456789012345678901234567890123456789012345678901", "a=b"]);
        args.files = spanned(["bin"]);
    });
    let wanted = "apiVersion: v1
data:
  a: Yg==
  bin: /wBiaW4=
  x: |
    MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ
    ==
kind: Secret
metadata:
  name: HASH
type: kubernetes.io/tls
";
    assert_eq!(made.unwrap(), wanted.replace("HASH", "s-gk242m75t5"));
    assert_eq!(
        secret(|_| {}).unwrap(),
        "apiVersion: v1\ndata: {}\nkind: Secret\nmetadata:\n  name: s-46f8b28mk5\ntype: Opaque\n"
    );
}

#[test]
fn generators_given_by_kind() {
    let config = read(
        "apiVersion: builtin
kind: ConfigMapGenerator
metadata: {name: meta, namespace: mns}
name: n123
env: missing
envs: [v.env]
unknown: 1
options: {disableNameSuffixHash: true, labels: {x: '1'}, immutable: true}
",
    );
    let files = files();
    let wanted = "apiVersion: v1
data:
  A: \"1\"
  B: ' x y '
  C: \"\"
  D: '\"q\"'
immutable: true
kind: ConfigMap
metadata:
  labels:
    x: \"1\"
  name: n123
  namespace: mns
";
    let generator = ConfigMapGenerator::from_config(&config, &files).unwrap();
    assert_eq!(rendered(&generator).unwrap(), wanted);

    let config = read("kind: SecretGenerator\nmetadata: {name: 77, namespace: mns}\ntype: '5'\n");
    let wanted = "apiVersion: v1
data: {}
kind: Secret
metadata:
  name: HASH
  namespace: mns
type: \"5\"
";
    let generator = SecretGenerator::from_config(&config, &files).unwrap();
    assert_eq!(rendered(&generator).unwrap(), wanted.replace("HASH", "77-gm4gh6kdmd"));
}

#[test]
fn numbers_are_no_strings_in_generators_given_by_kind() {
    for field in ["name: 1", "literals: [1]", "options: {labels: {x: 1}}", "behavior: 1"] {
        let config = read(&format!("kind: ConfigMapGenerator\nmetadata: {{name: meta}}\n{field}\n"));
        assert!(ConfigMapGenerator::from_config(&config, &files()).is_err(), "{field}");
    }
}

fn read(text: &str) -> crate::yaml::Node {
    let text: crate::yaml::SourceText = text.into();
    let file = crate::yaml::Sources::default().add("test", text.clone(), None);
    crate::yaml::read(&text, file).unwrap().remove(0)
}

#[test]
fn lines_beyond_64_kib_end_a_file_of_variables() {
    let made = config_map(|args| args.envs = spanned(["long.env"])).unwrap();
    assert!(made.contains("  A: \"1\"\n  B: xxx"));
    assert!(!made.contains("  C: "));
}

#[test]
fn what_is_refused() {
    let refused = |change: fn(&mut ConfigMapArgs)| config_map(change).unwrap_err().kind().clone();
    assert_eq!(refused(|args| args.name.clear()), ErrorKind::Generator);
    for literal in ["novalue", "=value", ""] {
        assert!(config_map(|args| args.literals = spanned([literal])).is_err(), "{literal}");
    }
    for file in ["=bin", "key=", "a=b=bin", "missing"] {
        assert!(config_map(|args| args.files = spanned([file])).is_err(), "{file}");
    }
    assert_eq!(refused(|args| args.envs = spanned(["bad.env"])), ErrorKind::Generator);
    assert_eq!(refused(|args| args.literals = spanned(["a=1", "a=2"])), ErrorKind::Generator);
    // Keys are not checked, but must be strings in the end.
    assert_eq!(refused(|args| args.literals = spanned(["1=x"])), ErrorKind::Syntax);
    assert!(config_map(|args| args.literals = spanned(["a b=x"])).is_ok());
}

#[test]
fn a_line_break_of_yaml_1_1_in_a_literal_is_folded() {
    // As kustomize prints it.
    for (literal, value, hash) in [
        ("k=a\u{85}b", "YSBi", "s-2thhc4cd8m"),
        ("k=a\u{85}\u{85}b", "YQpi", "s-9f72d7b67d"),
        ("k=\u{85}b", "IGI=", "s-f245h2htkb"),
        ("k=a \u{85} b", "YSBi", "s-2thhc4cd8m"),
        ("k=\"a\u{85}b\"", "YSBi", "s-2thhc4cd8m"),
    ] {
        let made = secret(|args| args.literals = spanned([literal])).unwrap();
        assert!(made.contains(&format!("  k: {value}\n")), "{literal:?}: {made}");
        let made = config_map(|args| {
            args.name = "s".to_owned();
            args.literals = spanned([literal]);
        });
        let made = made.unwrap();
        assert!(made.contains(&format!("  name: {hash}\n")), "{literal:?}: {made}");
    }
}

#[test]
fn other_kinds_are_hashed_as_go_yaml_holds_them() {
    // The digest of what Go makes of go-yaml's node, in kustomize's letters.
    let text = "kind: Widget\na: 1\nb:\n- x\n- c: null\n  d: 's'\n- \"q\"\n- - y\n  - z\ng: |\n  l\nh: >\n  f\ni: 1.5\n\
                j: true\nk: 2001-01-01\n";
    let sources = crate::yaml::Sources::default();
    let file = sources.add("widget.yaml", text.into(), None);
    let node = crate::yaml::read(text, file).unwrap().remove(0);
    assert_eq!(content_hash(&node, &sources).unwrap(), "27tdhdft8h");
}

#[test]
fn long_data_counts_to_its_end() {
    let text = "x".repeat(20_000) + "\n";
    let files = Given(BTreeMap::from([("long.txt", text.into_bytes())]));
    let args = SecretArgs { name: "long".into(), files: spanned(["long.txt"]), ..SecretArgs::default() };
    let secret = SecretGenerator::new(Spanned { value: args, pos: Pos::NONE }, &files);
    assert!(rendered(&secret).unwrap().contains("  name: long-769mdhd2k2\n"));
}
