//! Writing a changed document as YAML, in the style it was read in (go-yaml v3 with an indentation
//! of two and compact lists). Lines are as long as they are.

use std::borrow::Cow;

use super::super::layout::Layout;
use super::super::properties::Properties;
use super::comments::Comments;
use super::scalar::{self, Place};
use crate::yaml::chars::{is_break, is_printable, push_escape};
use crate::yaml::{Key, Map, Node, Pos, Scalar, Seq, Style, Tag, Value};

/// Longer keys are written after `? `.
const LONGEST_SIMPLE_KEY: usize = 128;

/// A document as YAML, perhaps without the last line break.
pub(super) fn emit(root: &Node, layout: Layout<'_>) -> String {
    let mut emitter = Emitter::new(Some(layout), Comments::of(root, layout.document));
    if let Some(comment) = emitter.comments.document_head.take() {
        emitter.comment(&comment);
        emitter.line_break();
    }
    emitter.node(root, Context::Root);
    if let Some(comment) = emitter.comments.document_foot.take() {
        if emitter.column > 0 {
            emitter.line_break();
        }
        emitter.line_break();
        emitter.comment(&comment);
    }
    emitter.out
}

/// A scalar as a document of its own.
pub(super) fn emit_scalar(scalar: &Scalar) -> String {
    let mut emitter = Emitter::new(None, Comments::default());
    emitter.scalar_in(scalar, Pos::NONE);
    emitter.out
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    Root,
    Item,
    Value,
}

struct Emitter<'a> {
    out: String,
    layout: Option<Layout<'a>>,
    comments: Comments,
    column: usize,
    /// Negative before the root.
    indent: i32,
    flow_level: usize,
    /// Whether the last character was a space, so that none is needed.
    whitespace: bool,
    /// Whether the line holds nothing but indentation and indicators.
    indention: bool,
    /// The indentation of a comment below an entry: what follows at the same one keeps away.
    foot_indent: Option<usize>,
    /// The comment that goes behind the next value.
    end_comment: Option<String>,
}

impl<'a> Emitter<'a> {
    fn new(layout: Option<Layout<'a>>, comments: Comments) -> Self {
        Emitter {
            out: String::new(),
            layout,
            comments,
            column: 0,
            indent: -1,
            flow_level: 0,
            whitespace: true,
            indention: true,
            foot_indent: None,
            end_comment: None,
        }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indention = true;
    }

    /// Goes to a new line with the current indentation, unless it is there already.
    fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        if self.foot_indent.take() == Some(indent) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
    }

    /// A comment of one or more lines, and the end of the line.
    fn comment(&mut self, text: &str) {
        let mut lines = text.split('\n');
        if let Some(first) = lines.next() {
            self.out.push_str(first);
            self.indention = false;
        }
        for line in lines {
            self.line_break();
            if !line.is_empty() {
                self.write_indent();
                self.out.push_str(line);
                self.indention = false;
            }
        }
        self.line_break();
        self.whitespace = true;
    }

    /// The comment above an entry.
    fn head(&mut self, pos: Pos) {
        if let Some(comment) = self.comments.head(pos) {
            self.write_indent();
            self.comment(&comment);
        }
    }

    /// The comment behind what was just written.
    fn end(&mut self) {
        if let Some(comment) = self.end_comment.take() {
            if !self.whitespace {
                self.put(' ');
            }
            self.comment(&comment);
        }
    }

    /// The comment below an entry.
    fn foot(&mut self, pos: Pos) {
        while let Some(comment) = self.comments.foot(pos) {
            self.write_indent();
            self.comment(&comment);
            self.foot_indent = Some(usize::try_from(self.indent).unwrap_or(0));
        }
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_space: bool, is_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    /// One step deeper. Gives the indentation to go back to.
    fn deeper(&mut self, flow: bool, compact: bool) -> i32 {
        let before = self.indent;
        self.indent = match before {
            ..0 if flow => 2,
            ..0 => 0,
            _ if compact => before,
            _ => before + 2,
        };
        before
    }

    fn is_flow(&self, node: &Node) -> bool {
        let is_empty = match &node.value {
            Value::Map(map) => map.is_empty(),
            Value::Seq(seq) => seq.is_empty(),
            Value::Scalar(_) => return false,
        };
        self.flow_level > 0 || is_empty || self.layout.is_some_and(|layout| layout.is_flow(node))
    }

    /// The anchor and tag of a node.
    fn properties(&self, pos: Pos) -> Properties<'a> {
        self.layout.map(|layout| layout.properties(pos)).unwrap_or_default()
    }

    /// The anchor and tag of a map or list. Those right before the first key of a map without braces
    /// belong to that key.
    fn collection_properties(&self, node: &Node) -> Properties<'a> {
        let first_key = node.as_map().and_then(|map| map.iter().next()).map(|entry| entry.key.pos);
        let layout = self.layout.zip(first_key).map(|(layout, key)| layout.before(key)).or(self.layout);
        layout.map(|layout| layout.properties(node.pos)).unwrap_or_default()
    }

    /// Writes an anchor and a tag.
    fn write_properties(&mut self, properties: Properties<'_>) {
        if let Some(anchor) = properties.anchor {
            self.indicator(&format!("&{anchor}"), true, false, false);
        }
        if let Some(tag) = properties.tag {
            self.indicator(&short_tag(tag), true, false, false);
        }
    }

    fn node(&mut self, node: &Node, context: Context) {
        let is_flow = self.is_flow(node);
        if node.as_scalar().is_none() {
            self.write_properties(self.collection_properties(node));
        }
        match &node.value {
            Value::Scalar(scalar) => self.scalar_in(scalar, node.pos),
            Value::Map(map) if is_flow => self.flow_map(map),
            Value::Seq(seq) if is_flow => self.flow_seq(seq),
            Value::Map(map) => self.block_map(map),
            Value::Seq(seq) => self.block_seq(seq, context),
        }
    }

    fn scalar_in(&mut self, scalar: &Scalar, pos: Pos) {
        let before = self.deeper(true, false);
        self.scalar(scalar, self.properties(pos), false);
        self.indent = before;
    }

    fn block_map(&mut self, map: &Map) {
        let before = self.deeper(false, false);
        for entry in map {
            self.head(entry.key.pos);
            self.write_indent();
            if self.key(&entry.key) {
                self.indicator(":", false, false, false);
            } else {
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.end_comment = self.comments.end(entry.key.pos).or(self.end_comment.take());
            if entry.value.as_scalar().is_none()
                && !self.is_flow(&entry.value)
                && self.collection_properties(&entry.value).is_empty()
            {
                self.end();
            }
            self.node(&entry.value, Context::Value);
            self.end();
            self.foot(entry.key.pos);
        }
        self.indent = before;
    }

    /// Writes a key. Says whether it is a simple one.
    fn key(&mut self, key: &Key) -> bool {
        let properties = self.properties(key.pos);
        let length = [properties.anchor, properties.tag].into_iter().flatten().map(str::len).sum::<usize>();
        let is_simple =
            !scalar::analyze(key.as_str()).multiline && key.as_str().len() + length <= LONGEST_SIMPLE_KEY;
        if !is_simple {
            self.indicator("?", true, false, self.flow_level == 0);
        }
        let before = self.deeper(true, false);
        self.scalar(&key.scalar, properties, is_simple);
        self.indent = before;
        is_simple
    }

    fn block_seq(&mut self, seq: &Seq, context: Context) {
        let compact = context == Context::Value && (self.column == 0 || !self.indention);
        let before = self.deeper(false, compact);
        for item in seq {
            self.head(item.pos);
            self.write_indent();
            self.indicator("-", true, false, true);
            if item.as_scalar().is_some() || self.is_flow(item) {
                self.end_comment = self.comments.end(item.pos);
            }
            self.node(item, Context::Item);
            self.end();
            self.foot(item.pos);
        }
        self.indent = before;
    }

    fn flow_map(&mut self, map: &Map) {
        self.indicator("{", true, true, false);
        let before = self.deeper(true, false);
        self.flow_level += 1;
        for (at, entry) in map.iter().enumerate() {
            self.before_flow_item(at);
            if self.key(&entry.key) {
                self.indicator(":", false, false, false);
            } else {
                self.indicator(":", true, false, false);
            }
            self.node(&entry.value, Context::Value);
        }
        self.flow_level -= 1;
        self.indent = before;
        self.indicator("}", false, false, false);
    }

    fn flow_seq(&mut self, seq: &Seq) {
        self.indicator("[", true, true, false);
        let before = self.deeper(true, false);
        self.flow_level += 1;
        for (at, item) in seq.iter().enumerate() {
            self.before_flow_item(at);
            self.node(item, Context::Value);
        }
        self.flow_level -= 1;
        self.indent = before;
        self.indicator("]", false, false, false);
    }

    fn before_flow_item(&mut self, at: usize) {
        if at > 0 {
            self.indicator(",", false, false, false);
        }
        if self.column == 0 {
            self.write_indent();
        }
    }

    fn scalar(&mut self, scalar: &Scalar, properties: Properties<'_>, is_simple_key: bool) {
        if is_alias(scalar) && properties.is_empty() {
            self.indicator(scalar.text(), true, false, false);
            return;
        }
        self.write_properties(properties);
        let is_tagged = properties.tag.is_some();
        if let (Some(tag), _) = scalar::tag_and_force(scalar)
            && !is_tagged
        {
            self.indicator(tag, true, false, false);
        }
        let place = Place { in_flow: self.flow_level > 0, is_simple_key, is_tagged };
        match scalar::style(scalar, place) {
            Style::Plain => self.plain(scalar.text()),
            Style::SingleQuoted => self.single_quoted(scalar.text()),
            Style::DoubleQuoted => self.double_quoted(scalar.text()),
            Style::Literal => self.literal(scalar.text()),
            Style::Folded => self.folded(scalar.text()),
        }
    }

    fn plain(&mut self, text: &str) {
        if !text.is_empty() && !self.whitespace {
            self.put(' ');
        }
        self.flow_text(text, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str) {
        self.indicator("'", true, false, false);
        self.flow_text(text, true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// The text of a plain or single-quoted scalar.
    fn flow_text(&mut self, text: &str, quoted: bool) {
        let mut after_break = false;
        for c in text.chars() {
            if is_break(c) {
                if !after_break && c == '\n' {
                    self.line_break();
                }
                self.write_break(c);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if c == '\'' && quoted {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                after_break = false;
            }
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.indicator("\"", true, false, false);
        for c in text.chars() {
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
            } else {
                self.put(c);
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        let mut escaped = String::new();
        push_escape(&mut escaped, c);
        escaped.chars().for_each(|c| self.put(c));
    }

    /// After `|` or `>`: what cannot be seen from the text that follows.
    fn block_hints(&mut self, text: &str) {
        if text.starts_with(|c: char| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut ends = text.chars().rev();
        match (ends.next(), ends.next()) {
            (Some(last), before) if is_break(last) => {
                if before.is_none_or(is_break) {
                    self.indicator("+", false, false, false);
                }
            }
            _ => self.indicator("-", false, false, false),
        }
        if self.end_comment.is_some() {
            self.end();
        } else {
            self.line_break();
        }
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        let mut after_break = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
            } else {
                if after_break {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
            }
            after_break = is_break(c);
        }
    }

    fn folded(&mut self, text: &str) {
        self.indicator(">", true, false, false);
        self.block_hints(text);
        let (mut after_break, mut leading_space) = (true, true);
        // kustomize looks at the start of the text here, not at what follows the break.
        let after_breaks = text.trim_start_matches(is_break).chars().next();
        let starts_with_word = after_breaks.is_some_and(|c| !matches!(c, ' ' | '\t'));
        for c in text.chars() {
            if is_break(c) {
                if !after_break && !leading_space && c == '\n' && starts_with_word {
                    self.line_break();
                }
                self.write_break(c);
                after_break = true;
                continue;
            }
            if after_break {
                self.write_indent();
                leading_space = matches!(c, ' ' | '\t');
            }
            self.put(c);
            self.indention = false;
            after_break = false;
        }
    }

    fn write_break(&mut self, c: char) {
        if c == '\n' {
            self.line_break();
        } else {
            self.out.push(c);
            self.column = 0;
            self.indention = true;
        }
    }
}

/// The form of a tag in which go-yaml writes it.
fn short_tag(tag: &str) -> Cow<'_, str> {
    match tag.strip_prefix("!<tag:yaml.org,2002:").and_then(|rest| rest.strip_suffix('>')) {
        Some(name) => Cow::Owned(format!("!!{name}")),
        None => Cow::Borrowed(tag),
    }
}

/// Whether a scalar is an alias: [`yaml::read_as_written`](crate::yaml::read_as_written) leaves them in the tree.
pub(super) fn is_alias(scalar: &Scalar) -> bool {
    scalar.tag() == Tag::Other && scalar.style() == Style::Plain && scalar.text().starts_with('*')
}
