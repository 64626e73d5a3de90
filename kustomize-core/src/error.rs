//! The error of a build: what happened, where, on which way there, and what to do about it.

use std::borrow::Cow;

use crate::host::{HostError, mask};
use crate::yaml::reader::ReadError;
use crate::yaml::{Place, Pos, PrintError, Sources};

/// What kind of thing went wrong. Callers match on this; people read the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Text that is not YAML, or YAML that a resource or kustomization may not use.
    Syntax,
    /// A kustomization file that breaks the rules of its format.
    Kustomization,
    /// A file or directory could not be read.
    Host(HostError),
    /// A path that leads out of the root of the build, or a kustomization that builds on itself.
    Restriction,
    /// A document that is no resource: no kind, no name.
    Resource,
    /// Two resources with the same identity.
    Conflict,
    /// A generator could not make its resource.
    Generator,
    /// A patch that does not apply.
    Patch,
    /// A transformer that does not apply, a bad field spec among them.
    Transformer,
    /// A replacement without its source or target.
    Replacement,
    /// A var without its source.
    Var,
    /// A name that could refer to several resources.
    Reference,
    /// A bad custom schema.
    Schema,
    /// A validator refused, or changed something.
    Validator,
    /// A function or plugin failed.
    Function,
    /// A remote file or repository could not be had.
    Remote,
    /// Something that the options do not allow.
    NotAllowed,
    /// A golden file, or the configuration of where they stand, that cannot be used.
    Golden,
}

impl ErrorKind {
    /// Its name, for languages without this type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            ErrorKind::Syntax => "syntax",
            ErrorKind::Kustomization => "kustomization",
            ErrorKind::Host(_) => "host",
            ErrorKind::Restriction => "restriction",
            ErrorKind::Resource => "resource",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Generator => "generator",
            ErrorKind::Patch => "patch",
            ErrorKind::Transformer => "transformer",
            ErrorKind::Replacement => "replacement",
            ErrorKind::Var => "var",
            ErrorKind::Reference => "reference",
            ErrorKind::Schema => "schema",
            ErrorKind::Validator => "validator",
            ErrorKind::Function => "function",
            ErrorKind::Remote => "remote",
            ErrorKind::NotAllowed => "not_allowed",
            ErrorKind::Golden => "golden",
        }
    }
}

/// Why a build failed.
///
/// `Display` gives the message alone; the other parts are for whoever shows it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct BuildError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    pos: Pos,
    place: Option<Place>,
    file: Option<String>,
    resource: Option<String>,
    field: Option<String>,
    chain: Vec<Note>,
    notes: Vec<Note>,
    help: Option<String>,
}

/// A further place that an error is about, such as the first of two duplicates.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Note {
    /// What stands there.
    pub message: String,
    /// Where, if in a file.
    pub place: Option<Place>,
    pos: Pos,
}

/// Words of a message, which may quote URLs with passwords.
fn masked(words: impl Into<String>) -> String {
    let words = words.into();
    match mask(&words) {
        Cow::Borrowed(_) => words,
        Cow::Owned(masked) => masked,
    }
}

impl BuildError {
    /// An error of this kind.
    #[must_use]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        BuildError(Box::new(Parts {
            kind,
            message: masked(message),
            pos: Pos::NONE,
            place: None,
            file: None,
            resource: None,
            field: None,
            chain: Vec::new(),
            notes: Vec::new(),
            help: None,
        }))
    }

    /// A host error about a path.
    #[must_use]
    pub(crate) fn host(error: HostError, path: &str) -> Self {
        let message = format!("{path}: {error}");
        BuildError::new(ErrorKind::Host(error), message).in_file(path)
    }

    /// The host has no current directory.
    #[must_use]
    pub(crate) fn nowhere(error: HostError) -> Self {
        let message = format!("cannot tell the current directory: {error}");
        BuildError::new(ErrorKind::Host(error), message)
    }

    /// Says where it happened, unless that was said closer to it.
    #[must_use]
    pub(crate) fn at(mut self, pos: Pos) -> Self {
        if self.0.pos.is_none() {
            self.0.pos = pos;
        }
        self
    }

    /// Says in which file it happened, when there is no position to give.
    #[must_use]
    pub(crate) fn in_file(mut self, path: impl Into<String>) -> Self {
        self.0.file.get_or_insert_with(|| masked(path));
        self
    }

    /// Says which resource it is about.
    #[must_use]
    pub(crate) fn about(mut self, resource: impl std::fmt::Display) -> Self {
        self.0.resource.get_or_insert_with(|| resource.to_string());
        self
    }

    /// Says which field it is about.
    #[must_use]
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field.get_or_insert_with(|| field.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help.get_or_insert_with(|| masked(help));
        self
    }

    /// Points at another place.
    #[must_use]
    pub(crate) fn with_note(mut self, message: impl Into<String>, pos: Pos) -> Self {
        self.0.notes.push(Note { message: masked(message), place: None, pos });
        self
    }

    /// Adds an outer step of the way that led here: the entry of a kustomization that names the
    /// file or directory in which it happened.
    #[must_use]
    pub(crate) fn within(mut self, step: impl Into<String>, pos: Pos) -> Self {
        self.0.chain.push(Note { message: masked(step), place: None, pos });
        self
    }

    /// Turns positions into places. The build does it before it hands the error out.
    #[must_use]
    pub(crate) fn located(mut self, sources: &Sources) -> Self {
        if self.0.place.is_none() {
            self.0.place = sources.place(self.0.pos);
        }
        let Parts { notes, chain, .. } = &mut *self.0;
        for note in notes.iter_mut().chain(chain) {
            note.place = note.place.take().or_else(|| sources.place(note.pos));
        }
        self
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// File, line and column, with the line's text.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// The file it is about, also where no line can be named.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.0.place.as_ref().map(|place| place.file.as_str()).or(self.0.file.as_deref())
    }

    /// The resource it is about, as `Deployment web in namespace production`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The field it is about, as a path.
    #[must_use]
    pub fn field_path(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The way that led here, innermost step first: one step an overlay, at the line that names
    /// the base.
    #[must_use]
    pub fn chain(&self) -> &[Note] {
        &self.0.chain
    }

    /// Further places it is about.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.0.notes
    }

    /// What to do about it, where a cure is known.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl From<ReadError> for BuildError {
    fn from(error: ReadError) -> Self {
        let mut build = BuildError::new(ErrorKind::Syntax, error.message()).at(error.pos());
        if let Some((message, pos)) = error.note() {
            build = build.with_note(message, pos);
        }
        if let Some(help) = error.help() {
            build = build.with_help(help);
        }
        build
    }
}

impl From<PrintError> for BuildError {
    fn from(error: PrintError) -> Self {
        let help = error.problem.help();
        let build_error = BuildError::new(ErrorKind::Syntax, error.problem.to_string()).at(error.pos);
        match help {
            Some(help) => build_error.with_help(help),
            None => build_error,
        }
    }
}
