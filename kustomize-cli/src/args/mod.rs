//! The arguments: the flags of `kustomize build`, with their names, meanings and defaults.

mod compare;
mod render;
mod value;

use std::ffi::OsString;

use clap::{ArgAction, Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use compare::{DiffArgs, DiffStyle, TestArgs};
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

    /// Write here instead of standard output; into an existing directory, one file for each resource
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
        let mut definition = Cli::definition();
        let matches = definition.try_get_matches_from_mut(arguments);
        // Hundreds of pieces, which the end of the process frees at once.
        std::mem::forget(definition);
        Cli::from_arg_matches(&matches?)
    }

    /// All commands and flags. The flags of a command are defined when it is called: most processes
    /// are to build one small kustomization, and would spend a tenth of their time on flags that
    /// nobody gave.
    pub(crate) fn definition() -> clap::Command {
        clap::Command::new("kustomize-rs")
            .version(env!("CARGO_PKG_VERSION"))
            .about("Renders kustomizations, byte for byte as kustomize v5.8.1 does")
            .args_override_self(true)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands([
                rendering::<BuildArgs>("build").about("Build a kustomization from a directory or URL"),
                rendering::<WatchArgs>("watch")
                    .about("Build kustomizations again whenever a file changes, and show what that changes"),
                rendering::<TestArgs>("test").about("Compare overlays with their golden files"),
                rendering::<DiffArgs>("diff").about("Show how two overlays differ, by resource and field"),
                clap::Command::new("version")
                    .about("Print the version, and the version of kustomize whose output is reproduced")
                    .defer(VersionArgs::augment_args),
                clap::Command::new("completion")
                    .about("Generate a shell completion script")
                    .defer(CompletionArgs::augment_args),
            ])
    }
}

/// A command that renders.
fn rendering<A: Args>(name: &'static str) -> clap::Command {
    clap::Command::new(name).defer(|command| A::augment_args(command).mut_args(as_in_go))
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
    fn the_definition_is_that_of_the_types() {
        let shown = |mut command: clap::Command| {
            command.build();
            let commands = command.get_subcommands().map(|one| {
                let arguments: Vec<_> =
                    one.get_arguments().map(|argument| argument.get_id().clone()).collect();
                (
                    one.get_name().to_owned(),
                    one.get_about().cloned(),
                    one.get_long_about().cloned(),
                    arguments,
                )
            });
            let commands: Vec<_> = commands.collect();
            (command.render_long_help(), command.render_version(), commands)
        };
        let (definition, types) = (shown(Cli::definition()), shown(<Cli as clap::CommandFactory>::command()));
        assert_eq!(definition.0.to_string(), types.0.to_string());
        assert_eq!(definition.1, types.1);
        for (definition, types) in definition.2.iter().zip(&types.2) {
            assert_eq!(format!("{definition:?}"), format!("{types:?}"));
        }
        assert_eq!(definition.2.len(), types.2.len());
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
