//! The tree under construction.
//!
//! Children of all open collections stand on two shared stacks; when a collection closes, its own
//! are moved into a vector of just the right size.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use super::input::Origin;
use super::scan::MAX_DEPTH;
use super::tag::TagName;
use super::{ReadError, Rules};
use super::{config, merge};
use crate::base64;
use crate::collections::IndexMap;
use crate::resolve::{self, Dialect};
use crate::{Entry, Key, Map, Node, Pos, Scalar, Seq, Style, Tag, Value};

/// What comes next in an open collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    BlockSeq,
    /// A sequence in a mapping that is not indented deeper than it.
    IndentlessSeq,
    BlockMapKey,
    BlockMapValue,
    FlowSeqFirst,
    FlowSeq,
    /// A single pair in a flow sequence: `[a: b]`.
    PairKey,
    PairValue,
    PairEnd,
    FlowMapFirst,
    FlowMapKey,
    FlowMapValue,
    FlowMapNoValue,
}

impl Phase {
    fn is_seq(self) -> bool {
        matches!(self, Phase::BlockSeq | Phase::IndentlessSeq | Phase::FlowSeqFirst | Phase::FlowSeq)
    }

    fn is_flow(self) -> bool {
        !matches!(self, Phase::BlockSeq | Phase::IndentlessSeq | Phase::BlockMapKey | Phase::BlockMapValue)
    }
}

struct Frame<'t> {
    phase: Phase,
    is_seq: bool,
    /// Whether a key is `<<`.
    merges: bool,
    /// Where its children start on their stack.
    first: usize,
    start: usize,
    anchor: Option<&'t str>,
    /// The key whose value is next.
    key: Option<Key>,
}

enum Anchor {
    /// Of a collection that is still open: an alias here would contain itself.
    Open,
    Closed {
        node: Node,
        depth: usize,
        size: usize,
    },
}

pub(super) struct Builder<'t> {
    origin: &'t Origin,
    dialect: Dialect,
    strict: bool,
    as_written: bool,
    frames: Vec<Frame<'t>>,
    nodes: Vec<Node>,
    entries: Vec<Entry>,
    root: Option<Node>,
    anchors: IndexMap<&'t str, Anchor>,
    /// Nodes made so far, and those of them that aliases made.
    made: usize,
    aliased: usize,
    /// Nodes that are kept for aliases.
    kept: usize,
    /// How many nodes there may be, or be kept.
    limit: usize,
}

/// How many nodes all documents of a text may come to: a node takes up to sixty-four times the room of
/// the `-` that it may be written as.
const MAX_NODES: usize = 1 << 23;

impl<'t> Builder<'t> {
    pub(super) fn new(origin: &'t Origin, rules: Rules) -> Self {
        Builder {
            origin,
            dialect: rules.dialect,
            strict: rules.strict,
            as_written: rules.as_written,
            frames: Vec::new(),
            nodes: Vec::new(),
            entries: Vec::new(),
            root: None,
            anchors: IndexMap::default(),
            made: 0,
            aliased: 0,
            kept: 0,
            limit: MAX_NODES,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.frames.is_empty()
    }

    /// Forgets the document before.
    pub(super) fn start_document(&mut self) {
        self.frames.clear();
        self.nodes.clear();
        self.entries.clear();
        self.root = None;
        self.anchors.clear();
        let made = self.origin.made.fetch_add(self.made, Ordering::Relaxed) + self.made;
        self.limit = MAX_NODES.saturating_sub(made);
        (self.made, self.aliased, self.kept) = (0, 0, 0);
    }

    pub(super) fn take_root(&mut self) -> Option<Node> {
        self.root.take()
    }

    pub(super) fn phase(&self) -> Phase {
        self.frames.last().map_or(Phase::BlockSeq, |frame| frame.phase)
    }

    pub(super) fn set_phase(&mut self, phase: Phase) {
        if let Some(frame) = self.frames.last_mut() {
            frame.phase = phase;
        }
    }

    /// Where the innermost open collection starts.
    pub(super) fn start(&self) -> Pos {
        self.frames.last().map_or(Pos::NONE, |frame| self.origin.pos(frame.start))
    }

    /// Opens a collection; false when it would be nested too deep.
    #[must_use]
    pub(super) fn open(&mut self, phase: Phase, start: usize, anchor: Option<&'t str>) -> bool {
        if self.frames.len() >= MAX_DEPTH {
            return false;
        }
        if let Some(name) = anchor {
            self.anchors.insert(name, Anchor::Open);
        }
        let is_seq = phase.is_seq();
        let first = if is_seq { self.nodes.len() } else { self.entries.len() };
        self.frames.push(Frame { phase, is_seq, merges: false, first, start, anchor, key: None });
        true
    }

    /// Closes the innermost open collection.
    pub(super) fn close(&mut self) -> Result<(), ReadError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let value = if frame.is_seq {
            Value::Seq(Seq::from_items(self.nodes.drain(frame.first..).collect()))
        } else {
            Value::Map(Map::from_entries(self.close_map(&frame)?))
        };
        let node = Node { pos: self.origin.pos(frame.start), value };
        if let Some(name) = frame.anchor {
            self.remember(name, &node)?;
        }
        self.attach(node)
    }

    fn close_map(&mut self, frame: &Frame<'t>) -> Result<Vec<Entry>, ReadError> {
        let entries: Vec<Entry> = self.entries.drain(frame.first..).collect();
        match self.dialect {
            _ if self.as_written => Ok(entries),
            Dialect::V3 => {
                let entries = if frame.merges { merge::v3(entries)? } else { entries };
                if self.strict {
                    merge::refuse_duplicates(&entries)?;
                }
                Ok(entries)
            }
            Dialect::V2 => merge::v2(entries, frame.merges, self.strict),
        }
    }

    /// Adds a key that has neither anchor nor tag, and is not `<<` unless in quotes, to the map that
    /// is open.
    #[inline]
    pub(super) fn easy_key(&mut self, text: &str, style: Style, start: usize) -> Result<(), ReadError> {
        let scalar = self.easy(text, style);
        let pos = self.origin.pos(start);
        self.count(pos)?;
        self.key(scalar, pos)
    }

    /// Adds a scalar value that has neither anchor nor tag to the collection that is open.
    #[inline]
    pub(super) fn easy_scalar(&mut self, text: &str, style: Style, start: usize) -> Result<(), ReadError> {
        let pos = self.origin.pos(start);
        let mut scalar = self.easy(text, style);
        if self.dialect == Dialect::V2 {
            scalar = config::value(scalar, pos)?;
        }
        self.count(pos)?;
        let value = Value::Scalar(scalar);
        match self.frames.last_mut().and_then(|frame| frame.key.take()) {
            Some(key) => self.entries.push(Entry { key, value: Node { pos, value } }),
            None => self.nodes.push(Node { pos, value }),
        }
        Ok(())
    }

    #[inline]
    fn easy(&self, text: &str, style: Style) -> Scalar {
        let tag = match style {
            Style::Plain if self.as_written && text == "<<" => Tag::Merge,
            Style::Plain => resolve::value(text, self.dialect).tag(),
            _ => Tag::Str,
        };
        Scalar::new(text, tag, style)
    }

    /// Adds `[]` or `{}`.
    pub(super) fn empty_collection(&mut self, is_seq: bool, start: usize) -> Result<(), ReadError> {
        let value = if is_seq { Value::Seq(Seq::new()) } else { Value::Map(Map::new()) };
        self.attach(Node { pos: self.origin.pos(start), value })
    }

    /// Adds a node that is complete to the collection it belongs to.
    #[inline]
    pub(super) fn attach(&mut self, node: Node) -> Result<(), ReadError> {
        self.count(node.pos)?;
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if frame.is_seq {
            self.nodes.push(node);
            return Ok(());
        }
        if let Some(key) = frame.key.take() {
            self.entries.push(Entry { key, value: node });
            return Ok(());
        }
        let Node { pos, value: Value::Scalar(scalar) } = node else {
            let error = ReadError::new("a map or list cannot be a key", node.pos);
            return Err(error.with_help("if this is a template such as {{ … }}, put it in quotes"));
        };
        self.key(scalar, pos)
    }

    #[inline]
    fn count(&mut self, pos: Pos) -> Result<(), ReadError> {
        self.made += 1;
        if self.made > self.limit { Err(too_many(pos)) } else { Ok(()) }
    }

    /// Adds a key to the map that is open.
    #[inline]
    fn key(&mut self, scalar: Scalar, pos: Pos) -> Result<(), ReadError> {
        let scalar = match self.dialect {
            // kustomize doubles such a key when it expands merge keys, and then refuses that.
            Dialect::V3 if scalar.tag() == Tag::Null && !scalar.text().is_empty() && !self.as_written => {
                return Err(ReadError::new("null cannot be a key", pos).with_help("put it in quotes"));
            }
            Dialect::V3 => scalar,
            Dialect::V2 => config::key(scalar, pos)?,
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.merges |= scalar.tag() == Tag::Merge || scalar.text() == "<<";
            frame.key = Some(Key { pos, scalar });
        }
        Ok(())
    }

    /// Whether the next node is a key.
    fn key_is_next(&self) -> bool {
        self.frames.last().is_some_and(|frame| !frame.is_seq && frame.key.is_none())
    }

    /// Adds the node that stands where nothing is written.
    pub(super) fn empty(&mut self, at: usize) -> Result<(), ReadError> {
        let scalar = self.nothing();
        self.attach(Node { pos: self.origin.pos(at), value: Value::Scalar(scalar) })
    }

    /// What stands where nothing is written: null. As a key, and inside flow collections, go-yaml v3
    /// prints it as `''`, which it reads as a string.
    fn nothing(&self) -> Scalar {
        let is_key = self.dialect == Dialect::V3 && self.key_is_next();
        let style = if is_key || self.is_in_flow() { Style::SingleQuoted } else { Style::Plain };
        Scalar::new("", if is_key { Tag::Str } else { Tag::Null }, style)
    }

    /// Adds a scalar.
    pub(super) fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: Style,
        tag: Option<TagName>,
        start: usize,
        anchor: Option<&'t str>,
    ) -> Result<(), ReadError> {
        let pos = self.origin.pos(start);
        let scalar = match tag {
            None => self.untagged(text, style),
            Some(TagName::NonSpecific) if self.dialect == Dialect::V3 => self.untagged(text, style),
            Some(TagName::NonSpecific) => Scalar::new(text, Tag::Other, style),
            Some(TagName::Is(tag)) if self.as_written => Scalar::new(text, tag, style),
            Some(TagName::Is(Tag::Merge)) if !self.key_is_next() => Scalar::new(text, Tag::Other, style),
            Some(TagName::Is(tag)) => {
                check_tag(&text, tag, self.dialect, pos)?;
                // go-yaml v3 heeds the tag, whatever the quotes.
                let is_typed = matches!(tag, Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp);
                let heeded = is_typed && self.dialect == Dialect::V3;
                Scalar::new(text, tag, if heeded { Style::Plain } else { style })
            }
        };
        let scalar = match self.dialect {
            Dialect::V2 if !self.key_is_next() => config::value(scalar, pos)?,
            _ => scalar,
        };
        let node = Node { pos, value: Value::Scalar(scalar) };
        if let Some(name) = anchor {
            self.remember(name, &node)?;
        }
        self.attach(node)
    }

    fn untagged(&self, text: Cow<'t, str>, style: Style) -> Scalar {
        if text.is_empty() && style == Style::Plain {
            return self.nothing();
        }
        let tag = if style != Style::Plain {
            Tag::Str
        } else if text == "<<" && (self.key_is_next() || self.as_written) {
            Tag::Merge
        } else {
            resolve::value(&text, self.dialect).tag()
        };
        // go-yaml quotes whatever holds a colon in a flow collection: a time is a string there.
        let quoted = tag == Tag::Timestamp && self.is_in_flow() && text.contains(':');
        let style = if quoted { Style::SingleQuoted } else { style };
        Scalar::new(text, tag, style)
    }

    fn is_in_flow(&self) -> bool {
        self.dialect == Dialect::V3 && self.frames.last().is_some_and(|frame| frame.phase.is_flow())
    }

    fn remember(&mut self, name: &'t str, node: &Node) -> Result<(), ReadError> {
        if self.as_written {
            self.anchors.insert(name, Anchor::Open);
            return Ok(());
        }
        let (size, depth) = measure(node);
        // Anchors within anchors are kept once for each of them.
        self.kept += size;
        if self.kept > self.limit {
            return Err(too_many(node.pos));
        }
        self.anchors.insert(name, Anchor::Closed { node: node.clone(), depth, size });
        Ok(())
    }

    /// Adds a copy of what an alias stands for, or the alias itself.
    pub(super) fn alias(&mut self, name: &str, start: usize) -> Result<(), ReadError> {
        let pos = self.origin.pos(start);
        let (node, depth, size) = match self.anchors.get(name) {
            None => {
                let error = ReadError::new(format!("there is no anchor &{name} before this alias"), pos);
                return Err(error.with_help("put the value in quotes if it is to start with '*'"));
            }
            Some(_) if self.as_written => {
                let scalar = Scalar::new(format!("*{name}"), Tag::Other, Style::Plain);
                return self.attach(Node { pos, value: Value::Scalar(scalar) });
            }
            Some(Anchor::Open) => {
                return Err(ReadError::new(format!("what &{name} stands for contains itself here"), pos));
            }
            Some(Anchor::Closed { node, depth, size }) => (node, *depth, *size),
        };
        if depth + self.frames.len() > MAX_DEPTH {
            let message = format!("this alias makes the text nested more than {MAX_DEPTH} levels deep");
            return Err(ReadError::new(message, pos));
        }
        let merged = self.frames.last().and_then(|frame| frame.key.as_ref());
        if merged.is_some_and(|key| key.scalar.tag() == Tag::Merge) && node.as_map().is_none() {
            return Err(ReadError::new("only a map can be merged, and this alias stands for none", pos));
        }
        let mut node = node.clone();
        if self.dialect == Dialect::V2
            && !self.key_is_next()
            && let Value::Scalar(scalar) = node.value
        {
            node.value = Value::Scalar(config::value(scalar, pos)?);
        }
        self.made += size;
        self.aliased += size;
        if is_excessive(self.made, self.aliased) {
            return Err(ReadError::new("aliases make this text many times as large as it is written", pos));
        }
        self.attach(node)
    }
}

fn too_many(pos: Pos) -> ReadError {
    ReadError::new(format!("the text holds more than {MAX_NODES} values"), pos)
        .with_help("split it into several files, if it is configuration at all")
}

/// The share of a document that may come from aliases: 99 % of a small one, 10 % of a large one,
/// as go-yaml has it.
fn is_excessive(made: usize, aliased: usize) -> bool {
    const LOW: usize = 400_000;
    const HIGH: usize = 4_000_000;
    if aliased <= 100 || made <= 1000 {
        return false;
    }
    // In thousandths.
    let allowed = match made {
        ..=LOW => 990,
        HIGH.. => 100,
        _ => 990 - 890 * (made - LOW) / (HIGH - LOW),
    };
    aliased.saturating_mul(1000) / made > allowed
}

/// Number of nodes in a tree, and its depth.
fn measure(node: &Node) -> (usize, usize) {
    let children = |children: &mut dyn Iterator<Item = &Node>| {
        children.map(measure).fold((0, 0), |(size, depth), (s, d)| (size + s, depth.max(d)))
    };
    let (size, depth) = match &node.value {
        Value::Scalar(_) => return (1, 0),
        Value::Seq(seq) => children(&mut seq.iter()),
        Value::Map(map) => {
            let (size, depth) = children(&mut map.iter().map(|entry| &entry.value));
            (size + map.len(), depth)
        }
    };
    (size + 1, depth + 1)
}

fn check_tag(text: &str, tag: Tag, dialect: Dialect, pos: Pos) -> Result<(), ReadError> {
    let fits = match tag {
        Tag::Other | Tag::Str | Tag::Merge => true,
        Tag::Binary => base64::decode(text).is_some(),
        _ => resolve::tagged_value(text, tag, dialect).is_some(),
    };
    if fits {
        return Ok(());
    }
    let wanted = match tag {
        Tag::Null => "null",
        Tag::Bool => "a boolean",
        Tag::Int => "an integer",
        Tag::Float => "a number",
        Tag::Timestamp => "a timestamp",
        _ => "valid base64",
    };
    let text: String = text.chars().take(40).collect();
    Err(ReadError::new(format!("the tag says that this is {wanted}, but '{text}' is not"), pos))
}
