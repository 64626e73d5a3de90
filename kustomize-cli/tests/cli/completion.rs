//! Completion, as the shells themselves do it.

use std::io::Write;
use std::process::Command;

use crate::support::stdout;

/// What is typed, and what the last word of it becomes.
const TYPED: &[(&str, &str)] = &[
    ("kustomize-rs bu", "build"),
    ("kustomize-rs build --lo", "--load-restrictor"),
    ("kustomize-rs test --diff te", "text"),
    ("kustomize-rs diff --format mark", "markdown"),
    ("kustomize-rs help wa", "watch"),
];

/// Whether the shell is installed. One that is not is said loudly: nothing is tested then.
fn is_installed(shell: &str) -> bool {
    let found = Command::new(shell).arg("--version").output().is_ok();
    if !found {
        // Past the test harness, which would keep it to itself.
        let message =
            format!("SKIPPED: there is no {shell}, and its completion is not tested (apt install {shell})\n");
        std::io::stderr().write_all(message.as_bytes()).unwrap();
    }
    found
}

/// What a shell prints that runs a script with these arguments.
fn printed(shell: &str, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(shell);
    command.args(arguments).current_dir(home.path()).env("HOME", home.path()).env("TERM", "xterm");
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_completes() {
    if !is_installed("bash") {
        return;
    }
    let script = stdout(&["completion", "bash"]);
    for (words, wanted) in TYPED {
        let (before, current) = words.rsplit_once(' ').unwrap();
        let previous = before.rsplit(' ').next().unwrap();
        let ask = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _kustomize__rs kustomize-rs '{current}' '{previous}'; echo \"${{COMPREPLY[@]}}\""
        );
        assert_eq!(printed("bash", &["--norc", "-c", &ask]).trim_end(), *wanted, "{words}");
    }
}

/// Types into an interactive zsh, presses Tab, and says what stands on the line then.
const TYPE_INTO_ZSH: &str = r"
zmodload zsh/zpty || exit 3
zpty shell zsh -f -i
zpty -w shell 'PS1=READY; autoload -Uz compinit; compinit -D -u; source ./script; tell() { print -r -- $BUFFER > ./line; exit }; zle -N tell; bindkey ^X tell; clear'
zpty -r shell seen '*READY*'
zpty -n -w shell $1$'\t\x18'
integer i
while (( i++ < 300 )) && [[ ! -s ./line ]]; do sleep 0.1; done
zpty -d shell
";

#[test]
fn zsh_completes() {
    if !is_installed("zsh") {
        return;
    }
    let script = stdout(&["completion", "zsh"]);
    for (words, wanted) in TYPED {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("script"), &script).unwrap();
        let mut zsh = Command::new("zsh");
        zsh.args(["-f", "-c", TYPE_INTO_ZSH, "zsh", words]).current_dir(home.path());
        let output = zsh.env("HOME", home.path()).env("TERM", "xterm").output().unwrap();
        let line = std::fs::read_to_string(home.path().join("line"));
        let line = line.unwrap_or_else(|error| panic!("{words}: {error}: {output:?}"));
        let before = words.rsplit_once(' ').unwrap().0;
        // What may be followed by a value ends with its sign, other words with a blank.
        let completed = line.trim_end_matches(['\n', ' ', '=']);
        assert_eq!(completed, format!("{before} {wanted}"), "{words}");
    }
}

#[test]
fn fish_completes() {
    if !is_installed("fish") {
        return;
    }
    let script = stdout(&["completion", "fish"]);
    for (words, wanted) in TYPED {
        let offered = printed("fish", &["--no-config", "-c", &format!("{script}\ncomplete -C '{words}'")]);
        let names: Vec<&str> = offered.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(names, [*wanted], "{words}");
    }
}
