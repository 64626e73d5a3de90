//! Artifacts in container registries: directories of manifests that OCIRepositories follow.

mod content;
mod registry;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use reconciler_core::semver::{self, Constraints};
use serde_json::json;
use similar::TextDiff;

use super::cluster::block_on;
use super::manifest::to_yaml;
use super::table::table;
use super::{Failure, Global, Result, term};
use content::{file_of_input, files_of_archive, files_of_path, pack, unpack};
use registry::Remote;

/// What pushed artifacts say about themselves.
const CREATED: &str = "org.opencontainers.image.created";
const SOURCE: &str = "org.opencontainers.image.source";
const REVISION: &str = "org.opencontainers.image.revision";

/// How a registry is reached.
#[derive(Args)]
pub(crate) struct Access {
    /// Credentials as USER:PASSWORD; those of Docker's configuration if absent
    #[arg(long)]
    creds: Option<String>,
    /// Talk to the registry over plain HTTP
    #[arg(long)]
    insecure_registry: bool,
    /// Provider of the credentials: only generic; for the registry of a cloud, run `docker login` first
    #[arg(long, default_value = "generic", value_parser = provider)]
    provider: String,
}

/// Reads `--provider`.
fn provider(text: &str) -> std::result::Result<String, String> {
    match text {
        "generic" => Ok(text.to_owned()),
        "aws" | "azure" | "gcp" => Err(format!(
            "logging in to {text} is not available: run `docker login` with the cloud's own tool, whose login is used, \
             or give --creds"
        )),
        _ => Err(format!("source OCI provider '{text}' is not supported, must be: generic")),
    }
}

/// What goes into an artifact.
#[derive(Args)]
pub(crate) struct Content {
    /// Directory or file; `-` reads a file from standard input
    #[arg(long, short = 'f', short_alias = 'p', default_value = "")]
    path: String,
    /// Follow symbolic links
    #[arg(long)]
    resolve_symlinks: bool,
    /// Files to leave out, in the format of .gitignore
    #[arg(long, value_delimiter = ',')]
    ignore_paths: Vec<String>,
}

impl Content {
    fn files(&self) -> Result<BTreeMap<String, content::File>> {
        if self.path == "-" {
            return file_of_input();
        }
        let path = Path::new(&self.path);
        if self.path.is_empty() || !path.exists() {
            return Err(Failure::usage(format!(
                "invalid path '{}', must point to an existing directory or file",
                self.path
            )));
        }
        files_of_path(path, &self.ignore_paths.join("\n"), self.resolve_symlinks)
    }
}

/// Options of `build artifact`.
#[derive(Args)]
pub(crate) struct Build {
    #[command(flatten)]
    content: Content,
    /// File to write
    #[arg(long, short, default_value = "artifact.tgz")]
    output: PathBuf,
}

impl Build {
    /// Writes the archive.
    pub(crate) fn run(&self, _: &Global) -> Result {
        term::action(&format!("building artifact from {}", self.content.path));
        std::fs::write(&self.output, pack(&self.content.files()?)?)?;
        term::success(&format!("artifact created at {}", self.output.display()));
        Ok(())
    }
}

/// Options of `push artifact`.
#[derive(Args)]
pub(crate) struct Push {
    /// Address, such as oci://registry/repository:tag
    address: String,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    content: Content,
    /// Where the content comes from
    #[arg(long, default_value = "")]
    source: String,
    /// Which revision of it this is
    #[arg(long, default_value = "")]
    revision: String,
    /// More annotations, as KEY=VALUE
    #[arg(long, short, value_delimiter = ',')]
    annotations: Vec<String>,
    /// Leave out what would differ between two pushes of the same
    #[arg(long)]
    reproducible: bool,
    /// Print the result as data
    #[arg(long, short, value_parser = ["json", "yaml"])]
    output: Option<String>,
    /// Accepted for compatibility: errors of the registry are always shown in full
    #[arg(long, hide_short_help = true)]
    debug: bool,
}

impl Push {
    /// Packs and pushes.
    pub(crate) fn run(&self, _: &Global) -> Result {
        for (flag, value) in [("--source", &self.source), ("--revision", &self.revision)] {
            if value.is_empty() {
                return Err(Failure::usage(format!("{flag} is required")));
            }
        }
        let mut annotations = BTreeMap::new();
        for pair in &self.annotations {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Failure::usage(format!("invalid annotation {pair}, must be in the format key=value"))
            })?;
            annotations.insert(key.to_owned(), value.to_owned());
        }
        annotations.insert(SOURCE.to_owned(), self.source.clone());
        annotations.insert(REVISION.to_owned(), self.revision.clone());
        if !self.reproducible {
            annotations.insert(
                CREATED.to_owned(),
                jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            );
        }
        let archive = pack(&self.content.files()?)?;
        let remote = Remote::new(&self.address, &self.access)?;
        block_on(async {
            if self.output.is_none() {
                term::action(&format!("pushing artifact to {}", self.address));
            }
            let digest = remote.push(archive, annotations).await?;
            let repository = remote.repository();
            // The order is that of Flux.
            let data = json!({
                "url": format!("oci://{repository}@{digest}"),
                "repository": repository,
                "tag": remote.tag(),
                "digest": digest,
            });
            match self.output.as_deref() {
                Some("json") => term::print(&format!("{data:#}\n")),
                Some(_) => term::print(&to_yaml(&data)?),
                None => {
                    term::success(&format!("artifact successfully pushed to {repository}@{digest}"));
                    Ok(())
                }
            }
        })
    }
}

/// Options of `pull artifact`.
#[derive(Args)]
pub(crate) struct Pull {
    /// Address, such as oci://registry/repository:tag
    address: String,
    #[command(flatten)]
    access: Access,
    /// Directory to write to
    #[arg(long, short, default_value = "")]
    output: String,
}

impl Pull {
    /// Pulls and unpacks.
    pub(crate) fn run(&self, _: &Global) -> Result {
        let directory = Path::new(&self.output);
        if self.output.is_empty() || !directory.is_dir() {
            return Err(Failure::usage(format!(
                "invalid output path '{}', must be an existing directory",
                self.output
            )));
        }
        let remote = Remote::new(&self.address, &self.access)?;
        block_on(async {
            term::action(&format!("pulling artifact from {}", self.address));
            let pulled = remote.pull().await?;
            for (title, key) in [("source", SOURCE), ("revision", REVISION)] {
                if let Some(value) = pulled.annotations.get(key) {
                    term::success(&format!("{title} {value}"));
                }
            }
            term::success(&format!("digest {}", pulled.digest));
            unpack(&pulled.archive, directory)?;
            term::success(&format!("artifact content extracted to {}", self.output));
            Ok(())
        })
    }
}

/// Options of `tag artifact`.
#[derive(Args)]
pub(crate) struct Tag {
    /// Address, such as oci://registry/repository:tag
    address: String,
    #[command(flatten)]
    access: Access,
    /// Tags to add
    #[arg(long, value_delimiter = ',')]
    tag: Vec<String>,
}

impl Tag {
    /// Adds the tags.
    pub(crate) fn run(&self, _: &Global) -> Result {
        if self.tag.is_empty() {
            return Err(Failure::usage("--tag is required"));
        }
        let remote = Remote::new(&self.address, &self.access)?;
        block_on(async {
            term::action("tagging artifact");
            for tag in &self.tag {
                remote.tag_as(tag).await?;
                term::success(&format!("artifact tagged as {}:{tag}", remote.repository()));
            }
            Ok(())
        })
    }
}

/// Options of `list artifacts`.
#[derive(Args)]
pub(crate) struct List {
    /// Address of the repository, such as oci://registry/repository
    address: String,
    #[command(flatten)]
    access: Access,
    /// Only tags that this pattern finds
    #[arg(long)]
    filter_regex: Option<String>,
    /// Only tags that are versions in this SemVer range
    #[arg(long)]
    filter_semver: Option<String>,
}

impl List {
    /// Prints a table of tags.
    pub(crate) fn run(&self, _: &Global) -> Result {
        let pattern = self.filter_regex.as_deref().map(reconciler_core::go::compile).transpose();
        let pattern = pattern.map_err(|error| Failure::usage(format!("--filter-regex: {error}")))?;
        let range = self.filter_semver.as_deref().map(Constraints::parse).transpose();
        let range = range.map_err(|error| Failure::usage(format!("--filter-semver: {error}")))?;
        let remote = Remote::new(&self.address, &self.access)?;
        block_on(async {
            let mut rows = Vec::new();
            for tag in remote.tags().await? {
                let is_in_range =
                    |range: &Constraints| semver::parse(&tag).is_ok_and(|version| range.check(&version));
                if range.as_ref().is_some_and(|range| !is_in_range(range)) {
                    continue;
                }
                if pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&tag)) {
                    continue;
                }
                let (digest, annotations) = remote.describe(&tag).await?;
                let annotation = |key: &str| annotations.get(key).cloned().unwrap_or_default();
                let name = format!("oci://{}:{tag}", remote.repository());
                rows.push(vec![name, digest, annotation(SOURCE), annotation(REVISION)]);
            }
            term::print(&table(&["Artifact", "Digest", "Source", "Revision"], &rows))
        })
    }
}

/// Options of `diff artifact`.
#[derive(Args)]
pub(crate) struct Diff {
    /// Address, such as oci://registry/repository:tag
    address: String,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    content: Content,
    /// Only say whether something differs
    #[arg(long, short)]
    brief: bool,
}

impl Diff {
    /// Prints what differs; the status is 1 if something does.
    pub(crate) fn run(&self, _: &Global) -> Result {
        let local = self.content.files()?;
        let remote = Remote::new(&self.address, &self.access)?;
        block_on(async {
            let pulled = files_of_archive(&remote.pull().await?.archive)?;
            let empty = content::File::default();
            let mut differs = false;
            let mut names: Vec<&String> = pulled.keys().chain(local.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let [before, after] = [&pulled, &local].map(|files| files.get(name).unwrap_or(&empty));
                if before.bytes == after.bytes && pulled.contains_key(name) == local.contains_key(name) {
                    continue;
                }
                differs = true;
                if !self.brief {
                    let [before, after] = [before, after].map(|file| String::from_utf8_lossy(&file.bytes));
                    let diff = TextDiff::from_lines(before.as_ref(), after.as_ref());
                    term::print(&diff.unified_diff().header(name, name).to_string())?;
                }
            }
            if differs {
                return Err(Failure::failed("the remote artifact contents differs from the local one"));
            }
            term::success("no changes detected");
            Ok(())
        })
    }
}
