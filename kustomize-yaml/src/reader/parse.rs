//! From tokens to nodes: the grammar.
//!
//! No function calls itself: open collections stand on a stack, each with what may come next in
//! it.

use std::borrow::Cow;
use std::ops::Range;

use super::build::{Builder, Phase};
use super::input::Input;
use super::lines::{Ahead, Next, Spot};
use super::scan::{Kind, Scanner, Token};
use super::tag::TagName;
use super::{ReadError, Rules};
use crate::resolve::Dialect;
use crate::{Node, Style};

/// Reads documents of one input, one after the other.
pub(super) struct Parser<'t> {
    text: &'t str,
    pub(super) scan: Scanner<'t>,
    pub(super) build: Builder<'t>,
    tag_directives: Vec<(&'t str, Cow<'t, str>)>,
    dialect: Dialect,
    pub(super) only_line_feeds: bool,
    /// What the short way knows of the next line.
    pub(super) next: Next,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Where a node may stand, which says what it may be.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    Block,
    /// As the key or value of a block mapping, where a sequence need not be indented.
    BlockMap,
    Flow,
}

impl<'t> Parser<'t> {
    pub(super) fn new(input: &'t Input<'_>, rules: Rules) -> Self {
        Parser {
            text: &input.text,
            scan: Scanner::new(&input.text, &input.origin, rules.dialect == Dialect::V3),
            build: Builder::new(&input.origin, rules),
            tag_directives: Vec::new(),
            dialect: rules.dialect,
            only_line_feeds: input.only_line_feeds,
            next: Next::Unknown,
        }
    }

    /// Reads the first document of a part of the input; `None` when there is none. What follows it
    /// kustomize ignores, but for mistakes in the tokens right behind it.
    pub(super) fn first_document(&mut self, part: Range<usize>) -> Result<Option<Node>, ReadError> {
        let has_mark = self.text[part.start..].starts_with(BYTE_ORDER_MARK);
        let start = if has_mark { part.start + BYTE_ORDER_MARK.len_utf8() } else { part.start };
        self.scan.start(&self.text[..part.end], start);
        self.build.start_document();
        self.tag_directives.clear();
        self.next = Next::Unknown;
        self.document()
    }

    fn document(&mut self) -> Result<Option<Node>, ReadError> {
        if !self.only_line_feeds || !self.simple_start()? {
            match &self.scan.peek()?.kind {
                Kind::StreamEnd => return Ok(None),
                Kind::VersionDirective { .. } | Kind::TagDirective { .. } | Kind::DocumentStart => {
                    self.explicit_start()?;
                }
                _ => self.node(Context::Block)?,
            }
        }
        while !self.build.is_done() {
            self.step()?;
        }
        if self.may_take_short_way() && self.ahead(self.scan.at.pos) == Ahead::End {
            return Ok(self.build.take_root());
        }
        self.scan.peek()?;
        if self.dialect == Dialect::V3 {
            self.scan.look_ahead(3)?;
        }
        Ok(self.build.take_root())
    }

    /// Directives, `---`, and the node behind it.
    fn explicit_start(&mut self) -> Result<(), ReadError> {
        let mut version_given = false;
        loop {
            let token = self.scan.take()?;
            match token.kind {
                Kind::VersionDirective { major, minor } => {
                    if version_given {
                        return Err(self.scan.error("%YAML is given twice", token.start));
                    }
                    if (major, minor) != (1, 1) {
                        let message = format!("YAML {major}.{minor} is not supported");
                        let error = self.scan.error(message, token.start);
                        return Err(error.with_help("remove the %YAML directive"));
                    }
                    version_given = true;
                }
                Kind::TagDirective { handle, prefix } => {
                    if self.tag_directives.iter().any(|(known, _)| *known == handle) {
                        return Err(self.scan.error(format!("%TAG {handle} is given twice"), token.start));
                    }
                    self.tag_directives.push((handle, prefix));
                }
                Kind::DocumentStart => break,
                _ => {
                    return Err(self
                        .scan
                        .error("expected '---' after the directives", token.start)
                        .with_help("remove the directives; resources need none"));
                }
            }
        }
        let token = self.scan.peek()?;
        match token.kind {
            Kind::VersionDirective { .. }
            | Kind::TagDirective { .. }
            | Kind::DocumentStart
            | Kind::DocumentEnd
            | Kind::StreamEnd => {
                let start = token.start;
                self.build.empty(start)
            }
            _ => self.node(Context::Block),
        }
    }

    /// Goes on in the innermost open collection.
    fn step(&mut self) -> Result<(), ReadError> {
        let phase = self.build.phase();
        let in_lines = matches!(phase, Phase::BlockMapKey | Phase::BlockSeq | Phase::IndentlessSeq);
        if in_lines && self.may_take_short_way() {
            match self.simple_lines(Spot::LineStart)? {
                Spot::LineStart if self.build.is_done() => return Ok(()),
                Spot::LineStart => {}
                spot => return self.resume(spot),
            }
        }
        match self.build.phase() {
            Phase::BlockSeq => self.block_seq(),
            Phase::IndentlessSeq => self.indentless_seq(),
            Phase::BlockMapKey => self.block_map_key(),
            Phase::BlockMapValue => self.block_map_value(),
            Phase::FlowSeqFirst => self.flow_seq(true),
            Phase::FlowSeq => self.flow_seq(false),
            Phase::PairKey => self.pair_key(),
            Phase::PairValue => self.pair_value(),
            Phase::PairEnd => {
                self.build.set_phase(Phase::FlowSeq);
                self.build.close()
            }
            Phase::FlowMapFirst => self.flow_map_key(true),
            Phase::FlowMapKey => self.flow_map_key(false),
            Phase::FlowMapValue => self.flow_map_value(),
            Phase::FlowMapNoValue => {
                let start = self.scan.peek()?.start;
                self.build.set_phase(Phase::FlowMapKey);
                self.build.empty(start)
            }
        }
    }

    /// Goes on where the short way ended.
    fn resume(&mut self, spot: Spot) -> Result<(), ReadError> {
        let end = self.scan.at.pos;
        match spot {
            Spot::LineStart => Ok(()),
            Spot::AfterColon => self.block_map_part(end),
            Spot::AfterDash => self.block_item(end),
        }
    }

    /// What stands behind a dash.
    fn block_item(&mut self, end: usize) -> Result<(), ReadError> {
        let in_map = self.build.phase() == Phase::IndentlessSeq;
        match self.scan.peek()?.kind {
            Kind::BlockEntry | Kind::BlockEnd => self.build.empty(end),
            Kind::Key | Kind::Value if in_map => self.build.empty(end),
            _ => self.node(Context::Block),
        }
    }

    fn block_seq(&mut self) -> Result<(), ReadError> {
        let token = self.scan.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            Kind::BlockEntry => {
                self.scan.skip();
                self.short_way_from(Spot::AfterDash, end)
            }
            Kind::BlockEnd => {
                self.scan.skip();
                self.build.close()
            }
            _ => Err(self.unexpected_in_block(start, "a list item ('- ')")),
        }
    }

    fn indentless_seq(&mut self) -> Result<(), ReadError> {
        let token = self.scan.peek()?;
        let end = token.end;
        if token.kind != Kind::BlockEntry {
            return self.build.close();
        }
        self.scan.skip();
        self.short_way_from(Spot::AfterDash, end)
    }

    /// Goes on behind a dash or colon, where its token ends.
    fn short_way_from(&mut self, spot: Spot, end: usize) -> Result<(), ReadError> {
        // Behind the ':' of a key with '?' a further key may start.
        let usual = self.scan.key_allowed == (spot == Spot::AfterDash);
        if usual && self.may_take_short_way() && self.scan.at.pos == end {
            let spot = self.simple_lines(spot)?;
            return self.resume(spot);
        }
        match spot {
            Spot::AfterColon => self.block_map_part(end),
            _ => self.block_item(end),
        }
    }

    fn block_map_key(&mut self) -> Result<(), ReadError> {
        let token = self.scan.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            Kind::Key => {
                self.scan.skip();
                self.build.set_phase(Phase::BlockMapValue);
                self.block_map_part(end)
            }
            Kind::BlockEnd => {
                self.scan.skip();
                self.build.close()
            }
            _ => Err(self.unexpected_in_block(start, "a key")),
        }
    }

    fn block_map_value(&mut self) -> Result<(), ReadError> {
        let token = self.scan.peek()?;
        let (start, end) = (token.start, token.end);
        self.build.set_phase(Phase::BlockMapKey);
        if token.kind != Kind::Value {
            return self.build.empty(start);
        }
        self.scan.skip();
        self.short_way_from(Spot::AfterColon, end)
    }

    fn block_map_part(&mut self, end: usize) -> Result<(), ReadError> {
        match self.scan.peek()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.build.empty(end),
            _ => self.node(Context::BlockMap),
        }
    }

    fn flow_seq(&mut self, first: bool) -> Result<(), ReadError> {
        if self.scan.peek()?.kind == Kind::FlowSeqEnd {
            self.scan.skip();
            return self.build.close();
        }
        if !first {
            self.expect_comma(']')?;
        }
        let token = self.scan.peek()?;
        let start = token.start;
        match token.kind {
            Kind::Key => {
                self.scan.skip();
                self.build.set_phase(Phase::FlowSeq);
                self.open(Phase::PairKey, start, None)
            }
            Kind::FlowSeqEnd => {
                self.scan.skip();
                self.build.close()
            }
            _ => {
                self.build.set_phase(Phase::FlowSeq);
                self.node(Context::Flow)
            }
        }
    }

    fn pair_key(&mut self) -> Result<(), ReadError> {
        self.build.set_phase(Phase::PairValue);
        let token = self.scan.peek()?;
        let end = token.end;
        match token.kind {
            Kind::Value | Kind::FlowEntry | Kind::FlowSeqEnd => {
                // libyaml drops the token, whatever it is.
                self.scan.skip();
                self.build.empty(end)
            }
            _ => self.node(Context::Flow),
        }
    }

    fn pair_value(&mut self) -> Result<(), ReadError> {
        self.build.set_phase(Phase::PairEnd);
        let mut start = self.scan.peek()?.start;
        if self.scan.peek()?.kind == Kind::Value {
            self.scan.skip();
            let token = self.scan.peek()?;
            start = token.start;
            if !matches!(token.kind, Kind::FlowEntry | Kind::FlowSeqEnd) {
                return self.node(Context::Flow);
            }
        }
        self.build.empty(start)
    }

    fn flow_map_key(&mut self, first: bool) -> Result<(), ReadError> {
        if self.scan.peek()?.kind == Kind::FlowMapEnd {
            self.scan.skip();
            return self.build.close();
        }
        if !first {
            self.expect_comma('}')?;
        }
        match self.scan.peek()?.kind {
            Kind::Key => {
                self.scan.skip();
                self.build.set_phase(Phase::FlowMapValue);
                let token = self.scan.peek()?;
                let start = token.start;
                match token.kind {
                    Kind::Value | Kind::FlowEntry | Kind::FlowMapEnd => self.build.empty(start),
                    _ => self.node(Context::Flow),
                }
            }
            Kind::FlowMapEnd => {
                self.scan.skip();
                self.build.close()
            }
            _ => {
                self.build.set_phase(Phase::FlowMapNoValue);
                self.node(Context::Flow)
            }
        }
    }

    fn flow_map_value(&mut self) -> Result<(), ReadError> {
        self.build.set_phase(Phase::FlowMapKey);
        let mut start = self.scan.peek()?.start;
        if self.scan.peek()?.kind == Kind::Value {
            self.scan.skip();
            let token = self.scan.peek()?;
            start = token.start;
            if !matches!(token.kind, Kind::FlowEntry | Kind::FlowMapEnd) {
                return self.node(Context::Flow);
            }
        }
        self.build.empty(start)
    }

    fn expect_comma(&mut self, closing: char) -> Result<(), ReadError> {
        let token = self.scan.peek()?;
        if token.kind == Kind::FlowEntry {
            self.scan.skip();
            return Ok(());
        }
        let (start, ends) = (token.start, token.kind == Kind::StreamEnd);
        let opening = if closing == ']' { '[' } else { '{' };
        let message = if ends {
            format!("the text ends before the '{closing}' that closes this '{opening}'")
        } else {
            format!("expected ',' or '{closing}'")
        };
        let at = self.build.start();
        if ends {
            return Err(ReadError::new(message, at));
        }
        Err(self.scan.error(message, start).with_note(format!("the '{opening}' is here"), at))
    }

    /// A node: properties, then an alias, a scalar or the start of a collection.
    fn node(&mut self, place: Context) -> Result<(), ReadError> {
        let mut anchor = None;
        let mut tag: Option<TagName> = None;
        let start = self.scan.peek()?.start;
        loop {
            let token = self.scan.peek()?;
            let at = token.start;
            match &token.kind {
                Kind::Anchor(name) if anchor.is_none() => {
                    anchor = Some(*name);
                    self.scan.skip();
                }
                Kind::Tag { handle, suffix } if tag.is_none() => {
                    let (handle, suffix) = (*handle, suffix.clone());
                    tag = Some(self.tag_name(handle, &suffix, at)?);
                    self.scan.skip();
                }
                _ => break,
            }
        }
        let bare = anchor.is_none() && tag.is_none();
        let block = place != Context::Flow;
        let token = self.scan.peek()?;
        match token.kind {
            Kind::Alias(name) if bare => {
                self.scan.skip();
                self.build.alias(name, start)
            }
            Kind::BlockEntry if place == Context::BlockMap => self.open(Phase::IndentlessSeq, start, anchor),
            Kind::Scalar(..) => {
                let Token { kind: Kind::Scalar(text, style), .. } = self.scan.take()? else {
                    return Ok(());
                };
                self.build.scalar(text, style, tag, start, anchor)
            }
            Kind::FlowSeqStart => {
                self.scan.skip();
                self.open(Phase::FlowSeqFirst, start, anchor)
            }
            Kind::FlowMapStart => {
                self.scan.skip();
                self.open(Phase::FlowMapFirst, start, anchor)
            }
            Kind::BlockSeqStart if block => {
                self.scan.skip();
                self.open(Phase::BlockSeq, start, anchor)
            }
            Kind::BlockMapStart if block => {
                self.scan.skip();
                self.open(Phase::BlockMapKey, start, anchor)
            }
            _ if !bare => self.build.scalar(Cow::Borrowed(""), Style::Plain, tag, start, anchor),
            _ => {
                let token = token.clone();
                Err(self.no_node(&token, block))
            }
        }
    }

    fn open(&mut self, phase: Phase, start: usize, anchor: Option<&'t str>) -> Result<(), ReadError> {
        if self.build.open(phase, start, anchor) { Ok(()) } else { Err(self.scan.too_deep(start)) }
    }

    fn tag_name(&self, handle: &str, suffix: &str, at: usize) -> Result<TagName, ReadError> {
        if handle.is_empty() {
            return Ok(TagName::new("", suffix));
        }
        let given = self.tag_directives.iter().find(|(known, _)| *known == handle);
        match (given, handle) {
            (Some((_, prefix)), _) => Ok(TagName::new(prefix, suffix)),
            (None, "!") => Ok(TagName::new("!", suffix)),
            (None, "!!") => Ok(TagName::new(TagName::CORE, suffix)),
            (None, _) => Err(self.scan.error(format!("the tag handle {handle} is not defined"), at)),
        }
    }

    fn no_node(&mut self, token: &Token<'t>, block: bool) -> ReadError {
        let at = token.start;
        match token.kind {
            Kind::BlockEntry if !block => self
                .scan
                .error("'- ' cannot start a list inside '[…]' or '{…}'", at)
                .with_help("write the items between '[' and ']'"),
            Kind::BlockEntry => self.scan.error("a list item cannot start here", at),
            Kind::StreamEnd => self.scan.error("the text ends where a value should be", at),
            Kind::FlowEntry => self.scan.error("there is no value before this ','", at),
            Kind::FlowSeqEnd => self.scan.error("this ']' closes nothing", at),
            Kind::FlowMapEnd => self.scan.error("this '}' closes nothing", at),
            Kind::Value => self.scan.error("there is no key before this ':'", at),
            Kind::DocumentEnd => self.scan.error("'...' ends a document that has not begun", at),
            _ => self.scan.error("expected a value", at),
        }
    }

    /// What stands here does not go on with the block collection around it.
    fn unexpected_in_block(&mut self, start: usize, expected: &str) -> ReadError {
        let opened = self.build.start();
        let collection = if expected == "a key" { "map" } else { "list" };
        let token = self.scan.tokens.front().map(|token| token.kind.clone());
        let cure = format!(
            "indent it exactly like the other lines of the {collection}, or as far as the one it belongs to"
        );
        let error = match token {
            Some(Kind::BlockMapStart | Kind::BlockSeqStart) => self
                .scan
                .error(format!("the indentation of this line fits no {collection} around it"), start)
                .with_help(cure),
            Some(Kind::BlockEntry) => self
                .scan
                .error("a list item cannot stand among the keys of a map", start)
                .with_help("indent it deeper than the key it belongs to, or remove the '- '"),
            Some(Kind::Key) => {
                self.scan.error("a key cannot stand among the items of a list", start).with_help(
                    "start it with '- ' if it is an item, or indent it as far as the map it belongs to",
                )
            }
            Some(Kind::Scalar(..) | Kind::Alias(_) | Kind::Anchor(_) | Kind::Tag { .. }) => {
                self.scan.error(format!("expected {expected}, found a value"), start).with_help(cure)
            }
            Some(Kind::Value) => self.scan.error("there is no key before this ':'", start),
            Some(Kind::FlowSeqEnd | Kind::FlowMapEnd) => {
                self.scan.error("this bracket closes nothing", start)
            }
            _ => self.scan.error(format!("expected {expected}"), start),
        };
        error.with_note(format!("the {collection} starts here"), opened)
    }
}
