//! Splits a line into words as a shell does (kustomize's `ShlexSplit`).

/// The words of a line: quotes hold words together, `\` takes the next character as it is except
/// between single quotes, and `#` starts a comment, wherever it stands. An empty word in quotes is
/// no word.
///
/// None when a quote is not closed.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quote != Some('\'') => word.extend(characters.next()),
            '\'' | '"' if quote.is_none() => quote = Some(character),
            _ if quote == Some(character) => quote = None,
            '#' if quote.is_none() => break,
            _ if character.is_whitespace() && quote.is_none() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(character),
        }
    }
    if quote.is_some() {
        return None;
    }
    if !word.is_empty() {
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_the_shell_s() {
        for (line, wanted) in [
            ("a  b\tc", vec!["a", "b", "c"]),
            (r#"--x="a b" 'c\d' e\ f"#, vec!["--x=a b", r"c\d", "e f"]),
            (r#"a # b"#, vec!["a"]),
            (r#"a#b"#, vec!["a"]),
            (r#"'' """#, vec![]),
            (r#""it's" '"'"#, vec!["it's", "\""]),
        ] {
            assert_eq!(split(line).unwrap(), wanted, "{line}");
        }
        assert_eq!(split("'a"), None);
    }
}
