//! Switches with a value, such as `--all=true`, which `flux` accepts.

use std::collections::HashSet;
use std::ffi::OsString;

use clap::{ArgAction, Command};

/// The names of flags, by whether they are switches.
#[derive(Default)]
struct Names<'a> {
    switches: HashSet<&'a str>,
    others: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn add(&mut self, command: &'a Command) {
        for argument in command.get_arguments() {
            let names = match argument.get_action() {
                ArgAction::SetTrue => &mut self.switches,
                _ => &mut self.others,
            };
            names.extend(argument.get_long());
        }
        command.get_subcommands().for_each(|command| self.add(command));
    }
}

/// The arguments with `--switch` for `--switch=true`, and without `--switch=false`.
pub(super) fn plain(definition: &Command, arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut names = Names::default();
    names.add(definition);
    let mut are_flags = true;
    let mut plain = Vec::new();
    for argument in arguments {
        are_flags &= argument != "--";
        let parts =
            argument.to_str().filter(|_| are_flags).and_then(|text| text.strip_prefix("--")?.split_once('='));
        match parts {
            Some((name, value @ ("true" | "false")))
                if names.switches.contains(name) && !names.others.contains(name) =>
            {
                if value == "true" {
                    plain.push(format!("--{name}").into());
                }
            }
            _ => plain.push(argument),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn switches_can_have_a_value() {
        let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let definition = Command::new("a")
            .arg(switch("all"))
            .subcommand(
                Command::new("b")
                    .arg(switch("quiet"))
                    .arg(switch("mixed"))
                    .arg(Arg::new("text").long("text")),
            )
            .subcommand(Command::new("c").arg(Arg::new("mixed").long("mixed")));
        let of = |text: &str| {
            let arguments = plain(&definition, text.split(' ').map(OsString::from));
            arguments
                .iter()
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(of("a b --all=true --quiet=false x"), "a b --all x");
        assert_eq!(of("a b --quiet --text=true --mixed=true"), "a b --quiet --text=true --mixed=true");
        assert_eq!(of("a b --all=yes -- --all=true"), "a b --all=yes -- --all=true");
    }
}
