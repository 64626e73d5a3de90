//! Aliases in a values file that is merged with `valuesInline`.
//!
//! kustomize's merge knows nothing of aliases: a field whose value is one is lost, and so is
//! what `<<` would bring in through one. A field of `valuesInline` over it is lost with it; one
//! under it is refused. Values that are written out, and aliases in lists, are safe.

use super::generator_error;
use super::values::Precedence;
use crate::context::Context;
use crate::error::BuildError;
use crate::yaml::{Entry, Node, Value};

/// Removes what kustomize loses in merging a values file with `valuesInline`, with a warning
/// each.
///
/// # Errors
/// The file goes over `valuesInline`, and a field given by an alias over one of its fields.
pub(super) fn lose(
    cx: &Context,
    file: &mut Node,
    inline: &mut Node,
    precedence: Precedence,
) -> Result<(), BuildError> {
    let pos = file.pos;
    let Value::Map(map) = &mut file.value else { return Ok(()) };
    let mut clash = None;
    map.retain(|entry| {
        let key = entry.key.as_str();
        // What an alias brings in was copied from its anchor, which stands earlier in the text.
        let is_merged = entry.key.pos.offset() < pos.offset();
        let is_alias = entry.value.pos.offset() < entry.key.pos.offset();
        if !is_merged && !is_alias {
            return true;
        }
        let other = if is_merged { None } else { inline.as_map_mut().and_then(|map| map.remove(key)) };
        match other {
            Some(other) if precedence == Precedence::File && !other.value.is_null() => {
                clash.get_or_insert_with(|| (key.to_owned(), entry.key.pos));
            }
            _ => {
                let message = format!("the value '{key}' is lost: it is given by an alias");
                let help = "kustomize forgets aliases when it merges valuesInline: write the value out";
                cx.warn_with_help(message, entry.key.pos, help);
            }
        }
        false
    });
    if let Some((key, pos)) = clash {
        let message =
            format!("the value '{key}' is given by an alias and cannot be merged with valuesInline");
        return Err(generator_error(message).at(pos).with_help("write the value out"));
    }
    for Entry { key, value } in map.iter_mut() {
        if let Some(inline) = inline.get_mut(key.as_str()) {
            lose(cx, value, inline, precedence)?;
        } else {
            lose(cx, value, &mut Node::null(), precedence)?;
        }
    }
    Ok(())
}
