//! Errors and warnings on standard error.

use std::io::Write;

use kustomize_diagnostic::{Diagnostic, Renderer, Style};
use kustomize_host::OsHost;

/// Shows diagnostics on standard error.
#[derive(Debug)]
pub(crate) struct Reporter {
    renderer: Renderer,
}

impl Reporter {
    /// Colours when standard error is a terminal; paths as seen from the current directory.
    pub(crate) fn for_stderr() -> Self {
        Reporter { renderer: renderer(Style::for_stderr()) }
    }

    /// A path as seen from the current directory.
    pub(crate) fn shorten<'a>(&self, file: &'a str) -> &'a str {
        self.renderer.shorten(file)
    }

    /// Shows one. A closed standard error is nothing to fail for.
    pub(crate) fn report(&self, diagnostic: &Diagnostic) {
        self.write(&self.renderer.render(diagnostic));
    }

    /// Writes text as it is.
    pub(crate) fn write(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Renders diagnostics with paths as seen from the current directory.
pub(crate) fn renderer(style: Style) -> Renderer {
    let renderer = Renderer::new(style);
    let here = std::env::current_dir().ok();
    match here.as_deref().and_then(OsHost::path) {
        Some(here) => renderer.seen_from(here),
        None => renderer,
    }
}
