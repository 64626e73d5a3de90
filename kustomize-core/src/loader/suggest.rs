//! What somebody who mistyped a path may have meant.

use crate::host::{Host, path};

/// Names longer than this are compared for equality only.
const LONGEST_NAME: usize = 64;

/// Name of an entry that stands where the path leads and is spelled much like it.
pub(super) fn similar_entry(host: &dyn Host, absolute: &str) -> Option<String> {
    let absolute = path::clean(absolute);
    let wanted = path::base_name(&absolute);
    let names = host.list(path::parent(&absolute)).ok()?;
    let distances = names.iter().filter(|name| name.as_str() != wanted);
    let best = distances
        .filter_map(|name| Some((closeness(name, wanted)?, name)))
        .min_by_key(|(distance, _)| *distance)?;
    Some(format!("'{}'", best.1))
}

/// Whether two names are spelled much alike.
pub(super) fn looks_similar(name: &str, wanted: &str) -> bool {
    closeness(name, wanted).is_some()
}

/// How far two names are apart; none when nobody would mistake one for the other.
fn closeness(name: &str, wanted: &str) -> Option<usize> {
    let (name, wanted) = (name.to_lowercase(), wanted.to_lowercase());
    if name == wanted {
        return Some(0);
    }
    // Another or no extension.
    let stem = |name: &str| name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).map(str::to_owned);
    let (name_stem, wanted_stem) = (stem(&name), stem(&wanted));
    if name_stem.as_deref().unwrap_or(&name) == wanted_stem.as_deref().unwrap_or(&wanted) {
        return Some(1);
    }
    if name.len() > LONGEST_NAME || wanted.len() > LONGEST_NAME {
        return None;
    }
    let limit = 1 + wanted.chars().count() / 6;
    let distance = edit_distance(&name, &wanted);
    (distance <= limit).then_some(distance)
}

/// How many letters must be added, removed or replaced.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert!(looks_similar("kustomisation.yml", "kustomization.yaml"));
        assert!(looks_similar("Deployment.yaml", "deployment.yml"));
        assert!(!looks_similar("service.yaml", "deployment.yaml"));
        assert!(!looks_similar("a.yaml", "b.json"));
    }
}
