//! Flags of the commands that compare.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::RenderArgs;
use super::value::path;

/// Compare overlays with their golden files.
///
/// Overlays are the kustomizations below the paths that no other one builds on, and those that are
/// given as a path or have a golden file. A golden file holds what `kustomize build` prints. It
/// stands next to its overlay in kustomization.snap.yaml, unless --golden-dir or a file
/// kustomize-golden.yaml at the top of the repository says otherwise.
///
/// Ends with status 0 when all is as expected, 1 when something is not, and 2 when that could not
/// be told.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct TestArgs {
    /// Directories with overlays in or below them
    #[arg(value_name = "PATH", value_parser = path(), default_value = ".", hide_default_value = true)]
    pub(crate) paths: Vec<String>,

    /// Write golden files that are missing or differ, and remove those without an overlay
    #[arg(long)]
    pub(crate) update: bool,

    /// Only overlays whose files, or golden file, changed since this git revision; changes that are
    /// not committed count, files that git ignores do not
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,

    /// Keep golden files in a tree of their own in this directory
    #[arg(long, value_name = "DIR", value_parser = path(), allow_hyphen_values = true)]
    pub(crate) golden_dir: Option<String>,

    /// Report to this file in JUnit's format as well; with -, to standard output, and to people on
    /// standard error
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) junit: Option<OsString>,

    /// How to show what differs
    #[arg(long, value_name = "STYLE", value_enum, default_value = "fields")]
    pub(crate) diff: DiffStyle,

    /// Show the values of Secrets, which are hidden otherwise
    #[arg(long)]
    pub(crate) show_secrets: bool,

    #[command(flatten)]
    pub(crate) render: RenderArgs,
}

/// Show how two overlays differ, by resource and field.
///
/// Each side is a directory with a kustomization, a URL, a file with resources, - for resources on
/// standard input, or REV:DIR for a directory as it was at a git revision. As in git, DIR is seen from the top of the repository,
/// or from the current directory when it starts with ./ or ../.
///
/// Ends with status 0 when both are the same, 1 when they differ, and 2 when that could not be told.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct DiffArgs {
    /// The old side
    #[arg(value_name = "A", value_parser = path())]
    pub(crate) old: String,

    /// The new side
    #[arg(value_name = "B", value_parser = path())]
    pub(crate) new: String,

    /// What to write the difference as
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) format: DiffFormat,

    /// How to show what differs
    #[arg(long, value_name = "STYLE", value_enum, default_value = "fields")]
    pub(crate) diff: DiffStyle,

    /// Show the values of Secrets, which are hidden otherwise
    #[arg(long)]
    pub(crate) show_secrets: bool,

    #[command(flatten)]
    pub(crate) render: RenderArgs,
}

/// How to show what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffStyle {
    /// By resource and field, old and new value
    Fields,
    /// As a unified diff of the YAML
    Text,
}

/// What to write a difference as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people
    Text,
    /// For programs: each resource with its fields, their old and new values
    Json,
    /// For comments on pull requests
    Markdown,
}
