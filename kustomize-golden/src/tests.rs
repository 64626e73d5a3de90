//! Which overlays are found, where their golden files stand, and what comparing them says.

use kustomize_core::host::MemoryHost;
use kustomize_core::{BuildOptions, ErrorKind};

use super::*;

/// A host with these files below `/r`.
fn host(files: &[(&str, &str)]) -> MemoryHost {
    MemoryHost::from_iter(files.iter().map(|(path, content)| (format!("/r/{path}"), *content)))
}

fn kustomization(resources: &str) -> String {
    format!("namePrefix: x-\nresources: [{resources}]\n")
}

/// Overlays below paths, without `/r/`; orphans with a question mark.
fn overlays(host: &MemoryHost, paths: &[&str]) -> Vec<String> {
    let layout = Layout::find(host, paths[0]).unwrap();
    let cases = discover(host, &layout, paths).unwrap();
    let shown = |case: &Case| {
        let name = case.overlay.strip_prefix("/r").unwrap().trim_start_matches('/');
        format!("{name}{}", if case.is_orphan { "?" } else { "" })
    };
    cases.iter().map(shown).collect()
}

#[test]
fn overlays_are_what_nothing_builds_on() {
    let (on_base, on_component) =
        (kustomization("../../base, web.yaml, 'https://example.com/x'"), "components: [../../part]\n");
    let host = host(&[
        ("app/base/kustomization.yaml", "resources: [a.yaml]\n"),
        ("app/part/Kustomization", "kind: Component\n"),
        ("app/lonely/kustomization.yaml", "kind: Component\nresources: [../old]\n"),
        ("app/old/kustomization.yaml", ""),
        ("app/overlays/one/kustomization.yml", &on_base),
        ("app/overlays/two/kustomization.yaml", on_component),
        ("app/overlays/broken/kustomization.yaml", "resources: [\n"),
        ("app/overlays/.hidden/kustomization.yaml", ""),
        ("node_modules/x/kustomization.yaml", ""),
        ("functions/kustomization.yaml", "Transformers: [labels]\n"),
        ("functions/labels/kustomization.yaml", ""),
        ("self/kustomization.yaml", "resources: [.]\n"),
    ]);
    let wanted = ["app/overlays/broken", "app/overlays/one", "app/overlays/two", "functions", "self"];
    assert_eq!(overlays(&host, &["/r"]), wanted);
    // What is asked for by name is tested, components excepted; what is below counts once.
    assert_eq!(overlays(&host, &["/r/app/base", "/r/app/part"]), ["app/base"]);
    assert_eq!(overlays(&host, &["/r/self", "/r", "/r/app/overlays/one/kustomization.yml"]), wanted);
}

#[test]
fn circles_are_not_lost() {
    let host = host(&[
        ("a/kustomization.yaml", "resources: [../b]\n"),
        ("b/kustomization.yaml", "resources: [../a]\n"),
        ("c/kustomization.yaml", "resources: [../d]\n"),
        ("d/kustomization.yaml", "resources: [../c]\n"),
        ("e/kustomization.yaml", "resources: [../c]\n"),
    ]);
    assert_eq!(overlays(&host, &["/r"]), ["a", "e"]);
}

#[test]
fn golden_files_make_overlays_of_bases_and_orphans_of_nothing() {
    let host = host(&[
        ("base/kustomization.yaml", ""),
        ("base/kustomization.snap.yaml", ""),
        ("part/kustomization.yaml", "kind: Component\n"),
        ("part/kustomization.snap.yaml", ""),
        ("gone/kustomization.snap.yaml", ""),
        ("top/kustomization.yaml", "resources: [../base]\ncomponents: [../part]\n"),
    ]);
    assert_eq!(overlays(&host, &["/r"]), ["base", "gone?", "part?", "top"]);
    assert_eq!(overlays(&host, &["/r/gone/kustomization.snap.yaml"]), ["gone?"]);
}

#[test]
fn the_configuration_says_where_golden_files_stand() {
    let files = [
        ("kustomize-golden.yaml", "directory: tests/golden\nfile: expected.yaml\nexclude: [vendor]\n"),
        ("apps/one/kustomization.yaml", ""),
        ("apps/one/kustomization.snap.yaml", "no golden file here"),
        ("vendor/x/kustomization.yaml", ""),
        ("tests/golden/kustomization.yaml", "no overlay here"),
        ("tests/golden/apps/gone/expected.yaml", ""),
        ("tests/golden/other/gone/expected.yaml", ""),
        ("tests/golden/vendor/gone/expected.yaml", ""),
    ];
    let host = host(&files);
    let layout = Layout::find(&host, "/r/apps/one").unwrap();
    assert_eq!((layout.top(), layout.directory()), ("/r", Some("/r/tests/golden")));
    let golden = "/r/tests/golden/apps/one/expected.yaml";
    assert_eq!(layout.golden_of("/r/apps/one").unwrap(), golden);
    assert_eq!(layout.overlay_of(golden).as_deref(), Some("/r/apps/one"));
    assert_eq!(layout.overlay_of("/r/apps/one/expected.yaml"), None);
    assert!(layout.golden_of("/elsewhere").is_err());
    assert_eq!(overlays(&host, &["/r"]), ["apps/gone?", "apps/one", "other/gone?"]);
    assert_eq!(overlays(&host, &["/r/apps"]), ["apps/gone?", "apps/one"]);
}

#[test]
fn golden_files_have_no_tree_where_all_overlays_are() {
    for wrong in ["/r", "/r/", "/r/a/..", "/"] {
        let error = Layout::new("/r").in_directory(wrong).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Golden, "{wrong}");
    }
    for right in ["/r/golden", "/elsewhere", "/rr"] {
        assert_eq!(Layout::new("/r").in_directory(right).unwrap().directory(), Some(right));
    }
}

#[test]
fn a_repository_without_configuration_begins_at_its_git_directory() {
    let host = host(&[(".git/HEAD", ""), ("a/b/kustomization.yaml", "")]);
    assert_eq!(Layout::find(&host, "/r/a/b").unwrap(), Layout::new("/r"));
    assert_eq!(Layout::find(&host, "/r/a/b/kustomization.yaml").unwrap().top(), "/r");
}

#[test]
fn wrong_configuration_is_refused_at_its_line() {
    for (text, line, message) in [
        ("file: a\ndirectory: ../out\n", 2, "goldens stand in a directory of their own below this file's"),
        ("directory: .\n", 1, "goldens stand in a directory of their own below this file's"),
        ("directory: /tmp\n", 1, "goldens stand in a directory of their own below this file's"),
        ("file: a/b.yaml\n", 1, "\"a/b.yaml\" is not the name of a file"),
        (
            "\nfile: Kustomization\n",
            2,
            "golden files cannot be called Kustomization: that name has a meaning of its own",
        ),
        ("exclude: [a, ../b]\n", 1, "what is excluded stands below this file's directory"),
        ("enableHelm: true\n", 1, "unknown field `enableHelm`"),
        ("exclude: a\n", 1, "expected"),
        ("a: [\n", 2, ""),
    ] {
        let error = Layout::find(&host(&[(CONFIG_FILE, text)]), "/r").unwrap_err();
        assert!(error.to_string().contains(message), "{text}: {error}");
        let place = error.location().map(|place| (place.file.as_str(), place.line));
        assert_eq!(place, Some(("/r/kustomize-golden.yaml", line)), "{text}: {error}");
    }
}

#[test]
fn outcomes_say_what_happened_and_what_accepting_means() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
    let overlay = "resources: [pod.yaml]\n";
    let other = pod.replace("name: a", "name: a\n  namespace: b");
    let mut files =
        vec![("orphan/kustomization.snap.yaml", pod), ("failed/kustomization.yaml", "resources: [x]\n")];
    for (path, golden) in [
        ("1-equal/kustomization.yaml", Some(("1-equal/kustomization.snap.yaml", pod))),
        ("2-different/kustomization.yaml", Some(("2-different/kustomization.snap.yaml", other.as_str()))),
        ("3-missing/kustomization.yaml", None),
        ("4-unreadable/kustomization.yaml", Some(("4-unreadable/kustomization.snap.yaml/x", ""))),
    ] {
        files.push((path, overlay));
        files.extend(golden);
    }
    let pods: Vec<String> =
        ["1-equal", "2-different", "3-missing", "4-unreadable"].map(|name| format!("{name}/pod.yaml")).into();
    files.extend(pods.iter().map(|path| (path.as_str(), pod)));
    let host = host(&files);
    let cases = discover(&host, &Layout::new("/r"), &["/r"]).unwrap();
    let mut heard = Vec::new();
    let options = BuildOptions::default();
    let mut sessions = Sessions::new(&host, options);
    let outcomes =
        check_all(&mut sessions, &cases, |case, outcome| heard.push((case.clone(), outcome.is_equal())));
    assert_eq!(heard.iter().map(|(case, _)| case).collect::<Vec<_>>(), cases.iter().collect::<Vec<_>>());
    assert_eq!(heard.iter().filter(|(_, equal)| *equal).count(), 1);
    let shown: Vec<_> = outcomes
        .iter()
        .zip(&cases)
        .map(|(outcome, case)| {
            let word = match outcome {
                Outcome::Equal => "equal",
                Outcome::Different(_) => "different",
                Outcome::Missing { .. } => "missing",
                Outcome::Unreadable { .. } => "unreadable",
                Outcome::Failed(_) => "failed",
                Outcome::Orphaned => "orphaned",
            };
            (word, outcome.update(case))
        })
        .collect();
    let write = |path| Some(Update::Write { path, content: pod });
    assert_eq!(
        shown,
        [
            ("equal", None),
            ("different", write("/r/2-different/kustomization.snap.yaml")),
            ("missing", write("/r/3-missing/kustomization.snap.yaml")),
            ("unreadable", write("/r/4-unreadable/kustomization.snap.yaml")),
            ("failed", None),
            ("orphaned", Some(Update::Remove { path: "/r/orphan/kustomization.snap.yaml" })),
        ]
    );
    let Outcome::Different(mismatch) = &outcomes[1] else { unreachable!("asserted above") };
    let wanted = "changed Pod a, which was Pod b/a\n";
    assert_eq!(mismatch.difference().unwrap().to_string(), wanted);
}

#[test]
fn golden_files_are_compared_by_byte() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
    for (golden, wanted) in [
        (pod.replace('\n', "\r\n"), "Windows line ends"),
        (format!("# kept\n{pod}"), "written differently"),
        (pod.trim_end().to_owned(), "written differently"),
    ] {
        let host = host(&[
            ("kustomization.yaml", "resources: [pod.yaml]\n"),
            ("pod.yaml", pod),
            ("kustomization.snap.yaml", &golden),
        ]);
        let cases = discover(&host, &Layout::new("/r"), &["/r"]).unwrap();
        let Outcome::Different(mismatch) = cases[0].check(&host, &BuildOptions::default()) else {
            panic!("{golden:?} is not {pod:?}")
        };
        assert!(mismatch.difference().unwrap().is_empty());
        assert!(mismatch.remark().contains(wanted), "{}", mismatch.remark());
    }
}

#[test]
fn a_path_that_leads_nowhere_is_an_error() {
    let host = host(&[("a/kustomization.yaml", "")]);
    let error = discover(&host, &Layout::new("/r"), &["/r/b"]).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Host(kustomize_core::host::HostError::NotFound));
}

#[test]
fn a_tree_of_golden_files_leaves_other_repositories_alone() {
    let files = |overlay: &str| {
        host(&[
            ("kustomize-golden.yaml", "directory: goldens\nfile: deployment.yaml\n"),
            (".git/HEAD", ""),
            (overlay, "namePrefix: x-\n"),
            ("apps/y/kustomization.yaml", "namePrefix: x-\n"),
            ("goldens/lib/.git", "gitdir: elsewhere\n"),
            ("goldens/lib/x/deployment.yaml", "of the other repository"),
            ("goldens/lib/gone/deployment.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"),
        ])
    };
    // What has no overlay there is not ours to remove, and what has one is not ours to replace.
    assert_eq!(overlays(&files("apps/x/kustomization.yaml"), &["/r"]), ["apps/x", "apps/y"]);
    let host = files("lib/x/kustomization.yaml");
    let layout = Layout::find(&host, "/r").unwrap();
    let error = discover(&host, &layout, &["/r"]).unwrap_err();
    assert!(error.message().contains("would be in another repository"), "{error}");
}
