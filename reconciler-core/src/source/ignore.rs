//! Which files of a source are left out: the rules of `.sourceignore` files and of `spec.ignore`.
//!
//! The rules are those of `.gitignore` files, with these exceptions: a file whose directory is left out can
//! be brought back, and `[!a]` is no negated class.

use kustomize_core::host::{EntryKind, Host, HostError, path};

use crate::go;

/// The name of files with rules.
pub const IGNORE_FILE: &str = ".sourceignore";

/// What belongs to Git.
const VERSION_CONTROL: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// What is left out of a source without rules of its own.
const DEFAULTS: &[&str] = &[
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// Rules for files to leave out. The last rule that matches a path counts.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules(Vec<Rule>);

impl IgnoreRules {
    /// The rules for the archive of a source. Rules of its own replace the defaults, except for what
    /// belongs to Git.
    #[must_use]
    pub fn of_source(own: IgnoreRules) -> Self {
        let mut rules = IgnoreRules::default();
        rules.add_all(VERSION_CONTROL);
        if own.0.is_empty() {
            rules.add_all(DEFAULTS);
        }
        rules.0.extend(own.0);
        rules
    }

    /// The rules for the objects of a bucket: its own, and those for what belongs to Git.
    #[must_use]
    pub fn of_bucket(own: IgnoreRules) -> Self {
        let mut rules = IgnoreRules::default();
        rules.add_all(VERSION_CONTROL);
        rules.0.extend(own.0);
        rules
    }

    /// The rules for files of a working directory. Rules of its own come on top of the defaults.
    #[must_use]
    pub fn of_working_directory(own: IgnoreRules) -> Self {
        let mut rules = IgnoreRules::default();
        rules.add_all(VERSION_CONTROL);
        rules.add_all(DEFAULTS);
        rules.0.extend(own.0);
        rules
    }

    /// The rules in all files named [`IGNORE_FILE`] in and below a directory. Linked directories are not
    /// entered.
    ///
    /// # Errors
    /// A file or directory that cannot be read.
    pub fn load(host: &dyn Host, directory: &str) -> Result<Self, HostError> {
        let mut rules = IgnoreRules::default();
        rules.load_below(host, directory, "")?;
        Ok(rules)
    }

    fn load_below(&mut self, host: &dyn Host, directory: &str, below: &str) -> Result<(), HostError> {
        match host.read(&path::join(directory, IGNORE_FILE)) {
            Ok(text) => self.add(below, &String::from_utf8_lossy(&text)),
            Err(HostError::NotFound) => {}
            Err(failure) => return Err(failure),
        }
        for name in host.list(directory)? {
            let entry = path::join(directory, &name);
            let is_linked = !host.resolve(&entry).is_ok_and(|resolved| resolved == entry);
            if name == ".git" || is_linked || host.kind(&entry)? != EntryKind::Directory {
                continue;
            }
            let below = if below.is_empty() { name } else { format!("{below}/{name}") };
            self.load_below(host, &entry, &below)?;
        }
        Ok(())
    }

    /// Whether a rule may bring back something below a directory that is left out.
    #[must_use]
    pub fn may_bring_back_below(&self, directory: &str) -> bool {
        let names = names(directory);
        self.0.iter().any(|rule| rule.is_inclusion && rule.may_match_below(&names))
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the rules of a text, one a line, for what is below a directory. The directory is relative to
    /// the root of the source; empty for the root itself.
    pub fn add(&mut self, directory: &str, text: &str) {
        for line in text.lines() {
            if !line.starts_with('#') && !line.trim().is_empty() {
                self.0.push(Rule::parse(line, directory));
            }
        }
    }

    fn add_all(&mut self, lines: &[&str]) {
        self.0.extend(lines.iter().map(|line| Rule::parse(line, "")));
    }

    /// Whether a path, relative to the root of the source, is left out. What a directory holds is asked for
    /// path by path: it may be in although the directory is not.
    #[must_use]
    pub fn is_ignored(&self, path: &str, is_directory: bool) -> bool {
        let names = names(path);
        let last = self.0.iter().rev().find(|rule| rule.matches(&names, is_directory));
        last.is_some_and(|rule| !rule.is_inclusion)
    }
}

/// The names that a path consists of; none for the root.
fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".").collect()
}

/// One line of rules.
#[derive(Clone, Debug)]
struct Rule {
    /// The directory below which it holds.
    directory: Vec<String>,
    /// The pattern, divided by slashes.
    parts: Vec<String>,
    /// Whether what matches is brought back.
    is_inclusion: bool,
    /// Whether it is about directories only.
    only_directories: bool,
}

impl Rule {
    fn parse(line: &str, directory: &str) -> Self {
        let (is_inclusion, pattern) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let pattern = if pattern.ends_with("\\ ") { pattern } else { pattern.trim_end_matches(' ') };
        let (only_directories, pattern) = match pattern.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        Rule {
            directory: names(directory).into_iter().map(str::to_owned).collect(),
            parts: pattern.split('/').map(str::to_owned).collect(),
            is_inclusion,
            only_directories,
        }
    }

    fn matches(&self, path: &[&str], is_directory: bool) -> bool {
        let depth = self.directory.len();
        if path.len() <= depth || self.directory.iter().zip(path).any(|(one, other)| one != other) {
            return false;
        }
        let path = &path[depth..];
        match self.parts.as_slice() {
            [name] => self.matches_a_name(name, path, is_directory),
            parts => self.matches_as_path(parts, path, is_directory),
        }
    }

    /// Whether the rule may match something below a directory.
    fn may_match_below(&self, path: &[&str]) -> bool {
        if self.directory.iter().zip(path).any(|(one, other)| one != other) {
            return false;
        }
        let [_, _, ..] = self.parts.as_slice() else { return true };
        let mut names = path.iter().skip(self.directory.len());
        for part in self.parts.iter().filter(|part| !part.is_empty()) {
            if part.contains("**") {
                return true;
            }
            match names.next() {
                Some(name) if !is_match(part, name) => return false,
                Some(_) => {}
                None => return true,
            }
        }
        true
    }

    /// A pattern without slashes matches any name on the way.
    fn matches_a_name(&self, pattern: &str, path: &[&str], is_directory: bool) -> bool {
        let Some(at) = path.iter().position(|name| is_match(pattern, name)) else { return false };
        !self.only_directories || is_directory || at + 1 < path.len()
    }

    /// A pattern with slashes matches from the directory of the rule on; what is below a match matches, too.
    fn matches_as_path(&self, parts: &[String], mut path: &[&str], is_directory: bool) -> bool {
        let (mut is_matched, mut any_depth) = (false, false);
        for (index, part) in parts.iter().enumerate() {
            match part.as_str() {
                "" => any_depth = false,
                "**" if index + 1 == parts.len() => break,
                "**" => any_depth = true,
                part if part.contains("**") => return false,
                part if any_depth => {
                    any_depth = false;
                    if path.is_empty() {
                        return false;
                    }
                    let found = path.iter().position(|name| is_match(part, name));
                    is_matched = found.is_some();
                    path = found.map_or(&[], |at| &path[at + 1..]);
                }
                part => {
                    let Some((name, rest)) = path.split_first() else { return false };
                    if !is_match(part, name) {
                        return false;
                    }
                    is_matched = true;
                    path = rest;
                }
            }
        }
        is_matched && !(self.only_directories && !is_directory && path.is_empty())
    }
}

/// Whether a pattern matches a name; one that cannot be read matches nothing.
fn is_match(pattern: &str, name: &str) -> bool {
    go::matches(pattern.as_bytes(), name.as_bytes()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use kustomize_core::host::MemoryHost;

    use super::*;

    #[test]
    fn rules_of_subdirectories_hold_below_them() -> Result<(), HostError> {
        let mut host = MemoryHost::new();
        host.insert("/s/.sourceignore", "*.md\n# *.yaml\n");
        host.insert("/s/apps/.sourceignore", "!/README.md\r\nsecret.yaml\n");
        let rules = IgnoreRules::of_source(IgnoreRules::load(&host, "/s")?);
        assert!(rules.is_ignored("README.md", false));
        assert!(!rules.is_ignored("apps/README.md", false));
        assert!(rules.is_ignored("apps/base/README.md", false));
        assert!(rules.is_ignored("apps/base/secret.yaml", false));
        assert!(!rules.is_ignored("secret.yaml", false));
        assert!(!rules.is_ignored(".", true));
        Ok(())
    }

    #[test]
    fn where_something_may_be_brought_back_is_known() {
        let mut rules = IgnoreRules::default();
        rules.add("", "/*\n!/apps/*/base\n");
        rules.add("infra", "!/kept.yaml\n");
        for (directory, is_expected) in [
            ("apps", true),
            ("apps/one", true),
            ("apps/one/base/deep", true),
            ("apps/one/other", false),
            ("docs", false),
            ("infra", true),
        ] {
            assert_eq!(rules.may_bring_back_below(directory), is_expected, "{directory}");
        }
        rules.add("docs", "!*.yaml\n");
        assert!(rules.may_bring_back_below("docs/deep") && !rules.may_bring_back_below("other"));
        rules.add("", "!**/kept.yaml\n");
        assert!(rules.may_bring_back_below("other"));
    }
}
