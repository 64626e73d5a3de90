//! A tree on its way through JSON, as kustomize sends it for JSON patches: written from what
//! go-yaml v3 reads, read by Go into values without a type, and written for go-yaml v3 to read.

use crate::float;
use crate::print::{MAX_DEPTH, PrintError, PrintProblem, is_common_key, string_entries, style_of};
use crate::read_back::{ReadBack, Role, read_back};
use crate::resolve::resolve;
use crate::{Map, Node, Scalar, Style, Tag, Value};

/// Gives all values of a tree their JSON form: numbers as Go writes them, timestamps as strings,
/// all keys strings.
///
/// # Errors
/// What cannot be written as JSON.
pub fn write(node: &mut Node) -> Result<(), PrintError> {
    write_below(node, 0)
}

/// The same for a part of a tree that is so deep in it.
pub fn write_below(node: &mut Node, depth: usize) -> Result<(), PrintError> {
    walk(
        node,
        depth,
        &mut |map, root| {
            if let std::borrow::Cow::Owned(flat) = string_entries(map, root)? {
                *map = flat;
            }
            Ok(())
        },
        &mut write_scalar,
    )
}

fn write_scalar(scalar: &mut Scalar) -> Result<(), PrintProblem> {
    let (text, tag) = match read_back(scalar, Role::Value)? {
        ReadBack::Text(text) => (text, Tag::Str),
        ReadBack::Null => ("null".into(), Tag::Null),
        ReadBack::Bool(true) => ("true".into(), Tag::Bool),
        ReadBack::Bool(false) => ("false".into(), Tag::Bool),
        ReadBack::Int(value) => (value.to_string().into(), Tag::Int),
        ReadBack::Uint(value) => (value.to_string().into(), Tag::Int),
        ReadBack::Float(value) => {
            let mut text = String::new();
            float::push_json(&mut text, value);
            (text.into(), Tag::Float)
        }
    };
    *scalar = Scalar::new(text, tag, Style::Plain);
    Ok(())
}

/// Reads a tree in JSON form back. Every number is a float on the way, so that 1000000 comes back
/// as `1e+06`.
///
/// # Errors
/// A number that is too large for a float, a text that YAML cannot hold, or too deep a tree.
pub fn read(node: &mut Node) -> Result<(), PrintError> {
    read_below(node, 0)
}

/// The same for a part of a tree that is so deep in it.
pub fn read_below(node: &mut Node, depth: usize) -> Result<(), PrintError> {
    walk(
        node,
        depth,
        &mut |map, _| {
            map.iter_mut().try_for_each(|entry| {
                let key = &mut entry.key;
                expect_no_tab(key.scalar.text(), Role::Key).map_err(|problem| problem.at(key.pos))?;
                read_key(&mut key.scalar);
                Ok(())
            })
        },
        &mut read_scalar,
    )
}

/// Whether a key of JSON can be read.
pub fn is_readable_key(key: &Scalar) -> bool {
    expect_no_tab(key.text(), Role::Key).is_ok()
}

/// The lines of a text make a block of it, of which a tab at the start cannot be read.
fn expect_no_tab(text: &str, role: Role) -> Result<(), PrintProblem> {
    if text.starts_with('\t') {
        read_back(&Scalar::new(text, Tag::Str, Style::Plain), role)?;
    }
    Ok(())
}

/// Gives a key the form in which go-yaml v3 reads keys of JSON.
pub fn read_key(key: &mut Scalar) {
    key.set_tag(Tag::Str);
    key.set_style(style_of(key.text()));
}

fn read_scalar(scalar: &mut Scalar) -> Result<(), PrintProblem> {
    match scalar.tag() {
        Tag::Null => *scalar = Scalar::null(),
        Tag::Bool => scalar.set_style(Style::Plain),
        Tag::Int | Tag::Float => {
            let value = scalar.text().parse::<f64>().ok().unwrap_or(f64::INFINITY);
            if !value.is_finite() {
                return Err(PrintProblem::NotFinite(scalar.text().to_string()));
            }
            let mut text = String::new();
            float::push_go(&mut text, value);
            *scalar = Scalar::new(&text, resolve(&text), Style::Plain);
        }
        _ => {
            expect_no_tab(scalar.text(), Role::Value)?;
            let style = style_of(scalar.text());
            *scalar = std::mem::take(scalar).with(Tag::Str, style);
        }
    }
    Ok(())
}

/// Whether a part of a tree that was read stays as it is when it is written and read again.
pub fn is_settled(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => {
            let mut again = scalar.clone();
            let kept = write_scalar(&mut again).and_then(|()| read_scalar(&mut again));
            kept.is_ok()
                && again.text() == scalar.text()
                && again.tag() == scalar.tag()
                && again.style() == scalar.style()
        }
        Value::Seq(list) => list.iter().all(is_settled),
        Value::Map(map) => {
            map.iter().all(|entry| is_settled_key(&entry.key.scalar) && is_settled(&entry.value))
        }
    }
}

/// The same for a key. Any key that is written in a special way makes the whole map such.
pub fn is_settled_key(key: &Scalar) -> bool {
    let mut again = key.clone();
    read_key(&mut again);
    is_common_key(key) && again.tag() == key.tag() && again.style() == key.style()
}

fn walk(
    node: &mut Node,
    depth: usize,
    map_step: &mut impl FnMut(&mut Map, bool) -> Result<(), PrintError>,
    scalar_step: &mut impl FnMut(&mut Scalar) -> Result<(), PrintProblem>,
) -> Result<(), PrintError> {
    if depth > MAX_DEPTH {
        return Err(PrintProblem::TooDeep.at(node.pos));
    }
    match &mut node.value {
        Value::Scalar(scalar) => scalar_step(scalar).map_err(|problem| problem.at(node.pos)),
        Value::Seq(list) => list.iter_mut().try_for_each(|item| walk(item, depth + 1, map_step, scalar_step)),
        Value::Map(map) => {
            map_step(map, depth == 0)?;
            map.iter_mut().try_for_each(|entry| walk(&mut entry.value, depth + 1, map_step, scalar_step))
        }
    }
}
