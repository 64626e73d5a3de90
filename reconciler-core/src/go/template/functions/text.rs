//! Functions for texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gotmpl::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Arguments, Function, Outcome, text_of};
use crate::{go, semver};

/// The longest text that repeating or indenting makes.
const LONGEST: usize = 1 << 20;

/// The functions.
pub(super) const ALL: &[Function] = &[
    ("abbrev", |args| abbreviate(args.size(0)?, &args.text(1)?)),
    ("b64dec", |args| {
        let decoded = STANDARD.decode(args.text(0)?).map_err(|failure| failure.to_string())?;
        text(String::from_utf8_lossy(&decoded))
    }),
    ("b64enc", |args| text(STANDARD.encode(args.text(0)?))),
    ("base", |args| text(base(&args.text(0)?))),
    ("cat", |args| text(present(args).map(text_of).collect::<Vec<_>>().join(" "))),
    ("contains", |args| truth(args.text(1)?.contains(&args.text(0)?))),
    ("dir", |args| text(directory(&args.text(0)?))),
    ("ext", |args| text(extension(&args.text(0)?))),
    ("hasPrefix", |args| truth(args.text(1)?.starts_with(&args.text(0)?))),
    ("hasSuffix", |args| truth(args.text(1)?.ends_with(&args.text(0)?))),
    ("indent", |args| text(indent(args.size(0)?, &args.text(1)?)?)),
    ("initials", |args| {
        text(args.text(0)?.split_whitespace().filter_map(|word| word.chars().next()).collect::<String>())
    }),
    ("isAbs", |args| truth(args.text(0)?.starts_with('/'))),
    ("lower", |args| text(args.text(0)?.to_lowercase())),
    ("nindent", |args| text(format!("\n{}", indent(args.size(0)?, &args.text(1)?)?))),
    ("nospace", |args| text(args.text(0)?.split_whitespace().collect::<String>())),
    ("plural", |args| text(args.text(usize::from(args.int(2)? != 1))?)),
    ("quote", |args| {
        text(present(args).map(|value| go::quote(&text_of(value))).collect::<Vec<_>>().join(" "))
    }),
    ("regexFind", |args| {
        text(regex(args)?.find(&args.text(1)?).map(|found| found.as_str()).unwrap_or_default())
    }),
    ("regexFindAll", |args| {
        let count = usize::try_from(args.int(2)?).unwrap_or(usize::MAX);
        let subject = args.text(1)?;
        list(regex(args)?.find_iter(&subject).take(count).map(|found| found.as_str()))
    }),
    ("regexMatch", |args| truth(regex(args)?.is_match(&args.text(1)?))),
    ("regexQuoteMeta", |args| text(::regex::escape(&args.text(0)?))),
    ("regexReplaceAll", |args| {
        let replacement = args.text(2)?;
        let expand = |captures: &::regex::Captures<'_>| go::expand(&replacement, captures);
        text(regex(args)?.replace_all(&args.text(1)?, expand))
    }),
    ("regexReplaceAllLiteral", |args| {
        text(regex(args)?.replace_all(&args.text(1)?, ::regex::NoExpand(&args.text(2)?)))
    }),
    ("regexSplit", |args| {
        let subject = args.text(1)?;
        match args.int(2)? {
            0 => list(std::iter::empty::<String>()),
            count => list(regex(args)?.splitn(&subject, usize::try_from(count).unwrap_or(usize::MAX))),
        }
    }),
    ("repeat", |args| {
        let (count, part) = (args.size(0)?, args.text(1)?);
        if count.saturating_mul(part.len()) > LONGEST {
            return Err("the text is too long".to_owned());
        }
        text(part.repeat(count))
    }),
    ("replace", |args| {
        let (old, new) = (args.text(0)?, args.text(1)?);
        let replaced = args.text(2)?.replace(&old, &new);
        if replaced.len() > LONGEST { Err("the text is too long".to_owned()) } else { text(replaced) }
    }),
    ("semverCompare", |args| {
        let constraints =
            semver::Constraints::parse(&args.text(0)?).map_err(|failure| failure.to_string())?;
        let version = semver::Version::parse(&args.text(1)?).map_err(|failure| failure.to_string())?;
        truth(constraints.check(&version))
    }),
    ("sha1sum", |args| text(hex(&Sha1::digest(args.text(0)?)))),
    ("sha256sum", |args| text(hex(&Sha256::digest(args.text(0)?)))),
    ("splitList", |args| list(split(&args.text(1)?, &args.text(0)?))),
    ("squote", |args| {
        text(present(args).map(|value| format!("'{}'", text_of(value))).collect::<Vec<_>>().join(" "))
    }),
    ("substr", |args| substring(args.int(0)?, args.int(1)?, &args.text(2)?)),
    ("swapcase", |args| {
        let swap = |letter: char| -> String {
            if letter.is_uppercase() {
                letter.to_lowercase().collect()
            } else {
                letter.to_uppercase().collect()
            }
        };
        text(args.text(0)?.chars().map(swap).collect::<String>())
    }),
    ("title", |args| text(first_letters(&args.text(0)?, |letter| letter.to_uppercase().collect()))),
    ("toString", |args| text(args.text(0)?)),
    ("trim", |args| text(args.text(0)?.trim())),
    ("trimAll", trim_all),
    ("trimPrefix", |args| {
        let (prefix, whole) = (args.text(0)?, args.text(1)?);
        text(whole.strip_prefix(&*prefix).unwrap_or(&whole))
    }),
    ("trimSuffix", |args| {
        let (suffix, whole) = (args.text(0)?, args.text(1)?);
        text(whole.strip_suffix(&*suffix).unwrap_or(&whole))
    }),
    ("trimall", trim_all),
    ("trunc", |args| truncate(args.int(0)?, &args.text(1)?)),
    ("untitle", |args| text(first_letters(&args.text(0)?, |letter| letter.to_lowercase().collect()))),
    ("upper", |args| text(args.text(0)?.to_uppercase())),
];

fn text(text: impl AsRef<str>) -> Outcome {
    Ok(Value::from(text.as_ref()))
}

fn truth(truth: bool) -> Outcome {
    Ok(Value::Bool(truth))
}

fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> Outcome {
    Ok(Value::from(items.into_iter().map(|item| Value::from(item.as_ref())).collect::<Vec<_>>()))
}

/// The arguments that are something.
fn present<'a>(args: &'a Arguments<'_>) -> impl Iterator<Item = &'a Value> {
    args.0.iter().filter(|value| !matches!(value, Value::Nil))
}

fn regex(args: &Arguments) -> Result<::regex::Regex, String> {
    go::compile(&args.text(0)?).map_err(|failure| failure.to_string())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Splits a text; without a separator into its characters.
fn split(whole: &str, separator: &str) -> Vec<String> {
    if separator.is_empty() {
        return whole.chars().map(String::from).collect();
    }
    whole.split(separator).map(str::to_owned).collect()
}

fn trim_all(args: &Arguments) -> Outcome {
    let cut = args.text(0)?;
    text(args.text(1)?.trim_matches(|letter| cut.contains(letter)))
}

fn indent(width: usize, lines: &str) -> Result<String, String> {
    let count = lines.matches('\n').count() + 1;
    if width.saturating_mul(count) > LONGEST {
        return Err("the text is too long".to_owned());
    }
    let pad = " ".repeat(width);
    Ok(format!("{pad}{}", lines.replace('\n', &format!("\n{pad}"))))
}

/// The bytes of a text from one place to another. Half of a character becomes the character for that.
fn bytes(whole: &str, start: usize, end: usize) -> Outcome {
    let bytes = whole.as_bytes().get(start..end).ok_or("slice bounds out of range")?;
    text(String::from_utf8_lossy(bytes))
}

fn truncate(length: i64, whole: &str) -> Outcome {
    let size = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    match whole.len().checked_sub(size) {
        Some(rest) if length < 0 && rest > 0 => bytes(whole, rest, whole.len()),
        Some(_) if length >= 0 => bytes(whole, 0, size),
        _ => text(whole),
    }
}

fn substring(start: i64, end: i64, whole: &str) -> Outcome {
    let length = whole.len();
    let end = usize::try_from(end).ok().filter(|end| *end <= length);
    match usize::try_from(start) {
        Err(_) => bytes(whole, 0, end.ok_or("slice bounds out of range")?),
        Ok(start) => bytes(whole, start, end.unwrap_or(length)),
    }
}

fn abbreviate(width: usize, whole: &str) -> Outcome {
    if width < 4 || whole.len() <= width {
        return text(whole);
    }
    let end = (0..=width - 3).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
    text(format!("{}...", &whole[..end]))
}

/// Changes the first letter of every word.
fn first_letters(whole: &str, change: impl Fn(char) -> String) -> String {
    let mut before = ' ';
    let mut changed = String::with_capacity(whole.len());
    for letter in whole.chars() {
        let starts = !(before.is_alphanumeric() || before == '_' || before == '\'');
        if starts {
            changed += &change(letter)
        } else {
            changed.push(letter)
        }
        before = letter;
    }
    changed
}

/// The last part of a path.
fn base(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    match (path, trimmed) {
        ("", _) => ".".to_owned(),
        (_, "") => "/".to_owned(),
        (_, trimmed) => trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned(),
    }
}

/// All of a path but its last part.
fn directory(path: &str) -> String {
    match path.rsplit_once('/') {
        None => ".".to_owned(),
        Some((before, _)) if before.trim_end_matches('/').is_empty() => "/".to_owned(),
        Some((before, _)) => before.trim_end_matches('/').to_owned(),
    }
}

/// The extension of a path's last part, with its dot.
fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map(|dot| name[dot..].to_owned()).unwrap_or_default()
}
