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
fn only_a_file_is_a_configuration() {
    let host = host(&[
        ("kustomize-golden.yaml", "file: expected.yaml\n"),
        ("a/kustomize-golden.yaml/x", ""),
        ("a/kustomization.yaml", ""),
    ]);
    let layout = Layout::find(&host, "/r/a").unwrap();
    assert_eq!((layout.top(), layout.file_name()), ("/r", "expected.yaml"));
}

#[test]
fn golden_files_have_a_name_of_their_own() {
    for (name, why) in [
        ("", "golden files need a name"),
        (".", "golden files need a name"),
        ("..", "golden files need a name"),
        ("a/b", "\"a/b\" is not the name of a file"),
        ("a\\b", "\"a\\\\b\" is not the name of a file"),
        ("a\0", "\"a\\0\" is not the name of a file"),
        (".Git", "golden files cannot be called \".Git\", as what git keeps"),
        (
            "kustomize-golden.yaml",
            "golden files cannot be called kustomize-golden.yaml: that name has a meaning of its own",
        ),
    ] {
        let error = Layout::new("/r").with_file_name(name).unwrap_err();
        assert_eq!((error.message(), error.kind()), (why, &ErrorKind::Golden));
    }
    assert_eq!(Layout::new("/r").with_file_name("...").unwrap().file_name(), "...");
}

#[test]
fn paths_in_the_configuration_are_as_long_as_any() {
    let find = |length: usize| {
        let text = format!("exclude: [{}]\n", "a".repeat(length));
        Layout::find(&host(&[(CONFIG_FILE, &text)]), "/r")
    };
    assert_eq!(find(4096).unwrap().excluded(), [format!("/r/{}", "a".repeat(4096))]);
    for length in [4097, 5000] {
        assert!(find(length).unwrap_err().message().contains("what is excluded stands below"));
    }
}

#[test]
fn a_repository_says_where_its_golden_files_are_and_one_in_it_too() {
    let host = host(&[
        (".git/HEAD", ""),
        ("kustomize-golden.yaml", "file: expected.yaml\n"),
        ("a/kustomization.yaml", ""),
        ("sub/.git", "gitdir: elsewhere\n"),
        ("sub/kustomize-golden.yaml", "file: other.yaml\n"),
        ("sub/b/kustomization.yaml", ""),
        ("sub/gone/other.yaml", ""),
        ("sub/gone-too/expected.yaml", ""),
    ]);
    let layout = Layout::find(&host, "/r").unwrap();
    let cases = discover(&host, &layout, &["/r"]).unwrap();
    let goldens: Vec<_> = cases.iter().map(|case| case.golden.as_str()).collect();
    assert_eq!(goldens, ["/r/a/expected.yaml", "/r/sub/b/other.yaml", "/r/sub/gone/other.yaml"]);
}

#[test]
fn a_golden_file_stands_for_its_overlay() {
    let host = host(&[
        ("kustomize-golden.yaml", "directory: goldens\n"),
        ("a/kustomization.yaml", ""),
        ("b/kustomization.yaml", ""),
        ("file", ""),
        ("goldens/a/kustomization.snap.yaml", ""),
        ("goldens/file/kustomization.snap.yaml", ""),
        ("goldens/gone/kustomization.snap.yaml", ""),
    ]);
    for (path, wanted) in [
        ("goldens/a/kustomization.snap.yaml", &["a"][..]),
        ("b/kustomization.yaml", &["b"]),
        ("b", &["b"]),
        // An overlay that is no directory is none, and its golden file an orphan of the whole tree.
        ("goldens/file/kustomization.snap.yaml", &[]),
        ("goldens/gone/kustomization.snap.yaml", &[]),
    ] {
        assert_eq!(overlays(&host, &[&format!("/r/{path}")]), wanted, "{path}");
    }
    assert_eq!(overlays(&host, &["/r"]), ["a", "b", "file?", "gone?"]);
}

#[test]
fn a_file_that_has_the_name_of_a_golden_file_by_chance_is_kept() {
    for text in ["", "not rendered", "kind: Pod\n"] {
        let host = host(&[("kustomization.snap.yaml", text)]);
        let cases = discover(&host, &Layout::new("/r"), &["/r"]).unwrap();
        let outcome = cases[0].check(&host, &BuildOptions::default());
        assert_eq!(outcome.update(&cases[0]), None);
        let Outcome::Failed(error) = outcome else { panic!("{text:?} is a golden file") };
        assert!(error.message().contains("does not contain rendered output"), "{error}");
    }
}

#[test]
fn overlays_read_their_own_repository_only() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
    let host = host(&[
        ("one/.git/HEAD", ""),
        ("one/o/kustomization.yaml", "resources: [../base]\n"),
        ("one/p/kustomization.yaml", "resources: [../../two/base]\n"),
        ("one/base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("one/base/pod.yaml", pod),
        ("two/.git/HEAD", ""),
        ("two/o/kustomization.yaml", "resources: [../base]\n"),
        ("two/p/kustomization.yaml", "resources: [../../one/base]\n"),
        ("two/base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("two/base/pod.yaml", pod),
    ]);
    let cases = discover(&host, &Layout::new("/r"), &["/r"]).unwrap();
    for overlays in [&["one/o", "one/p", "two/o", "two/p"][..], &["two/p", "one/o", "two/o"]] {
        let cases: Vec<Case> = overlays
            .iter()
            .map(|name| cases.iter().find(|case| case.overlay == format!("/r/{name}")).unwrap().clone())
            .collect();
        let mut sessions = Sessions::new(&host, BuildOptions::default());
        let outcomes = check_all(&mut sessions, &cases, |_, _| {});
        for (case, outcome) in cases.iter().zip(&outcomes) {
            match outcome {
                Outcome::Missing { actual } => assert_eq!((actual.as_str(), &case.overlay[6..]), (pod, "/o")),
                Outcome::Failed(error) => {
                    assert!(error.to_string().contains("outside of the repository"), "{error}");
                    assert_eq!(&case.overlay[6..], "/p");
                }
                outcome => panic!("{}: {outcome:?}", case.overlay),
            }
            let inputs = sessions.of(case).unwrap().inputs(&case.overlay);
            assert!(!inputs.is_empty(), "{}", case.overlay);
        }
    }
}

#[cfg(unix)]
mod with_links {
    use super::*;
    use crate::test_tree::Tree;

    /// A repository with an overlay, and a directory beside it.
    fn tree() -> Tree {
        let tree = Tree::new();
        tree.git(&["init", "--quiet", "r"]);
        tree.write("r/o/kustomization.yaml", "namePrefix: x-\n");
        tree.write("elsewhere/kustomization.yaml", "namePrefix: x-\n");
        tree
    }

    #[test]
    fn goldens_have_a_directory_of_the_repository() {
        let tree = tree();
        tree.git(&["init", "--quiet", "other"]);
        tree.git(&["-C", "other", "commit", "--quiet", "--allow-empty", "--message=x"]);
        tree.git(&["-C", "r", "submodule", "--quiet", "add", "../other", "sub"]);
        tree.write("r/real/x", "");
        for (link, target) in [
            ("r/top", "."),
            ("r/up", "real/.."),
            ("r/into-sub", "sub"),
            ("r/kept", ".git/hooks"),
            ("r/out", "../elsewhere"),
            ("r/good", "real"),
        ] {
            tree.link(link, target);
        }
        let find = |directory: &str| {
            tree.write("r/kustomize-golden.yaml", &format!("directory: {directory}\n"));
            Layout::find(&tree, &tree.path("r/o"))
        };
        for (directory, wanted) in
            [("good", "r/real"), ("good/new", "r/real/new"), ("new/er", "r/new/er"), ("o", "r/o")]
        {
            assert_eq!(find(directory).unwrap().directory(), Some(tree.path(wanted).as_str()));
        }
        let own = "goldens stand in a directory of their own below this file's";
        let leads = "is a link that leads out of the repository";
        for (directory, why) in [
            ("top", own),
            ("up", own),
            ("sub", own),
            ("sub/new", own),
            ("into-sub/new", own),
            (".git/new", own),
            ("kept", leads),
            ("out", leads),
            ("out/new", leads),
        ] {
            let error = find(directory).unwrap_err();
            assert!(error.message().contains(why), "{directory}: {error}");
        }
    }

    #[test]
    fn places_are_found_through_links_within_the_repository() {
        let tree = tree();
        tree.link("r/link", "o");
        tree.link("r/out", "../elsewhere");
        for (given, wanted) in [("r/o", "r/o"), ("r/link", "r/o")] {
            assert_eq!(Layout::found_within(&tree, &tree.path(given)).unwrap(), tree.path(wanted));
            assert_eq!(Layout::place_within(&tree, &tree.path(given)).unwrap(), tree.path(wanted));
        }
        assert_eq!(Layout::place_within(&tree, &tree.path("r/link/new")).unwrap(), tree.path("r/o/new"));
        assert!(Layout::found_within(&tree, &tree.path("r/link/new")).is_err());
        let out = tree.path("r/out");
        assert!(Layout::found_within(&tree, &out).is_err() && Layout::place_within(&tree, &out).is_err());
        // The directory that golden files are given.
        let layout = Layout::new(&tree.path("r"));
        let given = |directory: &str| layout.clone().in_given_directory(&tree, &tree.path(directory));
        assert_eq!(given("r/link/new").unwrap().directory(), Some(tree.path("r/o/new").as_str()));
        assert!(given("r/out").is_err());
    }

    #[test]
    fn overlays_are_no_links() {
        let tree = tree();
        tree.write("r/kustomize-golden.yaml", "directory: goldens\n");
        tree.link("r/link", "../elsewhere");
        tree.link("r/near", "o");
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
        let layout = Layout::find(&tree, &tree.path("r")).unwrap();
        for name in ["link", "near", "nothing"] {
            let golden = format!("r/goldens/{name}/kustomization.snap.yaml");
            tree.write(&golden, pod);
            assert_eq!(discover(&tree, &layout, &[&tree.path(&golden)]).unwrap(), [], "{name}");
        }
        let cases = discover(&tree, &layout, &[&tree.path("r")]).unwrap();
        let shown: Vec<_> = cases.iter().map(|case| (case.overlay.clone(), case.is_orphan)).collect();
        let wanted = [("r/link", true), ("r/near", true), ("r/nothing", true), ("r/o", false)];
        assert_eq!(shown, wanted.map(|(overlay, is_orphan)| (tree.path(overlay), is_orphan)));
    }

    #[test]
    fn golden_files_that_links_lead_to_are_not_read() {
        let tree = tree();
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
        tree.write("elsewhere/kustomization.snap.yaml", pod);
        tree.link("r/o/kustomization.snap.yaml", "../../elsewhere/kustomization.snap.yaml");
        tree.link("r/gone/kustomization.snap.yaml", "../../elsewhere/kustomization.snap.yaml");
        let layout = Layout::find(&tree, &tree.path("r")).unwrap();
        let cases = discover(&tree, &layout, &[&tree.path("r")]).unwrap();
        assert_eq!(cases.len(), 2);
        for case in &cases {
            let Outcome::Failed(error) = case.check(&tree, &BuildOptions::default()) else {
                panic!("{case:?} was read")
            };
            assert_eq!(error.message(), format!("the golden file {} is a link", case.golden));
        }
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
