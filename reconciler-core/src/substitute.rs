//! Variables in the text of rendered resources: `${name}` and the operators of a shell.

mod evaluate;
mod functions;
mod parser;
mod pattern;
mod variables;

pub use evaluate::{Mode, expand};
pub use variables::{SubstituteError, Variables, substitute};

/// Why a text cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// An operator that does not exist, or is not complete.
    #[error("bad substitution")]
    BadSubstitution,
    /// Something other than `}` after the name.
    #[error("missing closing brace")]
    MissingClosingBrace,
    /// No name after `${`.
    #[error("unable to parse variable name")]
    VariableName,
    /// An argument of an operator that cannot be read.
    #[error("unable to parse substitution within function")]
    Argument,
    /// An unknown operator after `:`.
    #[error("unable to parse default function")]
    DefaultFunction,
    /// A variable without a value, where that is not allowed.
    #[error("variable not set (strict mode): {0:?}")]
    NotSet(String),
    /// A substring of negative length.
    #[error("negative length of a substring: {0:?}")]
    NegativeLength(String),
    /// Variables within defaults of variables, too deep.
    #[error("substitutions are nested too deep")]
    TooDeep,
}
