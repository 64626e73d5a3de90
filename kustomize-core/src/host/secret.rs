//! Passwords in URLs, which messages do not repeat.

use std::borrow::Cow;

/// A text with the password of each URL in it as `***`. What stands before the `@` of an `http` URL
/// without a password is a token, and goes as well.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    mask_with(text, |_| "***".to_owned())
}

/// The same with as many characters as there were, so that columns stay.
pub(crate) fn mask_in_place(text: &str) -> Cow<'_, str> {
    mask_with(text, |secret| "*".repeat(secret.chars().count()))
}

fn mask_with(text: &str, hidden: impl Fn(&str) -> String) -> Cow<'_, str> {
    // A URL that was taken for a path has lost one of its slashes.
    const MARK: &str = ":/";
    const SCHEMES: [&str; 3] = ["http", "https", "ssh"];
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(MARK) {
        let start = at + MARK.len();
        let start = match text[start..].starts_with('/') {
            true => start + 1,
            false if SCHEMES.iter().any(|scheme| text[..at].ends_with(scheme)) => start,
            false => continue,
        };
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '\'' | '"');
        let authority = text[start..].split(ends).next().unwrap_or_default();
        let Some(user) = authority.rfind('@').map(|at| &authority[..at]) else { continue };
        let is_http = text[..at].ends_with("http") || text[..at].ends_with("https");
        let secret = match user.split_once(':') {
            Some((_, secret)) => secret,
            None if is_http => user,
            None => continue,
        };
        // Masked already, perhaps in place.
        if !secret.is_empty() && secret.bytes().all(|byte| byte == b'*') {
            continue;
        }
        let end = start + user.len();
        out.push_str(&text[done..end - secret.len()]);
        out.push_str(&hidden(secret));
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_tokens_are_not_shown() {
        for (text, wanted) in [
            ("'https://me:hunter2@example.com/a' failed", "'https://me:***@example.com/a' failed"),
            ("https://token@example.com", "https://***@example.com"),
            ("a http://u:p@q@h/b https://x:y@z", "a http://u:***@h/b https://x:***@z"),
            ("git::ssh://git@example.com/a@b", "git::ssh://git@example.com/a@b"),
            ("ssh://git:pw@example.com/a", "ssh://git:***@example.com/a"),
            ("https://example.com/a?b=c@d", "https://example.com/a?b=c@d"),
            ("/a/git::http:/me:pw@h/b", "/a/git::http:/me:***@h/b"),
            ("C:/a:b@c/d", "C:/a:b@c/d"),
            ("://", "://"),
            (":/", ":/"),
            ("https://:@", "https://:***@"),
            ("https://me:*******@h", "https://me:*******@h"),
        ] {
            assert_eq!(mask(text), wanted);
        }
        assert_eq!(mask_in_place("- https://me:hunter2@h/a # b"), "- https://me:*******@h/a # b");
    }
}
