//! Names that end with the hash of what they name.

/// Characters of a hash suffix: hexadecimal digits with those replaced that could spell a word.
const ALPHABET: &str = "2456789bcdfghkmt";
const LENGTH: usize = 10;

/// The name without its hash suffix, if it has one.
pub(crate) fn without_hash(name: &str) -> Option<&str> {
    let (stem, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == LENGTH && hash.chars().all(|c| ALPHABET.contains(c));
    (is_hash && !stem.is_empty()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_suffixes_are_hashes() {
        for (name, stem) in [
            // As kustomize names them.
            ("nginx-config-ck66ghb65d", Some("nginx-config")),
            ("settings-46mt9k8k84", Some("settings")),
            ("settings-46mt9k8k8", None),
            ("settings-production", None),
            ("ck66ghb65d", None),
            ("-ck66ghb65d", None),
        ] {
            assert_eq!(without_hash(name), stem, "{name}");
        }
    }
}
