//! Manifests in files, and the versions in them.
//!
//! Files are looked at line by line, so that templates and manifests within other texts are migrated too, as Flux
//! does it. Nothing but the version itself is changed.

use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{self, Path, PathBuf};

use kustomize_host::OsHost;

use super::versions::Latest;
use crate::cli::{Failure, Result, term};

/// A version that is not the latest one.
pub(super) struct Upgrade {
    line: usize,
    kind: String,
    /// Where the old version is.
    place: Range<usize>,
    old: String,
    new: &'static str,
}

impl fmt::Display for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {} -> {}", self.line, self.kind, self.old, self.new)
    }
}

/// A file, and what is to be changed in it.
pub(super) struct ManifestFile {
    pub(super) path: PathBuf,
    content: Vec<u8>,
    pub(super) upgrades: Vec<Upgrade>,
}

impl ManifestFile {
    /// Reads a file.
    pub(super) fn read(path: PathBuf, latest: Latest) -> Result<Self> {
        let content = fs::read(&path).map_err(|error| failed("failed to read file", &path, &error))?;
        let upgrades = upgrades(&content, latest);
        Ok(ManifestFile { path, content, upgrades })
    }

    /// Replaces the file by one with the new versions, in one step.
    pub(super) fn write(&self) -> Result {
        let found =
            fs::read(&self.path).map_err(|error| failed("failed to read file", &self.path, &error))?;
        if found != self.content {
            return Err(Failure::failed(format!("file {} has changed meanwhile", self.path.display())));
        }
        let path =
            path::absolute(&self.path).map_err(|error| failed("failed to write file", &self.path, &error))?;
        let path = path.to_str().ok_or_else(|| {
            Failure::failed(format!("failed to write file {}: its name is not UTF-8", self.path.display()))
        })?;
        OsHost::replace_unlinked(path, &self.migrated())
            .map_err(|error| failed("failed to write file", &self.path, &error))
    }

    fn migrated(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.content.len());
        let mut copied = 0;
        for upgrade in &self.upgrades {
            content.extend_from_slice(&self.content[copied..upgrade.place.start]);
            content.extend_from_slice(upgrade.new.as_bytes());
            copied = upgrade.place.end;
        }
        content.extend_from_slice(&self.content[copied..]);
        content
    }
}

fn failed(what: &str, path: &Path, error: &dyn fmt::Display) -> Failure {
    Failure::failed(format!("{what} {}: {error}", path.display()))
}

/// The files with one of these endings, in the order of their names. Links are not followed.
pub(super) fn find(path: &Path, extensions: &[String]) -> Result<Vec<PathBuf>> {
    let matches = |path: &Path| {
        path.to_str().is_some_and(|path| extensions.iter().any(|extension| path.ends_with(extension)))
    };
    let stat =
        |path: &Path| fs::symlink_metadata(path).map_err(|error| failed("failed to stat path", path, &error));
    let root = stat(path)?;
    if !root.is_dir() {
        if !matches(path) {
            let endings = extensions.join(", ");
            let path = path.display();
            return Err(Failure::failed(format!(
                "file {path} does not match the specified extensions: {endings}"
            )));
        }
        if !root.is_file() {
            return Err(Failure::failed(format!("file {} is irregular", path.display())));
        }
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        let unreadable = |error: std::io::Error| failed("failed to walk directory", &directory, &error);
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() && entry.file_name() != ".git" {
                directories.push(path);
            } else if kind.is_file() && matches(&path) {
                found.push(path);
            } else if !kind.is_dir() && matches(&path) {
                term::warning(&format!("skipping irregular file {}", path.display()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A line with `KEY: VALUE`.
struct Entry<'a> {
    /// How many bytes come before the key.
    column: usize,
    key: &'a str,
    value: &'a str,
    /// How many bytes of the line come before the value.
    start: usize,
    /// Whether the entry begins an item of a list.
    is_first: bool,
}

/// Reads a line that may begin items of lists.
fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let text = line.trim_start_matches(['-', ' ']);
    let column = line.len() - text.len();
    let (key, rest) = text.split_once(": ")?;
    let value = rest.trim_start();
    let mut start = column + key.len() + 2 + rest.len() - value.len();
    // Comments and quotes are not part of the value.
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            start += 1;
            value[1..].trim_end_matches(quote)
        }
        _ => value,
    };
    Some(Entry { column, key, value, start, is_first: line[..column].contains('-') })
}

/// How far a line is indented; nothing if it has no content.
fn indentation(line: &[u8]) -> Option<usize> {
    let content = line.trim_ascii_start();
    (!content.is_empty() && content[0] != b'#').then(|| line.len() - content.len())
}

/// The kind beside an apiVersion: an entry of the same map.
fn kind_beside<'a>(lines: &[&'a [u8]], at: usize, column: usize, is_first: bool) -> Option<&'a str> {
    let is_separator = |line: &[u8]| line.starts_with(b"---");
    let kind = |line: &'a [u8]| entry(line).filter(|entry| entry.key == "kind" && entry.column == column);
    for line in &lines[at + 1..] {
        let Some(depth) = indentation(line) else { continue };
        if is_separator(line) || depth < column {
            break;
        }
        if let Some(kind) = kind(line) {
            return Some(kind.value);
        }
    }
    if is_first {
        return None;
    }
    for line in lines[..at].iter().rev() {
        let Some(depth) = indentation(line) else { continue };
        if is_separator(line) {
            break;
        }
        if let Some(kind) = kind(line) {
            return Some(kind.value);
        }
        // An item that begins here holds what is indented as its own entries are.
        if depth < column {
            break;
        }
    }
    None
}

/// What is to be changed in a text.
fn upgrades(content: &[u8], latest: Latest) -> Vec<Upgrade> {
    let lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    let mut found = Vec::new();
    let mut offset = 0;
    for (at, line) in lines.iter().enumerate() {
        let start = offset;
        offset += line.len() + 1;
        let Some(entry) = entry(line).filter(|entry| entry.key == "apiVersion") else { continue };
        let Some((group, version)) = entry.value.split_once('/') else { continue };
        if !latest.has_group(group) {
            continue;
        }
        let Some(kind) = kind_beside(&lines, at, entry.column, entry.is_first) else { continue };
        let Some(new) = latest.version(group, kind).filter(|new| *new != version) else { continue };
        let place = start + entry.start + group.len() + 1;
        found.push(Upgrade {
            line: at + 1,
            kind: kind.to_owned(),
            place: place..place + version.len(),
            old: version.to_owned(),
            new,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::versions::of_flux;
    use super::*;

    fn migrated(text: &str, version: Option<&str>) -> String {
        let content = text.as_bytes().to_vec();
        let upgrades = of_flux(version).map(|latest| upgrades(&content, latest)).unwrap_or_default();
        let file = ManifestFile { path: PathBuf::new(), upgrades, content };
        String::from_utf8_lossy(&file.migrated()).into_owned()
    }

    #[test]
    fn only_versions_change() {
        let text = "# apiVersion: source.toolkit.fluxcd.io/v1beta2\r\n\
            apiVersion: source.toolkit.fluxcd.io/v1beta2   # v1beta2 until 2.9\r\n\
            kind: GitRepository\r\n\
            metadata: {name: v1beta2}\r\n\
            ---\r\n\
            kind: \"ImagePolicy\"\r\n\
            metadata:\r\n  name: x\r\n\
            apiVersion: 'image.toolkit.fluxcd.io/v1beta2'\r\n\
            ---\r\n\
            apiVersion: v1\r\n\
            kind: List\r\n\
            items:\r\n\
            - apiVersion: notification.toolkit.fluxcd.io/v1beta2\r\n  kind: Alert\r\n\
            - kind: Alert\r\n  apiVersion: notification.toolkit.fluxcd.io/v1beta2\r\n";
        let wanted = text
            .replacen(
                "\napiVersion: source.toolkit.fluxcd.io/v1beta2",
                "\napiVersion: source.toolkit.fluxcd.io/v1",
                1,
            )
            .replace("image.toolkit.fluxcd.io/v1beta2", "image.toolkit.fluxcd.io/v1")
            .replace("notification.toolkit.fluxcd.io/v1beta2", "notification.toolkit.fluxcd.io/v1beta3");
        assert_eq!(migrated(text, None), wanted);
        assert_eq!(migrated(&wanted, None), wanted);
    }

    #[test]
    fn the_kind_belongs_to_the_same_map() {
        for text in [
            // Of another document, of a map inside, of another item, and of no known kind.
            "kind: GitRepository\n---\napiVersion: source.toolkit.fluxcd.io/v1beta2\n",
            "apiVersion: source.toolkit.fluxcd.io/v1beta2\nspec:\n  kind: GitRepository\n",
            "- kind: GitRepository\n- apiVersion: source.toolkit.fluxcd.io/v1beta2\n",
            "- apiVersion: source.toolkit.fluxcd.io/v1beta2\n- kind: GitRepository\n",
            "apiVersion: source.toolkit.fluxcd.io/v1beta2\nkind: Repository\n",
        ] {
            assert_eq!(migrated(text, None), text);
        }
    }

    #[test]
    fn older_versions_of_flux_have_other_versions() {
        let text = "apiVersion: image.toolkit.fluxcd.io/v1beta1\nkind: ImageRepository";
        assert_eq!(migrated(text, None), text.replace("v1beta1", "v1"));
        assert_eq!(migrated(text, Some("2.6")), text.replace("v1beta1", "v1beta2"));
        assert!(of_flux(Some("2.5")).is_err());
    }
}
