//! A session gives what a cold build gives, whatever was edited, renamed or deleted before.

#![allow(clippy::unwrap_used)] // a test that unwraps in vain has failed

use kustomize_core::host::{Host, MemoryHost};
use kustomize_core::{BuildOptions, Session, build};
use proptest::prelude::*;

/// Paths of a small site: two overlays on a base of bases, a component, a file of a generator.
const FILES: [&str; 12] = [
    "/site/base/kustomization.yaml",
    "/site/base/a.yaml",
    "/site/base/b.yaml",
    "/site/shared/kustomization.yaml",
    "/site/shared/a.yaml",
    "/site/component/kustomization.yaml",
    "/site/staging/kustomization.yaml",
    "/site/staging/patch.yaml",
    "/site/staging/settings.properties",
    "/site/production/kustomization.yaml",
    "/site/production/a.yaml",
    "/site/production/kustomization.yml",
];

const TARGETS: [&str; 4] = ["/site/staging", "/site/production", "/site/base", "/site/shared"];

/// Texts that a kustomization file may have. Not all of them can be built.
const KUSTOMIZATIONS: [&str; 13] = [
    "resources: [a.yaml]\n",
    "resources: [a.yaml, b.yaml]\n",
    "resources: [../base]\nnamePrefix: p-\n",
    "resources: [../base, a.yaml]\nnamespace: n\n",
    "resources: [../base, ../shared]\nnameSuffix: -s\n",
    "resources: [../shared]\nlabels: [{pairs: {l: x}, includeSelectors: true}]\n",
    "resources: [../base]\npatches: [{path: patch.yaml}]\n",
    "resources: [../base]\nconfigMapGenerator: [{name: settings, files: [settings.properties]}]\n",
    "resources: [../base]\ncomponents: [../component]\n",
    "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamePrefix: c-\n",
    "resources: [../base]\nbuildMetadata: [originAnnotations]\n",
    "resources: [../base]\nimages: [{name: nginx, newTag: '2'}]\ncommonAnnotations: {a: b}\n",
    "resources: [../staging, ../shared]\nbases: [../base]\n",
];

/// Texts that any other file may have.
const TEXTS: [&str; 13] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w, x: y}\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: nginx:1}]\n  \
     volumes: [{name: v, configMap: {name: a}}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: redis}]\n---\n\
     apiVersion: v1\nkind: Service\nmetadata: {name: s, labels: {a: b}}\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
    "k: [unclosed\n",
    "",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      \
     containers: [{name: c, image: nginx, env: [{name: e, valueFrom: {configMapKeyRef: {name: b, key: k}}}]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {x: y}}\nspec:\n  containers: [{name: c, \
     image: nginx:3, envFrom: [{configMapRef: {name: a}}]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {config.kubernetes.io/local-config: 'true'}}\n",
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {a: b}}\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: redis}]}\n",
];

#[derive(Clone, Debug)]
enum Edit {
    Write { file: usize, text: usize },
    Remove { file: usize },
    Rename { from: usize, to: usize },
}

impl Edit {
    /// Makes the edit; the paths that it changed.
    fn make(&self, host: &mut MemoryHost) -> Vec<String> {
        let path = |at: &usize| FILES[at % FILES.len()];
        match self {
            Edit::Write { file, text } => {
                let texts: &[&str] =
                    if path(file).contains("kustomization") { &KUSTOMIZATIONS } else { &TEXTS };
                host.insert(path(file), texts[text % texts.len()]);
                vec![path(file).to_owned()]
            }
            Edit::Remove { file } => {
                host.remove(path(file));
                vec![path(file).to_owned()]
            }
            Edit::Rename { from, to } => {
                if let Some(content) = host.remove(path(from)) {
                    host.insert(path(to), content);
                }
                vec![path(from).to_owned(), path(to).to_owned()]
            }
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (0usize..100, 0usize..100).prop_map(|(file, text)| Edit::Write { file, text }),
        1 => (0usize..100).prop_map(|file| Edit::Remove { file }),
        1 => (0usize..100, 0usize..100).prop_map(|(from, to)| Edit::Rename { from, to }),
    ]
}

/// All that a user sees of a build.
fn seen(outcome: Result<kustomize_core::Rendered, kustomize_core::BuildError>) -> String {
    match outcome {
        Ok(rendered) => format!("{:?}\n{:#?}", rendered.yaml(), rendered.warnings()),
        Err(error) => {
            let chain: Vec<_> = error.chain().iter().map(|note| (&note.message, &note.location)).collect();
            format!("{error}\n{:?}\n{chain:?}\n{:?}", error.location(), error.help())
        }
    }
}

fn cold(host: &MemoryHost) -> Vec<String> {
    let options = BuildOptions::default();
    TARGETS.iter().map(|path| seen(build(host, path, &options))).collect()
}

fn site() -> MemoryHost {
    let mut host = MemoryHost::new();
    for (file, text) in [
        (0, KUSTOMIZATIONS[1]),
        (1, TEXTS[0]),
        (2, TEXTS[3]),
        (3, KUSTOMIZATIONS[0]),
        (4, TEXTS[5]),
        (5, KUSTOMIZATIONS[9]),
        (6, KUSTOMIZATIONS[4]),
        (7, TEXTS[2]),
        (8, "a=b\n"),
        (9, KUSTOMIZATIONS[11]),
    ] {
        host.insert(FILES[file], text);
    }
    host
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_gives_what_cold_builds_give(edits in prop::collection::vec(edit(), 1..12)) {
        let mut session = Session::new(site(), BuildOptions::default());
        for edit in edits {
            edit.make(session.host_mut());
            let warm: Vec<String> = session.build_many(&TARGETS).into_iter().map(seen).collect();
            prop_assert_eq!(warm, cold(session.host()));
        }
    }

    #[test]
    fn so_does_a_session_that_is_told_what_changed(edits in prop::collection::vec(edit(), 1..12)) {
        let mut session = Session::new(site(), BuildOptions::default());
        session.build_many(&TARGETS);
        for edit in edits {
            let changed = edit.make(session.host_mut());
            let warm: Vec<String> = session.rebuild(&TARGETS, &changed).into_iter().map(seen).collect();
            prop_assert_eq!(warm, cold(session.host()));
        }
    }

    #[test]
    fn so_does_a_session_that_is_told_only_sometimes(
        edits in prop::collection::vec((edit(), any::<bool>()), 1..12)
    ) {
        let mut session = Session::new(site(), BuildOptions::default());
        session.build_many(&TARGETS);
        for (edit, is_told) in edits {
            let changed = edit.make(session.host_mut());
            let warm = if is_told { session.rebuild(&TARGETS, &changed) } else { session.build_many(&TARGETS) };
            let warm: Vec<String> = warm.into_iter().map(seen).collect();
            prop_assert_eq!(warm, cold(session.host()));
        }
    }

    #[test]
    fn so_does_one_when_resources_change_but_not_their_names(
        edits in prop::collection::vec((0usize..100, 0usize..100, any::<bool>()), 1..16)
    ) {
        let mut session = Session::new(site(), BuildOptions::default());
        session.build_many(&TARGETS);
        for (file, text, is_told) in edits {
            // Files of resources, and what can be in them with the same names.
            let (path, texts): (_, &[usize]) = match file % 3 {
                0 => (FILES[1], &[0, 2]),
                1 => (FILES[2], &[3, 9, 10]),
                _ => (FILES[4], &[5, 11]),
            };
            session.host_mut().insert(path, TEXTS[texts[text % texts.len()]]);
            let warm = if is_told { session.rebuild(&TARGETS, &[path]) } else { session.build_many(&TARGETS) };
            let warm: Vec<String> = warm.into_iter().map(seen).collect();
            prop_assert_eq!(warm, cold(session.host()));
        }
    }

    #[test]
    fn so_does_a_session_without_room(edits in prop::collection::vec(edit(), 1..6)) {
        let mut session = Session::new(site(), BuildOptions::default()).with_memory_limit(10_000);
        for edit in edits {
            let changed = edit.make(session.host_mut());
            let warm: Vec<String> = session.rebuild(&TARGETS, &changed).into_iter().map(seen).collect();
            prop_assert_eq!(warm, cold(session.host()));
        }
    }
}

#[test]
fn most_edits_leave_something_to_build() {
    let built = TARGETS.iter().filter(|path| build(&site(), path, &BuildOptions::default()).is_ok()).count();
    assert_eq!(built, TARGETS.len());
}

/// A host that counts how often it is asked for a file.
struct Counting(MemoryHost, std::sync::Mutex<Vec<String>>);

impl Host for Counting {
    fn read(&self, path: &str) -> Result<Vec<u8>, kustomize_core::host::HostError> {
        self.1.lock().unwrap().push(path.to_owned());
        self.0.read(path)
    }

    fn resolve(&self, path: &str) -> Result<String, kustomize_core::host::HostError> {
        self.0.resolve(path)
    }

    fn kind(&self, path: &str) -> Result<kustomize_core::host::EntryKind, kustomize_core::host::HostError> {
        self.0.kind(path)
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, kustomize_core::host::HostError> {
        self.0.list(directory)
    }
}

#[test]
fn what_did_not_change_is_not_read_again() {
    let mut session = Session::new(Counting(site(), Default::default()), BuildOptions::default());
    session.build_many(&TARGETS);
    let reads = std::mem::take(&mut *session.host().1.lock().unwrap());
    let of_a = reads.iter().filter(|path| *path == "/site/base/a.yaml").count();
    assert!(of_a <= 2, "{reads:?}");
    session.host_mut().0.insert("/site/staging/settings.properties", "a=c\n");
    session.host_mut().0.insert("/site/base/a.yaml", TEXTS[2]);
    for outcome in session.rebuild(&TARGETS, &["/site/base/a.yaml"]) {
        outcome.unwrap();
    }
    let reads = std::mem::take(&mut *session.host().1.lock().unwrap());
    let others: Vec<_> = reads
        .iter()
        .filter(|path| {
            path.ends_with(".yaml") && !path.contains("kustomization") && !path.ends_with("base/a.yaml")
        })
        .collect();
    assert!(others.is_empty(), "{reads:?}");
}

#[test]
fn only_resources_that_changed_are_made_anew() {
    let mut session = Session::new(Counting(site(), Default::default()), BuildOptions::default());
    session.build_many(&TARGETS);
    session.host().1.lock().unwrap().clear();
    session.host_mut().0.insert("/site/base/a.yaml", TEXTS[2]);
    let warm: Vec<String> = session.rebuild(&TARGETS, &["/site/base/a.yaml"]).into_iter().map(seen).collect();
    assert_eq!(*session.host().1.lock().unwrap(), ["/site/base/a.yaml"]);
    assert_eq!(warm, cold(&session.host().0));
}

#[test]
fn warnings_of_images_come_and_go_with_the_images() {
    let mut session = Session::new(site(), BuildOptions::default());
    session.build_many(&TARGETS);
    let has_warned = |outcome: &String| outcome.contains("there is no image called `nginx`");
    for (text, has_nginx) in [(3, true), (12, false), (12, false), (9, true), (3, true), (12, false)] {
        session.host_mut().insert("/site/base/b.yaml", TEXTS[text]);
        let outcomes = session.rebuild(&TARGETS, &["/site/base/b.yaml"]);
        let warm: Vec<String> = outcomes.into_iter().map(seen).collect();
        assert_eq!(warm, cold(session.host()));
        assert_eq!(warm.iter().filter(|outcome| has_warned(outcome)).count(), usize::from(!has_nginx));
    }
}

#[test]
fn bases_that_many_build_on_are_rendered_once() {
    // Each level builds on the one below twice: two to the power of its levels, if done naively.
    let mut host = MemoryHost::new();
    host.insert("/0/kustomization.yaml", "resources: []\n");
    for level in 1..90 {
        let below = level - 1;
        for side in ["a", "b"] {
            let text = format!("resources: [../../{below}]\n");
            host.insert(&format!("/{level}{side}/x/kustomization.yaml"), text);
        }
        let text = format!("resources: [../{level}a/x, ../{level}b/x]\n");
        host.insert(&format!("/{level}/kustomization.yaml"), text);
    }
    for path in ["/40", "/48"] {
        let rendered = build(&host, path, &BuildOptions::default()).unwrap();
        assert!(rendered.resources().is_empty());
    }
    let error = build(&host, "/89", &BuildOptions::default()).unwrap_err();
    assert!(error.to_string().contains("100 levels"), "{error}");
}
