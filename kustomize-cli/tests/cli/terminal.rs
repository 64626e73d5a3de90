//! What is only for terminals, on one that `script` of util-linux makes.

use std::process::Command;

use crate::workplace::Workplace;

/// What the program writes to a terminal; none where there is no `script`.
#[allow(clippy::print_stdout, reason = "what is skipped is said")]
fn shown(place: &Workplace, arguments: &str, variables: &[(&str, &str)]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_kustomize-rs");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("'{program}' {arguments}"), "/dev/null"]);
    script.current_dir(place.path("")).env_remove("NO_COLOR").env("TERM", "xterm");
    match script.envs(variables.iter().copied()).stdin(std::process::Stdio::null()).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            println!("SKIPPED, there is no `script`: {error}");
            None
        }
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let place = Workplace::with_apps();
    place.edit("apps/overlays/staging/kustomization.snap.yaml", "replicas: 1", "replicas: 4");
    let changed = "spec.replicas: 4 → 1";
    for arguments in ["test", "diff apps/overlays/staging/kustomization.snap.yaml apps/overlays/staging"] {
        let Some(coloured) = shown(&place, arguments, &[]) else { return };
        assert!(coloured.contains(changed) && coloured.contains("\u{1b}[33m"), "{coloured:?}");
        for plain in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
            let text = shown(&place, arguments, &plain).unwrap_or_default();
            assert!(text.contains(changed) && !text.contains('\u{1b}'), "{text:?}");
        }
        let words: Vec<&str> = arguments.split(' ').collect();
        let piped = place.run(&words).stdout;
        assert!(!String::from_utf8_lossy(&piped).contains('\u{1b}'));
    }
}
