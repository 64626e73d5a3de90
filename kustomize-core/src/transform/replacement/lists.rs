//! Which items of a long list a selector `[field=text]` means.
//!
//! Thousands of paths may select an item each of the same list. A list that was looked through a few
//! times gets an index, which holds until something other than the text of a scalar is written to
//! its resource.

use super::path::{Path, Target};
use super::structured;
use crate::collections::IndexMap;
use crate::yaml::Node;

/// Shorter lists are looked through.
const LONG: usize = 64;
/// How often a list is looked through before it gets an index, which costs more than that.
const OFTEN: usize = 8;
/// Longer texts are not part of an index.
const MAX_TEXT: usize = 64;

/// The long lists of a resource that were looked through.
#[derive(Debug, Default)]
pub(super) struct Lists {
    lists: IndexMap<Key, Known>,
}

/// A list, by the positions of entries and items that lead to it, and the field of its items that
/// is looked at.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    place: Vec<usize>,
    field: String,
}

/// What is known about a list.
#[derive(Debug)]
enum Known {
    /// It was looked through this often.
    Seen(usize),
    Index(Index),
}

impl Lists {
    /// The items whose field contains a text, in order, and perhaps others. Without an answer, all
    /// items have to be looked at.
    pub(super) fn containing(
        &mut self,
        place: &[usize],
        items: &[Node],
        field: &str,
        text: &str,
    ) -> Option<Vec<usize>> {
        if text.is_empty() {
            return None;
        }
        Some(self.index(place, items, field)?.containing(text))
    }

    /// The first item whose field is equal to a text, or none. Without an answer, all items have to
    /// be looked at.
    pub(super) fn first_equal(
        &mut self,
        place: &[usize],
        items: &[Node],
        field: &str,
        text: &str,
    ) -> Option<Option<usize>> {
        if text.len() > MAX_TEXT {
            return None;
        }
        Some(self.index(place, items, field)?.equal.get(text).copied())
    }

    fn index(&mut self, place: &[usize], items: &[Node], field: &str) -> Option<&Index> {
        if items.len() < LONG || field.is_empty() {
            return None;
        }
        let key = Key { place: place.to_vec(), field: field.to_owned() };
        let known = self.lists.entry(key).or_insert(Known::Seen(0));
        if let Known::Seen(times) = known {
            *times += 1;
            if *times <= OFTEN {
                return None;
            }
            *known = Known::Index(Index::new(items, field));
        }
        if let Known::Index(index) = known { Some(index) } else { None }
    }

    /// Forgets everything: maps and lists were written.
    pub(super) fn forget(&mut self) {
        self.lists.clear();
    }

    /// Forgets what a new text at the end of a path may have changed.
    pub(super) fn forget_fields_of(&mut self, path: &Path) {
        self.lists.retain(|key, _| {
            let is_it = |name: &str| name.trim() == key.field;
            !path.parts.iter().any(|part| matches!(part.target, Target::Field) && is_it(&part.text))
        });
    }
}

/// Items by the text of a field.
#[derive(Debug)]
struct Index {
    /// The texts of all items, as patterns are held against them; empty where one is too long.
    texts: Vec<Box<str>>,
    /// Where each of the texts' ends starts: item and offset, sorted by what stands there.
    ends: Vec<(u32, u32)>,
    /// Items with longer texts.
    others: Vec<usize>,
    /// The first item with each text, as paths of sources are held against them.
    equal: IndexMap<Box<str>, usize>,
}

impl Index {
    fn new(items: &[Node], field: &str) -> Self {
        let mut index = Index {
            texts: Vec::with_capacity(items.len()),
            ends: Vec::new(),
            others: Vec::new(),
            equal: IndexMap::default(),
        };
        for (at, item) in items.iter().enumerate() {
            let value = item.get(field);
            if let Some(value) = value
                && value.text().len() <= MAX_TEXT
            {
                index.equal.entry(value.text().into()).or_insert(at);
            }
            index.texts.push(Box::default());
            let Some(value) = value else { continue };
            let text = value.as_scalar().map(structured::scalar_text);
            match text.as_deref().map(str::trim) {
                Some(text) if text.len() <= MAX_TEXT => index.texts[at] = text.into(),
                _ => index.others.push(at),
            }
        }
        let texts = &index.texts;
        for (at, text) in (0..).zip(texts) {
            index.ends.extend(
                (0..)
                    .zip(text.bytes())
                    .filter(|(offset, _)| text.is_char_boundary(*offset as usize))
                    .map(|(offset, _)| (at, offset)),
            );
        }
        index.ends.sort_unstable_by_key(|end| text_at(texts, *end));
        index
    }

    /// The items whose text contains another, or is too long to tell.
    fn containing(&self, text: &str) -> Vec<usize> {
        let start = self.ends.partition_point(|end| text_at(&self.texts, *end) < text);
        let ends = self.ends.get(start..).unwrap_or_default();
        let count = ends.partition_point(|end| text_at(&self.texts, *end).starts_with(text));
        let mut found: Vec<usize> = ends.iter().take(count).map(|(item, _)| *item as usize).collect();
        found.extend(&self.others);
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The end of an item's text that starts at an offset.
fn text_at(texts: &[Box<str>], (item, offset): (u32, u32)) -> &str {
    texts.get(item as usize).and_then(|text| text.get(offset as usize..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{FileId, read};

    fn items(texts: &[&str]) -> Vec<Node> {
        let list: String = texts.iter().map(|text| format!("- {text}\n")).collect();
        let root = read(&list, FileId::new(0)).unwrap().remove(0);
        root.as_seq().unwrap().iter().cloned().collect()
    }

    #[test]
    fn finds_what_a_walk_over_all_items_finds() {
        let long = format!("{{name: {}E1}}", "x".repeat(MAX_TEXT));
        let texts = [
            "{name: E1}",
            "{name: E12}",
            "{name: aE1bE1}",
            "{other: E1}",
            "E1",
            "{name: }",
            "{name: é1}",
            &long,
            "{name: {E1: 1}}",
            "{name: ' E1 '}",
            "{name: 1}",
        ];
        let items = items(&texts);
        let index = Index::new(&items, "name");
        // Items 7 and 8 are too long, or no scalar.
        assert_eq!(index.containing("E1"), [0, 1, 2, 7, 8, 9]);
        assert_eq!(index.containing("1"), [0, 1, 2, 6, 7, 8, 9, 10]);
        assert_eq!(index.containing("é"), [6, 7, 8]);
        assert_eq!(index.containing("E2"), [7, 8]);
        assert_eq!(index.equal.get("E1"), Some(&0));
        assert_eq!(index.equal.get(" E1 "), Some(&9));
        assert_eq!(index.equal.get("E"), None);
    }

    #[test]
    fn a_list_has_to_be_long_and_looked_at_often() {
        let short = items(&["{name: E1}"]);
        let long: Vec<Node> = (0..LONG).flat_map(|_| short.clone()).collect();
        let mut lists = Lists::default();
        for _ in 0..OFTEN {
            assert_eq!(lists.first_equal(&[0], &short, "name", "E1"), None);
            assert_eq!(lists.first_equal(&[1], &long, "name", "E1"), None);
        }
        assert_eq!(lists.first_equal(&[0], &short, "name", "E1"), None);
        assert_eq!(lists.first_equal(&[1], &long, "name", "E1"), Some(Some(0)));
        lists.forget_fields_of(&Path::parse("a.[name=E1].value").unwrap());
        assert_eq!(lists.first_equal(&[1], &long, "name", "E2"), Some(None));
        lists.forget_fields_of(&Path::parse("a.[name=E1].name").unwrap());
        assert_eq!(lists.first_equal(&[1], &long, "name", "E2"), None);
        for _ in 0..OFTEN {
            lists.first_equal(&[1], &long, "name", "E2");
        }
        assert_eq!(lists.first_equal(&[1], &long, "name", "E2"), Some(None));
        lists.forget();
        assert_eq!(lists.first_equal(&[1], &long, "name", "E2"), None);
    }
}
