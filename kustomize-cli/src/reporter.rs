//! Errors and warnings on standard error.

use std::io::Write;
use std::path::Path;

use kustomize_diagnostic::{Diagnostic, Renderer, Style};

/// Shows diagnostics on standard error.
#[derive(Debug)]
pub(crate) struct Reporter {
    renderer: Renderer,
}

impl Reporter {
    /// Colours when standard error is a terminal; paths as seen from the current directory.
    pub(crate) fn for_stderr() -> Self {
        let renderer = Renderer::new(Style::for_stderr());
        let here = std::env::current_dir().ok();
        let renderer = match here.as_deref().and_then(Path::to_str) {
            Some(here) => renderer.seen_from(here),
            None => renderer,
        };
        Reporter { renderer }
    }

    /// Shows one. A closed standard error is nothing to fail for.
    pub(crate) fn report(&self, diagnostic: &Diagnostic) {
        let text = self.renderer.render(diagnostic);
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}
