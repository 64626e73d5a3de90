//! What a change of files makes different in what is rendered.

use std::collections::BTreeSet;

use kustomize_core::difference::{Difference, Line, LineRole, Snapshot};
use kustomize_core::host::Host;
use kustomize_core::{BuildError, BuildOptions, LoadRestrictor, Rendered};
use reconciler_api::KustomizationSpec;
use reconciler_core::generator::{self, OverlayHost};
use reconciler_core::pull_request::Rendering;

use super::failure::{BuildFailure, find_directory};
use crate::source::git::GitTree;

/// The names that kustomization files have.
const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// When there is more text than this, no more is rendered: nobody can read it.
const MOST_TEXT: usize = 1 << 16;

/// How Kustomizations, given with their names, render before and after a change of files. Those that do not
/// use any of the files are left out. A file that none of them uses belongs to the kustomization of its own
/// directory, or the closest one above. Nothing is decrypted, no variable is replaced, and the values of
/// Secrets are masked: everyone who can see the repository can see a difference.
#[must_use]
pub fn differences(
    before: &GitTree,
    after: &GitTree,
    files: &[String],
    kustomizations: &[(String, KustomizationSpec)],
) -> Vec<Rendering> {
    let mut rest: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut found = Found::default();
    for (name, spec) in kustomizations {
        if found.is_full() {
            return found.0;
        }
        let old = render_spec(before, spec);
        let used: Vec<&str> = match &old {
            Ok(rendered) => used(rendered, files),
            Err(_) => below(spec.path.as_deref().unwrap_or_default(), files),
        };
        if used.is_empty() {
            continue;
        }
        rest.retain(|file| !used.contains(file));
        found.add(name, old, render_spec(after, spec));
    }
    let directories: BTreeSet<String> = rest.into_iter().filter_map(|file| directory(after, file)).collect();
    for directory in directories {
        if found.is_full() {
            break;
        }
        let name = if directory.is_empty() { "." } else { &*directory };
        found.add(name, render_directory(before, &directory), render_directory(after, &directory));
    }
    found.0
}

/// What was found so far.
#[derive(Default)]
struct Found(Vec<Rendering>);

impl Found {
    fn is_full(&self) -> bool {
        let length = |rendering: &Rendering| match &rendering.difference {
            Ok(text) | Err(text) => text.len(),
        };
        self.0.iter().map(length).sum::<usize>() > MOST_TEXT
    }

    fn add(&mut self, name: &str, old: Result<Rendered, String>, new: Result<Rendered, String>) {
        let difference = match (old, new) {
            (_, Err(error)) => Err(error),
            (Err(error), Ok(_)) => Ok(format!("! it renders again; before: {error}\n")),
            (Ok(old), Ok(new)) => compare(&old, &new).map_err(|error| error.to_string()),
        };
        self.0.push(Rendering { name: name.to_owned(), difference });
    }
}

fn render_spec(tree: &GitTree, spec: &KustomizationSpec) -> Result<Rendered, String> {
    let tree = &tree.for_build();
    let render = || {
        let directory = find_directory(tree, spec.path.as_deref().unwrap_or("./"))?;
        let host = OverlayHost::new(tree, "/", &directory, spec)
            .map_err(|error| BuildFailure::of_generator(error, tree, &directory))?;
        generator::build(&host)
            .map_err(|error| BuildFailure::of_build(error, host.generated(), tree, &directory))
    };
    render().map_err(|failure: BuildFailure| failure.to_string())
}

fn render_directory(tree: &GitTree, directory: &str) -> Result<Rendered, String> {
    let options = BuildOptions { load_restrictor: LoadRestrictor::None, ..BuildOptions::default() };
    let rendered = kustomize_core::build(&tree.for_build(), &format!("/{directory}"), &options);
    rendered.map_err(|error| error.to_string())
}

/// Which of the files a build has looked at.
fn used<'a>(rendered: &Rendered, files: &'a [String]) -> Vec<&'a str> {
    let inputs = rendered.inputs();
    let seen: BTreeSet<&str> = inputs.iter().map(|input| input.path.trim_start_matches('/')).collect();
    files.iter().map(String::as_str).filter(|file| seen.contains(file)).collect()
}

/// Which of the files are below a directory.
fn below<'a>(directory: &str, files: &'a [String]) -> Vec<&'a str> {
    let directory = directory.trim_start_matches("./").trim_matches('/');
    let is_below = |file: &&str| {
        directory.is_empty() || file.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
    };
    files.iter().map(String::as_str).filter(is_below).collect()
}

/// The directory of the kustomization that a file belongs to.
fn directory(tree: &GitTree, file: &str) -> Option<String> {
    let mut directory = file;
    while !directory.is_empty() {
        directory = directory.rsplit_once('/').map_or("", |(parent, _)| parent);
        if FILE_NAMES.iter().any(|name| tree.kind(&format!("/{directory}/{name}")).is_ok()) {
            return Some(directory.to_owned());
        }
    }
    None
}

fn compare(old: &Rendered, new: &Rendered) -> Result<String, BuildError> {
    let difference = Difference::between(&Snapshot::of(old)?, &Snapshot::of(new)?).mask_secrets();
    Ok(difference.lines().iter().map(|line| marked(line) + "\n").collect())
}

/// A line with the mark by which a diff is coloured.
fn marked(line: &Line) -> String {
    match line.role {
        _ if line.indent == 0 => format!("@@ {} @@", line.text),
        LineRole::Added | LineRole::Removed => line.text.clone(),
        _ => format!("! {}", line.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::git::{Credentials, GitProgram, WorkingCopy};

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    fn spec(path: &str, prefix: &str) -> Outcome<(String, KustomizationSpec)> {
        let spec = serde_json::json!({
            "interval": "1m", "prune": true, "path": path, "namePrefix": prefix,
            "sourceRef": {"kind": "GitRepository", "name": "fleet"},
        });
        Ok((format!("ns/{path}"), serde_json::from_value(spec)?))
    }

    fn write(root: &std::path::Path, files: &[(&str, &str)]) -> Outcome {
        for (name, content) in files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
            std::fs::write(path, content)?;
        }
        Ok(())
    }

    fn git(root: &std::path::Path, arguments: &[&str]) -> Outcome {
        let mut command = std::process::Command::new("git");
        command.current_dir(root).args(["-c", "user.name=T", "-c", "user.email=t@example.org"]);
        let status = command.args(arguments).status()?;
        if status.success() { Ok(()) } else { Err(format!("git {arguments:?}: {status}").into()) }
    }

    #[tokio::test]
    async fn only_what_uses_the_files_is_shown() -> Outcome {
        let (origin, parent) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let pod = |image: &str| format!("kind: Pod\nmetadata: {{name: a}}\nspec: {{image: {image}}}\n");
        let secret =
            |value: &str| format!("kind: Secret\nmetadata: {{name: b}}\nstringData: {{key: {value}}}\n");
        write(
            origin.path(),
            &[
                ("base/kustomization.yaml", "resources: [a.yaml, b.yaml]\n"),
                ("base/a.yaml", &pod("nginx:1")),
                ("base/b.yaml", &secret("hunter1")),
                ("staging/kustomization.yaml", "resources: [../base]\n"),
                ("other/kustomization.yaml", "resources: []\n"),
                ("lone/kustomization.yaml", "resources: [deep/a.yaml]\n"),
                ("lone/deep/a.yaml", &pod("redis:1")),
                ("notes/a.yaml", "1"),
            ],
        )?;
        git(origin.path(), &["init", "-q", "-b", "main"])?;
        git(origin.path(), &["add", "--all"])?;
        git(origin.path(), &["commit", "-q", "-m", "first"])?;
        let url = format!("file://{}", origin.path().display());
        let remote = GitProgram::new(url, Credentials::default(), std::time::Duration::from_secs(60));
        let wanted = serde_json::from_value(serde_json::json!({"branch": "main"}))?;
        let copy = WorkingCopy::check_out(&remote, parent.path(), &wanted, None).await?;
        let changed = ["base/a.yaml", "base/b.yaml", "lone/deep/a.yaml", "notes/a.yaml"];
        let texts = [pod("nginx:2"), secret("hunter2"), pod("redis:2"), "2".to_owned()];
        for (file, text) in changed.iter().zip(&texts) {
            std::fs::write(copy.path().join(file), text)?;
        }
        git(copy.path(), &["commit", "-q", "-a", "-m", "second"])?;
        let (before, after) = copy.trees()?;
        let files = changed.map(str::to_owned);
        let kustomizations = [spec("./staging", "s-")?, spec("./other", "")?, spec("./nothing", "")?];
        let found = differences(&before, &after, &files, &kustomizations);
        let shown: Vec<(&str, &Result<String, String>)> =
            found.iter().map(|rendering| (&*rendering.name, &rendering.difference)).collect();
        let staging = "@@ changed Pod s-a @@\n! spec.image: nginx:1 → nginx:2\n@@ changed Secret s-b @@\n\
                       ! stringData.key: \"*** (before)\" → \"*** (after)\"\n";
        let lone = "@@ changed Pod a @@\n! spec.image: redis:1 → redis:2\n";
        assert_eq!(shown, [("ns/./staging", &Ok(staging.to_owned())), ("lone", &Ok(lone.to_owned()))]);
        Ok(())
    }

    #[test]
    fn directories_have_the_files_below_them() {
        let files = ["a/b.yaml".to_owned(), "ab/c.yaml".to_owned()];
        assert_eq!(below("./a/", &files), ["a/b.yaml"]);
        assert_eq!(below("./", &files).len(), 2);
    }
}
