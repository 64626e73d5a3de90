//! Comparing an overlay with its golden file.

use kustomize_core::host::{Host, HostError};
use kustomize_core::{BuildError, BuildOptions, ErrorKind, build};

use crate::place::{is_rendering, refuse_links};
use crate::{Case, Confined, Mismatch, Outcome};

impl Case {
    /// Renders the overlay and compares it with its golden file.
    #[must_use]
    pub fn check(&self, host: &dyn Host, options: &BuildOptions) -> Outcome {
        if self.is_orphan {
            return self.orphaned(host);
        }
        let confined = Confined::around(host, &self.overlay, options);
        self.compare(host, build(&confined, &self.overlay, options).and_then(|rendered| rendered.yaml()))
    }

    /// The outcome for a golden file without an overlay. A file that does not contain rendered output
    /// may have that name by chance: it is an error, and never removed.
    pub(crate) fn orphaned(&self, host: &dyn Host) -> Outcome {
        if let Err(error) = refuse_links(host, &self.golden) {
            return Outcome::Failed(error);
        }
        match host.read_unlinked(&self.golden).map(String::from_utf8) {
            Ok(Ok(text)) if is_rendering(&text) => Outcome::Orphaned,
            Ok(_) => {
                let message = format!(
                    "{} has the name of a golden file but does not contain rendered output",
                    self.golden
                );
                let help = "there is no overlay for it: \
                            remove it, or give golden files another name";
                let error = BuildError::new(ErrorKind::Golden, message);
                Outcome::Failed(error.in_file(&self.golden).with_help(help))
            }
            Err(error) => Outcome::Failed(BuildError::host(error, &self.golden)),
        }
    }

    /// Compares the result of rendering the overlay with its golden file.
    #[must_use]
    pub fn compare(&self, host: &dyn Host, rendered: Result<String, BuildError>) -> Outcome {
        if self.is_orphan {
            return self.orphaned(host);
        }
        if let Err(error) = refuse_links(host, &self.golden) {
            return Outcome::Failed(error);
        }
        let actual = match rendered {
            Ok(actual) => actual,
            Err(error) => return Outcome::Failed(error),
        };
        match host.read_unlinked(&self.golden) {
            Ok(expected) if expected == actual.as_bytes() => Outcome::Equal,
            Ok(expected) => match String::from_utf8(expected) {
                Ok(expected) => {
                    Outcome::Different(Box::new(Mismatch { golden: self.golden.clone(), expected, actual }))
                }
                Err(_) => {
                    let error = BuildError::new(ErrorKind::Golden, "the golden file is not UTF-8 text");
                    Outcome::Unreadable { error: error.in_file(&self.golden), actual }
                }
            },
            Err(HostError::NotFound) => Outcome::Missing { actual },
            Err(error) => Outcome::Unreadable { error: BuildError::host(error, &self.golden), actual },
        }
    }
}
