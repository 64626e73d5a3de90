//! "Did you mean …?"

/// The candidate that `name` is most likely a slip of, if any is close enough: a third of its
/// letters may differ, and swapped neighbours count once.
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = lowercase(name);
    let allowed = (name.len() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    if name.len() > 64 {
        return None;
    }
    for candidate in candidates {
        let letters = lowercase(candidate);
        if letters.len().abs_diff(name.len()) > allowed {
            continue;
        }
        let distance = distance(&name, &letters);
        if distance <= allowed && distance < letters.len() && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn lowercase(text: &str) -> Vec<char> {
    text.chars().map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Number of letters to insert, remove, replace or swap with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_slips_and_nothing_else() {
        let fields = ["name", "newName", "newTag", "namespace", "resources"];
        assert_eq!(closest("newTga", fields), Some("newTag"));
        assert_eq!(closest("resource", fields), Some("resources"));
        assert_eq!(closest("NameSpaces", fields), Some("namespace"));
        assert_eq!(closest("spec", fields), None);
        assert_eq!(closest("", fields), None);
    }
}
