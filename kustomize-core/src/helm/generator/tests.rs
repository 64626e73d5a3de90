//! Against a helm that only notes what it is asked. Expectations come from kustomize, run with
//! the same helm.

use super::*;
use crate::helm::{helm_chart, helm_chart_of_config};
use crate::host::{Host, TestHost};
use crate::options::BuildOptions;
use crate::yaml::read_config;

const HELM: &str = r#"
here=$(dirname "$0")
echo "$@" >> "$here/log"
case "$1" in
version) echo v3.9.0 ;;
pull) mkdir -p "$4/foo"; echo 'z: 1' > "$4/foo/values.yaml" ;;
template)
  for argument; do case $argument in *kustomize-values.yaml) cat "$argument" >> "$here/log" ;; esac; done
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n' "$HELM_CONFIG_HOME" ;;
esac
"#;

const CHART: &str = r#"
name: foo
version: 1.2.3
releaseName: rel
namespace: outer
nameTemplate: tmpl
configHome: conf
additionalValuesFiles: [extra.yaml, ./extra.yaml]
valuesFile: vals.yaml
valuesInline: {a: 2, l: [3], m: {y: null, z: 3}, b: "yes", c: 017}
includeCRDs: true
skipTests: true
skipHooks: true
debug: true
devel: true
"#;

/// What helm was asked to do, with the directories of the test replaced.
fn log_of(fields: &str) -> Result<String, BuildError> {
    let host = TestHost;
    let scratch = Scratch::new(&host).unwrap();
    let root = scratch.path();
    for (name, content) in [
        ("helm.sh", HELM),
        ("extra.yaml", "v: 1"),
        ("vals.yaml", "a: 1\nl: [1,2]\nm: {x: 1, y: 2}\nn: null\n"),
        ("empty.yaml", ""),
        ("aliases.yaml", "x: &x {k: 1}\nm: *x\nv: {<<: *x, w: [*x]}\n"),
    ] {
        host.write_scratch(&format!("{root}/{name}"), content.as_bytes()).unwrap();
    }
    let mut options = BuildOptions { enable_helm: true, ..BuildOptions::default() };
    options.helm_command = format!("{root}/helm");
    options.helm_kube_version = "9.9".to_owned();
    options.helm_api_versions = vec!["z/v1".to_owned()];
    // `sh` runs the script: whether scratch directories may hold programs is up to the machine.
    let wrapper = format!("#!/bin/sh\nexec sh {root}/helm.sh \"$@\"\n");
    host.write_scratch(&options.helm_command, wrapper.as_bytes()).unwrap();
    make_executable(&options.helm_command);
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = crate::build_context::BuildContext::new(
        &recorder,
        &options,
        crate::parallel::Threads::for_one_build(),
    );
    let text: crate::yaml::SourceText = format!("{CHART}{fields}").into();
    let file = cx.sources.add("config", text.clone(), None);
    let config = read_config(&text, file)?.unwrap();
    let loader = Loader::new_root(&cx, root, "/")?;
    let resources = helm_chart_of_config(&loader, &config)?.generate(&cx)?;
    assert_eq!(resources[0].name(), "conf");
    assert_eq!(resources[0].annotation("internal.config.kubernetes.io/helm-generated"), Some("true"));
    let log = String::from_utf8(host.read(&format!("{root}/log")).unwrap()).unwrap();
    let values = log.split(' ').find_map(|word| word.strip_suffix("/foo-kustomize-values.yaml")).unwrap();
    Ok(log.replace(values, "TMP").replace(root, "ROOT"))
}

fn make_executable(path: &str) {
    let mut chmod = Command::new("chmod", "");
    chmod.arguments = vec!["+x".to_owned(), path.to_owned()];
    assert!(TestHost.run(&chmod).unwrap().succeeded());
}

#[test]
fn helm_is_asked_as_by_the_reference() {
    let flags = "--include-crds --skip-tests --no-hooks --debug --devel";
    let log = log_of("repo: oci://example.com/charts//\napiVersions: [a/v1, b/v1]\nkubeVersion: '1.20'\n");
    assert_eq!(
        log.unwrap(),
        format!(
            "version --short\n\
             pull --untar --untardir ROOT/charts/foo-1.2.3 oci://example.com/charts//foo --version 1.2.3 --devel\n\
             template rel ROOT/charts/foo-1.2.3/foo --namespace outer --name-template tmpl \
             -f TMP/foo-kustomize-values.yaml -f ROOT/extra.yaml -f ROOT/extra.yaml \
             --api-versions a/v1 --api-versions b/v1 --kube-version 1.20 {flags}\n\
             a: 2\nb: \"yes\"\nc: 15\nl:\n- 3\nm:\n  x: 1\n  \"y\": 2\n  z: 3\n\"n\": null\n"
        )
    );
    let log = log_of("repo: https://example.com\nvaluesMerge: merge\nreleaseName:\n").unwrap();
    assert!(log.contains("1.2.3 --repo https://example.com foo --version 1.2.3 --devel\n"), "{log}");
    assert!(log.contains("template --generate-name ROOT"), "{log}");
    assert!(log.contains("--api-versions z/v1 --kube-version 9.9 --incl"), "{log}");
    assert!(
        log.ends_with(
            "\na: 1\nb: \"yes\"\nc: 15\nl:\n- 1\n- 2\nm:\n  \"true\": null\n  x: 1\n  \"y\": 2\n  z: 3\n"
        ),
        "{log}"
    );
    // kustomize loses aliases when it merges, and what they stand over.
    let log = log_of("repo: https://example.com\nvaluesFile: aliases.yaml\n").unwrap();
    assert!(log.ends_with("\na: 2\nb: \"yes\"\nc: 15\nl:\n- 3\nv:\n  w:\n  - k: 1\nx:\n  k: 1\n"), "{log}");
    let log = log_of("repo: https://example.com\nvaluesMerge: replace\n").unwrap();
    assert!(log.ends_with("\na: 2\nb: \"yes\"\nc: 15\nl:\n- 3\nm:\n  \"true\": null\n  z: 3\n"), "{log}");
}

#[test]
fn charts_are_refused_with_a_cure() {
    for (fields, message) in [
        ("", "there is no chart at"),
        ("name: ''", "a helm chart has no name"),
        ("valuesMerge: both", "valuesMerge is one of"),
        ("additionalValuesFiles: [../no-such-values.yaml]", "no such file"),
        ("repo: x\nvaluesFile: ../vals.yaml", "no such file"),
        ("repo: x\nvaluesFile: empty.yaml", "the values file is empty"),
        ("repo: x\nvaluesFile: aliases.yaml\nvaluesMerge: merge", "given by an alias"),
    ] {
        let error = log_of(fields).unwrap_err();
        assert!(error.to_string().contains(message), "{fields}: {error}");
    }
    let host = crate::host::MemoryHost::from_iter([("/x", "")]);
    let options = BuildOptions::default();
    let store = crate::store::Store::for_one_build();
    let recorder = crate::store::Recorder::new(&host, &store);
    let cx = crate::build_context::BuildContext::new(
        &recorder,
        &options,
        crate::parallel::Threads::for_one_build(),
    );
    let loader = Loader::new_root(&cx, "/", "/").unwrap();
    let error = helm_chart(&loader, &HelmGlobals::default(), HelmChart::default()).err().unwrap();
    assert!(error.help().unwrap().contains("use `BuildOptions::enable_helm`"));
}
