//! What to do instead of what kustomize or kubectl have and this program has not.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};

/// Commands and flags of other programs, and what to do instead.
const HINTS: &[(&str, &str)] = &[
    ("edit", "edit kustomization.yaml by hand, or with 'kustomize edit': the file is the same for both"),
    (
        "create",
        "write a kustomization.yaml that lists the files: `resources: [deployment.yaml, service.yaml]`",
    ),
    (
        "localize",
        "copy remote bases into the repository and name their directories under `resources`, or let \
         'kustomize localize' do it",
    ),
    ("cfg", "'kustomize cfg' became kpt: https://kpt.dev"),
    ("fn", "functions run as transformers of a build, with --enable-alpha-plugins"),
    (
        "config",
        "the built-in field specs cannot be printed; `configurations` in a kustomization adds to them",
    ),
    ("apply", "kustomize-rs build DIR | kubectl apply -f -"),
    ("delete", "kustomize-rs build DIR | kubectl delete -f -"),
    ("kustomize", "kustomize-rs build DIR"),
    (
        "-k",
        "name the directory alone: kustomize-rs build DIR; kubectl takes the output: | kubectl apply -f -",
    ),
    ("--kustomize", "name the directory alone: kustomize-rs build DIR"),
    ("-f", "name the directory alone: kustomize-rs build DIR"),
    ("--stack-trace", "leave it out: errors name the file, the line and the overlays that led there"),
    ("--quiet", "leave it out: only warnings and errors go to standard error (2>/dev/null drops them)"),
    ("-q", "leave it out: only warnings and errors go to standard error (2>/dev/null drops them)"),
    ("--dry-run", "leave it out: nothing is applied to a cluster"),
];

/// Adds a hint to a refusal of arguments, where there is one to give.
pub(super) fn with_hint(mut refusal: clap::Error) -> clap::Error {
    let kinds = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg];
    let given = kinds.into_iter().find_map(|kind| match refusal.get(kind) {
        Some(ContextValue::String(given)) => Some(given.as_str()),
        _ => None,
    });
    let hint = given.and_then(|given| HINTS.iter().find(|(name, _)| *name == given));
    if let Some((_, hint)) = hint {
        for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        {
            refusal.remove(kind);
        }
        let hints = vec![StyledStr::from(*hint)];
        refusal.insert(ContextKind::Suggested, ContextValue::StyledStrs(hints));
    }
    refusal
}

#[cfg(test)]
mod tests {
    use crate::args::Cli;

    #[test]
    fn what_others_have_is_known() {
        for (words, wanted) in [
            (&["edit", "set", "image"][..], "kustomization.yaml by hand"),
            (&["create"], "`resources:"),
            (&["localize", "x"], "copy remote bases"),
            (&["-k", "dir"], "kustomize-rs build DIR"),
            (&["build", "-k", "dir"], "kustomize-rs build DIR"),
            (&["build", "--stack-trace", "dir"], "errors name the file"),
            (&["--stack-trace", "build", "dir"], "errors name the file"),
            (&["build", "--quiet"], "2>/dev/null"),
            (&["test", "-q"], "2>/dev/null"),
        ] {
            let refusal = Cli::read(["kustomize-rs"].iter().chain(words)).unwrap_err();
            let shown = refusal.to_string();
            assert!(shown.starts_with("error: ") && shown.contains("tip: "), "{shown}");
            assert!(shown.contains(wanted), "{words:?}: {shown}");
        }
        // Names that are only slips keep clap's own suggestions.
        let refusal = Cli::read(["kustomize-rs", "biuld"]).unwrap_err().to_string();
        assert!(refusal.contains("'build'"), "{refusal}");
    }
}
