//! Classes of characters, as go-yaml has them.

/// A line break. Of these, resources from files hold `\n`, U+2028 and U+2029 only.
pub(crate) const fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What go-yaml writes as it is. It escapes a tab, U+0085, and all beyond U+FFFF.
pub(crate) const fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}
