//! The rendering of a diagnostic as text: message, place with its line, further places, cure.

use kustomize_core::host::mask;

use super::snippet::Snippet;
use super::style::{Role, Style};
use super::text::{inert_for_people, push_message};
use super::{Diagnostic, Origin, Remark, Severity};

/// Steps of a chain that are shown at each of its ends.
const STEPS: usize = 8;

/// How diagnostics are rendered.
#[derive(Clone, Debug)]
pub struct Renderer {
    pub(super) style: Style,
    /// The current directory, from which paths are shown.
    pub(super) here: Option<String>,
}

impl Renderer {
    /// Paths are shown whole.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Renderer { style, here: None }
    }

    /// Shows paths below a directory as seen from there.
    #[must_use]
    pub fn seen_from(mut self, directory: impl Into<String>) -> Self {
        self.here = Some(directory.into());
        self
    }

    /// Whether there are colours.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// The whole text, with a line break at its end.
    #[must_use]
    pub fn render(&self, diagnostic: &Diagnostic) -> String {
        inert_for_people(&mask(&self.rendered(diagnostic)))
    }

    fn rendered(&self, diagnostic: &Diagnostic) -> String {
        let (word, role) = match diagnostic.severity {
            Severity::Error => ("error", Role::Error),
            Severity::Warning => ("warning", Role::Warning),
        };
        // Warnings come in numbers: their line is named but not shown.
        let with_lines = diagnostic.severity == Severity::Error;
        let gutter = gutter_width(diagnostic);
        let mut out = String::new();
        self.headline(&mut out, word, role, &diagnostic.message, Role::Message);
        if let Some(origin) = &diagnostic.origin {
            self.origin(&mut out, origin, gutter, with_lines.then_some(('^', role)));
        }
        for (name, value) in &diagnostic.about {
            self.detail(&mut out, gutter, name, value);
        }
        // A step at the line that is shown already says nothing new.
        let steps =
            diagnostic.chain.iter().filter(|step| step.origin.is_none() || step.origin != diagnostic.origin);
        let steps: Vec<_> = steps.collect();
        let last = steps.len().saturating_sub(STEPS);
        for (number, step) in steps.into_iter().enumerate() {
            if number == STEPS && number < last {
                self.detail(&mut out, gutter, "from", &format!("({} more steps)", last - number));
            }
            if (STEPS..last).contains(&number) {
                continue;
            }
            self.detail(&mut out, gutter, "from", &self.step(step));
        }
        for note in &diagnostic.notes {
            self.headline(&mut out, "note", Role::Note, &note.message, Role::Note);
            if let Some(origin) = &note.origin {
                self.origin(&mut out, origin, gutter, with_lines.then_some(('-', Role::Note)));
            }
        }
        if let Some(help) = &diagnostic.help {
            self.headline(&mut out, "help", Role::Help, help, Role::Help);
        }
        out
    }

    /// `word: message`.
    fn headline(&self, out: &mut String, word: &str, role: Role, message: &str, message_role: Role) {
        self.style.push(out, role, word);
        let mut text = String::from(": ");
        push_message(&mut text, message, word.len() + 2);
        match message_role {
            Role::Message => self.style.push(out, Role::Message, &text),
            _ => out.push_str(&text),
        }
        out.push('\n');
    }

    /// `--> file:line:column`, and the line itself with a mark below it.
    fn origin(&self, out: &mut String, origin: &Origin, gutter: usize, mark: Option<(char, Role)>) {
        self.gutter(out, &" ".repeat(gutter), "--> ");
        push_message(out, &self.place(origin), 0);
        out.push('\n');
        let (Some(line), Some((mark, role))) = (&origin.line, mark) else { return };
        let snippet = Snippet::new(line);
        let blank = " ".repeat(gutter + 1);
        self.gutter(out, &blank, "|\n");
        self.gutter(out, &format!("{:>gutter$} ", line.number), "|");
        out.push_str(if snippet.text.is_empty() { "" } else { " " });
        out.push_str(&snippet.text);
        out.push('\n');
        self.gutter(out, &blank, "| ");
        out.push_str(&" ".repeat(snippet.offset));
        self.style.push(out, role, &mark.to_string().repeat(snippet.length));
        out.push('\n');
    }

    /// `= name: value`.
    fn detail(&self, out: &mut String, gutter: usize, name: &str, value: &str) {
        self.gutter(out, &" ".repeat(gutter + 1), "= ");
        self.style.push(out, Role::Message, name);
        out.push_str(": ");
        push_message(out, value, gutter + name.len() + 5);
        out.push('\n');
    }

    fn gutter(&self, out: &mut String, before: &str, mark: &str) {
        let (mark, end) = mark.strip_suffix('\n').map_or((mark, ""), |mark| (mark, "\n"));
        self.style.push(out, Role::Gutter, &format!("{before}{mark}"));
        out.push_str(end);
    }

    fn step(&self, step: &Remark) -> String {
        match &step.origin {
            Some(origin) if step.message.is_empty() => self.place(origin),
            Some(origin) => format!("{} ({})", self.place(origin), step.message),
            None => step.message.clone(),
        }
    }

    fn place(&self, origin: &Origin) -> String {
        // In one line, whatever it is called.
        let file = self.shorten(&origin.file).replace('\n', "\\n");
        match &origin.line {
            Some(line) => format!("{file}:{}:{}", line.number, line.column),
            None => file,
        }
    }

    /// A path below the current directory as seen from there.
    #[must_use]
    pub fn shorten<'a>(&self, file: &'a str) -> &'a str {
        let below = self.here.as_deref().and_then(|here| file.strip_prefix(here));
        match below.and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) if !rest.is_empty() => rest,
            _ => file,
        }
    }
}

/// Columns that the longest line number takes.
fn gutter_width(diagnostic: &Diagnostic) -> usize {
    let notes = diagnostic.notes.iter().filter_map(|note| note.origin.as_ref());
    let lines = diagnostic.origin.iter().chain(notes).filter_map(|origin| origin.line.as_ref());
    let last = lines.map(|line| line.number).max().unwrap_or(0);
    last.checked_ilog10().map_or(1, |log| log as usize + 1)
}
