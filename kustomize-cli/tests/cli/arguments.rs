//! Flags and statuses.

use crate::support::{program, run, stderr, stdout};

#[test]
fn every_failure_ends_with_status_1() {
    let wrong: &[&[&str]] = &[
        &["build", "--no-such-flag"],
        &["build", "--reorder=sideways", "apps/base"],
        &["build", "--load-restrictor=none", "apps/base"],
        &["build", "--enable-helm=maybe", "apps/base"],
        &["build", ""],
        &["build", "no-such-directory"],
        &["build", "apps/base/service.yaml"],
        &["build", "mistakes/unknown-field"],
        &["version", "--short", "--output=json"],
        &["version", "--output=toml"],
        &["frob"],
    ];
    for arguments in wrong {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_says_what_is_to_be_known_of_a_command() {
    for (command, known) in [
        ("build", "the URL of a git repository"),
        ("watch", "the difference is printed"),
        ("test", "Ends with status 0 when all is as expected"),
        ("diff", "REV:DIR"),
    ] {
        let help = stdout(&[command, "--help"]);
        assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(known), "{help}");
        let first = help.lines().next().unwrap().trim_end_matches('.');
        assert!(stdout(&["--help"]).contains(&format!("{command:<10}  {first}\n")), "{first}");
    }
}

#[test]
fn the_current_directory_is_the_default() {
    let here = program(&["build"]).current_dir(crate::support::fixtures().join("order")).output().unwrap();
    assert_eq!(String::from_utf8(here.stdout).unwrap(), crate::support::expected("order"));
}

#[test]
fn deprecated_flags_work_and_are_warned_of() {
    let output = run(&["build", "--reorder=none", "--enable-managedby-label", "fifo"]);
    assert!(output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("app.kubernetes.io/managed-by: kustomize-v5.8.1")
    );
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn deprecated_fields_are_warned_of() {
    let output = run(&["build", "legacy"]);
    assert!(output.status.success());
    insta::assert_snapshot!(stderr(&output));
}

#[test]
fn the_managed_by_label_can_be_asked_for_by_environment() {
    let label = "app.kubernetes.io/managed-by: kustomize-v5.8.1";
    let mut on = program(&["build", "order"]);
    let on = on.env("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL", "on").output().unwrap();
    assert!(String::from_utf8_lossy(&on.stdout).contains(label));
    assert!(!stdout(&["build", "order"]).contains(label));
}

#[test]
fn versions_and_completions_are_printed() {
    assert!(stdout(&["version"]).contains("v5.8.1"));
    assert!(stdout(&["version", "-o", "json"]).contains("\"kustomizeVersion\": \"v5.8.1\""));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(stdout(&["completion", shell]).contains("enable-helm"), "{shell}");
    }
}
