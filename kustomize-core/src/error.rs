//! The error of a build: what happened, where, on which way there, and what to do about it.

use std::borrow::Cow;
use std::fmt;

use crate::host::{HostError, mask, mask_in_place};
use crate::yaml::reader::ReadError;
use crate::yaml::{Location, Pos, PrintError, Sources};

/// The location of a position, with passwords in its line and in the name of its file masked.
pub(crate) fn location_to_show(sources: &Sources, pos: Pos) -> Option<Location> {
    let mut location = sources.location(pos)?;
    if let Cow::Owned(masked) = mask_in_place(&location.text) {
        location.text = masked;
    }
    // Remote files are named by their URL.
    if let Cow::Owned(masked) = mask(&location.file) {
        location.file = masked;
    }
    Some(location)
}

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
    /// A remote file or repository could not be fetched.
    Remote,
    /// Something that the options do not allow.
    NotAllowed,
    /// Someone has cancelled the build.
    Cancelled,
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
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Golden => "golden",
        }
    }
}

/// Why a build failed.
///
/// `Display` gives place and message on one line. `Debug` adds the rest, as `main` shows it that
/// returns `Result<(), BuildError>`:
///
/// ```text
/// Error: app/kustomization.yaml:1:1: unknown field `resource`
///     help: did you mean `resources`?
/// ```
///
/// The parts are for whoever wants to show it in another way.
#[derive(Clone)]
pub struct BuildError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    pos: Pos,
    location: Option<Location>,
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
    pub location: Option<Location>,
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
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        BuildError(Box::new(Parts {
            kind,
            message: masked(message),
            pos: Pos::NONE,
            location: None,
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
    pub fn host(error: HostError, path: &str) -> Self {
        let message = format!("{path}: {error}");
        BuildError::new(ErrorKind::Host(error), message).in_file(path)
    }

    /// The host has no current directory.
    #[must_use]
    pub fn no_current_directory(error: HostError) -> Self {
        let message = format!("cannot tell the current directory: {error}");
        BuildError::new(ErrorKind::Host(error), message)
    }

    /// Says where it happened, unless that was said closer to it.
    #[must_use]
    pub fn at(mut self, pos: Pos) -> Self {
        if self.0.pos.is_none() {
            self.0.pos = pos;
        }
        self
    }

    /// Says where it happened, in place of what was said before.
    pub(crate) fn moved_to(mut self, pos: Pos) -> Self {
        self.0.pos = pos;
        self
    }

    /// Says in which file it happened, when there is no position to give.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<String>) -> Self {
        self.0.file.get_or_insert_with(|| masked(path));
        self
    }

    /// Says which resource it is about.
    #[must_use]
    pub(crate) fn about(mut self, resource: impl fmt::Display) -> Self {
        self.0.resource.get_or_insert_with(|| resource.to_string());
        self
    }

    /// Says which field it is about.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field.get_or_insert_with(|| field.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help.get_or_insert_with(|| masked(help));
        self
    }

    /// Points at another place.
    #[must_use]
    pub(crate) fn with_note(mut self, message: impl Into<String>, pos: Pos) -> Self {
        self.0.notes.push(Note { message: masked(message), location: None, pos });
        self
    }

    /// Adds an outer step of the way that led here: the entry of a kustomization that names the
    /// file or directory in which it happened.
    #[must_use]
    pub(crate) fn within(mut self, step: impl Into<String>, pos: Pos) -> Self {
        self.0.chain.push(Note { message: masked(step), location: None, pos });
        self
    }

    /// Turns positions into places. The build does it before it hands the error out.
    #[must_use]
    pub fn located(mut self, sources: &Sources) -> Self {
        if self.0.location.is_none() {
            self.0.location = location_to_show(sources, self.0.pos);
        }
        let Parts { notes, chain, .. } = &mut *self.0;
        for note in notes.iter_mut().chain(chain) {
            note.location = note.location.take().or_else(|| location_to_show(sources, note.pos));
        }
        self
    }

    /// What went wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// File, line and column, with the line's text.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    /// The file it is about, also where no line can be named.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.0.location.as_ref().map(|place| place.file.as_str()).or(self.0.file.as_deref())
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

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.location(), self.file()) {
            (Some(location), _) => write!(f, "{location}: ")?,
            (None, Some(file)) if !self.message().contains(file) => write!(f, "{file}: ")?,
            _ => {}
        }
        f.write_str(self.message())
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let abouts = [("resource", self.resource()), ("field", self.field_path())];
        for (name, about) in abouts.into_iter().filter_map(|(name, about)| Some((name, about?))) {
            write!(f, "\n    {name}: {about}")?;
        }
        let steps = self.chain().iter().map(|step| ("from", step));
        for (word, note) in self.notes().iter().map(|note| ("note", note)).chain(steps) {
            write!(f, "\n    {word}: ")?;
            match &note.location {
                Some(location) if note.message.is_empty() => write!(f, "{location}")?,
                Some(location) => write!(f, "{location}: {}", note.message)?,
                None => f.write_str(&note.message)?,
            }
        }
        match self.help() {
            Some(help) => write!(f, "\n    help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for BuildError {}

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

#[cfg(test)]
mod tests {
    use crate::host::MemoryHost;
    use crate::{BuildError, BuildOptions, build};

    fn refusal(files: &[(&str, &str)]) -> BuildError {
        build(&MemoryHost::from_iter(files.iter().copied()), "/app", &BuildOptions::default()).unwrap_err()
    }

    #[test]
    fn main_shows_where_it_happened() {
        let error = refusal(&[("/app/kustomization.yaml", "resource: [a]\n")]);
        assert_eq!(error.to_string(), "app/kustomization.yaml:1:1: unknown field `resource`");
        assert_eq!(error.message(), "unknown field `resource`");
        assert_eq!(
            format!("{error:?}"),
            "app/kustomization.yaml:1:1: unknown field `resource`\n    field: resource\n    \
             help: did you mean `resources`?"
        );
        let error = refusal(&[
            ("/app/kustomization.yaml", "resources: [../base]\n"),
            ("/base/kustomization.yaml", "resources: [a.yaml]\n"),
        ]);
        let text = format!("{error:?}");
        assert!(
            text.starts_with("base/kustomization.yaml:1:13: there is no file or directory 'a.yaml'"),
            "{text}"
        );
        assert!(text.contains("\n    from: app/kustomization.yaml:1:13: resources: ../base"), "{text}");
    }
}
