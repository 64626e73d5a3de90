//! What a text must begin with to match a pattern.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::Look;
use regex_syntax::hir::literal::{Extractor, Literal};

use super::NESTING;

/// Texts with one of which each text begins that a regular expression matches; nothing where any
/// text could match, or where they would be too many. The expression is spelled as the crate `regex`
/// spells it.
pub(super) fn of(regex: &str) -> Option<Vec<String>> {
    let parsed = ParserBuilder::new().nest_limit(NESTING).build().parse(regex).ok()?;
    // Otherwise a match could begin further behind.
    if !parsed.properties().look_set_prefix().contains(Look::Start) {
        return None;
    }
    let beginnings: Vec<String> = Extractor::new().extract(&parsed).literals()?.iter().map(text).collect();
    (!beginnings.iter().any(String::is_empty)).then_some(beginnings)
}

/// A long text may have been cut within a character: what comes before that.
fn text(literal: &Literal) -> String {
    let valid = literal.as_bytes().utf8_chunks().next();
    valid.map(|chunk| chunk.valid().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::pattern::Pattern;

    fn beginnings(pattern: &str) -> Option<Vec<String>> {
        Pattern::whole(pattern).unwrap().beginnings()
    }

    #[test]
    fn are_found_where_there_are_some() {
        for (pattern, expected) in [
            ("app-1-.*", Some(vec!["app-1-"])),
            ("^app.*$", Some(vec!["app"])),
            (
                "(web|api)-[0-9]+",
                Some(vec![
                    "web-0", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7", "web-8", "web-9",
                    "api-0", "api-1", "api-2", "api-3", "api-4", "api-5", "api-6", "api-7", "api-8", "api-9",
                ]),
            ),
            ("web|api", Some(vec!["web", "api"])),
            ("(?i)a-.*", Some(vec!["A-", "a-"])),
            (r"a\.b+", Some(vec!["a.b"])),
            ("plain", Some(vec!["plain"])),
            (".*-app", None),
            ("a*b", Some(vec!["a", "b"])),
            ("(app)?.*", None),
            ("", None),
            // Two alternatives, of which the second may match at any end.
            ("a)|(?:b", None),
            ("[a-z]+", None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(beginnings(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "\u{20ac}".repeat(200);
        let found = beginnings(&format!("{long}.*")).unwrap();
        assert!(found.iter().all(|found| !found.is_empty() && long.starts_with(found.as_str())), "{found:?}");
    }

    /// Patterns of a few characters, so that many texts match.
    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "a", "b", "ab", "-", "\u{e9}", ".", "[ab]", "[^a]", "\\pL", "^", "$", "\\b", "\\B", "\\Qa.\\E",
            "(?i)a", "(?m)^", "(?i:b)", "a)|(?:b", "(?s).", "\\A", "\\z", "",
        ])
        .prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one}|{other}")),
                (inner, prop::sample::select(vec!["*", "+", "?", "{2}", "{0,2}", "{0}"]))
                    .prop_map(|(inner, repeat)| format!("(?:{inner}){repeat}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn whatever_matches_begins_with_one_of_them(pattern in pattern(), texts in prop::collection::vec("[ab\u{e9}A.\n-]{0,5}", 1..20)) {
            let Ok(pattern) = Pattern::whole(&pattern) else { return Ok(()) };
            let Some(beginnings) = pattern.beginnings() else { return Ok(()) };
            for text in &texts {
                let begins = beginnings.iter().any(|beginning| text.starts_with(beginning.as_str()));
                prop_assert!(begins || !pattern.is_match(text), "{text:?} {beginnings:?}");
            }
        }
    }
}
