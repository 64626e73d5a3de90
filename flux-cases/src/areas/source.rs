//! The area source.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use reconciler_core::source::{
    Archive, Checkout, IgnoreRules, ReferenceError, RemoteReference, Revision, Tag, artifact_path,
    artifact_url, commit_revision, digest_of_hash, named_revision, newest_tag, path_below, short_subject,
    upgraded,
};
use serde_json::{Value, json};

use crate::case::{Report, document, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "archive", archive)?;
    report.table(folder, "artifact_path", location)?;
    report.table(folder, "git_commit_string", commit_string)?;
    report.table(folder, "git_revision", revision)?;
    report.table(folder, "git_short_message", |case| {
        equal_text("subject", &short_subject(text(case, "message")), text(case, "short"))
    })?;
    report.table(folder, "ignore", ignore)?;
    if let Some(mut document) = document(folder, "git_ref")? {
        let repository = Repository::read(&document["meta"].take()["repository"])?;
        report.table(folder, "git_ref", |case| reference(case, &repository))?;
    }
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn ignore(case: &Value) -> Result<(), String> {
    let mut rules = IgnoreRules::default();
    rules.add("", text(case, "patterns"));
    if case["defaults"].as_bool() == Some(true) {
        rules = IgnoreRules::of_source(rules);
    }
    for (path, wanted) in case["ignored"].as_object().into_iter().flatten() {
        let is_ignored = rules.is_ignored(path, path.ends_with('/'));
        equal(path, &Some(is_ignored), &wanted.as_bool())?;
    }
    Ok(())
}

/// Archives the files of a case, which are kept in memory. Links are in no archive.
fn archive(case: &Value) -> Result<(), String> {
    let mut entries: BTreeMap<Vec<&str>, Option<&str>> = BTreeMap::new();
    let files = case["files"].as_object().into_iter().flatten();
    let files = files.map(|(path, content)| (path.as_str(), content.as_str()));
    let directories = case["empty_dirs"].as_array().into_iter().flatten();
    for (path, content) in files.chain(directories.filter_map(Value::as_str).map(|path| (path, None))) {
        let names: Vec<&str> = path.split('/').collect();
        for end in 1..names.len() {
            entries.insert(names[..end].to_vec(), None);
        }
        entries.insert(names, content);
    }
    let mut own = IgnoreRules::default();
    for (path, content) in case["files"].as_object().into_iter().flatten() {
        if let Some(directory) = path.strip_suffix(".sourceignore") {
            own.add(directory, content.as_str().unwrap_or_default());
        }
    }
    own.add("", text(case, "spec_ignore"));
    let rules = IgnoreRules::of_source(own);
    let failed = |failure: std::io::Error| failure.to_string();
    let mut archive = Archive::new(Vec::new()).map_err(failed)?;
    for (names, content) in entries {
        let path = names.join("/");
        if rules.is_ignored(&path, content.is_none()) {
            continue;
        }
        match content {
            None => archive.directory(&path),
            Some(content) => {
                let is_executable = case["modes"][&path].as_u64().is_some_and(|mode| mode & 0o111 != 0);
                archive.file(&path, is_executable, content.len() as u64, content.as_bytes())
            }
        }
        .map_err(failed)?;
    }
    let (bytes, _) = archive.finish().map_err(failed)?;
    equal("entries", &entries_of(&bytes).map_err(failed)?, &case["tar_entries"])
}

/// The entries of an archive, as the table has them.
fn entries_of(bytes: &[u8]) -> std::io::Result<Value> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(bytes)).entries()? {
        let entry = entry?;
        let header = entry.header();
        let mode = header.mode()?;
        let bits = "rwxrwxrwx".char_indices().map(|(at, c)| if mode >> (8 - at) & 1 == 1 { c } else { '-' });
        found.push(json!({
            "name": String::from_utf8_lossy(&entry.path_bytes()),
            "type": char::from(header.entry_type().as_byte()).to_string(),
            "mode": mode,
            "mode_octal": format!("0-{}", bits.collect::<String>()),
            "size": header.size()?,
            "uid": header.uid()?,
            "gid": header.gid()?,
            "uname": header.username().ok().flatten().unwrap_or_default(),
            "mtime_unix": header.mtime()?,
        }));
    }
    Ok(Value::from(found))
}

fn location(case: &Value) -> Result<(), String> {
    let path =
        artifact_path(text(case, "kind"), text(case, "namespace"), text(case, "name"), text(case, "file"));
    equal_text("path", &path, text(case, "path"))?;
    equal_text("local path", &format!("/data/{}", path_below(&path)), text(case, "local_path"))?;
    equal_text("url", &artifact_url("source-controller.flux-system.svc", &path), text(case, "url"))
}

fn commit_string(case: &Value) -> Result<(), String> {
    let (reference, hash) = (text(case, "reference"), text(case, "hash"));
    equal_text("revision", &commit_revision(reference, hash), text(case, "string"))?;
    equal_text("with the whole name", &named_revision(reference, hash), text(case, "absolute_reference"))
}

fn revision(case: &Value) -> Result<(), String> {
    let written = text(case, "revision");
    let revision = Revision::parse(written);
    equal_text("pointer", revision.pointer, text(case, "pointer"))?;
    equal_text("named pointer", revision.pointer, text(case, "named_pointer"))?;
    equal_text("hash", revision.hash, text(case, "hash"))?;
    equal_text("extracted hash", revision.hash, text(case, "extracted_hash"))?;
    equal_text("digest", &digest_of_hash(revision.hash), text(case, "hash_digest"))?;
    equal_text("in today's form", &upgraded(written), text(case, "transformed"))
}

/// The repository that the references of the table are looked up in.
#[derive(Default)]
struct Repository {
    /// The commit of each reference, by its whole name.
    references: BTreeMap<String, String>,
    /// When each commit was made.
    dates: BTreeMap<String, Timestamp>,
    /// The commits of each branch.
    branches: BTreeMap<String, Vec<String>>,
}

impl Repository {
    /// Makes the commits that the table lists; a new branch begins at the end of `master`.
    fn read(steps: &Value) -> Result<Self, String> {
        let mut repository = Repository::default();
        for step in steps.as_array().into_iter().flatten() {
            if let Some(reference) = step["ref"].as_str() {
                repository.references.insert(reference.to_owned(), text(step, "points_to").to_owned());
                continue;
            }
            let (commit, branch) = (text(step, "commit"), text(step, "on"));
            let date = text(step, "date").parse().map_err(|failure| format!("a date: {failure}"))?;
            repository.dates.insert(commit.to_owned(), date);
            let master = repository.branches.get("master").cloned().unwrap_or_default();
            let commits = repository.branches.entry(branch.to_owned()).or_insert(master);
            commits.push(commit.to_owned());
            repository.references.insert(format!("refs/heads/{branch}"), commit.to_owned());
            if let Some(tag) = step["tag"].as_str() {
                repository.references.insert(format!("refs/tags/{tag}"), commit.to_owned());
            }
        }
        Ok(repository)
    }

    /// The commit that is checked out, and the tag of a range.
    fn find(&self, checkout: &Checkout) -> Result<(String, Option<String>), ReferenceError> {
        let offered: Vec<RemoteReference<'_>> =
            self.references.iter().map(|(name, hash)| RemoteReference { name, hash }).collect();
        if let Some(commit) = checkout.find(&offered, "$REPO")? {
            return Ok((commit.to_owned(), None));
        }
        match checkout {
            Checkout::Range { text, constraints } => {
                let tags: Vec<Tag<'_>> = self
                    .references
                    .iter()
                    .filter_map(|(name, hash)| {
                        Some(Tag {
                            name: name.strip_prefix("refs/tags/")?,
                            committed: *self.dates.get(hash)?,
                        })
                    })
                    .collect();
                let tag =
                    newest_tag(constraints, &tags).ok_or_else(|| ReferenceError::NoVersion(text.clone()))?;
                Ok((self.references[&format!("refs/tags/{tag}")].clone(), Some(tag.to_owned())))
            }
            Checkout::Commit { hash, branch, .. } => {
                let is_there = self.branches.iter().any(|(name, commits)| {
                    branch.as_ref().is_none_or(|wanted| wanted == name) && commits.contains(hash)
                });
                if is_there { Ok((hash.clone(), None)) } else { Err(ReferenceError::NoCommit(hash.clone())) }
            }
            _ => Err(ReferenceError::NoName(String::new())),
        }
    }
}

fn reference(case: &Value, repository: &Repository) -> Result<(), String> {
    let reference = serde_json::from_value(case["ref"].clone()).map_err(|failure| failure.to_string())?;
    // Names of commits stand for hashes here.
    let shown = |text: &str| {
        let text = text.replace("<unknown>:", "sha1:");
        repository.dates.keys().fold(text, |text, commit| {
            let quoted = format!("'{commit}'");
            let text = text.replace(&quoted, &format!("'<{commit}>'"));
            match text.strip_suffix(&format!("sha1:{commit}")) {
                Some(head) => format!("{head}sha1:<{commit}>"),
                None => text,
            }
        })
    };
    let found = Checkout::of(Some(&reference)).and_then(|checkout| {
        let (commit, tag) = repository.find(&checkout)?;
        Ok((checkout.revision(&commit, tag.as_deref()), commit))
    });
    match found {
        Ok((_, commit)) if case["error"].is_string() => Err(format!("found {commit}")),
        Ok((revision, commit)) => {
            equal_text("commit", &commit, text(case, "commit"))?;
            equal_text("revision", &shown(&revision), text(case, "revision"))
        }
        Err(failure) => equal_text("error", &shown(&failure.to_string()), text(case, "error")),
    }
}
