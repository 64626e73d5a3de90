//! What `kustomize-rs test` and `diff` do in a repository that comes from someone who is not trusted.

mod clones;
mod existence;
mod links;
mod repositories;

use crate::support::stderr;
use crate::workplace::Workplace;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
const SECRET: &str = "PASSWORD=hunter2\n";

/// A repository in `repo` with one overlay in `o`, and files beside it that are none of its own.
fn repository() -> Workplace {
    let place = Workplace::new();
    place.write("repo/.git/config", SECRET);
    place.write("repo/o/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("repo/o/pod.yaml", POD);
    place.write("victim/secret", SECRET);
    place.write("victim/gone/kustomization.snap.yaml", POD);
    place.write("victim/new/kustomization.yaml", "resources: [pod.yaml]\n");
    place.write("victim/new/pod.yaml", POD);
    place
}

/// Runs tests in all ways that read or write, none of which may do either elsewhere.
fn try_all(place: &Workplace, paths: &[&str], wanted: &str) {
    let before = place.files();
    for way in [&["--diff=text"][..], &["--update"], &["--update", "--junit=/dev/stdout"]] {
        let output = place.run_in("repo", &[&["test"], way, paths].concat());
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert!(matches!(output.status.code(), Some(1 | 2)), "{way:?}: {text}");
        assert!(text.contains(wanted), "{way:?}: {text}");
        assert!(!text.contains("hunter2"), "{way:?}: {text}");
        assert!(place.files() == before, "{way:?} wrote something: {text}");
    }
}
