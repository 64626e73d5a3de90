//! Against programs of this machine. Expectations come from kustomize.

use super::*;
use crate::generate::Generator;
use crate::host::{Command, Host, Scratch, TestHost};
use crate::loader::Loader;
use crate::options::BuildOptions;
use crate::resource::ResourceSet;
use crate::resource::{PreviousId, parse_resources};
use crate::transform::Transformer;
use crate::yaml::{Map, Node};

const CONFIG: &str = "
apiVersion: example.com/v1
kind: MyFn
metadata:
  name: fn
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ./fn.sh
        args: [x y]
        envs: [A=1, B, C=d=e]
spec: {z: 1, a: 2}
";

/// A place with a program and a configuration for it.
fn with_program(
    script: &str,
    config: &str,
    options: &BuildOptions,
    check: impl FnOnce(&Plugin<'_>, &BuildContext<'_>),
) {
    let host = TestHost;
    let scratch = Scratch::new(&host).unwrap();
    let program = format!("{}/fn.sh", scratch.path());
    host.write_scratch(&program, format!("#!/bin/sh\n{script}").as_bytes()).unwrap();
    let mut chmod = Command::new("chmod", "");
    chmod.arguments = vec!["+x".to_owned(), program];
    assert!(host.run(&chmod).unwrap().succeeded());
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = BuildContext::new(&recorder, options, crate::parallel::Threads::for_one_build());
    let file = cx.sources.add("config", config.into(), None);
    let config = parse_resources(config, file).unwrap().remove(0);
    let loader = Loader::new_root(&cx, scratch.path(), "/").unwrap();
    check(&Plugin::load(loader, config).unwrap(), &cx);
}

fn all_allowed() -> BuildOptions {
    BuildOptions { enable_plugins: true, enable_exec: true, ..BuildOptions::default() }
}

fn config_map(name: &str) -> Resource {
    let mut root = Map::new();
    root.insert("apiVersion", Node::string("v1"));
    root.insert("kind", Node::string("ConfigMap"));
    let mut resource = Resource::new(Node::map(root));
    resource.set_name(name);
    resource
}

#[test]
fn functions_are_given_a_resource_list() {
    let script = "cat > seen; echo \"$@,$A,$B,$C,$(pwd)\" >> seen\n";
    with_program(script, CONFIG, &all_allowed(), |plugin, cx| {
        let mut first = config_map("pre-a");
        first.history.prefixes.push("pre-".into());
        let mut set = ResourceSet::from_list(vec![first, config_map("b")]);
        plugin.transform(&mut set, cx).unwrap();
        assert!(set.is_empty(), "what is not given back is gone");
        let root = plugin.loader.root();
        let seen = plugin.loader.bytes("seen").unwrap();
        let wanted = format!(
            r#"apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    annotations:
      config.k8s.io/id: "1"
      config.kubernetes.io/index: "0"
      internal.config.kubernetes.io/annotations-migration-resource-id: "0"
      internal.config.kubernetes.io/id: "1"
      internal.config.kubernetes.io/index: "0"
      internal.config.kubernetes.io/prefixes: pre-
      kustomize.config.k8s.io/id: |
        kind: ConfigMap
        name: pre-a
        version: v1
    name: pre-a
- apiVersion: v1
  kind: ConfigMap
  metadata:
    annotations:
      config.k8s.io/id: "2"
      config.kubernetes.io/index: "1"
      internal.config.kubernetes.io/annotations-migration-resource-id: "1"
      internal.config.kubernetes.io/id: "2"
      internal.config.kubernetes.io/index: "1"
      kustomize.config.k8s.io/id: |
        kind: ConfigMap
        name: b
        version: v1
    name: b
functionConfig:
  apiVersion: example.com/v1
  kind: MyFn
  metadata:
    annotations:
      config.kubernetes.io/function: |
        exec:
          path: ./fn.sh
          args: [x y]
          envs: [A=1, B, C=d=e]
      config.kubernetes.io/local-config: "true"
    name: fn
  spec:
    a: 2
    z: 1
x y,1,,,{root}
"#
        );
        assert_eq!(String::from_utf8(seen).unwrap(), wanted);
    });
}

#[test]
fn a_set_follows_what_a_transformer_gives_back() {
    // All come back, the first renamed: it is new under its name, and last.
    with_program("sed 's/^    name: a$/    name: c/'", CONFIG, &all_allowed(), |plugin, cx| {
        let mut kept = config_map("b");
        kept.history.previous =
            vec![PreviousId { kind: "ConfigMap".into(), name: "old".into(), namespace: "default".into() }];
        kept.history.vars = vec!["VAR".into()];
        let mut set = ResourceSet::from_list(vec![config_map("a"), kept]);
        plugin.transform(&mut set, cx).unwrap();
        let names: Vec<&str> = set.iter().map(Resource::name).collect();
        assert_eq!(names, ["b", "c"]);
        let kept = &set.as_slice()[0];
        assert_eq!(kept.history.previous[0].name, "old");
        assert_eq!(kept.history.vars, ["VAR"]);
        assert_eq!(kept.annotations().count(), 0);
    });
    let twice = "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\n---\\n'; \
                 printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\n'";
    with_program(twice, CONFIG, &all_allowed(), |plugin, cx| {
        let error = plugin.transform(&mut ResourceSet::new(), cx).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Conflict);
    });
}

#[test]
fn generators_say_what_becomes_of_their_resources() {
    let script = "cat <<EOF\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    \
                  kustomize.config.k8s.io/needs-hash: 'true'\n    kustomize.config.k8s.io/behavior: merge\nEOF\n";
    with_program(script, CONFIG, &all_allowed(), |plugin, cx| {
        let made = plugin.generate(cx).unwrap();
        assert!(made[0].history.needs_hash);
        assert_eq!(made[0].history.behavior, crate::resource::Behavior::Merge);
        assert_eq!(made[0].annotations().count(), 0);
    });
    // The configuration is the only input, and may come back.
    with_program("cat", CONFIG, &all_allowed(), |plugin, cx| {
        let made = plugin.generate(cx).unwrap();
        assert_eq!((made[0].kind(), made[0].is_local_config()), ("MyFn", true));
    });
}

#[test]
fn programs_run_only_when_allowed() {
    let without_exec = BuildOptions { enable_plugins: true, ..BuildOptions::default() };
    with_program("exit 1", CONFIG, &without_exec, |plugin, cx| {
        let mut set = ResourceSet::from_list(vec![config_map("a")]);
        plugin.transform(&mut set, cx).unwrap();
        assert_eq!(set.len(), 1, "kustomize passes over the function");
    });
    with_program("echo oh no >&2; exit 3", CONFIG, &all_allowed(), |plugin, cx| {
        let error = plugin.generate(cx).unwrap_err();
        assert_eq!(error.to_string(), "function fn failed with exit status 3: oh no");
    });
    let reports =
        "printf 'kind: ResourceList\\nitems: []\\nresults: [{message: no}, {message: not so}]'; exit 1";
    with_program(reports, CONFIG, &all_allowed(), |plugin, cx| {
        let error = plugin.generate(cx).unwrap_err();
        assert_eq!(error.to_string(), "function fn failed with exit status 1: no; not so");
    });
    let host = crate::host::MemoryHost::from_iter([("/app/x", "")]);
    let options = BuildOptions::default();
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = BuildContext::new(&recorder, &options, crate::parallel::Threads::for_one_build());
    let loader = Loader::new_root(&cx, "/app", "/").unwrap();
    let error = Plugin::load(loader, config_map("a")).err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::NotAllowed);
}
