//! `push`, `pull`, `tag` and `list`: artifacts in container registries.

use clap::{Args, Subcommand};

use super::{Global, Result, artifact};

/// Options of `push`.
#[derive(Args)]
pub(crate) struct Push {
    #[command(subcommand)]
    what: PushWhat,
}

#[derive(Subcommand)]
enum PushWhat {
    /// A directory or file
    Artifact(Box<artifact::Push>),
}

/// Options of `pull`.
#[derive(Args)]
pub(crate) struct Pull {
    #[command(subcommand)]
    what: PullWhat,
}

#[derive(Subcommand)]
enum PullWhat {
    /// The content of an artifact
    Artifact(artifact::Pull),
}

/// Options of `tag`.
#[derive(Args)]
pub(crate) struct Tag {
    #[command(subcommand)]
    what: TagWhat,
}

#[derive(Subcommand)]
enum TagWhat {
    /// An artifact
    Artifact(artifact::Tag),
}

/// Options of `list`.
#[derive(Args)]
pub(crate) struct List {
    #[command(subcommand)]
    what: ListWhat,
}

#[derive(Subcommand)]
enum ListWhat {
    /// The artifacts of a repository
    #[command(visible_alias = "artifact")]
    Artifacts(artifact::List),
}

impl Push {
    /// Pushes.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let PushWhat::Artifact(push) = &self.what;
        push.run(global)
    }
}

impl Pull {
    /// Pulls.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let PullWhat::Artifact(pull) = &self.what;
        pull.run(global)
    }
}

impl Tag {
    /// Tags.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let TagWhat::Artifact(tag) = &self.what;
        tag.run(global)
    }
}

impl List {
    /// Lists.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let ListWhat::Artifacts(list) = &self.what;
        list.run(global)
    }
}
