//! How a scalar is written: its style, as far as its text allows (go-yaml v3).

use std::borrow::Cow;

use crate::yaml::chars::{is_break, is_printable};
use crate::yaml::resolve;
use crate::yaml::{Scalar, Style, Tag};

/// What a text allows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) flow_plain: bool,
    pub(super) block_plain: bool,
    pub(super) single_quoted: bool,
    pub(super) block: bool,
}

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) in_flow: bool,
    pub(super) is_simple_key: bool,
    /// Whether its tag was written.
    pub(super) is_tagged: bool,
}

/// The tag that must be written before a scalar, and whether its style has to say that it is a
/// string.
pub(super) fn tag_and_force(scalar: &Scalar) -> (Option<&'static str>, bool) {
    let name = match scalar.tag() {
        Tag::None | Tag::Other => return (None, false),
        // go-yaml reads the key `<<` with this tag.
        Tag::Merge => return (Some("!!merge"), false),
        Tag::Str => return (None, resolve::resolve(scalar.text()) != Tag::Str),
        Tag::Null => "!!null",
        Tag::Bool => "!!bool",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Timestamp => "!!timestamp",
        Tag::Binary => "!!binary",
    };
    ((resolve::resolve(scalar.text()) != scalar.tag()).then_some(name), false)
}

/// The style that a scalar is written in.
pub(super) fn style(scalar: &Scalar, place: Place) -> Style {
    let (_, force) = tag_and_force(scalar);
    let analysis = analyze(scalar.text());
    let mut style = match scalar.style() {
        Style::Plain if scalar.text().contains('\n') => Style::Literal,
        Style::Plain if force && !place.is_tagged => Style::DoubleQuoted,
        style => style,
    };
    if place.is_simple_key && analysis.multiline {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain {
        let allowed = if place.in_flow { analysis.flow_plain } else { analysis.block_plain };
        let is_nothing = scalar.text().is_empty() && place.is_simple_key;
        if !allowed || is_nothing {
            style = Style::SingleQuoted;
        }
    }
    if style == Style::SingleQuoted && !analysis.single_quoted {
        style = Style::DoubleQuoted;
    }
    if matches!(style, Style::Literal | Style::Folded)
        && (!analysis.block || place.in_flow || place.is_simple_key)
    {
        style = Style::DoubleQuoted;
    }
    style
}

/// The text of a scalar that is a document of its own.
pub(in super::super) fn text(scalar: &Scalar) -> Cow<'_, str> {
    let (tag, _) = tag_and_force(scalar);
    if tag.is_none() && style(scalar, Place::default()) == Style::Plain {
        return Cow::Borrowed(scalar.text());
    }
    Cow::Owned(super::emit::emit_scalar(scalar))
}

/// What a text allows, whatever its type.
pub(super) fn analyze(text: &str) -> Analysis {
    if text.is_empty() {
        return Analysis { block_plain: true, single_quoted: true, ..Analysis::default() };
    }
    let starts_document = text.starts_with("---") || text.starts_with("...");
    let (mut block_indicators, mut flow_indicators) = (starts_document, starts_document);
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let before_blank = chars.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t'));
        match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`'
                if at == 0 =>
            {
                flow_indicators = true;
                block_indicators = true;
            }
            ',' | '?' | '[' | ']' | '{' | '}' => {
                flow_indicators = true;
                block_indicators |= at == 0 && c == '?' && before_blank;
            }
            ':' => {
                flow_indicators = true;
                block_indicators |= before_blank;
            }
            '-' if at == 0 && before_blank => {
                flow_indicators = true;
                block_indicators = true;
            }
            '#' if after_blank => {
                flow_indicators = true;
                block_indicators = true;
            }
            '\t' => tabs = true,
            _ => {}
        }
        special |= c != '\t' && !is_printable(c);
        if c == ' ' {
            break_space |= after_break;
        } else if is_break(c) {
            line_breaks = true;
            space_break |= after_space;
        }
        after_space = c == ' ';
        after_break = is_break(c);
        after_blank = matches!(c, ' ' | '\t') || is_break(c);
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
    let at_edges = edge(text.chars().next()) || edge(text.chars().next_back());
    let only_quoted = break_space || space_break || tabs || special;
    let no_plain = at_edges || only_quoted || line_breaks;
    Analysis {
        multiline: line_breaks,
        flow_plain: !no_plain && !flow_indicators,
        block_plain: !no_plain && !block_indicators,
        single_quoted: !only_quoted,
        block: !(text.ends_with(' ') || space_break || special),
    }
}
