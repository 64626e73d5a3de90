//! What is refused, warned of and folded away. Each expectation was seen in kustomize.

use std::sync::Arc;

use super::{Kustomization, parse};
use crate::context::Context;
use crate::error::BuildError;
use crate::parallel::Threads;
use crate::warning::Warning;
use crate::yaml::{Pos, reader::read_config};

fn read(text: &str) -> (Result<Kustomization, BuildError>, Vec<Warning>) {
    let cx = Context::new(Arc::default(), Threads::for_one_build());
    let file = cx.sources.add("kustomization.yaml", text.into(), None);
    let parsed = read_config(text, file)
        .map_err(BuildError::from)
        .and_then(|root| parse(root.as_ref(), Pos::new(file, 0), &cx))
        .map_err(|error| error.located(&cx.sources));
    (parsed, cx.into_parts().1)
}

fn kustomization(text: &str) -> Kustomization {
    read(text).0.unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// Place, message and help of the error.
fn refusal(text: &str) -> String {
    let Err(error) = read(text).0 else { panic!("not refused: {text}") };
    let place =
        error.location().map(|place| format!("{}:{}: ", place.line, place.column)).unwrap_or_default();
    let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{place}{}{help}", error.message())
}

#[test]
fn unknown_fields() {
    for (text, expected) in [
        ("resources: [a]\nimage: []", "2:1: unknown field `image` (did you mean `images`?)"),
        (
            "images:\n- name: a\n  newTga: b",
            "3:3: unknown field `newTga` in `images[0]` (did you mean `newTag`?)",
        ),
        (
            "labels:\n- pairs: {a: b}\n  images: []",
            "3:3: unknown field `images` in `labels[0]` \
             (`images` is a field of the kustomization itself: indent it less)",
        ),
        ("images:\n- name: a\n  tag: b", "3:3: unknown field `tag` in `images[0]` (did you mean `newTag`?)"),
        (
            "frobnicate: x",
            "1:1: unknown field `frobnicate` (common fields are resources, components, patches, images, \
             configMapGenerator, secretGenerator, labels, namespace and replacements)",
        ),
        (
            "helmCharts: [{frobnicate: x}]",
            "1:15: unknown field `frobnicate` in `helmCharts[0]` (the fields here are name, version, \
             repo, releaseName, namespace, additionalValuesFiles, valuesFile, valuesInline, valuesMerge, \
             includeCRDs, skipHooks, apiVersions and 5 more)",
        ),
        ("newTag: x", "1:1: unknown field `newTag` (it belongs under `images`)"),
        (
            "sortOptions: {foo: bar}",
            "1:15: unknown field `foo` in `sortOptions` (the fields here are order, legacySortOptions)",
        ),
        (
            "generatorOptions: {timeoutSeconds: 1}",
            "1:20: unknown field `timeoutSeconds` in `generatorOptions` \
             (generators that run commands are gone since kustomize v2)",
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\nspec: {}",
            "2:7: `kind` must be `Kustomization` or `Component`, not `Deployment` \
             (a resource needs a file of another name, which `resources` of a kustomization lists)",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
    for text in [
        "resources: [a]\nfoo: ~",
        "metadata: {creationTimestamp: ~}",
        "helmChartInflationGenerator: [{name: a}]",
    ] {
        assert!(read(text).0.is_err(), "{text}");
    }
}

#[test]
fn wrong_types() {
    for (text, expected) in [
        (
            "resources: a.yaml",
            "1:12: `resources`: expected a list, found a string: \"a.yaml\" \
             (write it as an entry of a list: `- a.yaml`)",
        ),
        (
            "images:\n- name: a\n  newTag: 1.10",
            "3:11: `images[0].newTag`: expected a string, found a number (put it in quotes: \"1.10\")",
        ),
        (
            "commonLabels: {a: yes}",
            "1:19: `commonLabels.a`: expected a string, found a boolean \
             (put it in quotes: \"yes\"; without them, YAML 1.1 reads it as true)",
        ),
        (
            "replicas: [{count: \"3\"}]",
            "1:20: `replicas[0].count`: expected an integer, found a string: \"3\" (leave out the quotes: 3)",
        ),
        (
            "generatorOptions: {immutable: \"yes\"}",
            "1:31: `generatorOptions.immutable`: expected true or false, found a string: \"yes\" \
             (leave out the quotes: yes)",
        ),
        ("patches: {path: a}", "1:10: `patches`: expected a list, found a map (begin each entry with `- `)"),
        ("resources: [{a: b}]", "1:13: `resources[0]`: expected a string, found a map"),
        (
            "[a]",
            "1:1: a kustomization file must be a map of fields, but this is a list \
             (begin with a field such as `resources:`)",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
    for text in [
        "resources: [1]",
        "replicas: [{count: 3.5}]",
        "replicas: [{count: 9223372036854775808}]",
        "commonLabels: {~: a}",
        "openapi: {path: 1}",
        "metadata: \"\"",
        "labels: [{fields: [{group: 1}]}]",
        "helmCharts: [{valuesInline: [a]}]",
        "helmCharts: [{valuesInline: {a: .inf}}]",
        "replacements: [{targets: [~]}]",
        "replacements: [{targets: [{reject: [~]}]}]",
        "a",
    ] {
        assert!(read(text).0.is_err(), "{text}");
    }
}

#[test]
fn habits_of_the_decoder() {
    let shown =
        |text| kustomization(text).resources.iter().map(|path| path.value.clone()).collect::<Vec<_>>();
    assert_eq!(shown("resources: [a]\nresources: [b]"), ["b"]);
    assert_eq!(shown("resources: [a]\nResources: [b]"), ["a"]);
    assert_eq!(shown("re\u{17f}ource\u{17f}: [a]"), ["a"]);
    assert_eq!(shown("resources: [a]\n---\n: {{"), ["a"]);
    assert_eq!(shown("resources: [~]"), [""]);
    assert_eq!(kustomization("replicas: [{count: 1e1}, {count: 0x10}, {count: 3.0}]").replicas[1].count, 16);
    assert_eq!(kustomization("commonLabels: {1: b, 0x10: c}").common_labels["16"], "c");
    assert_eq!(kustomization("commonLabels: {a: ~}").common_labels["a"], "");
    assert_eq!(kustomization("commonLabels: {a: 2001-01-01}").common_labels["a"], "2001-01-01");
    assert!(kustomization("generatorOptions: {immutable: on}").generator_options.unwrap().immutable);
    let chart = &kustomization("helmCharts: [{valuesInline: {1: 0x10}}]").helm_charts[0];
    let values = chart.values_inline.as_ref().unwrap();
    assert_eq!(values.get("1").map(|value| value.text()), Some("16"));
}

#[test]
fn empty_files() {
    for text in [
        "",
        "---\n---\nresources: [a]",
        "kind: Kustomization",
        "bases: []",
        "imageTags: []",
        "helmChartInflationGenerator: []",
        "commonLabels: ~",
        "namePrefix: \"\"",
        "resources: [a]\nresources: ~",
    ] {
        assert_eq!(
            refusal(text),
            "1:1: the kustomization file is empty (list at least one file or directory under `resources`)"
        );
    }
    for text in ["resources: []", "commonLabels: {}", "metadata: {}", "kind: Component\nsortOptions: {}"] {
        assert!(read(text).0.is_ok(), "{text}");
    }
}

#[test]
fn kinds_and_versions() {
    for (text, expected) in [
        (
            "kind: Komponent\nnamePrefix: a",
            "1:7: `kind` must be `Kustomization` or `Component`, not `Komponent` (did you mean `Component`?)",
        ),
        (
            "apiVersion: foo\nnamePrefix: a",
            "1:13: `apiVersion` of a Kustomization must be `kustomize.config.k8s.io/v1beta1`, not `foo` \
             (write `apiVersion: kustomize.config.k8s.io/v1beta1`, or leave the field out)",
        ),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\nnamePrefix: a",
            "1:13: `apiVersion` of a Component must be `kustomize.config.k8s.io/v1alpha1`, not \
             `kustomize.config.k8s.io/v1beta1` (write `apiVersion: kustomize.config.k8s.io/v1alpha1`)",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
    let component = kustomization("kind: Component\nnamePrefix: a");
    assert!(component.is_component());
    assert_eq!(component.api_version, "kustomize.config.k8s.io/v1alpha1");
    assert_eq!(kustomization("apiVersion: \"\"\nkind: \"\"\nnamePrefix: a").kind, "Kustomization");
}

#[test]
fn deprecated_fields_are_warned_of_and_folded_away() {
    let (read, warnings) = read(
        "vars: []\nbases: [b]\nresources: [a]\nimageTags: [{name: old}]\nimages: [{name: new}]\n\
         configMapGenerator: [{env: e, envs: [f]}]\n\
         helmChartInflationGenerator:\n- {chartName: c, helmHome: h, chartHome: one, values: v}\n- {chartHome: two}\n",
    );
    let read = read.unwrap();
    let warnings: Vec<_> = warnings
        .iter()
        .map(|warning| (warning.location.as_ref().unwrap().line, warning.message.as_str()))
        .collect();
    assert_eq!(
        warnings,
        [
            (2, "# Warning: 'bases' is deprecated. Please use 'resources' instead."),
            (4, "# Warning: 'imageTags' is deprecated. Please use 'images' instead."),
            (1, "# Warning: 'vars' is deprecated. Please use 'replacements' instead."),
        ]
    );
    let resources: Vec<_> = read.resources.iter().map(|path| path.as_str()).collect();
    assert_eq!(resources, ["a", "b"]);
    let images: Vec<_> = read.images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(images, ["new", "old"]);
    let envs: Vec<_> = read.config_map_generator[0].sources().envs.iter().map(|path| path.as_str()).collect();
    assert_eq!(envs, ["f", "e"]);
    assert_eq!(read.helm_charts.len(), 2);
    assert_eq!((read.helm_charts[0].name.as_str(), read.helm_charts[0].values_file.as_str()), ("c", "v"));
    let globals = read.helm_globals.unwrap();
    assert_eq!((globals.chart_home.as_str(), globals.config_home.as_str()), ("two", "h"));
}
