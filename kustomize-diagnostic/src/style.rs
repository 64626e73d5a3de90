//! Colours, or none.

use std::io::IsTerminal;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The word that says that something failed.
    Error,
    /// The word that says that something is doubtful.
    Warning,
    /// The word before a remark.
    Note,
    /// The word before a cure, or that says that all is well.
    Help,
    /// What is said.
    Message,
    /// Line numbers, arrows and rules.
    Gutter,
    /// What came.
    Added,
    /// What went.
    Removed,
    /// What became something else.
    Changed,
    /// Nothing special.
    Plain,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// It is not.
    Plain,
    /// With the escape sequences of terminals.
    Ansi,
}

impl Style {
    /// Colours when standard error is a terminal that has them and `NO_COLOR` is unset or empty.
    #[must_use]
    pub fn for_stderr() -> Self {
        Style::on(&std::io::stderr())
    }

    /// The same for standard output.
    #[must_use]
    pub fn for_stdout() -> Self {
        Style::on(&std::io::stdout())
    }

    fn on(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        if !refused && !dumb && stream.is_terminal() { Style::Ansi } else { Style::Plain }
    }

    /// Appends text in the colour of its role.
    pub fn push(self, out: &mut String, role: Role, text: &str) {
        if self == Style::Plain || role == Role::Plain {
            out.push_str(text);
            return;
        }
        out.push_str(match role {
            Role::Error => "\x1b[1;31m",
            Role::Warning => "\x1b[1;33m",
            Role::Note => "\x1b[1;36m",
            Role::Help => "\x1b[1;32m",
            Role::Message => "\x1b[1m",
            Role::Gutter => "\x1b[1;34m",
            Role::Added => "\x1b[32m",
            Role::Removed => "\x1b[31m",
            Role::Changed => "\x1b[33m",
            Role::Plain => "",
        });
        out.push_str(text);
        out.push_str("\x1b[0m");
    }
}
