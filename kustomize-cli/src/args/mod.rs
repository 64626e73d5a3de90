//! The arguments: the flags of `kustomize build`, with their names, meanings and defaults.

mod compare;
mod hints;
mod render;
mod value;

use std::ffi::OsString;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use compare::{DiffArgs, DiffFormat, DiffStyle, TestArgs};
pub(crate) use render::RenderArgs;
use value::Bool;

/// Renders kustomizations, byte for byte as kustomize v5.8.1 does.
#[derive(Debug, Parser)]
#[command(name = "kustomize-rs", version, args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

// What help says of a command stands at its arguments: here it would take the place of all that.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Build(Box<BuildArgs>),
    Watch(Box<WatchArgs>),
    Test(Box<TestArgs>),
    Diff(Box<DiffArgs>),
    /// Print the version, and the version of kustomize whose output is reproduced
    Version(VersionArgs),
    /// Generate a shell completion script
    Completion(CompletionArgs),
}

/// Build a kustomization from a directory or URL.
///
/// An argument is a directory with a kustomization.yaml, or the URL of a git repository with a path
/// within it. Without any, the current directory is built. Several are built on all cores, each base
/// that they share once, and printed in the order given.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct BuildArgs {
    /// Directories or URLs to build
    #[arg(value_name = "DIR|URL", value_parser = value::path(), default_value = ".", hide_default_value = true)]
    pub(crate) targets: Vec<String>,

    /// Write here instead of standard output; into an existing directory, one file for each
    /// resource, and with several kustomizations, a directory for each
    #[arg(short, long, value_name = "PATH", allow_hyphen_values = true)]
    pub(crate) output: Option<OsString>,

    #[command(flatten)]
    pub(crate) render: RenderArgs,
}

/// Build kustomizations again whenever a file changes, and show what that changes.
///
/// Whenever one of the files that they are made of changes, appears or goes, what is made of it is rendered again, and
/// the difference is printed by resource and field.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct WatchArgs {
    /// Directories to build
    #[arg(value_name = "DIR", value_parser = value::path(), default_value = ".", hide_default_value = true)]
    pub(crate) targets: Vec<String>,

    /// Write what is built to this place as well, as build does, and again after each change;
    /// what is broken leaves what was written last
    #[arg(short, long, value_name = "PATH", allow_hyphen_values = true)]
    pub(crate) output: Option<OsString>,

    /// Show the values of Secrets, which are hidden otherwise
    #[arg(long)]
    pub(crate) show_secrets: bool,

    #[command(flatten)]
    pub(crate) render: RenderArgs,
}

#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub(crate) struct VersionArgs {
    /// Print the bare version
    #[arg(long, conflicts_with = "output")]
    pub(crate) short: bool,

    /// Print all there is to know in this format
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<VersionFormat>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum VersionFormat {
    Json,
    Yaml,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell to complete for
    pub(crate) shell: Shell,
}

impl Cli {
    /// Reads the arguments of this process.
    pub(crate) fn read<I>(arguments: I) -> Result<Cli, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let matches = Cli::definition().try_get_matches_from(arguments);
        matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(hints::with_hint)
    }

    /// All commands and flags. Switches of the commands that render take a value, too.
    pub(crate) fn definition() -> clap::Command {
        ["build", "watch", "test", "diff"]
            .into_iter()
            .fold(Cli::command(), |all, name| all.mut_subcommand(name, |command| command.mut_args(as_in_go)))
    }
}

/// Lets a switch take a value as well: `--enable-helm`, `--enable-helm=false`, `--enable-helm=1`.
fn as_in_go(argument: clap::Arg) -> clap::Arg {
    if !matches!(argument.get_action(), ArgAction::SetTrue) {
        return argument;
    }
    argument
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("BOOL")
        .value_parser(Bool)
}

#[cfg(test)]
mod tests {
    use kustomize_core::LoadRestrictor;

    use super::*;

    fn build(arguments: &[&str]) -> BuildArgs {
        let all = ["kustomize-rs", "build"].iter().chain(arguments);
        match Cli::read(all).map(|cli| cli.command) {
            Ok(Command::Build(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::definition().debug_assert();
    }

    #[test]
    fn flags_are_read_as_cobra_reads_them() {
        let args =
            build(&["--enable-helm=F", "--network", "dir", "-e", "A=1", "-eB", "--env=-C", "-o", "x", "-o="]);
        let options = args.render.options();
        assert!(!options.enable_helm);
        assert!(options.network);
        assert_eq!(options.env, ["A=1", "B", "-C"]);
        assert_eq!(args.targets, ["dir"]);
        assert_eq!(args.output.as_deref(), Some(std::ffi::OsStr::new("")));
    }

    #[test]
    fn plugins_bring_helm_along() {
        assert!(build(&["--enable-alpha-plugins"]).render.options().enable_helm);
        assert_eq!(build(&["--load-restrictor="]).render.options().load_restrictor, LoadRestrictor::RootOnly);
    }
}
