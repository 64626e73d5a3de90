//! The copy of a repository that the cluster follows, changed where the original needs a network or secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// What an encrypted value becomes. It is text, and also base64 of text, as the data of a Secret has to be.
const PLACEHOLDER: &str = "cGxhY2Vob2xkZXI=";
/// How an encrypted value starts.
const ENCRYPTED: &str = "ENC[AES256_GCM";

/// A copy of the last commit of a repository.
pub(crate) struct Copy {
    /// The bare repository that is followed.
    pub(crate) origin: PathBuf,
    /// Its files.
    pub(crate) work: PathBuf,
    /// The commit that was copied.
    pub(crate) commit: String,
    /// The revision of the copy.
    pub(crate) revision: String,
    /// What was changed, and in how many places.
    pub(crate) changes: BTreeMap<&'static str, usize>,
    /// Every document in the YAML files.
    pub(crate) documents: Vec<Value>,
}

impl Copy {
    /// Copies the commit that a repository has checked out. OCI artifacts are taken from `registry`.
    pub(crate) fn make(repository: &Path, directory: &Path, registry: &str) -> Outcome<Self> {
        let (work, origin) = (directory.join("work"), directory.join("origin.git"));
        std::fs::create_dir(&work)?;
        let source = git_directory(repository);
        let index = directory.join("index");
        let commit = git(&source, &index, &["rev-parse", "HEAD"])?;
        git(&source, &index, &["read-tree", "HEAD"])?;
        git(&source, &index, &["checkout-index", "--all", &format!("--prefix={}/", work.display())])?;
        let mut changes = BTreeMap::new();
        let mut documents = Vec::new();
        let url = format!("file://{}", origin.display());
        for file in files(&work)? {
            // What is no text has nothing to change.
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let is_yaml = file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            let mut edit = Edit { registry, url: &url, changes: &mut changes };
            let edited = if is_yaml { edit.documents(&text) } else { edit.secrets(&text) };
            if is_yaml {
                documents
                    .extend(split(&edited).iter().filter_map(|document| serde_yaml::from_str(document).ok()));
            }
            if edited != text {
                std::fs::write(&file, edited)?;
            }
        }
        let inside = work.join(".git");
        run(&work, &["init", "--quiet", "--initial-branch=main"])?;
        run(&work, &["add", "--all", "--force"])?;
        let message = format!("Copy of {commit}");
        run(
            &work,
            &["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", &message],
        )?;
        run(
            &work,
            &["clone", "--quiet", "--bare", &inside.display().to_string(), &origin.display().to_string()],
        )?;
        let revision = format!("main@sha1:{}", run(&work, &["rev-parse", "HEAD"])?);
        Ok(Copy { origin, work, commit, revision, changes, documents })
    }

    /// The variables in files below a directory that have no default.
    pub(crate) fn variables(&self, path: &str) -> Outcome<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for file in files(&self.work.join(path.trim_start_matches("./")))? {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            for part in text.split("${").skip(1) {
                if let Some((name, _)) = part.split_once('}')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names)
    }
}

/// Changes to files.
struct Edit<'a> {
    registry: &'a str,
    url: &'a str,
    changes: &'a mut BTreeMap<&'static str, usize>,
}

impl Edit<'_> {
    fn note(&mut self, change: &'static str) {
        *self.changes.entry(change).or_default() += 1;
    }

    fn documents(&mut self, text: &str) -> String {
        split(text).iter().map(|document| self.document(document)).collect()
    }

    fn document(&mut self, text: &str) -> String {
        let is_kind = |kind: &str| text.lines().any(|line| line.trim_end() == format!("kind: {kind}"));
        let text = self.secrets(text);
        if is_kind("OCIRepository") {
            return self.oci(&text);
        }
        if is_kind("GitRepository") && text.lines().any(|line| line.trim_end() == "  name: flux-system") {
            return self.repository(&text);
        }
        text
    }

    /// Takes encrypted values and what SOPS says of them away.
    fn secrets(&mut self, text: &str) -> String {
        if !text.contains(ENCRYPTED) {
            return text.to_owned();
        }
        self.note("files with values encrypted by SOPS, which were replaced");
        let mut edited = String::new();
        for line in without_block(text, "sops:", 0).lines().filter(|line| !line.starts_with("sops_")) {
            match line.split_once(ENCRYPTED).and_then(|(start, rest)| Some((start, rest.split_once(']')?))) {
                Some((start, (sealed, rest))) => {
                    let value = match sealed {
                        sealed if sealed.ends_with("type:int") => "1",
                        sealed if sealed.ends_with("type:bool") => "true",
                        _ => PLACEHOLDER,
                    };
                    edited.push_str(&format!("{start}{value}{rest}\n"));
                }
                None => edited.push_str(&format!("{line}\n")),
            }
        }
        edited
    }

    /// Has an OCIRepository fetch from the registry of this test.
    fn oci(&mut self, text: &str) -> String {
        let mut edited = String::new();
        for line in text.lines() {
            let indent = &line[..line.len() - line.trim_start().len()];
            if let Some((start, address)) =
                line.split_once("oci://").filter(|_| line.trim_start().starts_with("url:"))
            {
                self.note("OCIRepositories, which fetch an empty chart from a registry of this test");
                edited
                    .push_str(&format!("{start}oci://{}/{address}\n{indent}insecure: true\n", self.registry));
            } else if line.trim_start().starts_with("digest: ") {
                self.note("digests of OCIRepositories, which were taken away");
            } else if line.trim_start() != "insecure: true" {
                edited.push_str(&format!("{line}\n"));
            }
        }
        for field in ["verify:", "secretRef:", "certSecretRef:", "proxySecretRef:"] {
            let without = without_block(&edited, field, 2);
            if without != edited {
                self.note("fields of OCIRepositories for signatures and credentials, which were taken away");
                edited = without;
            }
        }
        edited
    }

    /// Has the repository that is followed be this one.
    fn repository(&mut self, text: &str) -> String {
        self.note("GitRepositories with the name flux-system, whose address is that of the copy");
        let mut edited = String::new();
        for line in without_block(text, "secretRef:", 2).lines() {
            let indent = &line[..line.len() - line.trim_start().len()];
            match line.trim_start().starts_with("url:") {
                true => edited.push_str(&format!("{indent}url: {}\n", self.url)),
                false => edited.push_str(&format!("{line}\n")),
            }
        }
        edited
    }
}

/// A text without a field at an indentation, and without what is below it.
fn without_block(text: &str, field: &str, indent: usize) -> String {
    let (mut left, mut is_inside) = (String::new(), false);
    for line in text.lines() {
        let own = line.len() - line.trim_start().len();
        is_inside = match is_inside {
            true => {
                line.trim().is_empty()
                    || own > indent
                    || (own == indent && line.trim_start().starts_with('-'))
            }
            false => own == indent && line.trim_start().starts_with(field),
        };
        if !is_inside {
            left.push_str(&format!("{line}\n"));
        }
    }
    left
}

/// The documents of a file, each with the line that starts it.
fn split(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            documents.push(String::new());
        }
        if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents
}

/// The files below a directory, without links and without `.git`.
fn files(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && entry.file_name() != ".git" {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Where git has its own files of a repository, which may be bare.
fn git_directory(repository: &Path) -> PathBuf {
    let inside = repository.join(".git");
    if inside.exists() { inside } else { repository.to_owned() }
}

/// Runs git on a repository that must not be changed, with an index of one's own.
fn git(directory: &Path, index: &Path, arguments: &[&str]) -> Outcome<String> {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(directory).env("GIT_INDEX_FILE", index);
    output(command.args(arguments))
}

/// Runs git in a directory.
fn run(directory: &Path, arguments: &[&str]) -> Outcome<String> {
    output(Command::new("git").current_dir(directory).args(arguments))
}

fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
