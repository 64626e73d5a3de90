//! `kustomize-rs completion`.

use clap_complete::Shell;

use crate::args::{Cli, CompletionArgs};
use crate::failure::Failure;
use crate::output;

/// How clap_complete ends the condition for words after `help` in fish.
const HELP_SEEN: &str = " help\" -f -a ";

/// Prints a completion script.
pub(crate) fn run(args: &CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::definition(), "kustomize-rs", &mut script);
    if args.shell == Shell::Fish {
        // Words after `help` are completed unless one of these has been seen: `help` itself always
        // has.
        let text = String::from_utf8_lossy(&script);
        script = text.replace(HELP_SEEN, "\" -f -a ").into_bytes();
    }
    if args.shell == Shell::Bash {
        // The script looks for `kustomize__rs__subcmd__build`; clap_complete writes the hyphen in
        // the program's name in another way where it says what is completed there.
        let text = String::from_utf8_lossy(&script);
        script = text.replace("kustomize__subcmd__rs__", "kustomize__rs__").into_bytes();
    }
    output::to_stdout(&script)
}
