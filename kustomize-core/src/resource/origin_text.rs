//! Origins as YAML text, the way go-yaml v3 prints them.

use super::Origin;
use super::origin::ConfiguredBy;
use crate::yaml::chars;
use crate::yaml::resolve::{Dialect, Resolved, value};
use crate::yaml::{Entry, FileId, Node, Tag, read_config};

/// An origin as a document.
pub(super) fn print(origin: &Origin) -> String {
    let mut out = String::new();
    push_origin(&mut out, origin, "", "");
    if out.is_empty() {
        out.push_str("{}\n");
    }
    out
}

/// An origin as an item of a list.
pub(super) fn print_item(origin: &Origin) -> String {
    let mut out = String::new();
    push_origin(&mut out, origin, "- ", "  ");
    if out.is_empty() {
        out.push_str("- {}\n");
    }
    out
}

fn push_origin(out: &mut String, origin: &Origin, first: &str, indent: &str) {
    let fields = [
        ("path", &origin.path),
        ("repo", &origin.repo),
        ("ref", &origin.reference),
        ("configuredIn", &origin.configured_in),
    ];
    let start = |out: &String| if out.is_empty() { first } else { indent }.to_owned();
    for (name, text) in fields {
        let lead = start(out);
        push_field(out, &lead, name, text);
    }
    let Some(by) = origin.configured_by.as_ref().filter(|by| **by != ConfiguredBy::default()) else { return };
    let lead = start(out);
    out.push_str(&lead);
    out.push_str("configuredBy:\n");
    let lead = format!("{indent}  ");
    push_field(out, &lead, "apiVersion", &by.api_version);
    push_field(out, &lead, "kind", &by.kind);
    push_field(out, &lead, "name", &by.name);
    push_field(out, &lead, "namespace", &by.namespace);
}

fn push_field(out: &mut String, lead: &str, name: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    out.push_str(lead);
    out.push_str(name);
    out.push_str(": ");
    push_text(out, text);
    out.push('\n');
}

/// A string, with the quotes that go-yaml v3 gives it.
fn push_text(out: &mut String, text: &str) {
    let printable = text.chars().all(is_printable);
    if !printable || reads_as_other(text) {
        push_double_quoted(out, text);
    } else if may_stand_plain(text) {
        out.push_str(text);
    } else {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    }
}

/// Whether the text without quotes would be no string, to YAML 1.2 or 1.1.
fn reads_as_other(text: &str) -> bool {
    value(text, Dialect::V3) != Resolved::Str || value(text, Dialect::V2) != Resolved::Str || is_base_60(text)
}

fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let first = parts
        .next()
        .is_some_and(|part| part.starts_with(|first: char| first.is_ascii_digit()) && digits(part));
    let mut more = 0;
    let sexagesimal = parts.all(|part| {
        more += 1;
        let number = part.parse::<u8>().is_ok_and(|number| number < 60);
        number && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    first && more > 0 && sexagesimal && digits(fraction)
}

fn is_printable(char: char) -> bool {
    chars::is_printable(char) && !chars::is_break(char)
}

fn may_stand_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let space_at = |at: usize| matches!(bytes.get(at), None | Some(b' '));
    let starts_well = match bytes.first() {
        None => false,
        Some(b'-' | b'?' | b':') => !space_at(1),
        Some(first) => !b"#,[]{}&*!|>'\"%@` ".contains(first),
    };
    let mut inner = (0..bytes.len()).filter(|at| match bytes[*at] {
        b':' => space_at(at + 1),
        b'#' => bytes[..*at].ends_with(b" "),
        _ => false,
    });
    starts_well
        && !text.ends_with(' ')
        && !text.starts_with("---")
        && !text.starts_with("...")
        && inner.next().is_none()
}

fn push_double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        if is_printable(char) && !matches!(char, '"' | '\\') {
            out.push(char);
        } else {
            chars::push_escape(out, char);
        }
    }
    out.push('"');
}

/// Reads an origin.
///
/// # Errors
/// Text that is no YAML, or no map of strings.
pub(super) fn parse(text: &str) -> Result<Origin, String> {
    match own_items(text, "").as_deref() {
        Some([origin]) => Ok(origin.clone()),
        _ => read(text)?.as_ref().map_or_else(|| Ok(Origin::default()), |node| origin_of(node, false)),
    }
}

/// A list of origins in the form in which it is printed here.
///
/// # Errors
/// Text that is no YAML, or no list of maps of strings.
pub(super) fn normal_list(text: &str) -> Result<String, String> {
    if own_items(text, "- ").is_some() {
        return Ok(text.to_owned());
    }
    let Some(list) = read(text)? else { return Ok(String::new()) };
    let items = list.as_seq().ok_or("it is not a list")?.iter();
    items
        .map(
            |item| {
                if item.is_null() {
                    Ok("- null\n".to_owned())
                } else {
                    Ok(print_item(&origin_of(item, true)?))
                }
            },
        )
        .collect()
}

fn read(text: &str) -> Result<Option<Node>, String> {
    let nowhere = FileId::new(u32::MAX);
    let document = read_config(text, nowhere).map_err(|error| error.message().to_owned())?;
    Ok(document.filter(|node| !node.is_null()))
}

/// An origin as other tools may have written it. What it does not know is left out. In a list
/// kustomize is stricter about `configuredBy`.
fn origin_of(node: &Node, in_list: bool) -> Result<Origin, String> {
    let mut origin = Origin::default();
    for Entry { key, value } in node.as_map().ok_or("it is not a map")? {
        let field = match key.as_str().to_ascii_lowercase().as_str() {
            "path" => &mut origin.path,
            "repo" => &mut origin.repo,
            "ref" => &mut origin.reference,
            "configuredin" => &mut origin.configured_in,
            "configuredby" if value.is_null() => continue,
            "configuredby" => {
                origin.configured_by = Some(configured_by(value, in_list)?);
                continue;
            }
            _ => continue,
        };
        text_of(value, field)?;
    }
    Ok(origin)
}

fn configured_by(node: &Node, is_strict: bool) -> Result<ConfiguredBy, String> {
    let mut by = ConfiguredBy::default();
    for Entry { key, value } in node.as_map().ok_or("`configuredBy` is not a map")? {
        let field = match key.as_str().to_ascii_lowercase().as_str() {
            "apiversion" => &mut by.api_version,
            "kind" => &mut by.kind,
            "name" => &mut by.name,
            "namespace" => &mut by.namespace,
            _ => continue,
        };
        let tag = value.as_scalar().map(|scalar| scalar.tag());
        if is_strict && matches!(tag, Some(Tag::Bool | Tag::Int | Tag::Float)) {
            return Err(format!("`configuredBy` has `{}` where a text belongs", value.text()));
        }
        text_of(value, field)?;
    }
    Ok(by)
}

/// Numbers and booleans are taken for text; null changes nothing.
fn text_of(value: &Node, field: &mut String) -> Result<(), String> {
    let scalar = value.as_scalar().ok_or("it has a map or a list where a text belongs")?;
    if scalar.tag() != Tag::Null {
        scalar.text().clone_into(field);
    }
    Ok(())
}

/// Reads what [`print()`] or [`print_item`] wrote, as long as nothing in it needs quotes.
fn own_items(text: &str, first: &str) -> Option<Vec<Origin>> {
    let mut items: Vec<Origin> = Vec::new();
    let indent = &"  "[..first.len()];
    for line in text.strip_suffix('\n')?.split('\n') {
        let (line, starts) = match line.strip_prefix(first) {
            Some(line) if !first.is_empty() || items.is_empty() => (line, true),
            _ => (line.strip_prefix(indent)?, false),
        };
        if starts {
            items.push(Origin::default());
        }
        let origin = items.last_mut()?;
        if line == "configuredBy:" {
            origin.configured_by = Some(ConfiguredBy::default());
            continue;
        }
        let (name, text) = line.split_once(": ")?;
        let field = match (&mut origin.configured_by, name) {
            (None, "path") => &mut origin.path,
            (None, "repo") => &mut origin.repo,
            (None, "ref") => &mut origin.reference,
            (None, "configuredIn") => &mut origin.configured_in,
            (Some(by), "  apiVersion") => &mut by.api_version,
            (Some(by), "  kind") => &mut by.kind,
            (Some(by), "  name") => &mut by.name,
            (Some(by), "  namespace") => &mut by.namespace,
            _ => return None,
        };
        text.clone_into(field);
    }
    let print = if first.is_empty() { print } else { print_item };
    (items.iter().map(print).collect::<String>() == text).then_some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Origin {
        Origin { path: path.to_owned(), ..Origin::default() }
    }

    #[test]
    fn quotes_as_go_yaml_v3_does() {
        for (path, text) in [
            ("sub dir/a", "sub dir/a"),
            ("a: b", "'a: b'"),
            ("c #d", "'c #d'"),
            ("true", "\"true\""),
            ("123", "\"123\""),
            ("-x", "-x"),
            ("'q", "'''q'"),
            ("é", "é"),
            ("x:", "'x:'"),
            ("y", "\"y\""),
            ("0x1", "\"0x1\""),
            ("1:30", "\"1:30\""),
            ("a'b", "a'b"),
            ("a\"b", "a\"b"),
            ("{x}", "'{x}'"),
            ("sp ", "'sp '"),
            (" lead", "' lead'"),
            ("2001-01-01", "\"2001-01-01\""),
            ("=", "="),
            ("aa:bb", "aa:bb"),
            ("a,b", "a,b"),
            ("a\tb", "\"a\\tb\""),
            ("?x", "?x"),
            ("? x", "'? x'"),
            ("é\u{1F600}", "\"é\\U0001F600\""),
            ("-", "'-'"),
            ("--- x", "'--- x'"),
            ("%x", "'%x'"),
            ("@x", "'@x'"),
            ("<<", "<<"),
            ("on", "\"on\""),
            ("1e3", "\"1e3\""),
            ("a\\b", "a\\b"),
            ("a\u{85}b", "\"a\\Nb\""),
            ("0o7", "\"0o7\""),
            ("~", "\"~\""),
        ] {
            assert_eq!(print(&file(path)), format!("path: {text}\n"));
        }
    }

    #[test]
    fn prints_items_of_a_list() {
        let configured_by = ConfiguredBy {
            api_version: "builtin".to_owned(),
            kind: "PrefixTransformer".to_owned(),
            ..ConfiguredBy::default()
        };
        let origin = Origin {
            configured_in: "kustomization.yaml".to_owned(),
            configured_by: Some(configured_by),
            ..Origin::default()
        };
        let text = "- configuredIn: kustomization.yaml\n  \
                    configuredBy:\n    apiVersion: builtin\n    kind: PrefixTransformer\n";
        assert_eq!(print_item(&origin), text);
        assert_eq!(print_item(&Origin::default()), "- {}\n");
        let two = format!("{text}{text}");
        assert_eq!(normal_list(&two), Ok(two.clone()));
        assert_eq!(parse(&print(&origin)), Ok(origin));
    }

    #[test]
    fn numbers_to_base_60_are_told_from_texts() {
        for (text, wanted) in [
            ("1:30", true),
            ("-1:30", true),
            ("+190:20:30", true),
            ("1_0:5", true),
            ("1:30.5_", true),
            ("1:30.", true),
            ("1", false),
            ("1.5", false),
            ("1:60", false),
            ("1:030", false),
            ("1:", false),
            ("1:+5", false),
            ("1:3x", false),
            ("1:30.x", false),
            ("1a:30", false),
            ("_1:30", false),
            (":30", false),
            ("", false),
        ] {
            assert_eq!(is_base_60(text), wanted, "{text}");
        }
    }

    #[test]
    fn origins_that_others_wrote_are_read() {
        let by = ConfiguredBy {
            api_version: "v1".to_owned(),
            kind: "Kind".to_owned(),
            name: "name".to_owned(),
            namespace: "ns".to_owned(),
        };
        let origin = Origin {
            path: "p".to_owned(),
            repo: "r".to_owned(),
            reference: "f".to_owned(),
            configured_in: "i".to_owned(),
            configured_by: Some(by),
        };
        let text = "{ref: f, CONFIGUREDIN: i, other: x, repo: r, path: p,
          configuredBy: {namespace: ns, ApiVersion: v1, name: name, kind: Kind}}";
        assert_eq!(parse(text), Ok(origin));
    }
}
