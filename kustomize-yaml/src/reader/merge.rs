//! Equal keys, and the merge key `<<`.

use super::ReadError;
use crate::collections::IndexMap;
use crate::{Entry, Node, Str, Tag, Value};

/// Expands `<<` in a resource. Own keys come first, those merged in behind them; of several maps
/// the one listed first wins.
pub(super) fn v3(entries: Vec<Entry>) -> Result<Vec<Entry>, ReadError> {
    let mut own = Vec::with_capacity(entries.len());
    let mut merge: Option<Entry> = None;
    for entry in entries {
        if entry.key.scalar.tag() == Tag::Merge {
            if let Some(first) = &merge {
                return Err(duplicate(&entry, first));
            }
            merge = Some(entry);
        } else if entry.key.as_str() != "<<" {
            // kustomize drops a quoted "<<" together with the merge keys.
            own.push(entry);
        }
    }
    let Some(merge) = merge else { return Ok(own) };
    let own_count = own.len();
    let mut index: IndexMap<Str, usize> = IndexMap::default();
    for (at, entry) in own.iter().enumerate() {
        index.entry(entry.key.as_str().into()).or_insert(at);
    }
    for source in sources(merge.value)? {
        for entry in source {
            match index.get(entry.key.as_str()) {
                Some(&at) if at < own_count => {}
                Some(&at) => own[at] = entry,
                None => {
                    index.insert(entry.key.as_str().into(), own.len());
                    own.push(entry);
                }
            }
        }
    }
    Ok(own)
}

/// Expands `<<` and settles equal keys as go-yaml v2 does when it fills a map from top to bottom:
/// what comes later wins, be it merged or not.
///
/// `strict` refuses the second of equal keys instead.
pub(super) fn v2(entries: Vec<Entry>, merges: bool, strict: bool) -> Result<Vec<Entry>, ReadError> {
    if !merges && !has_duplicates(&entries) {
        return Ok(entries);
    }
    let mut result = Vec::<Entry>::with_capacity(entries.len());
    let mut index: IndexMap<Str, usize> = IndexMap::default();
    let mut set = |entry: Entry| {
        match index.get(entry.key.as_str()) {
            Some(&at) if strict => return Err(duplicate(&entry, &result[at])),
            Some(&at) => result[at] = entry,
            None => {
                index.insert(entry.key.as_str().into(), result.len());
                result.push(entry);
            }
        }
        Ok(())
    };
    for entry in entries {
        if entry.key.scalar.tag() == Tag::Merge {
            sources(entry.value)?.into_iter().flatten().try_for_each(&mut set)?;
        } else {
            set(entry)?;
        }
    }
    Ok(result)
}

/// The maps that `<<` names, the weakest first.
fn sources(value: Node) -> Result<Vec<Vec<Entry>>, ReadError> {
    let refuse = |pos| ReadError::new("only a map, or a list of maps, can be merged", pos);
    match value.value {
        Value::Map(map) => Ok(vec![map.into_entries()]),
        Value::Seq(seq) => seq
            .into_items()
            .into_iter()
            .rev()
            .map(|item| match item.value {
                Value::Map(map) => Ok(map.into_entries()),
                _ => Err(refuse(item.pos)),
            })
            .collect(),
        Value::Scalar(_) => Err(refuse(value.pos)),
    }
}

/// Refuses equal keys.
pub fn refuse_duplicates(entries: &[Entry]) -> Result<(), ReadError> {
    if !has_duplicates(entries) {
        return Ok(());
    }
    let mut seen: IndexMap<&str, &Entry> = IndexMap::default();
    for entry in entries {
        if let Some(first) = seen.insert(entry.key.as_str(), entry) {
            return Err(duplicate(entry, first));
        }
    }
    Ok(())
}

fn duplicate(entry: &Entry, first: &Entry) -> ReadError {
    ReadError::new(format!("the key '{}' stands twice in this map", entry.key.as_str()), entry.key.pos)
        .with_note("it stands here first", first.key.pos)
        .with_help("remove one of the two")
}

/// Whether two keys are equal. Maps are small and keys mostly differ in length or in one of their
/// outer characters: a set of those, of 64 bits, settles most maps without comparing any keys.
fn has_duplicates(entries: &[Entry]) -> bool {
    const FEW: usize = 24;
    if entries.len() > FEW {
        let mut seen =
            crate::collections::IndexSet::with_capacity_and_hasher(entries.len(), Default::default());
        return entries.iter().any(|entry| !seen.insert(entry.key.as_str()));
    }
    let mut seen = 0u64;
    for (at, entry) in entries.iter().enumerate() {
        let key = entry.key.as_str();
        let bit = 1 << (sketch(key.as_bytes()) & 63);
        if seen & bit != 0 && entries[..at].iter().any(|other| other.key.as_str() == key) {
            return true;
        }
        seen |= bit;
    }
    false
}

fn sketch(key: &[u8]) -> usize {
    match key {
        [] => 0,
        [first, ..] => {
            let middle = key[key.len() / 2] as usize;
            let last = key[key.len() - 1] as usize;
            (*first as usize).wrapping_mul(7) ^ middle.wrapping_mul(11) ^ last.wrapping_mul(3) ^ key.len()
        }
    }
}
