//! What a change of files makes different in what is rendered.

use std::ops::ControlFlow;

use kustomize_core::{BuildError, Rendered};
use kustomize_difference::{Difference, Line, LineRole, Snapshot};
use reconciler_core::pull_request::Rendering;

use super::change::{Change, Outcome};

/// When there is more text than this, no more is rendered: nobody can read it.
const MOST_TEXT: usize = 1 << 16;

impl Change {
    /// How Kustomizations that use one of the files render before and after. The values of Secrets are masked:
    /// everyone who can see the repository can see a difference.
    #[must_use]
    pub fn differences(&self) -> Vec<Rendering> {
        let (mut found, mut length) = (Vec::new(), 0);
        self.each(|name, old, new| {
            let difference = difference(old, new);
            length += difference.as_ref().map_or_else(String::len, String::len);
            found.push(Rendering { name: name.to_owned(), difference });
            if length > MOST_TEXT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }
}

fn difference(old: Outcome, new: Outcome) -> Result<String, String> {
    match (old, new) {
        (_, Err(error)) => Err(error),
        (Err(error), Ok(_)) => Ok(format!("! it renders again; before: {error}\n")),
        (Ok(old), Ok(new)) => compare(&old, &new).map_err(|error| error.to_string()),
    }
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
    use reconciler_api::KustomizationSpec;

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
        let (before, after) = copy.trees(&changed.map(std::path::PathBuf::from)).await?;
        let files = changed.map(str::to_owned).to_vec();
        let kustomizations = vec![spec("./staging", "s-")?, spec("./other", "")?, spec("./nothing", "")?];
        let found = Change { before, after, files, kustomizations }.differences();
        let shown: Vec<(&str, &Result<String, String>)> =
            found.iter().map(|rendering| (&*rendering.name, &rendering.difference)).collect();
        let staging = "@@ changed Pod s-a @@\n! spec.image: nginx:1 → nginx:2\n@@ changed Secret s-b @@\n\
                       ! stringData.key: \"*** (before)\" → \"*** (after)\"\n";
        let lone = "@@ changed Pod a @@\n! spec.image: redis:1 → redis:2\n";
        assert_eq!(shown, [("ns/./staging", &Ok(staging.to_owned())), ("lone", &Ok(lone.to_owned()))]);
        Ok(())
    }
}
